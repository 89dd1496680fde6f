"""Likes lost by pages: from the store's readings, else from those that come with its case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import PAGES, Counter, Gap
from ingest.sources.counters.table import parse_readings
from ingest.watchlist.loader import companion
from pipelines.charts.words import Code
from pipelines.pages.arithmetic import figure
from pipelines.pages.flags import flags
from pipelines.pages.report import Difference, Moment, Row, differences, rows
from pipelines.pages.series import Series, series
from pipelines.pages.summary import latest, lost
from pipelines.settings import zone
from pipelines.stages import utc_now
from pipelines.stores.protocols import Store
from pipelines.web.queries.posts import Study, study

_COUNTERS = "counters.csv"
#: Points of one curve on a page at most; of more, every so many is drawn.
MOST_POINTS = 600


class Curve(msgspec.Struct, frozen=True):
    """What one source says of a page over time."""

    source: str
    points: list[Point]
    unstated: bool
    """Whether it does not say since when its loss is counted."""


class Point(msgspec.Struct, frozen=True):
    """One figure of a loss; it may be of any moment in its time, and anything in its bounds."""

    start: datetime
    end: datetime
    lost: int
    low: int
    high: int


class PageLoss(msgspec.Struct, frozen=True):
    """What is known of one page: its sources' figures, never averaged."""

    page: str
    name: str
    rows: list[Row]
    latest: Row | None
    """The figure that reaches furthest in time (:func:`pipelines.pages.summary.latest`)."""
    curves: list[Curve]
    unequal: list[Difference]
    """Figures of one time that can't both be true."""


class Likes(msgspec.Struct, frozen=True, kw_only=True):
    """The losses of all pages."""

    pages: list[PageLoss]
    shipped: bool
    """Whether the figures come with the case, as published, and not from readings of one's own."""
    since: datetime | None
    """When the first source began to count."""
    study: Study


def likes(store: Store, language: str = "") -> Likes:
    """Return the losses of all pages since the campaign began, as the sources count them.

    ``language`` is that of the pages' names.
    """
    counters, gaps, _, shipped, about = _readings(store)
    about = about.told_in(language)
    start = _start(counters)
    found = _series(counters, start)
    made = rows(found, everything=counters, gaps=gaps, since=start)
    names = about.entities
    newest = latest(made)
    unequal = differences(found)
    by_page: dict[str, list[Row]] = {}
    for row in made:
        by_page.setdefault(row.page, []).append(row)
    return Likes(
        pages=[
            PageLoss(
                page=page,
                name=names.get(page, page),
                rows=own,
                latest=newest.get(page),
                curves=[
                    _curve(one)
                    for one in found
                    if one.page == page and one.kind in {"count", "loss"}
                ],
                unequal=[one for one in unequal if one.early.page == page],
            )
            for page, own in by_page.items()
        ],
        shipped=shipped,
        since=start.at if start else None,
        study=about,
    )


def likes_chart(store: Store, form: str, code: Code = "en") -> bytes:
    """Return the chart that ``marsad pages report --chart`` draws; empty without readings.

    ``code`` is the language of its words.
    """
    from pipelines.charts import Format, Language
    from pipelines.charts.losses import render

    assert form in get_args(Format)
    counters, gaps, local, _, about = _readings(store)
    start = _start(counters)
    found = _series(counters, start)
    if not [one for one in found if one.kind in {"count", "loss"}]:
        return b""
    return render(
        found,
        gaps,
        local,
        form,  # type: ignore[arg-type]
        since=start,
        names=about.told_in(code).entities,
        language=Language(code, about.country),
    )


def _readings(store: Store) -> tuple[Sequence[Counter], list[Gap], ZoneInfo, bool, Study]:
    about = study(store)
    local = zone(about.timezone)
    counters: Sequence[Counter] = store.counters()
    gaps = [gap for gap in store.status().gaps if gap.source.startswith(PAGES)]
    shipped = companion(about.case.name, _COUNTERS) if about.case.name and not counters else None
    if shipped is None:
        return counters, gaps, local, False, about
    name = f"{about.case.name}/{_COUNTERS}"
    found = parse_readings(shipped, name, zone=local, now=utc_now())
    return found.counters, [], local, True, about


def _start(counters: Sequence[Counter]) -> Moment | None:
    """Return when the first published loss begins to count: the campaign's beginning."""
    told = [(one.since, one.since_span) for one in counters if one.since]
    return Moment(*min(told)) if told else None


def _series(counters: Sequence[Counter], start: Moment | None) -> list[Series]:
    return series(counters, since=start.at if start else None)


def _curve(one: Series) -> Curve:
    odd = flags(one.readings) if one.kind == "count" else []
    points = []
    for reading, value in zip(one.readings, lost(one, odd), strict=True):
        bounds = figure(reading)
        # of a counter that was read: the more there are, the fewer were lost
        below, above = bounds.value - bounds.low, bounds.high - bounds.value
        if one.kind == "count":
            below, above = above, below
        end = reading.at + timedelta(seconds=reading.span)
        points.append(Point(reading.at, end, value, int(value - below), int(value + above)))
    if len(points) > MOST_POINTS:
        step = -(-len(points) // MOST_POINTS)
        points = [*points[::step], points[-1]]
    unstated = one.kind == "loss" and any(reading.since is None for reading in one.readings)
    return Curve(one.source, points, unstated)

"""Likes lost by pages: from the store's readings, else from those that come with its case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import PAGES, Counter, Gap
from ingest.sources.counters.table import parse_readings
from ingest.watchlist.loader import companion
from pipelines.pages.report import Difference, Moment, Row, differences, rows
from pipelines.pages.series import Series, series
from pipelines.settings import zone
from pipelines.stages import utc_now
from pipelines.stores.protocols import Store
from pipelines.web.queries.posts import Study, study

_COUNTERS = "counters.csv"


class PageLoss(msgspec.Struct, frozen=True):
    """What is known of one page: its sources' figures, never averaged."""

    page: str
    name: str
    rows: list[Row]
    low: int | None
    """The smallest and the largest loss that a source's last figure leaves open."""
    high: int | None
    hours: float | None
    """The longest time that one of these figures counts over."""
    sources: int
    differs: bool
    """Whether two sources say what can't both be true."""


class Likes(msgspec.Struct, frozen=True, kw_only=True):
    """The losses of all pages."""

    pages: list[PageLoss]
    shipped: bool
    """Whether the figures come with the case, as published, and not from readings of one's own."""
    since: datetime | None
    """When the first source began to count."""
    unequal: list[Difference]
    study: Study


def likes(store: Store) -> Likes:
    """Return the losses of all pages since the campaign began, as the sources count them."""
    counters, gaps, _, shipped, about = _readings(store)
    start = _start(counters)
    found = _series(counters, start)
    made = rows(found, everything=counters, gaps=gaps, since=start)
    names = about.entities
    by_page: dict[str, list[Row]] = {}
    for row in made:
        by_page.setdefault(row.page, []).append(row)
    return Likes(
        pages=[_page(page, names.get(page, page), own) for page, own in by_page.items()],
        shipped=shipped,
        since=start.at if start else None,
        unequal=differences(found),
        study=about,
    )


def likes_chart(store: Store, form: str) -> bytes:
    """Return the chart that ``marsad pages report --chart`` draws; empty without readings."""
    from pipelines.charts import Format
    from pipelines.charts.losses import render

    assert form in get_args(Format)
    counters, gaps, local, _, about = _readings(store)
    start = _start(counters)
    found = _series(counters, start)
    if not [one for one in found if one.kind in {"count", "loss"}]:
        return b""
    return render(found, gaps, local, form, since=start, names=about.entities)  # type: ignore[arg-type]


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


def _page(page: str, name: str, own: list[Row]) -> PageLoss:
    known = [(row.loss_low, row.loss_high, row) for row in own if row.loss_low and row.loss_high]
    exact = [one for one in known if one[2].loss is not None]
    return PageLoss(
        page=page,
        name=name,
        rows=own,
        low=min((low for low, _, _ in exact), default=None),
        high=max((high for _, high, _ in exact), default=None),
        hours=max((row.hours for _, _, row in exact if row.hours), default=None),
        sources=len({row.source for row in own}),
        differs=any(row.differs for row in own),
    )

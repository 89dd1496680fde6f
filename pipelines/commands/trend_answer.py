"""What ``marsad trends`` asks a store: all of it from one opening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Gap
from pipelines.analysis.buckets import Asked
from pipelines.analysis.scanned import SplitBy
from pipelines.analysis.series import (
    Counting,
    Series,
    compare,
    trend_series,
    with_and_without,
)
from pipelines.case import ASKED, Case, case_of
from pipelines.commands._shared.authors import known_authors, told
from pipelines.commands._shared.context import configured, open_store
from pipelines.commands._shared.no_match import tell_uncounted, why_nothing
from pipelines.commands._shared.options import Filters, query_node, values_of
from pipelines.query import all_of, final, only
from pipelines.records import Status
from pipelines.settings import zone
from pipelines.trends import By, Row

#: Groups of a series with and without near-identical texts by many accounts.
BOTH = ("all posts", "without copies")


class _Options(TypedDict):
    zone: ZoneInfo
    gaps: Sequence[Gap]
    counting: Counting


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a store says to a query over time."""

    series: Series
    posts: int
    without_day: int
    fictional: int
    wanted: list[str]
    """The entities that alone are shown; empty for all."""
    status: Status
    timezone: str
    case: Case
    query: str
    """The query as a chart may show it; empty without a chart."""
    reason: str
    """Why nothing matches; empty where something does."""

    @property
    def rows(self) -> list[Row]:
        """Return the rows of the series."""
        return self.series.rows

    @property
    def by(self) -> By:
        """Return the length of the buckets."""
        return self.series.by

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone that days are counted in."""
        return zone(self.timezone)


def ask(
    query: Sequence[str],
    store: str | None,
    filters: Filters,
    by: Asked,
    splits: Sequence[SplitBy],
    *,
    chart: bool,
    counting: Counting,
    against: Sequence[str] = (),
    both: bool = False,
) -> Answer:
    """Ask a store. Raises :class:`~pipelines.errors.StoreError` and ``QueryError``.

    ``against`` are other queries that the first is compared with, under the same filters;
    ``both`` shows all posts beside those without near-identical texts.
    """
    node = query_node(query, filters)
    others = {one: query_node([one], filters) for one in against}
    wanted = values_of(filters.get("entity", ())) if list(splits) == ["entity"] else []
    opened = open_store(store)
    try:
        node = final(known_authors(node, opened))
        shown = told(query, opened) if chart else ""
        posts, without_day = opened.count(node)
        fictional, _ = opened.count(all_of(node, only("flag", "fictional")))
        newest = opened.search(node, ASKED).hits if chart or "entity" in splits else []
        reason = "" if posts else why_nothing(node, opened)
        tell_uncounted(node, opened)
        status = opened.status()
        case = case_of(newest, configured().watchlist, opened.study()) if newest else Case()
        timezone = status.timezone or configured().timezone
        options: _Options = {
            "zone": zone(timezone),
            "gaps": status.gaps,
            "counting": counting,
        }
        if others:
            first = " ".join(query) or "all posts"
            named = {first: node} | {
                name: final(known_authors(one, opened)) for name, one in others.items()
            }
            series = compare(opened, named, by, **options)
        elif both:
            series = with_and_without(opened, node, BOTH, by, **options)
        else:
            series = trend_series(opened, node, by, splits, groups=wanted, **options)
    finally:
        opened.close()
    return Answer(
        series=series,
        posts=posts,
        without_day=without_day,
        fictional=fictional,
        wanted=wanted,
        status=status,
        timezone=timezone,
        case=case,
        query=shown,
        reason=reason,
    )

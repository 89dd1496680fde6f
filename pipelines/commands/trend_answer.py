"""What ``marsad trends`` asks a store: all of it from one opening."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from pipelines.case import ASKED, Case, case_of
from pipelines.commands._shared.authors import known_authors, told
from pipelines.commands._shared.context import configured, open_store
from pipelines.commands._shared.no_match import why_nothing
from pipelines.commands._shared.options import Filters, query_node, values_of
from pipelines.query import Node, all_of, only
from pipelines.records import Split, Status, Sum
from pipelines.settings import zone
from pipelines.stores.protocols import Store
from pipelines.trends import By, Row, rows, sums_by


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a store says to a query over time."""

    rows: list[Row]
    earlier: list[Row]
    """Those a little before that the curves of a chart need; empty without a chart."""
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
    def zone(self) -> ZoneInfo:
        """Return the zone that days are counted in."""
        return zone(self.timezone)


def ask(
    query: Sequence[str],
    store: str | None,
    filters: Filters,
    by: By,
    split: Split,
    *,
    chart: bool,
) -> Answer:
    """Ask a store. Raises :class:`~pipelines.errors.StoreError` and ``QueryError``."""
    node = query_node(query, filters)
    wanted = values_of(filters.get("entity", ())) if split == "entity" else []
    opened = open_store(store)
    try:
        node = known_authors(node, opened)
        sums = _sums(opened, node, by, split, wanted)
        shown = told(query, opened) if chart else ""
        longer = _reaching_back(node, by) if chart else None
        earlier = _sums(opened, longer, by, split, wanted) if longer else []
        posts, without_day = opened.count(node)
        fictional, _ = opened.count(all_of(node, only("flag", "fictional")))
        newest = opened.search(node, ASKED).hits if chart or split == "entity" else []
        reason = "" if posts else why_nothing(node, opened)
        status = opened.status()
    finally:
        opened.close()
    timezone = status.timezone or configured().timezone
    table = rows(sums, by, zone=zone(timezone), gaps=status.gaps)
    return Answer(
        rows=table,
        earlier=_before(rows(earlier, by, zone=zone(timezone), gaps=status.gaps), table),
        posts=posts,
        without_day=without_day,
        fictional=fictional,
        wanted=wanted,
        status=status,
        timezone=timezone,
        case=case_of(newest, configured().watchlist) if newest else Case(),
        query=shown,
        reason=reason,
    )


def _sums(opened: Store, node: Node, by: By, split: Split, wanted: Sequence[str]) -> list[Sum]:
    found = opened.sums(node, sums_by(by), split)
    return [one for one in found if one.group in wanted] if wanted else found


def _reaching_back(node: Node, by: By) -> Node | None:
    from pipelines.charts.lead import reaching_back  # matplotlib takes its time

    return reaching_back(node, by)


def _before(longer: Sequence[Row], shown: Sequence[Row]) -> list[Row]:
    """Return the rows of ``longer`` that lie before those shown, of the same groups."""
    groups = {row.group for row in shown}
    return [row for row in longer if row.group in groups and row.start < shown[0].start]

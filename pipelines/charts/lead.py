"""What the curves of a chart need of the time before it begins.

A share over the last seven days is that of seven days on the first day drawn, too: where a query
has a beginning, the posts of the days before are read for the curves, and drawn nowhere else.
"""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.charts.panels import WINDOW
from pipelines.query import And, Filter, Node, all_of
from pipelines.trends import By

#: So many days before the first one lie in the window of its first bucket.
_DAYS: dict[By, int] = {"day": WINDOW["day"] - 1, "week": WINDOW["week"] - 1, "hour": 1}


def reaching_back(node: Node, by: By) -> Node | None:
    """Return the query with the days that the first windows reach back to.

    ``None`` where the query has no ``since:`` that holds for all of it, or nothing lies before.
    """
    parts = node.nodes if isinstance(node, And) else (node,)
    earlier = [_earlier(part, _DAYS[by]) for part in parts]
    return all_of(*earlier) if earlier != list(parts) else None


def _earlier(part: Node, days: int) -> Node:
    if not (isinstance(part, Filter) and part.field == "since"):
        return part
    (since,) = part.values
    first = date.fromisoformat(since)
    first -= min(timedelta(days), first - date.min)
    return Filter("since", (first.isoformat(),))

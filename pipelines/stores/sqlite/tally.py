"""What the running totals tell of the posts that match: of queries of a few filters alone."""

from __future__ import annotations

from datetime import date

from pipelines.query import All, And, Filter, Node
from pipelines.stores.sqlite.words import LABELS, json_list
from pipelines.stores.sqlite_file import Connection

_COLUMNS = {
    "day": "day",
    "lang": "language",
    "platform": "platform",
    "scored": "provisional",
    "sentiment": "label",
}


#: What the totals of entities tell apart as well: their labels are those of attitudes.
_OF_ENTITIES = frozenset({"since", "until", "day", "lang", "scored"})


def count(connection: Connection, query: Node) -> int | None:
    """Return how many posts match, ``None`` where the running totals can't tell."""
    found = condition(query)
    if found is None:
        return None
    where, values = found
    rows = connection.execute(f"SELECT ifnull(sum(posts), 0) FROM sums WHERE {where}", values)
    return int(rows.fetchall()[0][0])


def condition(query: Node, *, entities: bool = False) -> tuple[str, tuple[str | int, ...]] | None:
    """Return which rows of ``sums`` the posts that match are counted in, and its values.

    With ``entities`` rows of ``target_sums``. ``None`` where neither can tell.
    """
    parts = query.nodes if isinstance(query, And) else (query,)
    conditions: list[str] = []
    values: list[str | int] = []
    for part in parts:
        if isinstance(part, All):
            continue
        found = _condition(part)
        if found is None or (entities and not _is_among(part, _OF_ENTITIES)):
            return None
        conditions.append(found[0])
        values.append(found[1])
    return " AND ".join(conditions) or "1", tuple(values)


def _is_among(node: Node, fields: frozenset[str]) -> bool:
    return isinstance(node, Filter) and node.field in fields


def _condition(node: Node) -> tuple[str, str | int] | None:
    """Return the condition on ``sums``, and its value."""
    match node:
        case Filter(field="since"):
            return "day >= ?", _ordinal(node.values[0])
        case Filter(field="until"):
            return "day > 0 AND day < ?", _ordinal(node.values[0])
        case Filter(field="day"):
            wanted = json_list(map(_ordinal, node.values))
        case Filter(field="sentiment"):
            wanted = json_list(LABELS[value] for value in node.values)
        case Filter(field="lang" | "platform"):
            column = _COLUMNS[node.field]
            named = "SELECT ref FROM names WHERE name IN (SELECT value FROM json_each(?))"
            return f"{column} IN ({named})", json_list(node.values)
        case Filter(field="scored"):
            wanted = json_list({int(value != "final") for value in node.values})
        case _:
            return None
    return f"{_COLUMNS[node.field]} IN (SELECT value FROM json_each(?))", wanted


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()

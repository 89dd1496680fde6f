"""How many posts match, by the running totals: for queries without words, whatever matches."""

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


def count(connection: Connection, query: Node) -> int | None:
    """Return how many posts match, ``None`` where the running totals can't tell."""
    parts = query.nodes if isinstance(query, And) else (query,)
    conditions, values = ["1"], []
    for part in parts:
        if isinstance(part, All):
            continue
        found = _condition(part)
        if found is None:
            return None
        condition, value = found
        conditions.append(condition)
        values.append(value)
    sql = f"SELECT ifnull(sum(posts), 0) FROM sums WHERE {' AND '.join(conditions)}"
    return int(connection.execute(sql, values).fetchall()[0][0])


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

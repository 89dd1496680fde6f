"""From a query's nodes to SQL.

Every word is a set of rowids from the full-text index and every filter a condition on
``posts`` (alias ``p``), so that they combine freely.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from nlp.crossscript import key
from pipelines.query import All, And, Filter, Node, Not, Or, Phrase, Prefix, Word
from pipelines.query.fields import with_data_sets


class Condition(NamedTuple):
    """An SQL expression and the values of its question marks."""

    sql: str
    values: tuple[str, ...] = ()


def condition(node: Node) -> Condition:
    """Return the condition that is true for the posts that match."""
    match node:
        case All():
            return Condition("1")
        case Word() | Phrase() | Prefix():
            return Condition(
                "p.rowid IN (SELECT rowid FROM fts WHERE fts MATCH ?)", (_match(node),)
            )
        case Filter():
            return _filter(node.field, node.values)
        case Not():
            inner = condition(node.node)
            return Condition(f"NOT {inner.sql}", inner.values)
        case And():
            return _balanced("AND", [condition(n) for n in node.nodes])
        case Or():
            return _balanced("OR", [condition(n) for n in node.nodes])
    raise TypeError(f"unknown query node: {node!r}")


def _balanced(operator: str, parts: list[Condition]) -> Condition:
    """Join as a balanced tree: SQLite refuses expressions more than 1,000 levels deep."""
    if len(parts) == 1:
        return parts[0]
    left = _balanced(operator, parts[: len(parts) // 2])
    right = _balanced(operator, parts[len(parts) // 2 :])
    return Condition(f"({left.sql} {operator} {right.sql})", left.values + right.values)


def _match(node: Word | Phrase | Prefix) -> str:
    """Return the FTS5 expression of a word."""
    if isinstance(node, Prefix):
        return f"{{tokens variants}} : {_quoted(node.token)} *"
    alternatives = [f"tokens : {_quoted(' '.join(tokens))}" for tokens in node.spellings]
    if isinstance(node, Phrase) or node.literal:
        return " OR ".join(alternatives)
    keys = [key(token) for token in node.tokens]
    alternatives.append(f"keys : {_quoted(' '.join(keys))}")
    if len(keys) == 1:
        alternatives += [f"variants : {_quoted(form)}" for form in (node.tokens[0], keys[0])]
    return " OR ".join(alternatives)


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


_COLUMNS = {
    "lang": "p.language",
    "sentiment": "p.label",
    "platform": "p.platform",
    "source": "p.source",
    "id": "p.id",
    "author": "p.author",
    "day": "p.day",
}


def _filter(field: str, values: tuple[str, ...]) -> Condition:
    if field == "source":
        values = with_data_sets(values)
    if field in _COLUMNS:
        return _among(_COLUMNS[field], values)
    if field == "entity":
        inner = _among("entity", values)
        return Condition(f"p.rowid IN (SELECT post FROM targets WHERE {inner.sql})", inner.values)
    if field == "target":
        pairs = [tuple(value.rpartition("=")[::2]) for value in values]
        inner = _balanced("OR", [Condition("(entity = ? AND label = ?)", p) for p in pairs])
        return Condition(f"p.rowid IN (SELECT post FROM targets WHERE {inner.sql})", inner.values)
    if field == "since":
        return Condition("p.day >= ?", values)  # an unknown day is '' and stands before all
    if field == "until":
        return Condition("(p.day <> '' AND p.day < ?)", values)
    if field == "date":
        return Condition("p.day = ''")
    if field == "flag":
        return _balanced("OR", [Condition("instr(p.flags, ?) > 0", (f" {v} ",)) for v in values])
    raise TypeError(f"unknown query field: {field}")


def _among(column: str, values: tuple[str, ...]) -> Condition:
    if len(values) == 1:
        return Condition(f"{column} = ?", values)
    return Condition(f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(values),))

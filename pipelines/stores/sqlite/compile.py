"""From a query's nodes to what SQLite is asked.

Words and most filters are terms of the full-text index (:mod:`.words`), so that a whole query is
one expression of it, which gives its matches ordered by number, that is by date. Ids, authors,
counts and dates inside alternatives are conditions on ``posts`` (alias ``p``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from nlp.crossscript import key
from nlp.text import MAX_TOKEN
from pipelines.counts import COUNTS
from pipelines.query import All, And, Filter, Node, Not, Or, Phrase, Prefix, Word
from pipelines.query.counts import bounds
from pipelines.query.fields import with_data_sets
from pipelines.stores.sqlite import names, numbers
from pipelines.stores.sqlite.words import EVERY, FORM, LABELS, NONE, PROVISIONAL, json_list
from pipelines.stores.sqlite_file import Connection

_LAST = sys.maxsize
_SECONDS_OF_A_DAY = 86_400


class Selection(NamedTuple):
    """The posts that a query matches, as a part of an SQL statement.

    ``SELECT {number} FROM {tables} WHERE {where}`` with ``values`` gives their numbers; with
    ``match`` those come from the full-text index, in order.
    """

    number: str
    tables: str
    condition: str
    """What holds for the posts beside the range of their numbers, empty for nothing."""
    given: tuple[str | int, ...]
    match: str | None
    first: int = 0
    last: int = _LAST

    @property
    def where(self) -> str:
        """The condition and the range: one bound to each side.

        The full-text index begins and ends at one bound alone, and reads what lies beyond another.
        """
        parts = [self.condition] if self.condition else []
        parts += [f"{self.number} >= ?"] if self.first else []
        parts += [f"{self.number} <= ?"] if self.last != _LAST else []
        return " AND ".join(parts) or "1"

    @property
    def values(self) -> tuple[str | int, ...]:
        """The values of :attr:`where`."""
        lower = (self.first,) if self.first else ()
        upper = (self.last,) if self.last != _LAST else ()
        return (*self.given, *lower, *upper)

    @property
    def everything(self) -> bool:
        """Whether these are all posts."""
        return not self.condition and not self.first and self.last == _LAST

    def joined(self, table: str, alias: str) -> str:
        """Return the tables with another one that has the post's number."""
        return f"{self.tables} CROSS JOIN {table} {alias} ON {alias}.number = {self.number}"

    def above(self, lower: int) -> Selection:
        """Return those of the posts whose numbers are at least this one."""
        return self._replace(first=max(self.first, lower))

    def below(self, upper: int) -> Selection:
        """Return those of the posts whose numbers are smaller than this one."""
        return self._replace(last=min(self.last, upper - 1))


def select(connection: Connection, node: Node) -> Selection:
    """Return how to find the posts that match, inside a reading transaction."""
    return _Compiler(connection, node).selection(node)


class _Condition(NamedTuple):
    sql: str
    values: tuple[str | int, ...] = ()


class _Compiler:
    def __init__(self, connection: Connection, node: Node) -> None:
        self._spread = numbers.spread(connection)
        self._refs = names.find(connection, _names(node))

    def selection(self, node: Node) -> Selection:
        parts = node.nodes if isinstance(node, And) else (node,)
        terms: list[Node] = []
        conditions: list[_Condition] = []
        first, last = 0, _LAST
        for part in parts:
            if isinstance(part, Filter) and part.field in {"since", "until"}:
                low, high, others = self._days(part)
                first, last = max(first, low), min(last, high)
                terms.append(others)
            elif _is_terms(part):
                terms.append(part)
            else:
                conditions.append(self._condition(part))
        terms = [one for one in terms if not isinstance(one, All)]
        match = self._and(terms) if terms else None
        if conditions:
            if match is not None:
                conditions.append(self._matches(match))
            both = _balanced("AND", conditions)
            return Selection("p.number", "posts p", both.sql, both.values, None, first, last)
        if match is not None:
            words = "w.words MATCH ?"
            return Selection("w.rowid", "words w", words, (match,), match, first, last)
        return Selection("p.number", "posts p", "", (), None, first, last)

    # Conditions

    def _condition(self, node: Node) -> _Condition:
        """Return the condition that is true for the posts that match."""
        if isinstance(node, All):
            return _Condition("1")
        if _is_terms(node):
            return self._matches(self._terms(node))
        match node:
            case Not():
                inner = self._condition(node.node)
                return _Condition(f"NOT {inner.sql}", inner.values)
            case And():
                return _balanced("AND", [self._condition(n) for n in node.nodes])
            case Or():
                return _balanced("OR", [self._condition(n) for n in node.nodes])
            case Filter(field="id"):
                return _among("p.id", node.values)
            case Filter(field="author"):
                return _among("p.author", node.values)
            case Filter(field="likes" | "reposts" | "replies" | "views"):
                return _counted(node)
            case Filter(field="since" | "until"):
                first, last, others = self._days(node)
                inner = self._matches(self._terms(others))
                return _Condition(
                    f"(p.number BETWEEN ? AND ? AND {inner.sql})", (first, last, *inner.values)
                )
        raise TypeError(f"unknown query node: {node!r}")

    @staticmethod
    def _matches(match: str) -> _Condition:
        return _Condition("p.number IN (SELECT rowid FROM words WHERE words MATCH ?)", (match,))

    def _days(self, node: Filter) -> tuple[int, int, Node]:
        """Return numbers between which all posts from or until a day are, and which are not.

        Days begin at other moments in each time zone, and numbers may exceed their second's, so
        that the range is wider than the days; those around are left out by their terms.
        """
        day = date.fromisoformat(node.values[0]).toordinal()
        around = 3 + self._spread // (numbers.SLOTS * _SECONDS_OF_A_DAY)
        if node.field == "since":
            first, _ = numbers.day_range(day, self._spread, 1)
            outside = range(max(day - around, 1), day)
            return first, _LAST, _not_days(outside)
        _, last = numbers.day_range(day, self._spread, 0)
        return numbers.DATED, last, _not_days(range(day, day + around))

    # Terms of the full-text index

    def _terms(self, node: Node) -> str:
        """Return the expression of FTS5 for a node whose leaves are all terms."""
        match node:
            case All():
                return _quoted(EVERY)
            case Word() | Phrase() | Prefix():
                return _word(node)
            case Filter(field="scored"):
                if set(node.values) == {"final"}:
                    return self._and([Not(Filter("scored", ("provisional",)))])
                return _quoted(PROVISIONAL if "final" not in node.values else EVERY)
            case Filter():
                return _any(self._filter(node.field, node.values))
            case Not():
                return self._and([node])
            case And():
                return self._and(node.nodes)
            case Or():
                return f"({' OR '.join(self._terms(n) for n in node.nodes)})"
        raise TypeError(f"unknown query node: {node!r}")

    def _and(self, nodes: Iterable[Node]) -> str:
        wanted: list[str] = []
        unwanted: list[str] = []
        for node in nodes:
            negative = False
            while isinstance(node, Not):
                negative, node = not negative, node.node
            (unwanted if negative else wanted).append(self._terms(node))
        found = " AND ".join(wanted or [_quoted(EVERY)])
        if unwanted:
            return f"(({found}) NOT ({' OR '.join(unwanted)}))"
        return found if len(wanted) == 1 else f"({found})"

    def _filter(self, field: str, values: tuple[str, ...]) -> list[str]:
        """Return the terms one of which a post has that the filter lets through."""
        match field:
            case "lang" | "platform" | "source" | "entity":
                sign = {"lang": "l", "platform": "p", "source": "o", "entity": "e"}[field]
                if field == "source":
                    values = with_data_sets(values)
                return [f"={sign}{self._refs[v]}" for v in values if v in self._refs]
            case "target":
                pairs = [value.rpartition("=")[::2] for value in values]
                return [
                    f"=t{self._refs[entity]}.{LABELS[label]}"
                    for entity, label in pairs
                    if entity in self._refs
                ]
            case "sentiment":
                return [f"=s{LABELS[value]}" for value in values]
            case "day":
                return [f"=d{date.fromisoformat(value).toordinal()}" for value in values]
            case "date":
                return ["=d0"]
            case "flag":
                return [f"=f{value}" for value in values]
            case "days":  # inside: days as their numbers
                return [f"=d{value}" for value in values]
        raise TypeError(f"unknown query field: {field}")


def _is_terms(node: Node) -> bool:
    match node:
        case Filter():
            return node.field not in {"id", "author", "since", "until", *COUNTS}
        case Not():
            return _is_terms(node.node)
        case And() | Or():
            return all(map(_is_terms, node.nodes))
    return True


def _names(node: Node) -> set[str]:
    """Return the names that a query's filters hold."""
    match node:
        case Filter(field="target"):
            return {value.rpartition("=")[0] for value in node.values}
        case Filter(field="source"):
            return set(with_data_sets(node.values))
        case Filter(field="lang" | "platform" | "entity"):
            return set(node.values)
        case Not():
            return _names(node.node)
        case And() | Or():
            return {name for one in node.nodes for name in _names(one)}
    return set()


def _not_days(days: range) -> Node:
    return Not(Filter("days", tuple(map(str, days)))) if days else All()


def _any(terms: list[str]) -> str:
    """Return the expression for one of some terms."""
    found = [_quoted(term) for term in terms] or [_quoted(NONE)]
    return found[0] if len(found) == 1 else f"({' OR '.join(found)})"


def _word(node: Word | Phrase | Prefix) -> str:
    """Return the FTS5 expression of a word."""
    if isinstance(node, Prefix):
        return f"({_quoted(node.token)} * OR {_quoted(FORM + node.token)} *)"
    spellings = [" ".join(tokens) for tokens in node.spellings]
    if isinstance(node, Phrase) or node.literal:
        return _any(spellings)
    keys = [key(token) for token in node.tokens]
    if len(keys) > 1:
        joined = [key(node.joined), FORM + node.joined] if node.joined else []
        return _any([*spellings, " ".join(keys), *joined])
    (token,) = node.tokens
    found = [keys[0], FORM + token]
    if keys[0] == token or len(token) >= MAX_TOKEN:
        return _any([*spellings, *found])
    return _any(found)  # a post that has a word, as a hashtag too, has its key


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _balanced(operator: str, parts: list[_Condition]) -> _Condition:
    """Join as a balanced tree: SQLite refuses expressions more than 1,000 levels deep."""
    if len(parts) == 1:
        return parts[0]
    left = _balanced(operator, parts[: len(parts) // 2])
    right = _balanced(operator, parts[len(parts) // 2 :])
    return _Condition(f"({left.sql} {operator} {right.sql})", left.values + right.values)


def _among(column: str, values: tuple[str, ...]) -> _Condition:
    if len(values) == 1:
        return _Condition(f"{column} = ?", values)
    return _Condition(f"{column} IN (SELECT value FROM json_each(?))", (json_list(values),))


def _counted(node: Filter) -> _Condition:
    """Return the condition on a count.

    One reading of the narrow rows of ``facts`` takes as long however many posts words find;
    looked up post by post, frequent words took three to ten times as long.
    """
    parts = [
        _Condition(f"{node.field} IS NULL")
        if wanted is None
        else _Condition(f"{node.field} BETWEEN ? AND ?", wanted)
        for wanted in map(bounds, node.values)
    ]
    one = _balanced("OR", parts)
    return _Condition(f"p.number IN (SELECT number FROM facts WHERE {one.sql})", one.values)

"""Which posts match a query, as one truth value for each post of :class:`.columns.Columns`.

Filters are answered by the columns. Words go to the full-text index once; what was found is kept
as one bit for each post, so that a narrower search, another page or the counts beside it ask for
nothing twice.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from datetime import date

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from pipelines.query import All, And, Filter, Node, Not, Or, Phrase, Prefix, Word, all_of, asks_for
from pipelines.stores.sqlite import names
from pipelines.stores.sqlite.columns import Columns
from pipelines.stores.sqlite.compile import select
from pipelines.stores.sqlite.words import LABELS
from pipelines.stores.sqlite_file import Connection

Mask = NDArray[np.bool_]

#: Bytes of answers that are kept.
KEPT = 24_000_000
_FEW = 16


def by_name(query: Node) -> bool:
    """Tell whether a query names posts or authors: an index finds those few at once.

    Nothing is kept of who was looked for.
    """
    return asks_for(query, "id") or asks_for(query, "author")


class Masks:
    """Answers from one state of a store. Safe to use from any thread."""

    def __init__(self, columns: Columns, kept: int = KEPT) -> None:
        self.columns = columns
        self._lock = threading.Lock()
        self._known: LRUCache[Node, NDArray[np.uint8]] = LRUCache(
            kept, getsizeof=lambda bits: len(bits) + 500
        )

    def of(self, connection: Connection, node: Node) -> Mask:
        """Return which posts match, inside a transaction that reads the state of the columns."""
        if isinstance(node, All):
            return np.ones(len(self.columns.numbers), np.bool_)
        with self._lock:
            known = self._known.get(node)
        if known is not None:
            return np.unpackbits(known, count=len(self.columns.numbers)).view(np.bool_)
        mask = self._made(connection, node)
        with self._lock:
            self._known[node] = np.packbits(mask)
        return mask

    def _made(self, connection: Connection, node: Node) -> Mask:
        if _is_words(node):
            return self._found(connection, node)
        match node:
            case Not(inner):
                return ~self.of(connection, inner)
            case And(nodes):
                words = [one for one in nodes if _is_words(one)]
                rest = [one for one in nodes if not _is_words(one)]
                parts = (self.of(connection, one) for one in ([all_of(*words)] if words else []))
                mask = next(parts, None)
                for one in rest:
                    other = self._part(connection, one)
                    mask = other if mask is None else mask & other
                assert mask is not None
                return mask
            case Or(nodes):
                mask = np.zeros(len(self.columns.numbers), np.bool_)
                for one in nodes:
                    mask |= self._part(connection, one)
                return mask
            case Filter():
                made = self._filter(connection, node)
                return self._found(connection, node) if made is None else made
        raise TypeError(f"unknown query node: {node!r}")

    def _part(self, connection: Connection, node: Node) -> Mask:
        """Return which posts match a part of a query; what columns tell at once is not kept."""
        if isinstance(node, Filter):
            made = self._filter(connection, node)
            if made is not None:
                return made
        return self.of(connection, node)

    def _found(self, connection: Connection, node: Node) -> Mask:
        """Ask SQLite for the posts that match."""
        found = select(connection, node)
        ((text,),) = connection.execute(
            f"SELECT group_concat({found.number}) FROM {found.tables} WHERE {found.where}",
            found.values,
        ).fetchall()
        mask = np.zeros(len(self.columns.numbers), np.bool_)
        if text:
            mask[self.columns.places(np.fromstring(text, np.int64, sep=","))] = True
        return mask

    def _filter(self, connection: Connection, node: Filter) -> Mask | None:
        """Return which posts a filter lets through, ``None`` where no column tells."""
        columns, values = self.columns, node.values
        match node.field:
            case "lang":
                return _among(columns.language, _refs(connection, values))
            case "platform":
                return _among(columns.platform, _refs(connection, values))
            case "sentiment":
                return _among(columns.label, [LABELS[one] for one in values])
            case "entity":
                return self._mentioned(_among(columns.entity, _refs(connection, values)))
            case "target":
                return self._towards(connection, values)
            case "day":
                return _among(columns.day, [date.fromisoformat(one).toordinal() for one in values])
            case "date":
                return np.equal(columns.day, 0)
            case "since":
                return np.greater_equal(columns.day, date.fromisoformat(values[0]).toordinal())
            case "until":
                until = date.fromisoformat(values[0]).toordinal()
                return np.logical_and(columns.day > 0, columns.day < until)
            case "scored":
                wanted = [one == "provisional" for one in values]
                return _among(columns.provisional, wanted)
        return None

    def _mentioned(self, targets: Mask) -> Mask:
        mask = np.zeros(len(self.columns.numbers), np.bool_)
        mask[self.columns.target_post[targets]] = True
        return mask

    def _towards(self, connection: Connection, values: Iterable[str]) -> Mask:
        pairs = [value.rpartition("=")[::2] for value in values]
        refs = names.find(connection, [entity for entity, _ in pairs])
        wanted = [(refs[entity] << 2) | LABELS[label] for entity, label in pairs if entity in refs]
        targets = (self.columns.entity.astype(np.int64) << 2) | self.columns.target_label
        return self._mentioned(_among(targets, wanted))


def _among(column: NDArray[np.generic], values: Collection[int]) -> Mask:
    """Return where a column has one of some values; comparing few is faster than ``np.isin``."""
    if len(values) > _FEW:
        return np.isin(column, list(values))
    mask = np.zeros(len(column), np.bool_)
    for value in values:
        mask |= column == value
    return mask


def _refs(connection: Connection, values: Iterable[str]) -> list[int]:
    return list(names.find(connection, values).values())


def _is_words(node: Node) -> bool:
    """Tell whether a node asks for words alone: the index answers it in one go."""
    match node:
        case Word() | Phrase() | Prefix():
            return True
        case And(nodes) | Or(nodes):
            return all(map(_is_words, nodes))
        case Not(inner):
            return _is_words(inner)
    return False

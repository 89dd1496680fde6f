"""A store that answers from columns in memory where they are of the state that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.query import All, Filter, Node, final
from pipelines.query.ranking import Clause
from pipelines.records import Facets, Hit, Page, Split, Sum
from pipelines.stores.sqlite import counting, numbers, queue, ranked, read
from pipelines.stores.sqlite.columns import Columns
from pipelines.stores.sqlite.load import day_text, load
from pipelines.stores.sqlite.masks import Mask, Masks, by_name
from pipelines.stores.sqlite.names import Names
from pipelines.stores.sqlite.resident import ResidentColumns
from pipelines.stores.sqlite.store import SqliteStore

#: More candidates for a page are left to SQLite.
_MOST = 20_000
#: Queries for which the store has running totals.
_TOTALS = (All(), Filter("scored", ("final",)))


class ColumnStore(SqliteStore):
    """A :class:`.store.SqliteStore` with the same answers, most of them sooner.

    ``columns`` is shared by the stores of one process that read the same file.
    """

    def __init__(self, path: str | Path, columns: ResidentColumns, **options: Any) -> None:
        super().__init__(path, **options)
        self._columns = columns
        # what is left to SQLite reads few rows
        self._connection.execute("PRAGMA cache_size = -8000")
        found = self.path.stat()
        self._file = (found.st_dev, found.st_ino)

    def search(self, query: Node, limit: int, offset: int = 0) -> Page:
        """Return one page of matches; see :meth:`.protocols.Reading.search`."""
        with self._known(query) as known:
            if known is not None:
                masks, mask = known
                found = (
                    read.newest(self._connection, query, limit, offset)
                    if isinstance(query, All)
                    else self._newest(masks.columns, np.flatnonzero(mask), limit, offset)
                )
                if found is not None:
                    return Page(
                        hits=[
                            Hit(one.post, day_text(one.day))
                            for one in load(self._connection, found)
                        ],
                        total=int(np.count_nonzero(mask)),
                        pending=queue.hidden(self._connection),
                    )
        return super().search(query, limit, offset)

    def best(self, query: Node, clauses: Sequence[Clause], limit: int) -> list[tuple[Hit, int]]:
        """Return the posts of the highest weight; see :meth:`.protocols.Ranking.best`."""
        named = any(by_name(clause.node) for clause in clauses)
        with self._known(query, unless=named) as known:
            if known is not None:
                masks, mask = known
                places = np.flatnonzero(mask)
                weights = np.zeros(len(places), np.int64)
                for clause in clauses:
                    weights += clause.weight * masks.of(self._connection, clause.node)[places]
                apart = numbers.spread(self._connection)
                best = masks.columns.heaviest(places, weights, limit, apart)
                found = dict(
                    zip(
                        masks.columns.numbers[places[best]].tolist(),
                        weights[best].tolist(),
                        strict=True,
                    )
                )
                return ranked.ordered(self._connection, found, limit)
        return super().best(query, clauses, limit)

    def count(self, query: Node) -> tuple[int, int]:
        """Return how many posts match, and how many of those have no day."""
        with self._known(query) as known:
            if known is not None:
                masks, mask = known
                undated = np.count_nonzero(mask[: masks.columns.undated])
                return int(np.count_nonzero(mask)), int(undated)
        return super().count(query)

    def facets(self, query: Node) -> Facets:
        """Return how many of the posts that match have each value; see :meth:`.Store.facets`."""
        with self._known(query) as known:
            if known is not None:
                masks, mask = known
                return counting.facets(masks.columns, mask, Names(self._connection))
        return super().facets(query)

    def sums(self, query: Node, by: Literal["day", "hour"], split: Split) -> list[Sum]:
        """Return the sums that trends are computed from; see :meth:`.Store.sums`."""
        if by == "day" and query in _TOTALS:
            return super().sums(query, by, split)
        with self._known(final(query)) as known:
            if known is not None:
                masks, mask = known
                rows = counting.sums(masks.columns, mask, by, split)
                return read.summed(Names(self._connection), by, rows)
        return super().sums(query, by, split)

    @contextmanager
    def _known(self, query: Node, *, unless: bool = False) -> Iterator[tuple[Masks, Mask] | None]:
        """Yield which posts match, inside a reading transaction, if columns tell."""
        loaded = None if unless or by_name(query) else self._columns.masks()
        if loaded is None or loaded[0][:2] != self._file:
            yield None
            return
        state, masks = loaded
        with self._reading():
            # A transaction sees what is there when it first reads. Columns were loaded before; if
            # they are of the present state afterwards, nothing changed in between.
            self._connection.execute("SELECT 1 FROM meta LIMIT 1").fetchall()
            same = self._columns.is_state(state)
            yield (masks, masks.of(self._connection, query)) if same else None

    def _newest(
        self, columns: Columns, places: NDArray[np.intp], limit: int, offset: int
    ) -> list[int] | None:
        """Return the numbers of one page, ``None`` where too many posts might be on it."""
        apart = numbers.spread(self._connection)
        among = columns.numbers[columns.newest(places, limit + offset, apart)]
        if len(among) > _MOST:
            return None
        return ranked.newest(self._connection, among.tolist(), limit, offset)

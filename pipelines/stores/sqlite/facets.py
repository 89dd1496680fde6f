"""Counts of facets: one pass over the narrow rows of the posts, and one over their entities.

SQLite hands out each row as one number, all of them as one text: that is several times as fast as
its own grouping, which sorts, and as rows of Python's numbers. They are counted as arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipelines.query import Node
from pipelines.records import Facets
from pipelines.stores.sqlite.compile import Selection, select
from pipelines.stores.sqlite.load import day_text
from pipelines.stores.sqlite.names import Names
from pipelines.stores.sqlite.words import LABELS
from pipelines.stores.sqlite_file import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: What a row says, as one number; names and days have fewer than 2**20.
_POST = "(s.day << 42) | (s.platform << 22) | (s.language << 2) | s.label"
_TARGET = "(s.entity << 2) | s.label"
_MASK = (1 << 20) - 1
_NAMES = {number: label for label, number in LABELS.items()}


class Rows(NamedTuple):
    """Rows as numbers, and the posts that each stands for (``None``: one)."""

    values: NDArray[np.integer]
    posts: NDArray[np.int64] | None

    def shifted(self, places: int, mask: int) -> Rows:
        """Return one part of each number."""
        return Rows((self.values >> places) & mask, self.posts)

    def tally(self) -> dict[int, int]:
        """Return posts by number, most posts first, ties by number."""
        import numpy as np

        if not len(self.values):
            return {}
        least = int(self.values.min())
        counts = np.bincount(self.values - least, self.posts).astype(np.int64)
        found = np.flatnonzero(counts)
        order = found[np.lexsort((found, -counts[found]))]
        return {least + int(one): int(counts[one]) for one in order}


def facets(connection: Connection, query: Node) -> Facets:
    """Return how many of the posts that match have each value."""
    names = Names(connection)
    selection = select(connection, query)
    posts = _rows(connection, selection, "facts", "sums", _POST)
    targets = _rows(connection, selection, "targets", "target_sums", _TARGET)
    return facets_of(
        names,
        days=posts.shifted(42, _MASK).tally(),
        platforms=posts.shifted(22, _MASK).tally(),
        languages=posts.shifted(2, _MASK).tally(),
        labels=posts.shifted(0, 3).tally(),
        entities=targets.shifted(2, _MASK).tally(),
        targets=targets.tally(),
    )


def facets_of(
    names: Names,
    *,
    days: dict[int, int],
    platforms: dict[int, int],
    languages: dict[int, int],
    labels: dict[int, int],
    entities: dict[int, int],
    targets: dict[int, int],
) -> Facets:
    """Return counts by the numbers of values as counts by their names.

    Numbers of targets are ``entity << 2 | label``.
    """
    return Facets(
        days={day_text(day): n for day, n in sorted(days.items()) if day},
        languages={names[one]: n for one, n in languages.items()},
        labels={_NAMES[one]: n for one, n in labels.items() if one},
        platforms={names[one]: n for one, n in platforms.items()},
        entities={names[one]: n for one, n in entities.items()},
        targets={
            f"{names[one >> 2]}={_NAMES[one & 3]}": n for one, n in targets.items() if one & 3
        },
    )


def _rows(
    connection: Connection, selection: Selection, table: str, totals: str, number: str
) -> Rows:
    """Return the rows of the posts that match, or of the running totals for all posts."""
    import numpy as np  # takes its time to load, and few commands count facets

    if selection.everything:
        found = connection.execute(f"SELECT {number}, s.posts FROM {totals} s").fetchall()
        values, posts = np.array(found, np.int64).reshape(-1, 2).T
        return Rows(values, posts)
    ((text,),) = connection.execute(
        f"SELECT group_concat({number}) FROM {selection.joined(table, 's')} "
        f"WHERE {selection.where}",
        selection.values,
    ).fetchall()
    # an aggregate over nothing is NULL
    return Rows(np.fromstring(text or "", np.int64, sep=","), None)

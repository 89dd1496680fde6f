"""The narrow rows of all posts as arrays, for one state of a store.

Counting the matches of a frequent word means looking up some hundred thousand rows; SQLite takes
half a microsecond for each, an array some nanoseconds. A post takes about 30 bytes and each
entity in it 18.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.stores.sqlite.numbers import DATED
from pipelines.stores.sqlite_file import Connection

#: Rows that are read at once: others get their turn meanwhile.
CHUNK = 20_000
#: Parts of a packed number; probabilities are millionths, names have fewer than 2**20.
_PART = 20
_MASK = (1 << _PART) - 1
_CHANCES = f"(negative << {2 * _PART}) | (neutral << {_PART}) | positive"
_FACTS = (
    "number || ',' || ((day << 8) | (hour << 3) | (label << 1) | provisional) || ',' || "
    f"((platform << {_PART}) | language) || ',' || ({_CHANCES})"
)
_TARGETS = f"number || ',' || ((entity << 2) | label) || ',' || ({_CHANCES})"

Array = NDArray[Any]


class Columns(NamedTuple):
    """Posts in the order of their numbers, and the entities that they mention."""

    numbers: Array
    """As :mod:`.numbers` gives them, 64 bits."""
    day: Array
    """Days since 1 January of the year 1, which is 1; 0 is unknown."""
    hour: Array
    label: Array
    provisional: Array
    platform: Array
    """Numbers of names (:mod:`.names`), as those of languages and entities."""
    language: Array
    chances: Array
    """Negative, neutral, positive in millionths: three rows."""
    target_post: Array
    """The place of the post that mentions an entity, in the arrays above."""
    entity: Array
    target_label: Array
    target_chances: Array

    def places(self, numbers: Array) -> Array:
        """Return the places of posts by their numbers, which have to be there."""
        return np.searchsorted(self.numbers, numbers)

    @property
    def undated(self) -> int:
        """How many posts have no day; they are the first ones."""
        return int(np.searchsorted(self.numbers, DATED))

    def newest(self, places: Array, count: int, apart: int) -> Array:
        """Return those of some places in order among which the newest ``count`` posts are.

        ``apart`` is the store's spread: only numbers further apart are in the order of dates,
        and those of posts without a day are in none (:mod:`.numbers`).
        """
        if count >= len(places):
            return places
        if count < 1:
            return places[:0]
        last = int(self.numbers[places[-count]])
        if last < DATED:
            return places
        first = np.searchsorted(self.numbers, last - apart)
        return places[np.searchsorted(places, first) :]

    def heaviest(self, places: Array, weights: Array, count: int, apart: int) -> Array:
        """Return which of some places in order the ``count`` posts of the highest weights are
        among, of equal weights the newest ones.
        """
        if count < 1 or count >= len(places):
            return np.arange(len(places) if count > 0 else 0)
        least = np.partition(weights, -count)[-count]
        heavier = np.flatnonzero(weights > least)
        equal = np.flatnonzero(weights == least)
        newest = self.newest(places[equal], count - len(heavier), apart)
        return np.concatenate([heavier, equal[len(equal) - len(newest) :]])


def load(connection: Connection) -> Columns:
    """Read the columns of all posts, inside a reading transaction."""
    small, truth = np.uint8, np.bool_
    posts = [_nothing(np.int64, np.int32, small, small, truth, small, small)]
    targets = [_nothing(np.int32, small, small)]
    base = 0
    for number, packed, names, chances in _chunks(connection):
        posts.append(
            [
                number,
                (packed >> 8).astype(np.int32),
                ((packed >> 3) & 31).astype(np.uint8),
                ((packed >> 1) & 3).astype(np.uint8),
                (packed & 1).astype(np.bool_),
                _small(names >> _PART),
                _small(names & _MASK),
                _chances(chances),
            ]
        )
        among = "WHERE number BETWEEN ? AND ?"
        ends = (int(number[0]), int(number[-1]))
        of, what, chances = _numbers(connection, _TARGETS, f"targets {among}", ends, 3)
        targets.append(
            [
                (base + np.searchsorted(number, of)).astype(np.int32),
                _small(what >> 2),
                (what & 3).astype(np.uint8),
                _chances(chances),
            ]
        )
        base += len(number)
    return Columns(*_joined(posts), *_joined(targets))


def _chunks(connection: Connection) -> Iterator[Array]:
    last = -1
    while True:
        table = f"(SELECT * FROM facts WHERE number > ? ORDER BY number LIMIT {CHUNK})"
        found = _numbers(connection, _FACTS, table, (last,), 4)
        if not found.shape[1]:
            return
        # group_concat promises no order
        found = found[:, np.argsort(found[0], kind="stable")]
        last = int(found[0, -1])
        yield found


def _numbers(
    connection: Connection, row: str, table: str, values: tuple[int, ...], width: int
) -> Array:
    """Return rows of numbers as columns. One text for all is the fastest way out of SQLite."""
    sql = f"SELECT group_concat({row}) FROM {table}"
    ((text,),) = connection.execute(sql, values).fetchall()
    return np.fromstring(text or "", np.int64, sep=",").reshape(-1, width).T


def _small(values: Array) -> Array:
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


def _chances(packed: Array) -> Array:
    parts = (packed >> 2 * _PART, (packed >> _PART) & _MASK, packed & _MASK)
    return np.stack(parts).astype(np.int32)


def _joined(chunks: list[list[Array]]) -> list[Array]:
    """Join the chunks of each column, one column after the other, so that few are there twice."""
    joined = []
    for column in range(len(chunks[0])):
        joined.append(np.concatenate([chunk[column] for chunk in chunks], axis=-1))
        for chunk in chunks:
            chunk[column] = chunk[column][:0]
    return joined


def _nothing(*kinds: type[np.generic]) -> list[Array]:
    return [*(np.empty(0, kind) for kind in kinds), np.empty((3, 0), np.int32)]

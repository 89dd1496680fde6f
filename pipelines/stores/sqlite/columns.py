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

#: Of posts fewer than one in so many, entities are looked up post by post.
_SPARSE = 16

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
    """The place of the post that mentions an entity, in the arrays above; in order."""
    entity: Array
    target_label: Array
    target_chances: Array

    def places(self, numbers: Array) -> Array:
        """Return the places of posts by their numbers, which have to be there."""
        return np.searchsorted(self.numbers, numbers)

    def targets(self, posts: Array) -> Array:
        """Return the places of the entities that posts at some places in order mention."""
        if len(posts) * _SPARSE > len(self.numbers):
            among = np.zeros(len(self.numbers), np.bool_)
            among[posts] = True
            return np.flatnonzero(among[self.target_post])
        first = np.searchsorted(self.target_post, posts)
        each = np.searchsorted(self.target_post, posts, side="right") - first
        before = np.cumsum(each) - each
        return np.repeat(first - before, each) + np.arange(each.sum())

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
    made = _made(connection)
    post = target = 0
    for number, packed, names, chances in _chunks(connection):
        posts = slice(post, post + len(number))
        made.numbers[posts] = number
        made.day[posts] = packed >> 8
        made.hour[posts] = (packed >> 3) & 31
        made.label[posts] = (packed >> 1) & 3
        made.provisional[posts] = packed & 1
        made.platform[posts] = names >> _PART
        made.language[posts] = names & _MASK
        _unpack(chances, made.chances[:, posts])
        ends = (int(number[0]), int(number[-1]))
        table = "targets WHERE number BETWEEN ? AND ?"
        of, what, chances = _numbers(connection, _TARGETS, table, ends, 3)
        order = np.argsort(of, kind="stable")
        of, what, chances = of[order], what[order], chances[order]
        targets = slice(target, target + len(of))
        made.target_post[targets] = post + np.searchsorted(number, of)
        made.entity[targets] = what >> 2
        made.target_label[targets] = what & 3
        _unpack(chances, made.target_chances[:, targets])
        post, target = posts.stop, targets.stop
    return made


def _made(connection: Connection) -> Columns:
    """Return arrays of the size that they will have, so that nothing is there twice."""
    ((posts, targets, most),) = connection.execute(
        "SELECT (SELECT count(*) FROM facts), (SELECT count(*) FROM targets), "
        "(SELECT ifnull(max(ref), 0) FROM names)"
    ).fetchall()
    name = np.min_scalar_type(most)
    return Columns(
        numbers=np.zeros(posts, np.int64),
        day=np.zeros(posts, np.int32),
        hour=np.zeros(posts, np.uint8),
        label=np.zeros(posts, np.uint8),
        provisional=np.zeros(posts, np.bool_),
        platform=np.zeros(posts, name),
        language=np.zeros(posts, name),
        chances=np.zeros((3, posts), np.int32),
        target_post=np.zeros(targets, np.int32),
        entity=np.zeros(targets, name),
        target_label=np.zeros(targets, np.uint8),
        target_chances=np.zeros((3, targets), np.int32),
    )


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


def _unpack(packed: Array, into: Array) -> None:
    into[0] = packed >> 2 * _PART
    into[1] = (packed >> _PART) & _MASK
    into[2] = packed & _MASK

"""Numbers of posts: they grow with the posts' dates, so that the newest are the last rows.

A second has :data:`SLOTS` numbers. Where more posts share a second, as in tables that tell
days only, the next free numbers are taken, which lie in later seconds. By how much a number may
exceed the first one of its post's second is stored as the store's spread: numbers further apart
than that are in the order of the dates; others have to be compared by date.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pipelines.stores.sqlite_file import Connection

#: Numbers of one second: few, since gaps between numbers take room in the full-text index.
SLOTS = 16
#: The first number of a post with a date; those without one stand before, in no order.
DATED = 1 << 34
_YEAR_ONE = 62_135_596_800
_SPREAD = "spread"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Return the microseconds since 1970."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def first_number(created: int) -> int:
    """Return the first number of the second that a post was created in."""
    return DATED + (created // 1_000_000 + _YEAR_ONE) * SLOTS


def spread(connection: Connection) -> int:
    """Return by how much a number may exceed the first one of its post's second."""
    rows = connection.execute("SELECT value FROM meta WHERE name = ?", (_SPREAD,)).fetchall()
    return int(rows[0][0]) if rows else SLOTS - 1


def day_range(ordinal: int, apart: int, following: int) -> tuple[int, int]:
    """Return numbers between which all posts of some days of any time zone lie.

    ``ordinal`` is the first of ``following`` days, ``apart`` the store's spread.
    """
    margin = timedelta(days=1).total_seconds()
    start = (ordinal - 1) * 86_400 - int(margin)
    end = (ordinal - 1 + following) * 86_400 + int(margin)
    return DATED + max(start, 0) * SLOTS, DATED + end * SLOTS + apart


def allocate(connection: Connection, created: Sequence[int | None]) -> list[int]:
    """Return a free number for each of these dates, inside the open transaction.

    They are distinct; the caller has to use them before it asks for more.
    """
    numbers = _Numbers(connection)
    given = [numbers.undated() if date is None else numbers.dated(date) for date in created]
    numbers.save()
    return given


class _Numbers:
    """Numbers given out in one call."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._taken: dict[int, int] = {}
        """First numbers of seconds, and the last one taken of each, in this call."""
        self._crowded: dict[int, int] = {}
        self._used: set[int] = set()
        self._undated = 0
        self._before = self._spread = spread(connection)

    def undated(self) -> int:
        if not self._undated:
            self._undated = self._last(0, DATED) or 0
        self._undated += 1
        return self._undated

    def dated(self, created: int) -> int:
        first = first_number(created)
        last = self._taken.get(first)
        if last is None:
            last = self._last(first, first + SLOTS) or first - 1
        number = last + 1
        while number < first + SLOTS and number in self._used:
            number += 1
        if number < first + SLOTS:
            self._taken[first] = number
        else:
            number = self._further(first)
        self._used.add(number)
        self._spread = max(self._spread, number - first)
        return number

    def save(self) -> None:
        if self._spread > self._before:
            self._connection.execute(
                "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
                (_SPREAD, str(self._spread)),
            )
        self._connection.executemany(
            "INSERT OR REPLACE INTO crowded (second, next) VALUES (?, ?)", self._crowded.items()
        )

    def _last(self, first: int, end: int) -> int | None:
        rows = self._connection.execute(
            "SELECT max(number) FROM posts WHERE number >= ? AND number < ?", (first, end)
        ).fetchall()
        number: int | None = rows[0][0]
        return number

    def _further(self, first: int) -> int:
        """Return the next free number after those of a full second."""
        number = self._crowded.get(first, 0)
        if not number:
            rows = self._connection.execute(
                "SELECT next FROM crowded WHERE second = ?", (first,)
            ).fetchall()
            number = rows[0][0] if rows else first + SLOTS
        while number in self._used or self._there(number):
            number += 1
        self._crowded[first] = number + 1
        return number

    def _there(self, number: int) -> bool:
        return bool(
            self._connection.execute("SELECT 1 FROM posts WHERE number = ?", (number,)).fetchall()
        )

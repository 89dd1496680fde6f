"""Steps of a counter that are no coming and going of people: rises, jumps, resets.

A flag is a question to the reader, not a verdict: a bought batch of likes, a page merged with
another, a news item or a renamed account look alike in a counter. What is flagged is left out
of the loss and told beside it. The rules are stated in ``docs/pages.md``. Pure functions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import msgspec

from ingest.records import Counter
from pipelines.pages.arithmetic import slack

#: ``rise``: sudden, as when likes are bought. ``jump``: the page at least doubles between two
#: readings, as when pages are merged. ``reset``: nearly all is gone between two readings, as
#: when an account is renamed, replaced or emptied.
Kind = Literal["rise", "jump", "reset"]

WINDOW = timedelta(hours=24)
#: A rise within the window is sudden from this part of the page on …
SUDDEN = 0.005
#: … and from so many people on.
FEWEST = 500
#: A page at least so many times as large as at the reading before has jumped.
DOUBLE = 2
#: A page that keeps less than this part of the people it had at the reading before was reset.
LEFT = 0.1
#: Pages smaller than this may double or empty by themselves.
SMALL = 1_000


class Flag(msgspec.Struct, frozen=True):
    """A stretch of readings, by their places in the series, that something odd happened in."""

    kind: Kind
    first: int
    last: int
    start: datetime
    end: datetime
    change: int
    """People more (or fewer, below zero) at its end than at its start."""


def flags(readings: Sequence[Counter]) -> list[Flag]:
    """Return the odd stretches of one counter by one source, in order; none overlap."""
    kinds: list[Kind | None] = [_step(before, after) for before, after in pairwise(readings)]
    for first, last in _rises(readings):
        for place in range(first, last):
            kinds[place] = kinds[place] or "rise"
    return list(_stretches(readings, kinds))


def _step(before: Counter, after: Counter) -> Kind | None:
    if before.value < SMALL and after.value < SMALL:
        return None
    off = slack(max(before.granularity, after.granularity))
    if before.value >= SMALL and after.value + off < before.value * LEFT:
        return "reset"
    rise = after.value - before.value - off
    if rise >= SMALL and after.value >= DOUBLE * before.value and after.at - before.at <= WINDOW:
        return "jump"
    return None


def _rises(readings: Sequence[Counter]) -> Iterator[tuple[int, int]]:
    """Yield the places between which a page rose suddenly: from the lowest to the highest."""
    lowest: deque[int] = deque()  # places within the window, their values rising
    for place, reading in enumerate(readings):
        while lowest and reading.at - readings[lowest[0]].at > WINDOW:
            lowest.popleft()
        if not lowest and place:
            lowest.append(place - 1)  # further back than the window: counted pro rata
        if lowest and place and reading.value > readings[place - 1].value:
            first = lowest[0]
            if _sudden(readings[first], reading) and all(
                before.value <= reading.value for before in readings[first:place]
            ):
                yield first, place
        while lowest and readings[lowest[-1]].value >= reading.value:
            lowest.pop()
        lowest.append(place)


def _sudden(low: Counter, high: Counter) -> bool:
    off = slack(max(low.granularity, high.granularity))
    rise = float(high.value - low.value - off)
    passed = high.at - low.at
    if passed > WINDOW:
        rise *= WINDOW / passed
    return rise >= max(FEWEST, low.value * SUDDEN)


def _stretches(readings: Sequence[Counter], kinds: Sequence[Kind | None]) -> Iterator[Flag]:
    place = 0
    while place < len(kinds):
        kind = kinds[place]
        first = place
        place += 1
        if kind is None:
            continue
        # resets and jumps are single steps; a rise may take many
        while kind == "rise" and place < len(kinds) and kinds[place] == "rise":
            place += 1
        start, end = readings[first], readings[place]
        yield Flag(kind, first, place, start.at, end.at, end.value - start.value)

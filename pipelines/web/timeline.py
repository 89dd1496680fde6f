"""Posts over time as a row of bars that narrow the search: of days, weeks, months or years."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import msgspec

#: Bars at most while they stand for days, and then for weeks.
BARS = 62


class Bar(msgspec.Struct, frozen=True):
    """One bar of the timeline."""

    start: str
    end: str
    """The day after the last."""
    posts: int
    height: float
    """0 to 100."""

    @property
    def one_day(self) -> bool:
        """Tell whether the bar is of a single day."""
        return date.fromisoformat(self.start) + timedelta(days=1) == date.fromisoformat(self.end)


def timeline(days: Mapping[str, int]) -> list[Bar]:
    """Return bars for posts by day; none for one day alone."""
    if len(days) < 2:
        return []
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    starts = _starts(first, last)
    counts = [0] * (len(starts) - 1)
    place = 0
    for day, posts in sorted(days.items()):
        while place + 1 < len(counts) and date.fromisoformat(day) >= starts[place + 1]:
            place += 1
        counts[place] += posts
    most = max(counts)
    return [
        Bar(
            starts[number].isoformat(),
            starts[number + 1].isoformat(),
            posts,
            round(100 * posts / most, 1),
        )
        for number, posts in enumerate(counts)
    ]


def _starts(first: date, last: date) -> list[date]:
    """Return where bars begin, and where the last one ends."""
    length = (last - first).days + 1
    if length <= BARS:
        return [first + timedelta(days=number) for number in range(length + 1)]
    if length <= BARS * 7:
        monday = first - timedelta(days=first.weekday())
        weeks = (last - monday).days // 7 + 1
        return [monday + timedelta(days=7 * number) for number in range(weeks + 1)]
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    # A few posts with dates that are decades off would make hundreds of months.
    step = 1 if months <= 2 * BARS else 12
    begin = first.replace(day=1) if step == 1 else date(first.year, 1, 1)
    starts = [begin]
    while starts[-1] <= last:
        month = starts[-1].month - 1 + step
        starts.append(date(starts[-1].year + month // 12, month % 12 + 1, 1))
    return starts

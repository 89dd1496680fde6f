"""What can be said of a loss when figures are rounded and times are vague. Pure functions.

A published figure that moves in steps of *g* differs from the true one by less than *g*,
whichever way it was rounded. Two figures of one source are rounded alike, so their difference
is off by less than the larger of the two steps (not their sum): for cut figures each error lies
in [0, g), for figures rounded to the nearest within g/2. A difference below the step is *not
measurable*, which is another thing than zero.
"""

from __future__ import annotations

import math

import msgspec

from ingest.records import Counter

HOUR = 3600.0


class Range(msgspec.Struct, frozen=True):
    """A value and the bounds of the true one; a bound may be infinite."""

    value: float
    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.value + other.value, self.low + other.low, self.high + other.high)


NOTHING = Range(0.0, 0.0, 0.0)


def slack(granularity: int) -> int:
    """Return by how much a figure may be off: nothing where each one is counted."""
    return granularity if granularity > 1 else 0


def figure(counter: Counter) -> Range:
    """Return a reading with its bounds; a count of people is never below zero.

    Where its source says "more than" or "nearly", it is off to that side alone.
    """
    off = slack(counter.granularity)
    low = counter.value - (0 if counter.bound == "least" else off)
    high = counter.value + (0 if counter.bound == "most" else off)
    return Range(counter.value, max(0, low), high)


def fall(first: Counter, last: Counter) -> Range:
    """Return how much less the last of two readings of one source is than the first."""
    lost = first.value - last.value
    if first.bound != last.bound:  # rounded in two ways: nothing cancels out
        one, other = figure(first), figure(last)
        return Range(lost, one.low - other.high, one.high - other.low)
    off = slack(max(first.granularity, last.granularity))
    return Range(lost, lost - off, lost + off)


def measurable(loss: Range) -> bool:
    """Say whether a loss is at least one step of the figures it comes from."""
    return abs(loss.value) >= max(loss.high - loss.value, loss.value - loss.low)


def hours(start: float, start_span: float, end: float, end_span: float) -> Range:
    """Return the hours between two vague moments, given in seconds; never below zero."""
    middle = (end + end_span / 2) - (start + start_span / 2)
    low, high = end - (start + start_span), end + end_span - start
    return Range(*(max(0.0, part) / HOUR for part in (middle, low, high)))


def per(loss: Range, base: Range) -> Range | None:
    """Return a loss divided by hours or by a base; ``None`` where the base is nothing at all.

    Bounds are those of every loss and every base in their ranges; infinite where the base may
    be nothing.
    """
    if base.value <= 0:
        return None
    parts = [
        _ratio(amount, part) for amount in (loss.low, loss.high) for part in (base.low, base.high)
    ]
    return Range(loss.value / base.value, min(parts), max(parts))


def _ratio(amount: float, part: float) -> float:
    if part > 0:
        return amount / part
    return math.copysign(math.inf, amount) if amount else 0.0


def differ(one: Counter, other: Counter) -> bool:
    """Say whether two figures for the same thing can't both be right, rounding considered."""
    first, second = figure(one), figure(other)
    return first.low > second.high or second.low > first.high

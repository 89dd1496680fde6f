"""Days on which a series changed, and whether an event is near one of them by more than chance.

Several breaks are found at once as the segmentation with the least penalised cost: within a
segment the share is constant, each bucket weighs by the width of its interval, and each break
costs ``3 log n`` (the modified BIC of Zhang and Siegmund 2007, Biometrics 63:22-32). The search is
exact over all buckets (optimal partitioning, Jackson and others 2005, IEEE Signal Process. Lett.
12:105-108). Buckets differ more than their intervals say; by how much is estimated from
neighbouring ones, robustly. The 95 % interval of a break's day comes from the likelihood of the
other days between its neighbouring breaks (Smith 1975, Biometrika 62:407-416).

Two figures say how much a break is worth. *Shuffled*: the buckets without the changes that were
found (residuals), in how many of 200 random orders anything is found. *Placebo*: how many of all
buckets are as near to a break as the event is.

The library ``ruptures`` is not used: its costs weigh all buckets alike, whether 10 or 1,000 posts
stand behind them, its ``Pelt`` looks at every fifth bucket unless told otherwise, and it needs
scipy.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from pipelines.annotations import Event
from pipelines.trends import Row

#: With fewer buckets that have shares nothing is looked for; with more the buckets are too short.
FEWEST, MOST = 8, 400
#: A segment may be one bucket: a day that stands out is two changes.
_SHORTEST = 1
_SHUFFLES = 200
#: Median of the square of a standard normal number.
_MEDIAN = 0.4549364
_Z = 1.959963984540054


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a group's negative share."""

    group: str
    start: str
    """First day (or hour) of the first bucket after the change."""
    low: str
    high: str
    """The 95 % interval of ``start``."""
    before: float
    after: float
    """Negative share in the segments before and after, 0 to 1."""
    event: str = ""
    """The event of the case that is nearest, with its ``day``; empty without any."""
    day: str = ""
    distance: int | None = None
    """Buckets between that event and the interval of the break, 0 if it lies within."""
    placebo: float | None = None
    """Part of all buckets that lie as near to a break as the event does."""


class Breaks(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of one group."""

    group: str
    buckets: int
    """Buckets with shares."""
    found: list[Break]
    shuffled: float
    """Part of 200 random orders of the buckets, these changes taken out, that show a break."""


def find_breaks(rows: Sequence[Row], events: Sequence[Event] = ()) -> Breaks | None:
    """Return the breaks of one group's rows; ``None`` with too few or too many buckets."""
    known = [row for row in rows if row.negative is not None]
    if not FEWEST <= len(known) <= MOST:
        return None
    shares = [row.negative or 0.0 for row in known]
    errors = [max(((r.negative_high or 0) - (r.negative_low or 0)) / (2 * _Z), 1e-3) for r in known]
    weights = _weights(shares, errors)
    cuts = segment(shares, weights)
    starts = [row.start for row in known]
    found = [
        _break(known[0].group, starts, shares, weights, [0, *cuts, len(shares)], place)
        for place in range(1, len(cuts) + 1)
    ]
    return Breaks(
        group=known[0].group,
        buckets=len(known),
        found=_with_events(found, starts, events),
        shuffled=_shuffled(shares, errors, weights, cuts),
    )


def segment(shares: Sequence[float], weights: Sequence[float]) -> list[int]:
    """Return where segments begin, but for the first: the exact minimum of the penalised cost.

    ``weights`` are one over the variance of each share.
    """
    import numpy as np

    count = len(shares)
    penalty = 3 * math.log(count)
    weight = np.concatenate(([0.0], np.cumsum(weights)))
    first = np.concatenate(([0.0], np.cumsum(np.multiply(weights, shares))))
    square = np.concatenate(([0.0], np.cumsum(np.multiply(weights, np.square(shares)))))
    best = np.full(count + 1, np.inf)
    best[0] = -penalty
    before = [0] * (count + 1)
    for end in range(_SHORTEST, count + 1):
        starts = np.arange(0, end - _SHORTEST + 1)
        part = weight[end] - weight[starts]
        cost = square[end] - square[starts] - (first[end] - first[starts]) ** 2 / part
        total = best[starts] + cost + penalty
        before[end] = int(np.argmin(total))
        best[end] = total[before[end]]
    cuts: list[int] = []
    end = count
    while before[end]:
        end = before[end]
        cuts.append(end)
    return cuts[::-1]


def _weights(shares: Sequence[float], errors: Sequence[float]) -> list[float]:
    """Return one over each share's variance, widened to how neighbours really differ."""
    steps = sorted(
        (shares[n + 1] - shares[n]) ** 2 / (errors[n] ** 2 + errors[n + 1] ** 2)
        for n in range(len(shares) - 1)
    )
    wider = max(steps[len(steps) // 2] / _MEDIAN, 1.0)
    return [1 / (wider * error**2) for error in errors]


def _break(
    group: str,
    starts: Sequence[str],
    shares: Sequence[float],
    weights: Sequence[float],
    bounds: Sequence[int],
    place: int,
) -> Break:
    left, cut, right = bounds[place - 1], bounds[place], bounds[place + 1]
    places = range(left + 1, right)
    costs = [
        _cost(shares, weights, left, one) + _cost(shares, weights, one, right) for one in places
    ]
    least = min(costs)
    chances = [math.exp((least - cost) / 2) for cost in costs]
    whole = sum(chances)
    likely = sorted(range(len(places)), key=lambda n: -chances[n])
    taken: list[int] = []
    reached = 0.0
    for number in likely:
        taken.append(places[number])
        reached += chances[number] / whole
        if reached >= 0.95:
            break
    return Break(
        group=group,
        start=starts[cut],
        low=starts[min(*taken, cut)],
        high=starts[max(*taken, cut)],
        before=round(_mean(shares, weights, left, cut), 4),
        after=round(_mean(shares, weights, cut, right), 4),
    )


def _mean(shares: Sequence[float], weights: Sequence[float], start: int, end: int) -> float:
    part = weights[start:end]
    pairs = zip(shares[start:end], part, strict=True)
    return sum(share * weight for share, weight in pairs) / sum(part)


def _cost(shares: Sequence[float], weights: Sequence[float], start: int, end: int) -> float:
    mean = _mean(shares, weights, start, end)
    pairs = zip(shares[start:end], weights[start:end], strict=True)
    return sum(weight * (share - mean) ** 2 for share, weight in pairs)


def _with_events(
    found: Sequence[Break], starts: Sequence[str], events: Sequence[Event]
) -> list[Break]:
    """Return the breaks, each with its nearest event and what placebo dates say of that."""
    last = starts[-1][:10]
    inside = [one for one in events if starts[0][:10] <= one.day.isoformat() <= last]
    if not found or not inside:
        return list(found)
    spans = [(starts.index(one.low), starts.index(one.high)) for one in found]
    every = [min(_far(place, span) for span in spans) for place in range(len(starts))]
    dated = []
    for one, span in zip(found, spans, strict=True):
        near = min(inside, key=lambda event: (_far(_place(event, starts), span), event.day))
        distance = _far(_place(near, starts), span)
        dated.append(
            msgspec.structs.replace(
                one,
                event=near.words(),
                day=near.day.isoformat(),
                distance=distance,
                placebo=round(sum(far <= distance for far in every) / len(every), 4),
            )
        )
    return dated


def _place(event: Event, starts: Sequence[str]) -> int:
    """Return the bucket that an event's day is in (or the last one before it)."""
    return max(bisect.bisect_right(starts, f"{event.day.isoformat()}T99") - 1, 0)


def _far(place: int, span: tuple[int, int]) -> int:
    return max(span[0] - place, place - span[1], 0)


def _shuffled(
    shares: Sequence[float], errors: Sequence[float], weights: Sequence[float], cuts: Sequence[int]
) -> float:
    import numpy as np

    bounds = [0, *cuts, len(shares)]
    rest: list[float] = []
    for start, end in pairwise(bounds):
        mean = _mean(shares, weights, start, end)
        rest += [share - mean for share in shares[start:end]]
    rng = np.random.default_rng(len(shares))
    found = 0
    for _ in range(_SHUFFLES):
        order = rng.permutation(len(shares)).tolist()
        mixed, wide = [rest[n] for n in order], [errors[n] for n in order]
        found += bool(segment(mixed, _weights(mixed, wide)))
    return found / _SHUFFLES

"""Readings in order: one series for each page, metric and source. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Literal

import msgspec

from ingest.records import Counter, Gap

#: What a figure is: the counter itself, a published loss (a sum since some moment), the same as
#: a share of the page's likes, or a speed.
Kind = Literal["count", "loss", "share", "speed"]

#: A metric with one of these words is about the people of a page; others (signatures, views)
#: are reported when they are asked for.
_PEOPLE = ("like", "fan", "follower", "subscriber", "member")

_FOREVER = datetime.max.replace(tzinfo=UTC)

#: Without readings for this many times the usual interval, nobody knows what happened.
SILENCE = 3
#: From so many intervals on there is a usual one.
HABIT = 4


class Series(msgspec.Struct, frozen=True):
    """The readings of one counter by one source, in order of time."""

    page: str
    metric: str
    source: str
    readings: tuple[Counter, ...]

    @property
    def kind(self) -> Kind:
        """What the figures are."""
        return kind_of(self.metric)


def kind_of(metric: str) -> Kind:
    """Return what a metric's figures are, from its name."""
    if metric.endswith("_lost"):
        return "loss"
    if metric.endswith("_lost_ppm"):
        return "share"
    if metric.endswith("_lost_per_minute"):
        return "speed"
    return "count"


def series(
    counters: Iterable[Counter],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    pages: Sequence[str] = (),
    metrics: Sequence[str] = (),
) -> list[Series]:
    """Return the series of readings from ``since`` (inclusive) to ``until`` (exclusive).

    Nothing before ``since`` is taken, so that no loss from before it is counted. Without
    ``metrics``, those about a page's people. Ordered by page, metric and source.
    """
    found: dict[tuple[str, str, str], list[Counter]] = {}
    for counter in counters:
        if (since and counter.at < since) or (until and counter.at >= until):
            continue
        if (pages and counter.page not in pages) or not _wanted(counter.metric, metrics):
            continue
        found.setdefault((counter.page, counter.metric, counter.source), []).append(counter)
    return [
        Series(*key, tuple(sorted(readings, key=lambda counter: (counter.at, counter.span))))
        for key, readings in sorted(found.items())
    ]


def _wanted(metric: str, metrics: Sequence[str]) -> bool:
    if metrics:
        return metric in metrics
    return any(word in metric for word in _PEOPLE)


def silences(readings: Sequence[Counter], gaps: Sequence[Gap]) -> list[tuple[datetime, datetime]]:
    """Return the stretches between readings of which nothing is known, merged and in order.

    These are the intervals that touch a recorded gap of the readings' source, and those longer
    than :data:`SILENCE` times the usual (median) one, once :data:`HABIT` intervals tell what is
    usual; with fewer, every interval is unknown between its two ends.
    """
    source = readings[0].source if readings else ""
    own = sorted(
        ((gap.start, gap.end or _FOREVER) for gap in gaps if gap.source == source), reverse=True
    )
    pairs = list(pairwise(readings))
    lengths = [(after.at - before.at).total_seconds() for before, after in pairs]
    usual = median(lengths) if len(lengths) >= HABIT else 0.0
    unknown = []
    blind_until = datetime.min.replace(tzinfo=UTC)
    for (before, after), length in zip(pairs, lengths, strict=True):
        while own and own[-1][0] < after.at:  # gaps that began, each looked at once
            blind_until = max(blind_until, own.pop()[1])
        if length > usual * SILENCE or blind_until > before.at:
            unknown.append((before.at, after.at))
    return list(_merged(unknown))


def _merged(spans: Sequence[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    current: tuple[datetime, datetime] | None = None
    for start, end in spans:
        if current and start <= current[1]:
            current = (current[0], end)
        else:
            if current:
                yield current
            current = (start, end)
    if current:
        yield current

"""Buckets of a series: how long they are, and between which days a query asks for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from pipelines.query import And, Filter, Node
from pipelines.records import Sum
from pipelines.trends import FEWEST_POSTS, By, bucket_of

#: A length of buckets, or ``auto``: the one that :func:`choose_bucket` returns.
Asked = Literal["auto", "hour", "day", "week", "month"]

_LENGTHS: tuple[By, ...] = ("day", "week", "month")

#: At least this part of the posts must lie in buckets that have shares,
_PART_OF_POSTS = 0.5
#: and at least this part of the buckets with posts must have them: one busy day among sixty quiet
#: ones would leave sixty rows that say "too few posts".
_PART_OF_BUCKETS = 1 / 3


def choose_bucket(sums: Iterable[Sum]) -> By:
    """Return the shortest of day, week and month whose buckets mostly have enough posts for shares.

    ``sums`` are those of days. Enough are :data:`~pipelines.trends.FEWEST_POSTS` in a bucket and
    group; "mostly" is half of the posts and a third of the buckets that hold any. Where no length
    reaches this, the one with the largest part of posts in such buckets is returned (the shortest
    of equals), so that fewer than ten posts in all stay days.
    """
    days: Counter[tuple[str, str]] = Counter()
    for one in sums:
        days[one.bucket, one.group] += one.posts
    best: By = "day"
    most = 0.0
    for by in _LENGTHS:
        posts, buckets = _with_shares(_counts(days, by))
        if posts >= _PART_OF_POSTS and buckets >= _PART_OF_BUCKETS:
            return by
        if posts > most:
            best, most = by, posts
    return best


def _counts(days: Counter[tuple[str, str]], by: By) -> Sequence[int]:
    counts: Counter[tuple[str, str]] = Counter()
    for (day, group), posts in days.items():
        counts[bucket_of(day, by), group] += posts
    return [posts for posts in counts.values() if posts]


def _with_shares(counts: Sequence[int]) -> tuple[float, float]:
    """Return which part of the posts, and of the buckets with posts, have shares."""
    enough = [posts for posts in counts if posts >= FEWEST_POSTS]
    return sum(enough) / max(sum(counts), 1), len(enough) / max(len(counts), 1)


def limit(query: Node, field: str) -> str:
    """Return the day that ``since:`` or ``until:`` names for the whole query, else nothing."""
    parts = query.nodes if isinstance(query, And) else (query,)
    days = [part.values[0] for part in parts if isinstance(part, Filter) and part.field == field]
    if not days:
        return ""
    return max(days) if field == "since" else min(days)

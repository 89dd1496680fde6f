"""Sums for trends counted post by post, where a store's running totals cannot answer.

That is so for splits that stores keep no totals of, and wherever some posts are not to count:
repeats, reposts, near-identical texts. It reads every post that matches, so it takes as long as a
scan does (some 20,000 posts a second on one core with SQLite).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Post, Sentiment, Target
from pipelines.analysis.copies import is_repost, repeat_key
from pipelines.records import Hit, Sum
from pipelines.searching import Kind, values_of
from pipelines.stages import local_hour

SplitBy = Literal["", "entity", "language", "platform", "hashtag", "author", "source"]

#: What stands between the two values of a group of two splits.
BETWEEN = " · "
#: What a post without a value of a split has as its group.
NONE = "—"


_KINDS: dict[str, Kind] = {
    "language": "languages",
    "platform": "platforms",
    "hashtag": "hashtags",
    "author": "authors",
    "source": "sources",
}


class Left(msgspec.Struct, frozen=True):
    """How many posts (or attitudes) were not counted, by reason."""

    repeats: int = 0
    reposts: int = 0
    copies: int = 0


class Counted(msgspec.Struct, frozen=True):
    """Sums, and what is not in them."""

    sums: list[Sum]
    left: Left


def groups_of(hit: Hit, splits: Sequence[SplitBy]) -> list[tuple[str, Sentiment | Target]]:
    """Return the groups that a post counts in, each with the scores that it counts by.

    With ``entity`` among the splits these are attitudes to that entity, else the sentiment.
    """
    post = hit.post
    found: list[tuple[str, Sentiment | Target | None]] = [("", post.sentiment)]
    for split in splits:
        if split == "entity":
            found = [(_join(group, one.entity), one) for group, _ in found for one in post.targets]
        elif split:
            sign = "#" if split == "hashtag" else ""
            own = sorted({f"{sign}{value}" for value in values_of(hit, _KINDS[split])})
            values = own or [NONE]
            found = [(_join(group, value), score) for group, score in found for value in values]
    return [(group, score) for group, score in found if score]


def count(
    hits: Iterable[Hit],
    by: Literal["day", "hour"],
    splits: Sequence[SplitBy] = (),
    *,
    zone: ZoneInfo,
    once: bool = True,
    reposts: bool = True,
    without: Collection[str] = (),
    provisional: bool = False,
) -> Counted:
    """Return sums of days or hours, as :meth:`Reading.sums` does, from the posts themselves.

    ``once``: of texts that one account repeats word for word the earliest counts alone. Without
    ``reposts`` these do not count; posts whose ids are in ``without`` never do. Posts without a
    day are left out, and so are provisional scores unless ``provisional``.
    """
    (counted,) = count_each(
        hits, by, splits, zone=zone, once=once, reposts=reposts, without=[without],
        provisional=provisional,
    )  # fmt: skip
    return counted


def count_each(
    hits: Iterable[Hit],
    by: Literal["day", "hour"],
    splits: Sequence[SplitBy] = (),
    *,
    zone: ZoneInfo,
    once: bool = True,
    reposts: bool = True,
    without: Sequence[Collection[str]],
    provisional: bool = False,
) -> list[Counted]:
    """Return what :func:`count` does for each of several collections of ids, in one reading."""
    tallies = [_Tally(reposts, ids) for ids in without]
    for hit in hits:
        post = hit.post
        if not hit.day or (post.scored == "provisional" and not provisional):
            continue
        bucket = local_hour(post, zone) if by == "hour" else hit.day
        parts: list[_Part] = [
            ((bucket, group, post.language, score.label), score)
            for group, score in groups_of(hit, splits)
        ]
        key = repeat_key(post) if once else b""
        for tally in tallies:
            tally.add(post, parts, key)
    return [tally.counted() for tally in tallies]


class _Tally:
    """Sums of the posts that count, and how many do not, by reason."""

    def __init__(self, reposts: bool, without: Collection[str]) -> None:
        self._reposts, self._without = reposts, without
        self._cells: dict[tuple[str, str, str, str], list[float]] = {}
        # for each text of an account the earliest post: when it was written, and what it adds
        self._first: dict[bytes, tuple[tuple[float, str], list[_Part]]] = {}
        self._repeated = self._passed_on = self._copied = 0

    def add(self, post: Post, parts: list[_Part], key: bytes) -> None:
        """Count a post; those that share a ``key`` (:func:`repeat_key`) count once."""
        if post.id in self._without:
            self._copied += 1
        elif not self._reposts and is_repost(post):
            self._passed_on += 1
        elif not key:
            _add(self._cells, parts)
        else:
            when = (post.created_at.timestamp() if post.created_at else 0.0, post.id)
            before = self._first.get(key)
            self._repeated += before is not None
            if before is None or when < before[0]:
                self._first[key] = when, parts

    def counted(self) -> Counted:
        """Return the sums; nothing is added afterwards."""
        for _, parts in self._first.values():
            _add(self._cells, parts)
        sums = [
            Sum(*key, int(posts), *chances)
            for key, (posts, *chances) in sorted(self._cells.items())
        ]
        return Counted(sums, Left(self._repeated, self._passed_on, self._copied))


_Part = tuple[tuple[str, str, str, str], Sentiment | Target]


def _add(cells: dict[tuple[str, str, str, str], list[float]], parts: Sequence[_Part]) -> None:
    for key, score in parts:
        cell = cells.setdefault(key, [0.0, 0.0, 0.0, 0.0])
        for place, value in enumerate((1.0, score.negative, score.neutral, score.positive)):
            cell[place] += value


def _join(group: str, value: str) -> str:
    return f"{group}{BETWEEN}{value}" if group else value

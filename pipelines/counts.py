"""Likes, reposts, replies and views: what posts, queries and exports call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

#: The names of the counts, each with what platforms call it.
COUNTS: dict[str, tuple[str, ...]] = {
    "likes": ("likes", "favorites", "favourites", "reactions"),
    "reposts": ("reposts", "retweets", "shares", "reblogs", "forwards"),
    "replies": ("replies", "comments"),
    "views": ("views", "impressions"),
}
#: Stores keep whole numbers of 64 bits.
_LARGEST = 2**63 - 1


class Stored(NamedTuple):
    """The counts of a post as a store finds it by them; ``None`` where unknown."""

    likes: int | None
    reposts: int | None
    replies: int | None
    views: int | None


def count_of(counts: Mapping[str, int], name: str) -> int | None:
    """Return how many likes (reposts, replies, views) there were; ``None`` where unknown."""
    return max((counts[own] for own in COUNTS[name] if own in counts), default=None)


def stored(counts: Mapping[str, int]) -> Stored:
    """Return the counts that a store keeps to find a post by them."""
    if not counts:
        return Stored(None, None, None, None)
    found = (count_of(counts, name) for name in COUNTS)
    return Stored(*(None if one is None else min(one, _LARGEST) for one in found))

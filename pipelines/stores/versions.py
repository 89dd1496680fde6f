"""Which version of a post counts: the one rule that every store decides by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ingest.records import Post
from pipelines.records import Document

#: What :meth:`ingest.records.Post.rank` gives.
Rank = tuple[int, int, str]


def rank_text(rank: Rank) -> str:
    """Write a rank as stores keep it: its numbers may exceed an engine's integers."""
    return f"{rank[0]} {rank[1]} {rank[2]}"


def read_rank(text: str) -> Rank:
    """Read :func:`rank_text`'s form."""
    version, reactions, digest = text.split(" ", 2)
    return int(version), int(reactions), digest


class Known:
    """The newest version of one post, stored or waiting, as the records of a batch come in."""

    __slots__ = ("post", "rank", "retaken", "watchlist", "weight")

    def __init__(self, rank: Rank | None = None, watchlist: str = "") -> None:
        self.rank = rank
        self.watchlist = watchlist
        self.weight = 0
        """Records of this batch that wait under this id."""
        self.post: Post | None = None
        """What is to wait; None while nothing new is to be written."""
        self.retaken: Post | None = None
        """A duplicate that was matched with another watchlist: see :func:`taken_over`."""

    def takes(self, post: Post) -> bool:
        """Let a version come in; return False if it is a duplicate."""
        rank = post.rank()
        if self.rank is not None and rank <= self.rank:
            # Without a watchlist nothing was matched, so there is nothing to take over.
            if post.digest == self.rank[2] and post.watchlist not in {"", self.watchlist}:
                self.retaken, self.watchlist = post, post.watchlist
            return False
        self.rank, self.watchlist = rank, post.watchlist
        self.post, self.retaken = post, None
        self.weight += 1
        return True


def taken_over(kept: Post, duplicate: Post) -> Post:
    """Return the kept version, its counts and dates, with what another watchlist changes."""
    return msgspec.structs.replace(
        kept,
        text=duplicate.text,
        hashtags=duplicate.hashtags,
        entities=duplicate.entities,
        mentions=duplicate.mentions,
        watchlist=duplicate.watchlist,
    )


def settled(
    kept: Post, given: Sequence[Document], stored: tuple[str, str] | None = None
) -> Document | None:
    """Return what counts of a post after a batch of scored ones, as a document.

    ``kept`` is what :class:`Known` and :func:`taken_over` decided, ``given`` what the batch
    brought of it, ``stored`` the day and hour under which it was stored before. Scores belong
    to a text and its entities, days to a date: they may come from two of these. None where
    one of them is not known, so that the post must wait.
    """
    for document in given:
        if document.post is kept:
            return document
    fitting = [d for d in given if _scored_as(d.post) == _scored_as(kept)]
    days = [(d.day, d.hour) for d in given if _dated_as(d.post) == _dated_as(kept)]
    if not fitting or not (days or stored):
        return None
    rank = kept.rank()
    chosen = next((d for d in fitting if d.post.rank() == rank), fitting[-1])
    scores = chosen.post
    post = msgspec.structs.replace(
        taken_over(kept, scores),
        language=scores.language,
        language_confidence=scores.language_confidence,
        sentiment=scores.sentiment,
        targets=scores.targets,
        model=scores.model,
    )
    day, hour = days[0] if days else stored or ("", "")
    return msgspec.structs.replace(chosen, post=post, day=day, hour=hour)


def _scored_as(post: Post) -> tuple[str, str]:
    return post.digest, post.watchlist


def _dated_as(post: Post) -> tuple[datetime | None, tuple[str, ...]]:
    return post.created_at, post.flags

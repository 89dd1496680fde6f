"""The cursor of a platform that shows its posts from the newest to the oldest."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import datetime

import msgspec

from ingest.records import Item
from ingest.sources import cursors


class Walk(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far posts have been read, by their numbers, which rise with time.

    A walk begins at the newest post and ends at what an earlier walk began with, or at the first
    post that is wanted. Interrupted, it goes on below the lowest number it has read; then another
    one fetches what is newer.
    """

    seen: int = 0
    """Every number from ``bottom`` up to this one has been read."""
    top: int = 0
    """The newest number of the walk under way; 0 if none is."""
    low: int = 0
    """The lowest number that walk has read."""
    bottom: int = 0
    floor: datetime | None = None
    """What was older than this was not wanted then; ``None``: everything was."""
    under: Walk | None = None
    """What had been read when a walk left something out above it: where the next one ends that
    wants what is older than ``floor``. One such place is remembered, the lowest: what was read
    between it and ``bottom`` comes twice then."""

    @classmethod
    def read(cls, cursor: str) -> Walk:
        """Return what a cursor says. Raises :class:`~ingest.errors.SourceError`."""
        return cursors.read(cursor, cls)

    def write(self) -> str:
        """Return the cursor."""
        return cursors.write(self)

    def wanting(self, since: datetime | None) -> Walk:
        """Return the walk that goes on below where older posts are wanted now than then."""
        deeper = self.floor is not None and (since is None or since < self.floor)
        if not (deeper and self.bottom and not self.top):
            return self
        return msgspec.structs.replace(self.under or Walk(), top=self.seen, low=self.bottom)

    def after(self, number: int) -> Walk:
        """Return the walk after one more post."""
        return msgspec.structs.replace(self, top=max(self.top, number), low=number)

    def ended(self, since: datetime | None, *, short: bool = False) -> Walk:
        """Return the walk when it has come to what was read before, or to the first post.

        ``short``: it ended at ``since``, above what was read before.
        """
        if not self.top or (self.seen and not short):
            return msgspec.structs.replace(self, seen=max(self.seen, self.top), top=0, low=0)
        before = Walk(self.seen, bottom=self.bottom, floor=self.floor) if self.seen else None
        return Walk(self.top, bottom=self.low, floor=since, under=self.under or before)


def go_on(
    walk: Walk, since: datetime | None, once: Callable[[Walk], Generator[Item, None, Walk]]
) -> Iterator[Item]:
    """Yield what an interruption or an earlier command left, then what is newer.

    ``once`` walks back and returns the walk that has ended. One that goes on and passes over what
    is too new for this command returns the walk as it was: then it stays for another command.
    """
    walk = walk.wanting(since)
    while walk.top:
        walk = yield from once(walk)
        if walk.top:
            return
        walk = walk.wanting(since)
    yield from once(walk)

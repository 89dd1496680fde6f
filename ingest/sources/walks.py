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

    @classmethod
    def read(cls, cursor: str, since: datetime | None) -> Walk:
        """Return what a cursor says.

        Where older posts are wanted now than then, the walk that ended goes on. Raises
        :class:`~ingest.errors.SourceError`.
        """
        walk = cursors.read(cursor, cls)
        deeper = walk.floor is not None and (since is None or since < walk.floor)
        if deeper and walk.bottom and not walk.top:
            return cls(top=walk.seen, low=walk.bottom)
        return walk

    def write(self) -> str:
        """Return the cursor."""
        return cursors.write(self)

    def after(self, number: int) -> Walk:
        """Return the walk after one more post."""
        return msgspec.structs.replace(self, top=max(self.top, number), low=number)

    def ended(self, since: datetime | None) -> Walk:
        """Return the walk when it has come to what was read before, or to the first post."""
        if self.seen or not self.top:
            return Walk(max(self.seen, self.top), bottom=self.bottom, floor=self.floor)
        return Walk(self.top, bottom=self.low, floor=since)


def go_on(walk: Walk, once: Callable[[Walk], Generator[Item, None, Walk]]) -> Iterator[Item]:
    """Yield what an interruption left, then what is newer.

    ``once`` walks back and returns the walk that has ended. One that goes on and passes over what
    is too new for this command returns the walk as it was: then it stays for another command.
    """
    if walk.top:
        walk = yield from once(walk)
    if not walk.top:
        yield from once(walk)

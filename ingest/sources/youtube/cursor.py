"""The cursor of comments: threads are read in rounds, each from the newest one back."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ingest.sources import cursors


class Round(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor: the last round that came to its end, and the one under way."""

    done: datetime | None = None
    """Date of the newest thread when the last whole round began."""
    floor: datetime | None = None
    """What was older was not wanted then; ``None``: everything was."""
    began: datetime | None = None
    """Date of the newest thread when the round under way began."""
    page: str = ""
    """The page that the round under way reads,"""
    thread: str = ""
    """the thread of it that was read last,"""
    read: int = 0
    """and how many comments of that thread."""
    under: Round | None = None
    """The place before a command that left out what it would have wanted: to go on from by one
    that wants what is older than ``floor``. What was read since comes twice then."""

    def wanting(self, since: datetime | None) -> Round:
        """Return the place from which a command goes on that wants what is since a date."""
        here = self
        while here.floor is not None and (since is None or since < here.floor):
            here = here.under or Round()
        if since is None or since == here.floor:
            return here
        before = Round(here.done, here.floor) if here.done else None
        return msgspec.structs.replace(here, floor=since, under=here.under or before)

    def at(self, thread: str, read: int) -> Round:
        """Return the place behind a comment of a thread."""
        return msgspec.structs.replace(self, thread=thread, read=read)

    def on(self, page: str) -> Round:
        """Return the beginning of a page of the same round."""
        return msgspec.structs.replace(self, page=page, thread="", read=0)

    def ended(self) -> Round:
        """Return the place behind the round."""
        done = max(filter(None, (self.done, self.began)), default=None)
        return Round(done, self.floor, under=self.under)

    def write(self) -> str:
        """Return the cursor."""
        return cursors.write(self)

"""The cursor of a platform that shows its posts from the newest to the oldest."""

from __future__ import annotations

import msgspec

from ingest.errors import SourceError


class Walk(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far posts have been read, by their numbers, which rise with time.

    A walk begins at the newest post and ends at what an earlier walk began with. Interrupted, it
    goes on below the lowest number it has read; then another one fetches what is newer.
    """

    seen: int = 0
    """Every number up to this one has been read."""
    top: int = 0
    """The newest number of the walk under way; 0 if none is."""
    low: int = 0
    """The lowest number that walk has read."""

    @classmethod
    def read(cls, cursor: str) -> Walk:
        """Return what a cursor says. Raises :class:`~ingest.errors.SourceError`."""
        if not cursor:
            return cls()
        try:
            return msgspec.json.decode(cursor, type=cls)
        except msgspec.DecodeError as error:
            raise SourceError(f"the saved place {cursor[:80]!r} can't be read") from error

    def write(self) -> str:
        """Return the cursor."""
        return msgspec.json.encode(self).decode()

    def after(self, number: int) -> Walk:
        """Return the walk after one more post."""
        return Walk(self.seen, max(self.top, number), number)

    def ended(self) -> Walk:
        """Return the walk when it has come to what was read before."""
        return Walk(max(self.seen, self.top))

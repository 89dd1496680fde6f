"""What is remembered of a live source beside its cursor, as the JSON of its position."""

from __future__ import annotations

from datetime import datetime

import msgspec

from pipelines.live.silence import Habit
from pipelines.records import Position


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a source was read last, and what is known of its habit."""

    source: str = ""
    version: int = 0
    """Of the source's mapping."""
    watchlist: str = ""
    heard: datetime | None = None
    """When it was last listened to."""
    failing: str = ""
    """Why it could not be read the last time; empty if it could."""
    failing_since: datetime | None = None
    """Since when it could not be read."""
    left_out: datetime | None = None
    """From when on something was left out on request (``--since``) that can still be read."""
    habit: Habit = Habit()
    aside: tuple[int, ...] = ()
    """The last items that were kept aside, by the number that stands for their place."""

    @classmethod
    def read(cls, position: Position | None) -> Details:
        """Return what a position holds; nothing for one that is no live source's."""
        if position is None or not position.metadata:
            return cls()
        try:
            return msgspec.json.decode(position.metadata, type=cls)
        except msgspec.DecodeError:
            return cls()

    def write(self) -> str:
        """Return the JSON."""
        return msgspec.json.encode(self).decode()


class Heard(msgspec.Struct, frozen=True):
    """The state of one live source, for ``marsad status``."""

    source: str
    at: datetime | None
    """When it was last listened to; ``None``: never."""
    failing: str
    """Why it could not be read since; empty if it could."""
    silent: float
    """Seconds for which it had given nothing then, if that is unlike it; else 0."""


def heard(position: Position) -> Heard | None:
    """Return how a live source was left, ``None`` for an input that is none."""
    details = Details.read(position)
    if not details.source:
        return None
    silent = details.habit.silent(details.heard) if details.heard else None
    return Heard(
        position.name, details.heard, details.failing, silent.total_seconds() if silent else 0.0
    )


def words(seconds: float) -> str:
    """Return a length of time for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"

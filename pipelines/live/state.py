"""What is remembered of a live source beside its cursor, as the JSON of its position."""

from __future__ import annotations

from datetime import datetime

import msgspec

from pipelines.live.silence import ActivityBaseline
from pipelines.records import Position


class SourceState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a source was read last, and how active it usually is.

    The names in JSON are those of version 0.1.
    """

    source: str = ""
    version: int = 0
    """Of the source's mapping."""
    watchlist: str = ""
    last_seen: datetime | None = msgspec.field(default=None, name="heard")
    """When it was last read."""
    last_error: str = msgspec.field(default="", name="failing")
    """Why it could not be read the last time; empty if it could."""
    failing_since: datetime | None = None
    """Since when it could not be read."""
    left_out: datetime | None = None
    """From when on something was left out on request (``--since``) that can still be read."""
    baseline: ActivityBaseline = msgspec.field(default=ActivityBaseline(), name="habit")
    dead_items: tuple[int, ...] = msgspec.field(default=(), name="aside")
    """The last items that became dead letters, by the number that stands for their place."""

    @classmethod
    def read(cls, position: Position | None) -> SourceState:
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


class SourceStatus(msgspec.Struct, frozen=True):
    """The state of one live source, for ``marsad status``."""

    source: str
    last_seen: datetime | None = msgspec.field(name="at")
    """When it was last read; ``None``: never."""
    last_error: str = msgspec.field(name="failing")
    """Why it could not be read since; empty if it could."""
    silent: float
    """Seconds without posts then, if that is longer than usual; else 0."""


def source_status(position: Position) -> SourceStatus | None:
    """Return how a live source was left, ``None`` for an input that is none."""
    state = SourceState.read(position)
    if not state.source:
        return None
    silent = state.baseline.silent(state.last_seen) if state.last_seen else None
    return SourceStatus(
        position.name, state.last_seen, state.last_error, silent.total_seconds() if silent else 0.0
    )


def words(seconds: float) -> str:
    """Return a length of time for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"

"""What is remembered of a live source beside its cursor, as the JSON of its position."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from pipelines.live.habit import Habit
from pipelines.stores.base import Position


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
    habit: Habit = Habit()

    @classmethod
    def read(cls, position: Position | None) -> Details:
        """Return what a position holds; nothing for one that is no live source's."""
        if position is None or not position.details:
            return cls()
        try:
            return msgspec.json.decode(position.details, type=cls)
        except msgspec.DecodeError:
            return cls()

    def write(self) -> str:
        """Return the JSON."""
        return msgspec.json.encode(self).decode()


class Heard(msgspec.Struct, frozen=True):
    """The state of one live source, for ``marsad status``."""

    source: str
    at: datetime
    failing: str
    silent: timedelta | None


def heard(positions: Iterable[Position]) -> list[Heard]:
    """Return the live sources among the inputs, with how they were left."""
    found = []
    for position in positions:
        details = Details.read(position)
        if details.heard is not None:
            silent = details.habit.silent(details.heard)
            found.append(Heard(position.name, details.heard, details.failing, silent))
    return found

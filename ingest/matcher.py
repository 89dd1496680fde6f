"""Finds watched entities in a text: all scripts in one pass over its words."""

from __future__ import annotations

from typing import NamedTuple

from ingest.watchlist import Watchlist


class Mention(NamedTuple):
    """An entity and the words of the text that name it (offsets into the original text)."""

    entity: str
    start: int
    end: int


class Matcher:
    """A watchlist made ready for matching."""

    def __init__(self, watchlist: Watchlist) -> None:
        self.watchlist = watchlist

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in the order of the text. Never raises, whatever the text."""
        raise NotImplementedError

    def entities(self, text: str) -> tuple[str, ...]:
        """Return the ids of the entities that a text mentions, in the watchlist's order."""
        raise NotImplementedError

"""The case that a store's posts were matched for: the names of its entities, and its events.

Posts carry the ids of entities and the name of their watchlist. What people call the entities
stands in that watchlist alone: the configured one if it is the same, else one that comes with
Marsad.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ingest.watchlist.loader import Watchlist, available
from ingest.watchlist.loader import load as load_watchlist
from pipelines.annotations import Event, find
from pipelines.annotations import load as load_events
from pipelines.records import Hit

#: So many of the newest posts are asked which watchlist they were matched with.
ASKED = 20


class Case(msgspec.Struct, frozen=True):
    """What a watchlist says about the posts of a store."""

    name: str = ""
    """Name, file or folder of the watchlist; empty without one."""
    names: dict[str, str] = {}
    """The entities' names for people, by their ids."""
    country: str = ""
    """ISO 3166 code of the watchlist's country: months have other names from country to country."""
    missing: str = ""
    """The name of the watchlist that the posts were matched with, where it is not at hand."""

    def events(self) -> list[Event]:
        """Return the events that come with the watchlist."""
        return load_events(self.name) if self.name and find(self.name) else []


def case_of(hits: Sequence[Hit], configured: str) -> Case:
    """Return the case of the newest posts; ``configured`` is the watchlist of the settings.

    Raises :class:`~ingest.errors.WatchlistError` for a configured watchlist that can't be used.
    """
    stored = next((hit.post.watchlist for hit in hits if hit.post.watchlist), "")
    name = stored.rpartition("@")[0]
    own = load_watchlist(configured)
    if own and name in {"", own.name}:
        return _case(configured, own)
    shipped = load_watchlist(name) if name in available() else None
    if shipped:
        return _case(name, shipped)
    return Case(missing=name)


def _case(name: str, watchlist: Watchlist) -> Case:
    return Case(name, {one.id: one.name for one in watchlist.entities}, watchlist.country)

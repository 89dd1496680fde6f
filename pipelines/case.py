"""The case that a store's posts were matched for: the names of its entities, and its events.

Posts carry the ids of entities and the name of their watchlist. What people call the entities
stands in that watchlist alone: the configured one if it is the same, else the one that the store
recorded, else one that comes with Marsad.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ingest.watchlist.loader import Watchlist, available, parse
from ingest.watchlist.loader import load as load_watchlist
from pipelines.annotations import Event, find
from pipelines.annotations import load as load_events
from pipelines.annotations import parse as parse_events
from pipelines.records import Hit, Study

#: So many of the newest posts are asked which watchlist they were matched with.
ASKED = 20


class Case(msgspec.Struct, frozen=True):
    """What a watchlist says about the posts of a store."""

    name: str = ""
    """Name, file or folder of the watchlist, where it lies on this machine."""
    watchlist: Watchlist | None = None
    recorded_events: str = ""
    """The CSV of the events that the store recorded."""
    missing: str = ""
    """The name of the watchlist that the posts were matched with, where it is not at hand."""

    @property
    def names(self) -> dict[str, str]:
        """The entities' names for people, by their ids."""
        return self.names_in("")

    def names_in(self, language: str) -> dict[str, str]:
        """Return the entities' names in a language, or as they are where they have none in it."""
        entities = self.watchlist.entities if self.watchlist else ()
        return {entity.id: entity.names.get(language, entity.name) for entity in entities}

    def title_in(self, language: str) -> str:
        """Return the title in a language, or as it is; empty without a watchlist."""
        case = self.watchlist
        return case.titles.get(language, case.title) if case else ""

    @property
    def country(self) -> str:
        """ISO 3166 code of the watchlist's country (its names of months); empty without one."""
        return self.watchlist.country if self.watchlist else ""

    def events(self) -> list[Event]:
        """Return the events that come with the watchlist."""
        if self.recorded_events:
            return parse_events(self.recorded_events, "the events that the store recorded")
        return load_events(self.name) if self.name and find(self.name) else []


def case_of(hits: Sequence[Hit], configured: str, study: Study | None = None) -> Case:
    """Return the case of the newest posts.

    ``configured`` is the watchlist of the settings, ``study`` what the store recorded. Raises
    :class:`~ingest.errors.WatchlistError` for a configured watchlist that can't be used.
    """
    stored = next((hit.post.watchlist for hit in hits if hit.post.watchlist), "")
    name = stored.rpartition("@")[0]
    own = load_watchlist(configured)
    if own and name in {"", own.name}:
        return Case(configured, own)
    shipped = name if name in available() else ""
    if study and name and study.fingerprint.rpartition("@")[0] == name:
        recorded = parse(study.watchlist, f"the watchlist {name} that the store recorded")
        known = load_watchlist(shipped) if shipped else None
        if known and known.fingerprint == recorded.fingerprint:
            recorded = known  # the same, with names in more languages
        return Case(shipped, recorded, study.events)
    return Case(shipped, load_watchlist(shipped)) if shipped else Case(missing=name)

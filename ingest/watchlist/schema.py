"""The shape of a watchlist file. What the fields mean to a user: ``docs/watchlists.md``."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["operator", "app", "regulator", "government", "topic"]
Script = Literal["latin", "arabic", "other"]

#: The name that stands for "no watchlist".
NONE = "none"


class Entity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something whose mentions are looked for."""

    id: str
    kind: Kind
    name: str
    """As charts and tables show it."""
    aliases: dict[Script, tuple[str, ...]] = {}
    """Words and phrases that name it, by script; without article and clitics."""
    sounds: tuple[str, ...] = ()
    """Aliases that are also found in other spellings of their script, by cross-script keys."""
    hashtags: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    """Aliases that count only with a context word or another sure mention nearby."""
    context: tuple[str, ...] = ()
    """Words that make an ambiguous alias nearby count."""
    vetoes: tuple[str, ...] = ()
    """Words that keep an ambiguous alias nearby from counting, whatever else is there."""
    exclusions: tuple[str, ...] = ()
    """Phrases inside which no alias counts ("jus d'orange")."""


class Campaign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hashtags and phrases of a campaign, and the entities they stand for."""

    entities: tuple[str, ...]
    hashtags: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public page whose likes or followers are counted."""

    entity: str
    platform: str
    name: str
    url: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as it is written."""

    name: str
    title: str
    country: str
    """ISO 3166 code of two letters, for telephone numbers without a prefix."""
    timezone: str
    languages: tuple[str, ...]
    entities: tuple[Entity, ...]
    campaigns: tuple[Campaign, ...] = ()
    pages: tuple[Page, ...] = ()
    readable_handles: tuple[str, ...] = ()
    """Handles besides those of the entities that masking leaves readable."""

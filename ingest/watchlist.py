"""What is watched: entities with their aliases in every script, campaigns, handles, pages."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

Kind = Literal["operator", "app", "regulator", "government", "topic"]


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """Something whose mentions are looked for."""

    id: str
    kind: Kind
    name: str


class Watchlist(msgspec.Struct, frozen=True, kw_only=True):
    """A case: what is watched, where and when its days begin."""

    name: str
    title: str
    country: str
    timezone: str
    languages: tuple[str, ...]
    entities: tuple[Entity, ...]
    handles: frozenset[str]
    """Handles that masking leaves readable, normalised, with their ``@``."""
    fingerprint: str
    """``name@`` and eight hex digits of a hash over the content."""


def load(name: str | Path) -> Watchlist | None:
    """Return a watchlist by its name, file or folder; ``None`` for the name ``none``.

    Raises :class:`~ingest.errors.WatchlistError` with file, entity, field and what is allowed.
    """
    raise NotImplementedError

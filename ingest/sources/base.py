"""The protocol that every source fulfils."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from ingest.records import Item


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a source can give."""

    live: bool = False
    history: bool = False
    deletions: bool = False
    counters: bool = False


class Source(Protocol):
    """Something that yields records, from a saved place on.

    ``name`` is what stands in ``Post.source``; ``key`` identifies the input and how it is read,
    so that the same input is recognised and a changed mapping reads it anew.
    """

    name: str
    capabilities: Capabilities

    @property
    def key(self) -> str:
        """Identity of the input and of how it is read."""

    def open(self, cursor: str) -> Iterator[Item]:
        """Yield the records that come after ``cursor`` (all of them for the empty cursor).

        Bad input is yielded as :class:`~ingest.records.Reject` and never ends the iteration.
        Raises :class:`~ingest.errors.SourceError` when the source can't be read (any further).
        """

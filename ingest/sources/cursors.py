"""Cursors that are records: how they are written down, and read back."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ingest.errors import SourceError

Place = TypeVar("Place", bound=msgspec.Struct)


def read(cursor: str, kind: type[Place]) -> Place:
    """Return the place that a cursor names; the beginning for the empty one.

    Raises :class:`~ingest.errors.SourceError` for what :func:`write` never wrote.
    """
    try:
        return msgspec.json.decode(cursor, type=kind) if cursor else kind()
    except msgspec.DecodeError as error:
        raise SourceError(f"the saved place {cursor[:80]!r} can't be read") from error


def write(place: msgspec.Struct) -> str:
    """Return the cursor of a place."""
    return msgspec.json.encode(place).decode()

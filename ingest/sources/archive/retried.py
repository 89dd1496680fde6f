"""Rejected records once more: from the bytes and the context that were kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from ingest.errors import SourceError
from ingest.mapping import fields as mappings
from ingest.records import RAW_LIMIT, Item
from ingest.sources.archive.context import Context, Reader


def parse_raw(
    raw: bytes,
    context: str,
    *,
    mapping: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Item:
    """Try a rejected record again: from its bytes and the ``context`` of its source.

    ``mapping`` replaces the one of the import. The item has neither place nor cursor.
    Raises :class:`SourceError` for a context of another version, :class:`MappingError` as an
    import would.
    """
    try:
        known = msgspec.json.decode(context, type=Context)
    except msgspec.DecodeError as error:
        raise SourceError(
            "another version of Marsad kept this record; import its file again"
        ) from error
    if mapping is not None:
        known = msgspec.structs.replace(known, mapping=mappings.checked(mapping), tool="")
    reader = Reader(known, now or datetime.now(UTC))
    if known.format == "csv" and "text" not in reader.found and not reader.has_tool:
        raise mappings.no_text(known.columns)
    outcomes = reader.read_raw(raw[:RAW_LIMIT])
    if len(outcomes) != 1:
        raise SourceError(f"this record holds {len(outcomes)} posts; import its file again")
    return Item(outcomes[0], "")

"""Zeeschuimer's NDJSON, and 4CAT's NDJSON of the same captures.

Zeeschuimer wraps what a platform's website loaded (``data``); 4CAT unwraps it and keeps the
rest of the wrapper under ``__import_meta``. One post is captured each time it is shown; the
store keeps one.
"""

from __future__ import annotations

from collections.abc import Callable

from ingest.mapping.tool import Around, Fields, Mapped, Record, Tool, filled, word
from ingest.sources.archive.tools import webshapes

_Shape = Callable[[Record], Fields | None]
_SHAPES: dict[str, _Shape] = {
    "twitter.com": webshapes.x_post,
    "x.com": webshapes.x_post,
    "instagram.com": webshapes.instagram_post,
    "tiktok.com": webshapes.tiktok_post,
    "threads.net": webshapes.threads_post,
    "threads.com": webshapes.threads_post,
}


def _parts(record: Record) -> tuple[Record, Record, _Shape] | None:
    """Return what was captured, what is known about the capture, and how to read it."""
    meta = record.get("__import_meta")
    item = record
    if not isinstance(meta, dict):
        meta, item = record, record.get("data") or {}
    shape = _SHAPES.get(word(meta.get("source_platform")).lower().removeprefix("www."))
    if shape is None or not isinstance(item, dict) or "timestamp_collected" not in meta:
        return None
    return item, meta, shape


def knows(record: Record) -> bool:
    """Tell whether a record is a capture of a platform that is read here."""
    return _parts(record) is not None


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a captured post."""
    parts = _parts(record)
    if parts is None:
        return None
    item, meta, shape = parts
    fields = shape(item)
    if fields:
        fields["collected_at"] = meta.get("timestamp_collected")
    return None if fields is None else filled(fields)


TOOL = Tool(name="zeeschuimer", version=2, knows=knows, map_item=map_item)

"""Marsad's own ``posts.csv``: the columns that ``docs/export.md`` documents."""

from __future__ import annotations

import json

from ingest.sources.archive.mapping import COUNTS, FICTIONAL
from ingest.sources.archive.tools.base import Around, Mapped, Record, Tool, dig, filled, word
from ingest.spreadsheets import unguard

#: Columns are added at the end and never renamed: these are in every export.
_COLUMNS = frozenset(
    {"id", "platform", "day", "created_at", "collected_at", "author", "text", "language"}
    | {"language_confidence", "sentiment", "sentiment_negative", "sentiment_neutral"}
    | {"sentiment_positive", "entities", "targets", "hashtags", "counts", "url", "reply_to"}
    | {"repost_of", "source", "flags", "version", "digest", "watchlist", "model"}
)
_WORDS = ("id", "platform", "created_at", "collected_at", "author", "url", "reply_to", "repost_of")


def knows(columns: Record) -> bool:
    """Tell whether a table has the columns of an export."""
    return columns.keys() >= _COLUMNS


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a post; what the stages found is found anew."""
    cells = {name: unguard(value) for name, value in record.items() if isinstance(value, str)}
    hashtags, counts = _json(cells.get("hashtags")), _json(cells.get("counts"))
    fields: dict[str, object] = {name: cells.get(name) for name in _WORDS}
    if "text" in cells:
        fields["text"] = cells["text"]
    if isinstance(hashtags, list):  # an empty list too: the platform gave none
        fields["hashtags"] = hashtags
    if isinstance(flags := _json(cells.get("flags")), list) and FICTIONAL in flags:
        fields["fictional"] = True
    if (version := word(cells.get("version"))) != "0":
        fields["edited_at"] = version  # so that it is the same version
    return filled({**fields, **{name: dig(counts, name) for name in COUNTS}})


def _json(cell: str | None) -> object:
    try:
        return json.loads(cell or "null", parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None


TOOL = Tool(name="marsad-csv", version=1, knows=knows, map_item=map_item, table=True)

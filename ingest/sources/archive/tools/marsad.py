"""Marsad's own ``posts.csv`` and ``posts.ndjson``, as ``docs/export.md`` documents them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ingest.mapping.fields import COUNTS, FICTIONAL
from ingest.mapping.spreadsheets import split_list, unguard
from ingest.mapping.tool import Around, Fields, Mapped, Record, Tool, dig, filled, word

#: In every export; older ones have counts as a column of JSON, later ones a column for each.
_COLUMNS = frozenset(
    {"id", "platform", "day", "created_at", "collected_at", "author", "text", "language"}
    | {"language_confidence", "sentiment", "sentiment_negative", "sentiment_neutral"}
    | {"sentiment_positive", "entities", "hashtags", "url", "reply_to", "repost_of"}
    | {"source", "flags", "version", "digest", "watchlist", "model"}
)
#: In every line of NDJSON, where fields at their default are left out.
_FIELDS = frozenset({"id", "platform", "text", "digest"})
_DIGEST = re.compile(r"[0-9a-f]{24}")
_WORDS = (
    "id",
    "platform",
    "created_at",
    "collected_at",
    "author",
    "url",
    "reply_to",
    "repost_of",
    "repost_author",
)


def knows(columns: Record) -> bool:
    """Tell whether a table has the columns of an export."""
    return columns.keys() >= _COLUMNS and bool({"counts", "likes"} & columns.keys())


def knows_line(record: Record) -> bool:
    """Tell whether an object is a line of an export, or of ``marsad search --json``."""
    name, place = word(record.get("id")), word(record.get("platform"))
    digest = _DIGEST.fullmatch(word(record.get("digest")))
    return record.keys() >= _FIELDS and digest is not None and name.startswith(f"{place}:")


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a post; what the stages found is found anew."""
    cells = {name: unguard(value) for name, value in record.items() if isinstance(value, str)}
    if "counts" in record:
        nested = {name: _json(cells.get(name)) for name in ("hashtags", "counts", "flags")}
        return _fields({**cells, **nested})
    lists = {name: split_list(cells.get(name, "")) for name in ("hashtags", "flags")}
    return _fields({**cells, **lists, "counts": {name: cells.get(name) for name in COUNTS}})


def map_line(record: Record, around: Around) -> Mapped:
    """Return the fields of a post; what the stages found is found anew."""
    return _fields({"hashtags": [], "version": "0", **record})


def _fields(values: Mapping[str, object]) -> Fields:
    wanted = (*_WORDS, "text", "version")  # the version as it was: it is no change of the post
    fields: dict[str, object] = {name: values.get(name) for name in wanted}
    hashtags, flags = values.get("hashtags"), values.get("flags")
    if isinstance(hashtags, list):  # an empty list too: the platform gave none
        fields["hashtags"] = hashtags
    if isinstance(flags, list) and FICTIONAL in flags:
        fields["fictional"] = True
    fields["markup"] = False  # its texts were read once already
    return filled({**fields, **{name: dig(values.get("counts"), name) for name in COUNTS}})


def _json(cell: str | None) -> object:
    try:
        return json.loads(cell or "null", parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None


CSV = Tool(name="marsad-csv", version=4, knows=knows, map_item=map_item, table=True)
NDJSON = Tool(name="marsad-ndjson", version=2, knows=knows_line, map_item=map_line)

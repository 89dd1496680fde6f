"""JSON: one value as the fields of a record."""

from __future__ import annotations

import json
from typing import Any

from ingest.mapping.ids import Number

MAX_COLUMNS = 10_000
"""More fields or cells than any post has; such a record becomes a dead letter."""


def unwrapped(record: dict[str, Any]) -> dict[str, Any]:
    """Return the document inside what Elasticsearch and its dumps write around it."""
    inner = record.get("_source")
    if isinstance(inner, dict) and "_id" in record:
        return {"_id": record["_id"], **inner}
    return record


class Bad(Exception):
    """A record can't be read; carries the reason code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _no_constant(name: str) -> object:
    raise Bad("json-nan")


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_no_constant)


def parse_object(raw: bytes, codec: str = "utf-8") -> dict[str, Any]:
    """Return a JSON object; numbers are :class:`Number`, of two equal keys the last counts.

    Raises :class:`Bad` with the reason code for anything else.
    """
    if b"\0" in raw:
        raise Bad("nul")
    try:
        text = raw.decode(codec).strip(" \t\r\n\ufeff")  # the mark comes from joined files
    except UnicodeDecodeError as error:
        raise Bad("encoding-invalid") from error
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text) or error.msg.startswith("Unterminated string")
        raise Bad("json-truncated" if cut and text[:1] in {"{", "["} else "json-invalid") from error
    except RecursionError as error:
        raise Bad("json-too-deep") from error
    if end != len(text):
        raise Bad("json-invalid")
    if type(value) is not dict:
        raise Bad("json-not-object")
    if len(value) > MAX_COLUMNS:
        raise Bad("too-many-columns")
    return value

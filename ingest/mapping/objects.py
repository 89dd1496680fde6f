"""JSON: one value as the fields of a record."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from ingest.mapping.ids import Number

MAX_COLUMNS = 10_000
"""More fields or cells than any post has; such a record becomes a dead letter."""


#: What GraphQL and Instaloader write around one record, beside ``node``.
_AROUND_NODE = frozenset({"node", "cursor", "__typename", "instaloader"})


def unwrapped(record: dict[str, Any]) -> dict[str, Any]:
    """Return the document inside what Elasticsearch, GraphQL and GeoJSON write around it."""
    if "_source" in record and "_id" in record:
        inner = record["_source"]
        return {"_id": record["_id"], **inner} if isinstance(inner, dict) else record
    inner = record.get("node")
    if isinstance(inner, dict) and record.keys() <= _AROUND_NODE:
        return inner
    if record.get("type") == "Feature":
        inner = record.get("properties")
        return inner if isinstance(inner, dict) else record
    return record


class Bad(Exception):
    """A record can't be read; carries the reason code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _no_constant(name: str) -> object:
    raise Bad("json-nan")


#: How a dictionary begins that Python printed.
_PYTHON = re.compile(r"\{\s*'")
_LONGEST_PRINTED = 1_000_000
_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_no_constant)


def parse_object(raw: bytes, codec: str = "utf-8") -> dict[str, Any]:
    """Return a JSON object; numbers are :class:`Number`, of two equal keys the last counts.

    Raises :class:`Bad` with the reason code for anything else.
    """
    value = parse_value(raw, codec)
    if type(value) is not dict:
        raise Bad("json-not-object")
    if len(value) > MAX_COLUMNS:
        raise Bad("too-many-columns")
    return value


def parse_value(raw: bytes, codec: str = "utf-8") -> Any:
    """Return a JSON value, also one that a comma follows; an object also as Python prints it.

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
        if _PYTHON.match(text) and (found := _printed(text)) is not None:
            return found
        cut = error.pos >= len(text) or error.msg.startswith("Unterminated string")
        raise Bad("json-truncated" if cut and text[:1] in {"{", "["} else "json-invalid") from error
    except RecursionError as error:
        raise Bad("json-too-deep") from error
    if end != len(text) and text[end:].strip() != ",":
        raise Bad("json-invalid")
    return value


def _printed(text: str) -> dict[str, Any] | None:
    """Return a dictionary that Python printed instead of writing JSON; ``None`` for no such."""
    if len(text) > _LONGEST_PRINTED:
        return None
    try:
        found = ast.literal_eval(text.rstrip(", "))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return _numbered(found) if isinstance(found, dict) else None


def _numbered(value: Any) -> Any:
    """Return a value of Python with its numbers as JSON's are read here."""
    if isinstance(value, dict):
        return {str(key): _numbered(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_numbered(inner) for inner in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Number(value)
    return value if isinstance(value, str | bool | None) else str(value)

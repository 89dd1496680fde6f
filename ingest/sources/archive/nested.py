"""JSON values that hold several records: pages of an API, lists, tables that pandas wrote.

Who saves each answer of an API as a line, or joins such files, has records inside of records.
:func:`parse_records` gives what one value of a file holds, :func:`inner_records` what is inside
of a record that is no post by itself. Pure functions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ingest.mapping.fields import ObjectMapper, plain
from ingest.mapping.objects import Bad, parse_object, parse_value, unwrapped
from ingest.mapping.tool import Around, Record
from ingest.sources.archive import registry
from ingest.sources.archive.documents import AROUND, CONTAINERS, TEXTS, WRAPPERS

#: Lists inside of lists, and texts inside of texts, are opened this often.
_DEEPEST = 3
#: Names under which most records have their text: a look at these spares one at all names.
_USUAL = ("text", "full_text", "message", "body")


class Inner(NamedTuple):
    """Records that stand inside of another, and what that one says about all of them."""

    records: list[Record]
    around: Around = MappingProxyType({})


def parse_records(raw: bytes, codec: str = "utf-8") -> list[Record]:
    """Return the objects of one value: an object, a list of objects, or JSON written as a text.

    Raises :class:`Bad` with the reason code for anything else.
    """
    if raw.lstrip()[:1] in {b"[", b'"'}:
        return _objects(parse_value(raw, codec), _DEEPEST)
    return [unwrapped(parse_object(raw, codec))]


def _objects(value: object, deeper: int) -> list[Record]:
    if isinstance(value, dict):
        return [unwrapped(value)]
    if deeper and isinstance(value, list):
        return [record for entry in value for record in _objects(entry, deeper - 1)]
    if deeper and isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        return _objects(parse_value(value.encode("utf-8", "surrogatepass")), deeper - 1)
    raise Bad("json-not-object")


def inner_records(record: Record) -> Inner | None:
    """Return the records inside of one that has no text itself; ``None`` if there are none."""
    if captured := _captured(record):
        return Inner([captured])
    for holder in (record, *(record[name] for name in record if name in WRAPPERS)):
        if not isinstance(holder, dict):
            continue
        for name in CONTAINERS:
            if found := _dicts(holder.get(name)):
                around = {
                    key: str(record[key]) for key in AROUND if isinstance(record.get(key), str)
                }
                return Inner([unwrapped(one) for one in found], around)
    rows = _rows(record) or _columns(record) or _by_key(record)
    return Inner(rows) if rows else None


def leaves(
    record: Record, names: ObjectMapper, deeper: int = 3, *, tools: bool
) -> Iterator[Record]:
    """Yield the posts inside of a record, or itself where there are none, for a look at a file.

    ``names`` finds fields by their names; ``tools`` says whether tools are asked as well.
    """
    known = tools and (
        any(type(record.get(name)) is str for name in _USUAL)
        or registry.of_record(record) is not None
    )
    known = known or "text" in names.values(record)
    inner = None if known or not deeper else inner_records(record)
    if inner is None:
        yield record
        return
    for one in inner.records:
        yield from leaves(one, names, deeper - 1, tools=tools)


def _dicts(value: object) -> list[Record]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _captured(record: Record) -> Record:
    """Return what Zeeschuimer captured of a platform that has no reader of its own."""
    data = record.get("data")
    if (
        not isinstance(data, dict)
        or not {"source_platform", "timestamp_collected"} <= record.keys()
    ):
        return {}
    platform = str(record["source_platform"]).partition("-")[0]
    known = {"platform": platform, "timestamp_collected": record["timestamp_collected"]}
    return {**known, **data}


def _rows(record: Record) -> list[Record]:
    """Return the rows of a table that pandas wrote with ``orient="split"``."""
    columns, data = record.get("columns"), record.get("data")
    if not isinstance(columns, list) or not isinstance(data, list):
        return []
    names = [str(name) for name in columns]
    return [dict(zip(names, row, strict=False)) for row in data if isinstance(row, list)]


def _columns(record: Record) -> list[Record]:
    """Return the rows of a table that pandas wrote column by column, which is its default."""
    columns = {name: cells for name, cells in record.items() if isinstance(cells, dict)}
    if len(columns) < len(record) or not any(plain(name) in TEXTS for name in columns):
        return []
    keys = next(iter(columns.values())).keys()
    if any(cells.keys() != keys for cells in columns.values()):
        return []
    return [{name: cells[key] for name, cells in columns.items()} for key in keys]


def _by_key(record: Mapping[str, Any]) -> list[Record]:
    """Return posts that stand under their ids."""
    posts = [(key, value) for key, value in record.items() if isinstance(value, dict)]
    if len(posts) < len(record) or not all(
        any(map(str.isdigit, key)) and any(plain(name) in TEXTS for name in value)
        for key, value in posts
    ):
        return []
    return [{"id": key, **value} for key, value in posts]


def written(record: Record) -> bytes:
    """Return the bytes of one record among several, for its dead letter."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")

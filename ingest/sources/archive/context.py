"""How the records of one file are read: all that is known without the file itself."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from ingest import dates
from ingest.mapping.fields import ObjectMapper, RowMapper
from ingest.mapping.objects import MAX_COLUMNS, Bad, parse_object
from ingest.mapping.posts import Frame, build, tombstone
from ingest.mapping.reasons import reject
from ingest.mapping.tool import Deletion, Record, Tool
from ingest.mapping.unexpected import kept
from ingest.records import Post, Reject, Tombstone
from ingest.sources.archive import registry
from ingest.sources.archive.csv_rows import Dialect, parse_row


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept with a dead letter, so that it can be tried again."""

    format: Literal["json", "csv"]
    dataset: str
    codec: str = "utf-8"
    dialect: Dialect = Dialect()
    columns: tuple[str, ...] = ()
    mapping: dict[str, str] = {}
    platform: str = ""
    timezone: str = ""
    """As it was given; empty where nobody did, and dates without a zone are taken for UTC."""
    styles: dict[str, dates.DateStyle] = {}
    tool: str = ""
    """Name of the tool that wrote the file, see :data:`ingest.sources.archive.registry.TOOLS`."""
    around: dict[str, str] = {}


Outcome = Post | Tombstone | Reject


class Reader:
    """Makes posts of records, one by one, without any state but a cache."""

    def __init__(self, context: Context, now: datetime) -> None:
        self._context = context
        self._objects = ObjectMapper(context.mapping)
        self._cells = RowMapper(context.columns, context.mapping if context.columns else {})
        self._header = list(context.columns)
        self._tool = registry.TOOLS.get(context.tool)
        self.found: dict[str, list[str]] = self._cells.found
        """Which fields of the file each field of a post is taken from."""
        self._frame = Frame(
            dataset=context.dataset,
            platform=context.platform,
            platform_first=bool(context.platform) and "platform" not in context.mapping,
            zone=dates.zone_named(context.timezone or dates.ASSUMED),
            zone_told=bool(context.timezone),
            styles=context.styles,
            now=now,
        )

    @property
    def has_tool(self) -> bool:
        """Whether records are read as a known tool's, not by the names of their fields."""
        return self._tool is not None

    def read_object(self, raw: bytes) -> list[Outcome]:
        """Return what a JSON object holds: a post or why it is none; some hold several."""
        return _all(kept(raw, self._of_object, raw))

    def read_cells(self, cells: Sequence[str], raw: bytes) -> list[Outcome]:
        """Return what a row holds: a post, or why it is none."""
        return _all(kept(raw, self._of_cells, cells, raw))

    def _of_object(self, raw: bytes) -> list[Outcome]:
        try:
            record = parse_object(raw, self._context.codec)
        except Bad as bad:
            return [reject(bad.reason, raw)]
        if self._tool is None:
            return [self._built(self._objects.values(record), raw)]
        parts = self._tool.split(record) if self._tool.split else None
        if parts is None:
            return self._mapped(self._tool, record, raw)
        # A part that is kept aside can be tried again by itself.
        return [
            outcome for part in parts for outcome in self._mapped(self._tool, part, _written(part))
        ]

    def _of_cells(self, cells: Sequence[str], raw: bytes) -> list[Outcome]:
        if cells == self._header:
            return [reject("header-repeated", raw)]
        if self._tool is None:
            return [self._built(self._cells.values(cells), raw)]
        record = dict(zip(self._header, cells, strict=False))
        return self._mapped(self._tool, record, raw, cells)

    def _mapped(
        self,
        tool: Tool,
        record: Record,
        raw: bytes,
        cells: Sequence[str] | None = None,
    ) -> list[Outcome]:
        mapped = tool.map_item(record, self._context.around)
        if mapped is None:  # another tool's record in the same file
            mapped = self._objects.values(record) if cells is None else self._cells.values(cells)
            return [self._built(mapped, raw)]
        if isinstance(mapped, Deletion):
            try:
                return [tombstone(mapped.platform, mapped.id, mapped.at, self._frame)]
            except Bad as bad:
                return [reject(bad.reason, raw)]
        return [self._built(mapped, raw)] if mapped else []

    def _built(self, fields: dict[str, object], raw: bytes) -> Post | Reject:
        try:
            return build(fields, self._frame)
        except Bad as bad:
            return reject(bad.reason, raw)

    def read_raw(self, raw: bytes) -> list[Outcome]:
        """Return what the bytes of one record hold."""
        if self._context.format == "json":
            return self.read_object(raw.strip())
        try:
            cells = parse_row(raw.decode(self._context.codec), self._context.dialect)
        except UnicodeDecodeError:
            return [reject("encoding-invalid", raw)]
        except csv.Error:
            return [reject("csv-quote", raw)]
        if b"\0" in raw:
            return [reject("nul", raw)]
        if len(cells) > MAX_COLUMNS:
            return [reject("too-many-columns", raw)]
        if any(cells[len(self._header) :]):
            return [reject("extra-cells", raw)]
        return self.read_cells(cells, raw) if any(cells) else [reject("row-empty", raw)]

    def object_values(self, record: dict[str, Any]) -> dict[str, object]:
        """Return the fields of an object, for a look at a sample."""
        return self._objects.values(record)

    def cells_values(self, cells: Sequence[str]) -> dict[str, object]:
        """Return the fields of a row, for a look at a sample."""
        return self._cells.values(cells)

    def survey(self, records: list[dict[str, Any]]) -> dict[str, list[str]]:
        """Return which fields a sample of objects has."""
        self._objects.survey(records)
        return self._objects.found


def _all(found: list[Outcome] | Reject) -> list[Outcome]:
    return [found] if isinstance(found, Reject) else found


def _written(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")

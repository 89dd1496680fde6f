"""How the records of one file are read: all that is known without the file itself."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from ingest.records import Post, Reject
from ingest.sources.archive import dates
from ingest.sources.archive.mapping import ObjectMapper, RowMapper
from ingest.sources.archive.objects import MAX_COLUMNS, Bad, parse_object
from ingest.sources.archive.posts import Frame, build
from ingest.sources.archive.reasons import reject
from ingest.sources.archive.tables import Dialect, parse_row


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept with a dead letter, so that it can be tried again."""

    format: Literal["json", "csv"]
    dataset: str
    codec: str = "utf-8"
    dialect: Dialect = Dialect()
    columns: tuple[str, ...] = ()
    mapping: dict[str, str] = {}
    platform: str = ""
    timezone: str = "UTC"
    styles: dict[str, dates.DateStyle] = {}


class Reader:
    """Makes posts of records, one by one, without any state but a cache."""

    def __init__(self, context: Context, now: datetime) -> None:
        self._context = context
        self._objects = ObjectMapper(context.mapping)
        self._cells = RowMapper(context.columns, context.mapping if context.columns else {})
        self._header = list(context.columns)
        self.found: dict[str, list[str]] = self._cells.found
        """Which fields of the file each field of a post is taken from."""
        self._frame = Frame(
            dataset=context.dataset,
            platform=context.platform,
            platform_first=bool(context.platform) and "platform" not in context.mapping,
            zone=dates.zone_named(context.timezone),
            styles=context.styles,
            now=now,
        )

    def read_object(self, raw: bytes) -> Post | Reject:
        """Return the post that a JSON object holds, or why it holds none."""
        try:
            fields = self._objects.values(parse_object(raw, self._context.codec))
            return build(fields, self._frame)
        except Bad as bad:
            return reject(bad.reason, raw)

    def read_cells(self, cells: Sequence[str], raw: bytes) -> Post | Reject:
        """Return the post that a row holds, or why it holds none."""
        if cells == self._header:
            return reject("header-repeated", raw)
        try:
            return build(self._cells.values(cells), self._frame)
        except Bad as bad:
            return reject(bad.reason, raw)

    def read_raw(self, raw: bytes) -> Post | Reject:
        """Return what the bytes of one record hold."""
        if self._context.format == "json":
            return self.read_object(raw.strip())
        try:
            cells = parse_row(raw.decode(self._context.codec), self._context.dialect)
        except UnicodeDecodeError:
            return reject("encoding-invalid", raw)
        except csv.Error:
            return reject("csv-quote", raw)
        if b"\0" in raw:
            return reject("nul", raw)
        if len(cells) > MAX_COLUMNS:
            return reject("too-many-columns", raw)
        if any(cells[len(self._header) :]):
            return reject("extra-cells", raw)
        return self.read_cells(cells, raw) if any(cells) else reject("row-empty", raw)

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

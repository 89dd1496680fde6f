"""How the records of one file are read: all that is known without the file itself."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from ingest import dates
from ingest.errors import MappingError
from ingest.mapping.fields import KNOWN, NOTHING, ObjectMapper, RowMapper, column_names, plain
from ingest.mapping.objects import MAX_COLUMNS, Bad
from ingest.mapping.posts import Frame, build, tombstone
from ingest.mapping.reasons import reject
from ingest.mapping.tool import PRIVATE, Around, Deletion, Record, Skipped, Tool
from ingest.mapping.unexpected import kept
from ingest.records import Post, Reject, Tombstone
from ingest.sources.archive import registry
from ingest.sources.archive.csv_rows import Dialect, parse_rows
from ingest.sources.archive.nested import Inner, inner_records, parse_records, written


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
    chosen: dict[str, str] = {}
    """Fields of the file that were chosen by what they hold; empty: a field is taken from none."""
    chosen_platform: str = ""
    """Of the posts, where nothing but the name of their ids says it."""
    by_address: bool = False
    """The addresses of the posts say their platforms and ids."""


#: What may be the name of a column: short, with a letter, without the signs of addresses.
_NAME = re.compile(r"(?=.*[^\W\d_])[^\n:@<>{}]{1,60}")

#: Pages of pages are opened this often.
_DEEPEST = 3

Outcome = Post | Tombstone | Reject


class Reader:
    """Makes posts of records, one by one; it counts what is no post, and remembers a new header."""

    def __init__(self, context: Context, now: datetime) -> None:
        self._context = context
        self._known = set(context.columns)
        mapping = {**context.chosen, **context.mapping}
        self._mapping = mapping
        self._objects = ObjectMapper(mapping)
        self._cells = RowMapper(context.columns, mapping if context.columns else {})
        self._header = list(context.columns)
        self._raw_header = b""
        self._tool = registry.TOOLS.get(context.tool)
        self.found: dict[str, list[str]] = self._cells.found
        """Which fields of the file each field of a post is taken from."""
        self.skipped: Counter[str] = Counter()
        """How many records were no posts, by the reason that :class:`Skipped` names."""
        self.unread_date = ""
        """The first date that could not be read, as it was written."""
        self._tool_frame = Frame(
            dataset=context.dataset,
            platform=context.platform,
            platform_first=bool(context.platform) and "platform" not in context.mapping,
            zone=dates.zone_named(context.timezone or dates.ASSUMED),
            zone_told=bool(context.timezone),
            styles=context.styles,
            now=now,
            markup=True,
        )
        self._frame = msgspec.structs.replace(
            self._tool_frame,
            by_names=True,
            by_address=context.by_address,
            platform=context.platform or context.chosen_platform,
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
            records = parse_records(raw, self._context.codec)
        except Bad as bad:
            return [reject(bad.reason, raw)]
        if len(records) == 1:
            return self._of_record(records[0], raw, self._context.around)
        return self._of_inner(Inner(records, self._context.around), _DEEPEST)

    def _of_record(
        self, record: Record, raw: bytes, around: Around, deeper: int = _DEEPEST
    ) -> list[Outcome]:
        tool, known = self._tool_of(record)
        # A part that becomes a dead letter can be retried by itself.
        if tool and tool.split and (parts := tool.split(record)) is not None:
            return [
                outcome
                for part in parts
                for outcome in self._mapped(tool, part, written(part), around)
            ]
        if tool and known:
            return self._mapped(tool, record, raw, around)
        fields = self._objects.values(record)
        if "text" not in fields and deeper and (inner := inner_records(record)) is not None:
            return self._of_inner(inner, deeper - 1)
        if tool is not None:  # it knows what is no post
            return self._mapped(tool, record, raw, around)
        return [self._built(fields, raw)]

    def _of_inner(self, inner: Inner, deeper: int) -> list[Outcome]:
        if self._is_private(inner):
            self.skipped[PRIVATE.reason] += len(inner.records)
            return []
        return [
            outcome
            for record in inner.records
            for outcome in self._of_record(record, written(record), inner.around, deeper)
        ]

    def _is_private(self, inner: Inner) -> bool:
        tool = self._tool_of(inner.records[0])[0] if inner.around and inner.records else None
        return bool(tool and tool.refuse and tool.refuse(inner.around))

    def _tool_of(self, record: Record) -> tuple[Tool | None, bool]:
        """Return whose record this is, and whether that tool knows it.

        One file may hold records of several tools, joined.
        """
        own = self._tool
        if self._context.mapping or (own is not None and own.knows(record)):
            return own, True
        other = registry.of_record(record)
        return other or own, other is not None

    def begin(self) -> None:
        """Read with the file's first header, as an import begins; another may follow again."""
        mapping = self._mapping if self._context.columns else {}
        self._cells = RowMapper(self._context.columns, mapping)
        self._header, self._raw_header = list(self._context.columns), b""
        self._tool = registry.TOOLS.get(self._context.tool)

    def take_header(self, cells: Sequence[str], raw: bytes) -> bool:
        """Say whether a row is another header, which then holds for what follows."""
        if cells == self._header or not self._is_header(cells):
            return False
        columns = column_names(cells)
        mapping = {
            target: field
            for target, field in self._mapping.items()
            if field in columns or field == NOTHING or target in self._context.mapping
        }
        try:
            self._cells = RowMapper(columns, mapping)
        except MappingError:  # the user's mapping names a column that this table does not have
            return False
        self._header, self._raw_header = list(columns), raw
        self._tool = None if self._context.mapping else registry.of_table(columns)
        return True

    def _is_header(self, cells: Sequence[str]) -> bool:
        """Say whether a row holds only names of columns, those of a text and of a date or id."""
        if len(cells) < 2 or len(set(cells)) < len(cells) or not all(map(_NAME.fullmatch, cells)):
            return False
        known = sum(cell in self._known or plain(cell) in KNOWN for cell in cells)
        if known < 2 or known * 10 < len(cells) * 6:
            return False
        found = RowMapper(cells, {}).found
        return "text" in found and ("id" in found or "created_at" in found)

    def with_header(self, raw: bytes) -> bytes:
        """Return the bytes of a row for its dead letter: with its header, if it has its own."""
        return self._raw_header + b"\n" + raw if self._raw_header else raw

    def _of_cells(self, cells: Sequence[str], raw: bytes) -> list[Outcome]:
        if cells == self._header:
            return [reject("header-repeated", raw)]
        raw = self.with_header(raw)
        if self._tool is None:
            return [self._built(self._cells.values(cells), raw)]
        record = dict(zip(self._header, cells, strict=False))
        return self._mapped(self._tool, record, raw, self._context.around, cells)

    def _mapped(
        self,
        tool: Tool,
        record: Record,
        raw: bytes,
        around: Around,
        cells: Sequence[str] | None = None,
    ) -> list[Outcome]:
        mapped = tool.map_item(record, around)
        if mapped is None:  # another tool's record in the same file
            mapped = self._objects.values(record) if cells is None else self._cells.values(cells)
            return [self._built(mapped, raw)]
        if isinstance(mapped, Skipped):
            self.skipped[mapped.reason] += 1
            return []
        if isinstance(mapped, Deletion):
            try:
                return [tombstone(mapped.platform, mapped.id, mapped.at, self._frame)]
            except Bad as bad:
                return [reject(bad.reason, raw)]
        return [self._built(mapped, raw, self._tool_frame)] if mapped else []

    def _built(
        self, fields: dict[str, object], raw: bytes, frame: Frame | None = None
    ) -> Post | Reject:
        try:
            post = build(fields, frame or self._frame)
        except Bad as bad:
            return reject(bad.reason, raw)
        if not self.unread_date and "date-unknown" in post.flags:
            given = fields.get("created_at")
            self.unread_date = "" if given is None else " ".join(str(given)[:200].split())
        return post

    def read_raw(self, raw: bytes) -> list[Outcome]:
        """Return what the bytes of one record hold."""
        if self._context.format == "json":
            return self.read_object(raw.strip())
        try:
            cells, *more = parse_rows(raw.decode(self._context.codec), self._context.dialect)
            if more and self.take_header(cells, b""):
                cells = more[0]
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

"""Archives as a source of posts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any, BinaryIO

import msgspec

from ingest import dates
from ingest.errors import SourceError
from ingest.mapping import fields as mappings
from ingest.mapping import hints
from ingest.mapping.choices import choose, flattened
from ingest.mapping.datasets import file_name, given_name
from ingest.mapping.ids import platform_name
from ingest.mapping.objects import Bad
from ingest.mapping.reasons import before_header, damage_detail, reject, warning
from ingest.mapping.tool import Record, Tool
from ingest.records import RAW_LIMIT, Item, Post, Reject
from ingest.sources.archive import registry
from ingest.sources.archive.checkpoints import Place, from_rows, from_values
from ingest.sources.archive.compression import ArchiveFile, FileStream, Memory, Stream, checked
from ingest.sources.archive.context import Context, Reader
from ingest.sources.archive.detection import Layout, Survey, open_stream, rows, survey, values
from ingest.sources.archive.lines import Line
from ingest.sources.archive.nested import leaves, parse_records
from ingest.sources.base import Capabilities

VERSION = 5
"""Of this reader: a change in what it makes of a file reads every file anew."""

_SAMPLE = 1000


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What was detected in a file and assumed about it. Encodes to JSON as it is."""

    reader: int
    dataset: str
    platform: str
    format: str
    compression: str
    damage: str
    """``file-damaged`` or ``file-truncated`` if the compressed data is not as it was written."""
    encoding: str
    under: str
    tool: str
    """Whose export it is; empty if fields were found by their names."""
    delimiter: str
    header: bool
    mapping: dict[str, list[str]]
    """For each field of a post the fields of the file, in the order they are asked."""
    unseen: list[str]
    """Fields that the user's mapping names and that the beginning of the file does not have."""
    timezone: str
    timezone_told: bool
    """Somebody gave it; otherwise it was assumed for dates that name none."""
    day_first: bool
    serial_dates: bool


class ArchiveSource:
    """Posts from one file, or from standard input for ``-``.

    Format, compression and encoding are seen in the content. ``mapping`` names the file's field
    for a post's (``{"text": "body"}``); other fields are found by their names. ``timezone`` is
    that of dates without one; where it is not given, UTC is assumed, and their posts say so.
    ``platform`` counts more than a field that was only detected. ``date_order`` says whether
    ``03/02/2016`` is the third of February or the second of March, where the file does not show
    it. ``again`` reads a file that was
    read to its end before.
    Raises :class:`MappingError` for a mapping that names no field of a post, and
    :class:`SourceError` for an unknown time zone or encoding, or a data set's name that can't
    stand in an id; the file is opened when it is first needed.
    """

    capabilities = Capabilities(history=True)

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        dataset: str | None = None,
        platform: str | None = None,
        mapping: Mapping[str, str] = {},
        timezone: str | None = None,
        encoding: str = "",
        date_order: dates.DateOrder = "",
        again: bool = False,
        now: datetime | None = None,
        stdin: BinaryIO | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self._mapping = mappings.checked(mapping)
        self._platform = platform_name(platform or "")
        self._timezone = timezone or ""
        self._encoding = encoding
        self._date_order = date_order
        self._now = now or datetime.now(UTC)
        self._again = self._now.isoformat() if again else ""
        self._stdin = stdin
        self._current: FileStream | None = None
        self.warnings: list[str] = []
        """What people must know of the file; known once it was opened, before its first record."""
        self._undated = 0
        self.repaired = 0
        """Texts read so far whose encoding or escapes had to be undone."""
        self.zones_assumed = 0
        """Posts read so far for whose dates a time zone was only assumed."""
        self.nameless = 0
        """Posts read so far of no known platform: their ids are of this file alone."""
        self._ahead = 0
        self._latest = self._now
        self.dataset = file_name(self.path) if dataset is None else given_name(dataset)
        self.name = f"archive:{self.dataset}"
        try:
            dates.zone_named(dates.ASSUMED if timezone is None else timezone)
        except ValueError as error:
            raise SourceError(
                f"the time zone {timezone!r} is not known: write Europe/Paris or +01:00"
            ) from error

    @cached_property
    def key(self) -> str:
        """Hash of the file's content and of how it is read; where it lies does not matter."""
        options = (
            VERSION,
            registry.VERSIONS,
            self._file.digest(),
            self.dataset,
            self._platform,
            sorted(self._mapping.items()),
            self._timezone,
            self._encoding,
            *filter(None, [self._date_order, self._again]),
        )
        digest = hashlib.blake2b(msgspec.json.encode(options), digest_size=16)
        return f"archive:{digest.hexdigest()}"

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes of the file that have been read, and all of them (compressed, if it is)."""
        return (self._current.position if self._current else 0, self._file.size)

    def details(self) -> Details:
        """Return what was detected and assumed, for people and for the records."""
        layout, context = self._survey.layout, self._context
        created = context.styles.get("created_at", dates.DateStyle())
        return Details(
            reader=VERSION,
            dataset=self.dataset,
            platform=self._platform,
            format=layout.format,
            compression=layout.compression,
            damage=self._checked.damage,
            encoding=layout.encoding,
            under=layout.under,
            tool=context.tool,
            delimiter=layout.dialect.delimiter if layout.format == "csv" else "",
            header=layout.header,
            mapping=self._reader.found,
            unseen=[
                field for target, field in self._mapping.items() if target not in self._reader.found
            ],
            timezone=self._timezone or dates.ASSUMED,
            timezone_told=bool(self._timezone),
            day_first=created.day_first,
            serial_dates=created.serial,
        )

    @property
    def format(self) -> str:
        """``csv``, or what kind of JSON the file is."""
        return self._survey.layout.format

    @property
    def fields(self) -> list[str]:
        """Names of all fields of the file; of JSON those of its first records."""
        if self.format == "csv":
            return list(self._survey.layout.columns)
        return mappings.fields_of(self._objects[:100])

    @property
    def not_taken(self) -> list[str]:
        """Fields of the file that no field of a post is taken from; none for a known tool."""
        if self._context.tool:
            return []
        taken = {name for names in self._reader.found.values() for name in names}
        return [name for name in self.fields if name not in taken and not _covered(name, taken)]

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many records read so far are no posts, by the reason: private, deleted."""
        return self._reader.skipped

    @property
    def unread_dates(self) -> tuple[int, str, str]:
        """How many posts read so far have no date, columns that may hold dates, an example."""
        columns = ", ".join(self._reader.found.get("created_at", ()))
        return self._undated, columns, self._reader.unread_date

    @property
    def dated_ahead(self) -> tuple[int, datetime, datetime]:
        """How many posts read so far are of after the import, the last of them, the import."""
        return self._ahead, self._latest, self._now

    @cached_property
    def context(self) -> str:
        """What :func:`parse_raw` needs to try a rejected record again, as JSON."""
        return msgspec.json.encode(self._context).decode()

    def open(self, cursor: str) -> Iterator[Item]:
        """Yield the records that come after ``cursor`` (all of them for the empty cursor).

        Raises :class:`SourceError` when the file can't be read or has changed, and
        :class:`MappingError` when it has no field for the text, or not the fields named.
        """
        layout = self._survey.layout
        place = Place.read(cursor, layout)
        if place.final:
            return iter(())
        self._file.check_unchanged()
        told = warning(self._checked.damage, doubtful=self._checked.doubtful)
        self.warnings = [told] if told else []
        if self._survey.before:
            self.warnings.append(before_header(self._survey.before, layout.columns))
        return self._items(self._reader, place, at_start=not cursor)

    def close(self) -> None:
        """Release the file."""
        if "_file" in self.__dict__:
            self._file.close()

    def _items(self, reader: Reader, place: Place, *, at_start: bool) -> Iterator[Item]:
        layout = self._survey.layout
        if at_start and (wide := self._survey.wide_header):
            first = Place(layout.start, layout.first)
            yield Item(reject("too-many-columns", wide), first.write(), max(1, layout.first - 1))
        stream, self._current = open_stream(self._file, layout, place.offset)
        items = (
            self._from_rows(stream, place, reader)
            if layout.format == "csv"
            else from_values(values(stream, layout, place.offset, place.number), reader, place)
        )
        for item in items:
            if isinstance(item.record, Reject) and item.record.reason == "file-damaged":
                item = self._with_extent(item, item.record)
            if isinstance(item.record, Post):
                self.zones_assumed += "zone-assumed" in item.record.flags
                self.nameless += item.record.platform == "archive"
                self._undated += "date-unknown" in item.record.flags
                self.repaired += "text-repaired" in item.record.flags
                created = item.record.created_at
                if created and "date-implausible" in item.record.flags and created > self._now:
                    self._ahead += 1
                    self._latest = max(self._latest, created)
            yield item
        self._file.check_unchanged()

    def _from_rows(self, stream: Stream, place: Place, reader: Reader) -> Iterator[Item]:
        layout = self._survey.layout
        found = rows(stream, layout, place.offset, place.number, place.torn)
        reader.begin()
        if place.header:
            head, _ = open_stream(self._file, layout, place.header)
            row = next(iter(rows(head, layout, place.header, 1, 0)), None)
            if row is not None and reader.take_header(row.cells, row.raw):
                found.widen(len(row.cells))
        return from_rows(found, reader, place)

    def _with_extent(self, item: Item, damage: Reject) -> Item:
        """Say of the end of a damaged file how many records before it may be wrong."""
        detail = damage_detail(
            max(0, item.line - self._survey.layout.first), doubtful=self._checked.doubtful
        )
        return msgspec.structs.replace(item, record=msgspec.structs.replace(damage, detail=detail))

    @cached_property
    def _checked(self) -> FileStream:
        return checked(self._file, self._survey.layout.compression)

    @cached_property
    def _file(self) -> ArchiveFile:
        return ArchiveFile(self.path, self._stdin, name="it")  # the caller's message names the file

    @cached_property
    def _survey(self) -> Survey:
        return survey(self._file, self._encoding, list(self._mapping.values()))

    @cached_property
    def _context(self) -> Context:
        layout = self._survey.layout
        context = Context(
            format="csv" if layout.format == "csv" else "json",
            codec=layout.codec,
            dialect=layout.dialect,
            columns=layout.columns,
            mapping=self._mapping,
            dataset=self.dataset,
            platform=self._platform,
            timezone=self._timezone,
            around=layout.around,
        )
        if not self._mapping and (tool := self._tool()):
            self._found: dict[str, list[str]] = {}
            return msgspec.structs.replace(context, tool=tool.name)
        sample = self._flat_sample(Reader(context, self._now))
        choices = choose(sample, self._found, self._mapping, self._now)
        context = msgspec.structs.replace(
            context,
            chosen=choices.fields,
            by_address=choices.by_address,
            chosen_platform=choices.platform,
        )
        return msgspec.structs.replace(context, styles=self._styles(Reader(context, self._now)))

    def _tool(self) -> Tool | None:
        """Return whose export this is. Raises :class:`SourceError` for one that is not read."""
        layout = self._survey.layout
        if layout.format == "csv":
            return registry.of_table(layout.columns)
        tool = registry.of_records(self._objects)
        if tool and tool.refuse and (why := tool.refuse(layout.around)):
            raise SourceError(why)
        return tool

    @cached_property
    def _objects(self) -> list[Record]:
        """The first records, as far as they can be read; one at least if the head ends in it."""
        layout, head, complete = self._survey[:3]
        stream: Stream = Memory(head[layout.start :])
        found = values(stream, layout, layout.start, layout.first)
        objects = list(_parsed(found, layout, self._mapping))
        if not objects and not complete:
            stream, _ = open_stream(self._file, layout, layout.start)
            lines = islice(values(stream, layout, layout.start, layout.first), 1)
            objects = list(_parsed(lines, layout, self._mapping))
        return objects

    @cached_property
    def _reader(self) -> Reader:
        reader = Reader(self._context, self._now)
        reader.found = self._found
        return reader

    def _flat_sample(self, reader: Reader) -> list[dict[str, str]]:
        """Return the first records, and check that the file has what the mapping names."""
        layout, _, complete = self._survey[:3]
        if layout.format == "csv":
            self._found = reader.found
            if "text" not in reader.found and layout.columns:
                if layout.header and hints.without_header(layout.columns):
                    raise mappings.no_header(layout.columns, self._rows)
                raise mappings.no_text(layout.columns, hints.of_rows(layout.columns, self._rows))
            return [dict(zip(layout.columns, cells, strict=False)) for cells in self._rows]
        self._found = reader.survey(self._objects)
        self._check_fields(self._objects, complete=complete)
        return [flattened(record) for record in self._objects]

    @cached_property
    def _rows(self) -> list[list[str]]:
        """The cells of the first rows of a table, up to another header."""
        layout, head = self._survey[:2]
        stream = Memory(head[layout.start :])
        sample = islice(rows(stream, layout, layout.start, layout.first, 0), _SAMPLE)
        return [row.cells for row in sample if not row.problem]

    def _styles(self, reader: Reader) -> dict[str, dates.DateStyle]:
        """Learn on the head of the file how its dates are written."""
        records: list[dict[str, object]]
        if self._survey.layout.format == "csv":
            records = [reader.cells_values(cells) for cells in self._rows]
            self._found = reader.found
        else:
            self._found = reader.survey(self._objects)
            records = [reader.object_values(record) for record in self._objects]
        return {
            target: self._style(
                value for record in records if isinstance(value := record.get(target), str)
            )
            for target in ("created_at", "edited_at", "collected_at")
            if any(target in record for record in records)
        }

    def _style(self, values: Iterable[str]) -> dates.DateStyle:
        learnt = dates.learn(values)
        if not self._date_order:
            return learnt
        return msgspec.structs.replace(learnt, day_first=self._date_order == "day-first")

    def _check_fields(self, objects: list[dict[str, Any]], *, complete: bool) -> None:
        if not objects:
            return
        fields = mappings.fields_of(objects)
        for target, field in self._mapping.items():
            if target not in self._found and (complete or target == "text"):
                raise mappings.missing(target, field, fields)
        if "text" not in self._found:
            raise mappings.no_text(fields, hints.of_objects(objects))


def _covered(name: str, taken: Collection[str]) -> bool:
    """Say whether a field of an object lies in one that is taken, or holds one that is."""
    return any(name.startswith(f"{one}.") or one.startswith(f"{name}.") for one in taken)


def _parsed(lines: Iterable[Line], layout: Layout, mapping: Mapping[str, str]) -> Iterator[Record]:
    """Yield the records of some lines, also those that stand inside of others."""
    names = mappings.ObjectMapper(mapping)
    for line in islice(lines, _SAMPLE):
        try:
            records = parse_records(line.raw, layout.codec)
        except Bad:
            continue
        for record in records:
            yield from leaves(record, names, tools=not mapping)


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

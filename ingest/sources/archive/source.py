"""Archives as a source of posts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import BinaryIO

import msgspec

from ingest import dates
from ingest.errors import SourceError
from ingest.mapping import fields as mappings
from ingest.mapping.datasets import file_name, given_name
from ingest.mapping.ids import platform_name
from ingest.mapping.reasons import before_header, damage_detail, reject, warning
from ingest.records import Item, Post, Reject
from ingest.sources.archive import registry
from ingest.sources.archive.checkpoints import Place, from_rows, from_values
from ingest.sources.archive.compression import ArchiveFile, FileStream, Stream, checked
from ingest.sources.archive.context import Context, Reader
from ingest.sources.archive.detection import Survey, open_stream, rows, survey, values
from ingest.sources.archive.inference import Inference
from ingest.sources.base import Capabilities

VERSION = 5
"""Of this reader: a change in what it makes of a file reads every file anew."""


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
    it. ``again`` reads a file that was read to its end before.
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
        layout, context = self._survey.layout, self._inference.context
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
        return self._inference.fields

    @property
    def not_taken(self) -> list[str]:
        """Fields of the file that no field of a post is taken from; none for a known tool."""
        return self._inference.not_taken(self._reader.found)

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
        """What :mod:`.retried` needs to try a rejected record again, as JSON."""
        return msgspec.json.encode(self._inference.context).decode()

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
            else from_values(
                values(stream, layout, place.offset, place.number, closed=place.closed),
                reader,
                place,
            )
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
    def _inference(self) -> Inference:
        layout = self._survey.layout
        given = Context(
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
        return Inference(self._file, self._survey, given, self._now, self._date_order)

    @cached_property
    def _reader(self) -> Reader:
        return self._inference.reader()

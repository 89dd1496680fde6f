"""What the first records of a file say of how it is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

import msgspec

from ingest import dates
from ingest.errors import SourceError
from ingest.mapping import fields as mappings
from ingest.mapping import hints
from ingest.mapping.choices import choose, flattened
from ingest.mapping.objects import Bad
from ingest.mapping.tool import Record, Tool
from ingest.sources.archive import registry
from ingest.sources.archive.compression import ArchiveFile, Memory, Stream
from ingest.sources.archive.context import Context, Reader
from ingest.sources.archive.detection import Layout, Survey, open_stream, rows, values
from ingest.sources.archive.lines import Line
from ingest.sources.archive.nested import leaves, parse_records

#: Records that are looked at.
_SAMPLE = 1000


class Inference:
    """Whose export a file is, else which of its fields are whose, and how its dates are written.

    ``given`` is what the user and the layout of the file say. :attr:`context` and what needs it
    raise :class:`SourceError` for the export of a tool that is not read, and
    :class:`MappingError` for a file without a text or without a field that the mapping names.
    """

    def __init__(
        self,
        file: ArchiveFile,
        found: Survey,
        given: Context,
        now: datetime,
        date_order: dates.DateOrder = "",
    ) -> None:
        self._file = file
        self._survey = found
        self._given = given
        self._now = now
        self._date_order = date_order
        self.found: dict[str, list[str]] = {}
        """Which fields of the file each field of a post is taken from; empty for a known tool."""

    def reader(self) -> Reader:
        """Return what makes posts of the file's records."""
        reader = Reader(self.context, self._now)
        reader.found = self.found
        return reader

    @property
    def fields(self) -> list[str]:
        """Names of all fields of the file; of JSON those of its first records."""
        if self._survey.layout.format == "csv":
            return list(self._survey.layout.columns)
        return mappings.fields_of(self.objects[:100])

    def not_taken(self, found: Mapping[str, list[str]]) -> list[str]:
        """Return fields of the file that are not among those ``found``; none for a known tool."""
        if self.context.tool:
            return []
        taken = {name for names in found.values() for name in names}
        return [name for name in self.fields if name not in taken and not _covered(name, taken)]

    @cached_property
    def context(self) -> Context:
        """How the records of the file are read."""
        context = self._given
        if not self._given.mapping and (tool := self._tool()):
            return msgspec.structs.replace(context, tool=tool.name)
        sample = self._flat_sample(Reader(context, self._now))
        choices = choose(sample, self.found, self._given.mapping, self._now)
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
        tool = registry.of_records(self.objects)
        if tool and tool.refuse and (why := tool.refuse(layout.around)):
            raise SourceError(why)
        return tool

    @cached_property
    def objects(self) -> list[Record]:
        """The first records, as far as they can be read; one at least if the head ends in it."""
        layout, head, complete = self._survey[:3]
        stream: Stream = Memory(head[layout.start :])
        found = values(stream, layout, layout.start, layout.first)
        objects = list(_parsed(found, layout, self._given.mapping))
        if not objects and not complete:
            stream, _ = open_stream(self._file, layout, layout.start)
            lines = islice(values(stream, layout, layout.start, layout.first), 1)
            objects = list(_parsed(lines, layout, self._given.mapping))
        return objects

    def _flat_sample(self, reader: Reader) -> list[dict[str, str]]:
        """Return the first records, and check that the file has what the mapping names."""
        layout, _, complete = self._survey[:3]
        if layout.format == "csv":
            self.found = reader.found
            if "text" not in reader.found and layout.columns:
                if layout.header and hints.without_header(layout.columns):
                    raise mappings.no_header(layout.columns, self._rows)
                raise mappings.no_text(layout.columns, hints.of_rows(layout.columns, self._rows))
            return [dict(zip(layout.columns, cells, strict=False)) for cells in self._rows]
        self.found = reader.survey(self.objects)
        self._check_fields(self.objects, complete=complete)
        return [flattened(record) for record in self.objects]

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
            self.found = reader.found
        else:
            self.found = reader.survey(self.objects)
            records = [reader.object_values(record) for record in self.objects]
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
        for target, field in self._given.mapping.items():
            if target not in self.found and (complete or target == "text"):
                raise mappings.missing(target, field, fields)
        if "text" not in self.found:
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

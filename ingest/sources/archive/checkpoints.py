"""Where a record stands in a file, and what the records from there on hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from ingest.errors import SourceError
from ingest.mapping.reasons import reject
from ingest.records import Item
from ingest.sources.archive.context import Reader
from ingest.sources.archive.csv_rows import Rows
from ingest.sources.archive.detection import Layout
from ingest.sources.archive.lines import Line

_CURSOR = re.compile(r"(\d+):(\d+)(?:\+(\d+))?(?::(\d+))?(:end|:closed)?(?:@(\d+))?")


class Place(msgspec.Struct, frozen=True):
    """A cursor, taken apart: ``offset:number[+taken][:torn][:end|:closed][@header]``."""

    offset: int
    number: int
    taken: int = 0
    torn: int = 0
    final: bool = False
    closed: bool = False
    """The list that a JSON document began with has ended."""
    header: int = 0
    """Offset of the header that holds for what follows, where it is not the file's first."""

    @staticmethod
    def read(cursor: str, layout: Layout) -> Place:
        """Return the place of a cursor. Raises :class:`SourceError` for another text."""
        if not cursor:
            return Place(layout.start, layout.first)
        match = re.fullmatch(
            r"(\d+):(\d+)(?:\+(\d+))?(?::(\d+))?(:end|:closed)?(?:@(\d+))?", cursor
        )
        if not match:
            raise SourceError(f"{cursor!r} is no place in a file; read the file from its beginning")
        offset, number, taken, torn = (int(group or 0) for group in match.groups()[:4])
        final, closed = match[5] == ":end", match[5] == ":closed"
        return Place(offset, number, taken, torn, final, closed, int(match[6] or 0))

    def write(self) -> str:
        """Return the cursor of a place where a record begins."""
        return f"{self.offset}:{self.number}"


def from_values(found: Iterator[Line], reader: Reader, place: Place) -> Iterator[Item]:
    """Yield what the values of a document from a place on hold."""
    begin, taken = f"{place.offset}:{place.number}", place.taken
    before = place.closed
    for line in found:
        raw, number = line.raw, line.number
        cursor = f"{line.end}:{number + 1}"
        if line.problem:
            record = reject(line.problem, raw, truncated=line.truncated)
            yield Item(record, cursor + (":0:end" if line.final else _closed(line.closed)), number)
        elif raw and not raw.isspace():
            outcomes = reader.read_object(raw)
            # Within a record of several posts: where it begins, and how many have been taken.
            for count, outcome in enumerate(outcomes[taken:], start=taken + 1):
                whole = count == len(outcomes)
                here = cursor if whole else f"{begin}+{count}"
                yield Item(outcome, here + _closed(line.closed if whole else before), number)
            taken = 0
        begin, before = cursor, line.closed


def _closed(closed: bool) -> str:
    return ":closed" if closed else ""


def from_rows(found: Rows, reader: Reader, place: Place) -> Iterator[Item]:
    """Yield what the rows of a table hold.

    A row that holds names of columns is the header of what follows: tables whose columns changed
    were joined into one file.
    """
    header, begin = place.header, place.offset
    for row in found:
        cursor = f"{row.end}:{row.next_line}"
        if row.final:
            cursor += ":0:end"
        elif row.torn > row.end:
            cursor += f":{row.torn}"
        if row.problem in {"", "extra-cells"} and reader.take_header(row.cells, row.raw):
            header = begin
            found.widen(len(row.cells))
        elif row.problem:
            record = reject(row.problem, reader.with_header(row.raw), truncated=row.truncated)
            yield Item(record, cursor + (f"@{header}" if header else ""), row.number)
        else:
            for outcome in reader.read_cells(row.cells, row.raw):
                yield Item(outcome, cursor + (f"@{header}" if header else ""), row.number)
        begin = row.end

"""Small tables that people keep: events, readings of counters, labels.

They are read as archives of posts are (:mod:`ingest.sources.archive`): in any encoding, with any
delimiter, with lines before the names of the columns. Such a table fits into memory.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from typing import NamedTuple

from ingest import dates
from ingest.errors import SourceError
from ingest.mapping.fields import plain
from ingest.sources.archive import csv_rows


class Table(NamedTuple):
    """A table as it was written."""

    columns: list[str]
    """Names of the columns, without the spaces around them; empty for an empty table."""
    rows: list[tuple[int, list[str]]]
    """The rows that are not empty, each with the number of its last line."""

    def values(self, column: str) -> Iterable[str]:
        """Yield the cells of a column from top to bottom; short rows have none."""
        place = self.columns.index(column)
        return (cells[place] for _, cells in self.rows if place < len(cells))


def read_table(content: bytes | str, name: str, known: Collection[str]) -> Table:
    """Return the table that a file holds; ``known`` are names its columns may have.

    Byte order marks, ``sep=;`` lines and lines before the names of the columns are no part of it.
    Raises :class:`~ingest.errors.SourceError` where a quotation mark swallows the rest.
    """
    text = content if isinstance(content, str) else _decoded(content)
    text = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    names = {plain(one) for one in known}
    skipped = csv_rows.preamble(text, names)
    lines = text.split("\n")[skipped:]
    dialect, hint = csv_rows.detect("\n".join(lines), names)
    first = skipped + bool(hint)
    reader = csv_rows.reader((line + "\n" for line in lines[bool(hint) :]), dialect)
    found: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((first + reader.line_num, cells))
    except csv.Error as error:
        raise SourceError(
            f"{name}, near line {first + reader.line_num}: {error}. A quotation mark may be "
            "missing; nothing was read."
        ) from None
    if not found:
        return Table([], [])
    return Table([cell.strip() for cell in found[0][1]], found[1:])


def style_of(table: Table, *columns: str) -> dates.DateStyle:
    """Return how a table writes its dates: whether the month or the day comes first."""
    there = [column for column in columns if column in table.columns]
    return dates.learn(value for column in there for value in table.values(column))


def _decoded(content: bytes) -> str:
    from ingest.sources.archive import encodings  # loads a package that most files do not need

    marked, length = encodings.mark_of(content)
    if marked:
        return content[length:].decode(marked, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(encodings.detect(content), "replace")

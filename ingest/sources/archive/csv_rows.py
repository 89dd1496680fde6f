"""CSV in any dialect: which one a file is in, and its rows in bounded memory.

A quotation mark that is never closed would swallow the rest of a file. Here it costs its own
line: the lines after it are read again, each by itself.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ingest.mapping.fields import plain
from ingest.mapping.objects import MAX_COLUMNS
from ingest.sources.archive.lines import LIMIT, Line

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

MAX_ROW_LINES = 10_000
"""The most lines that one row may take; above, a quotation mark is taken for unclosed."""

_USUAL = ",;\t|"
_SEP_LINE = re.compile(r'"?sep=(.)"?')
_SAMPLE_ROWS = 200
#: So many lines may stand before the names of the columns; a header has so many known names.
_PREAMBLE, _NAMES = 30, 2
_REGULAR = 0.9


class Dialect(msgspec.Struct, frozen=True):
    """How a table is written."""

    delimiter: str = ","
    escape: str = ""
    """``\\`` if quotation marks inside cells are escaped so, else they are doubled."""
    quoted: bool = True
    """Whether cells may stand in quotation marks; if not, a mark is a letter like any other."""


class Row(NamedTuple):
    """One row; ``end`` and ``next_line`` say what follows.

    ``torn`` is the offset up to which lines are read again, each by itself.
    """

    cells: list[str]
    raw: bytes
    number: int
    end: int
    next_line: int
    torn: int
    problem: str = ""
    truncated: bool = False
    final: bool = False


def parse_rows(text: str, dialect: Dialect) -> list[list[str]]:
    """Return the cells of each row of a text, one row at least.

    Raises ``csv.Error`` where a quotation mark is out of place.
    """
    return [cells for cells in reader(_physical(text), dialect) if cells] or [[]]


def _physical(text: str) -> Iterator[str]:
    """Yield lines as a file has them: str.splitlines would also cut at U+2028 and others."""
    for line in text.split("\n"):
        yield line + "\n"


def reader(texts: Iterator[str], dialect: Dialect) -> CsvReader:
    """Return the rows of lines; it counts the lines that it has read."""
    csv.field_size_limit(LIMIT)  # the library's own limit would refuse long cells
    return csv.reader(
        texts,
        delimiter=dialect.delimiter,
        escapechar=dialect.escape or None,
        doublequote=not dialect.escape,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        strict=True,
    )


class Rows:
    """The rows of a table, from the lines of a stream.

    ``torn`` is the offset up to which lines follow an unclosed quotation mark: there only a
    line with exactly ``width`` cells is taken for a row.
    """

    def __init__(
        self, lines: Iterator[Line], codec: str, dialect: Dialect, width: int, torn: int = 0
    ) -> None:
        self._lines = lines
        self._codec = codec
        self._width = width
        self._torn = torn
        self._again: deque[Line] = deque()  # lines to be read once more
        self._taken: list[Line] = []  # lines of the row that is being read
        self._undecodable = False
        self._reader = reader(self._feed(), dialect)
        self._dialect = dialect

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows; blank lines are none."""
        while True:
            self._taken.clear()
            self._undecodable = False
            try:
                cells = next(self._reader, None)
            except csv.Error:
                # A generator that was run to its end stays there: begin a new one.
                self._reader = reader(self._feed(), self._dialect)
                if self._taken:
                    yield self._unclosed()
                continue
            if self._taken and cells is not None:
                if cells:
                    yield self._row(cells)
                continue
            line = self._next()
            if line is None:
                return
            yield self._bad_line(line)
            self._reader = reader(self._feed(), self._dialect)

    def widen(self, width: int) -> None:
        """Take another header's number of columns for what follows."""
        self._width = width

    def _next(self) -> Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _feed(self) -> Iterator[str]:
        size = 0
        while (line := self._next()) is not None:
            if not self._taken:
                size = 0
            size += len(line.raw)
            if line.problem or size > LIMIT or len(self._taken) >= MAX_ROW_LINES:
                self._again.appendleft(line)
                return
            if not self._taken and (not line.raw or line.raw.isspace()):
                continue
            self._taken.append(line)
            try:
                text = line.raw.decode(self._codec)
            except UnicodeDecodeError:
                text = line.raw.decode(self._codec, "surrogateescape")
                self._undecodable = True
            yield text + "\n"

    def _row(self, cells: list[str]) -> Row:
        first, last = self._taken[0], self._taken[-1]
        raw = first.raw if first is last else b"\n".join(line.raw for line in self._taken)
        problem = ""
        if self._undecodable:
            problem = "encoding-invalid"
        elif b"\0" in raw:
            problem = "nul"
        elif len(cells) > MAX_COLUMNS:
            problem = "too-many-columns"
        elif first.end <= self._torn and len(cells) != self._width:
            problem = "csv-torn"
        elif not any(cells):
            problem = "row-empty"
        elif any(cells[self._width :]):
            problem = "extra-cells"
        return Row(cells, raw, first.number, last.end, last.number + 1, self._torn, problem)

    def _unclosed(self) -> Row:
        """Give up the first line of the row, and take the others for rows of their own."""
        first, *others = self._taken
        if others:
            self._torn = max(self._torn, others[-1].end)
            self._again.extendleft(reversed(others))
        return Row(
            [], first.raw, first.number, first.end, first.number + 1, self._torn, "csv-quote"
        )

    def _bad_line(self, line: Line) -> Row:
        return Row(
            [],
            line.raw,
            line.number,
            line.end,
            line.number + 1,
            self._torn,
            line.problem or "line-too-long",
            line.truncated,
            line.final,
        )


def preamble(head: str, known: frozenset[str] | set[str]) -> int:
    """Return how many lines stand before the names of a table's columns.

    As monitoring tools and people write them: a title, the query, a period, an empty line. The
    first line that has two names in ``known`` holds the names; 0 where the first one has a name
    already, and where no line near the top has two.
    """
    for number, line in enumerate(head.split("\n", _PREAMBLE)[:_PREAMBLE]):
        names = max(_known_names(line, sign, known) for sign in _USUAL)
        if names >= _NAMES:
            return number
        if number == 0 and (names or _SEP_LINE.fullmatch(line.strip("\r"))):
            return 0
    return 0


def _known_names(line: str, delimiter: str, known: frozenset[str] | set[str]) -> int:
    return len({plain(cell) for cell in line.split(delimiter)} & known)


def detect(head: str, known: frozenset[str] | set[str]) -> tuple[Dialect, int]:
    """Return the dialect of a table and the length of a leading ``sep=;`` line in characters.

    The delimiter that gives the most columns with a name in ``known`` (see
    :func:`ingest.mapping.fields.plain`), then a usual one with which nearly all rows
    are as wide as the header, then the most such rows.
    """
    first = head.split("\n", 1)[0]
    if hint := _SEP_LINE.fullmatch(first.strip("\r")):
        return _quoting(head[len(first) + 1 :], hint[1]), len(first) + 1
    others = sorted({sign for sign in first if not sign.isalnum() and sign not in "_-.\"'#\r @\\"})
    candidates = [*_USUAL, *(sign for sign in others if sign not in _USUAL)]
    fits = {sign: _fit(head, sign, known) for sign in candidates}

    def rank(sign: str) -> tuple[int, bool, float, int, int]:
        names, same, columns = fits[sign]
        # Without known names, the signs of dates and addresses would make more columns.
        usual = sign in _USUAL and same >= _REGULAR
        return names, usual, same, columns, -candidates.index(sign)

    best = max(candidates, key=rank)
    return _quoting(head, best), 0


def _quoting(head: str, delimiter: str) -> Dialect:
    plain = Dialect(delimiter=delimiter)
    if delimiter == "\t" and _unquoted(head):
        return Dialect(delimiter=delimiter, quoted=False)
    if '\\"' not in head:
        return plain
    escaped = Dialect(delimiter=delimiter, escape="\\")
    return escaped if _failures(head, escaped) < _failures(head, plain) else plain


def _unquoted(head: str) -> bool:
    """Say whether a table of tabs was written without any quoting, as some programs do.

    Then every line has all cells, and marks stand where quoting can't have put them.
    """
    split = [line.split("\t") for line in head.split("\n")[:_SAMPLE_ROWS] if line]
    if len({len(cells) for cells in split}) != 1:
        return False
    marked = [[cell for cell in cells if cell.startswith('"')] for cells in split]
    closed = sum(any(cell.endswith('"') and len(cell) > 1 for cell in cells) for cells in marked)
    loose = sum(any(not cell.endswith('"') or cell == '"' for cell in cells) for cells in marked)
    return loose > closed


def _sample(head: str, dialect: Dialect) -> Iterator[list[str] | None]:
    """Yield the first rows of a text, ``None`` for one that can't be read."""
    found = reader(_physical(head), dialect)
    for _ in range(_SAMPLE_ROWS):
        try:
            yield next(found)
        except StopIteration:
            return
        except csv.Error:
            yield None


def _failures(head: str, dialect: Dialect) -> int:
    return sum(row is None for row in _sample(head, dialect))


def _fit(head: str, delimiter: str, known: frozenset[str] | set[str]) -> tuple[int, float, int]:
    rows = [row for row in _sample(head, Dialect(delimiter=delimiter)) if row != []]
    header = rows[0] if rows else None
    if not header:
        return 0, 0.0, 0
    names = sum(plain(cell) in known for cell in header)
    same = sum(row is not None and len(row) == len(header) for row in rows) / len(rows)
    columns = len(header)
    return names, same if columns > 1 else 0.0, columns

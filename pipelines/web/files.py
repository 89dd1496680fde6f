"""Answers that a browser saves as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a table as CSV in UTF-8 with a byte order mark, by which Excel knows the encoding."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(header)
    writer.writerows(rows)
    return ("\ufeff" + stream.getvalue()).encode()


def sheet(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a table as an Excel workbook; text that looks like a formula stays text."""
    from openpyxl import Workbook  # takes its time to load
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    page = book.create_sheet("marsad")
    page.freeze_panes = "A2"

    def cell(value: object) -> WriteOnlyCell:
        if value is None or isinstance(value, bool | int | float):
            return WriteOnlyCell(page, value=value)
        made = WriteOnlyCell(page, value=ILLEGAL_CHARACTERS_RE.sub("", str(value)))
        made.data_type = "s"
        return made

    for row in (header, *rows):
        page.append([cell(value) for value in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def download(content: bytes, name: str, media: str = CSV) -> Response:
    """Return an answer that is saved under a name (of ASCII letters)."""
    return Response(
        content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )

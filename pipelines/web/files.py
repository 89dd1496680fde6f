"""Answers that a browser saves as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

CSV = "text/csv; charset=utf-8"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a table as CSV in UTF-8 with a byte order mark, by which Excel knows the encoding."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(header)
    writer.writerows(rows)
    return ("\ufeff" + stream.getvalue()).encode()


def download(content: bytes, name: str, media: str = CSV) -> Response:
    """Return an answer that is saved under a name (of ASCII letters)."""
    return Response(
        content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )

"""Why a record of an archive becomes a dead letter: every code, with its sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ingest.records import Reject

#: Explained one by one in ``docs/dead-letters.md``; a test compares the two.
REASONS: Final = {
    "csv-quote": "a quotation mark is not closed or stands where it can't",
    "csv-torn": "this line follows an unclosed quotation mark and is no full row by itself",
    "encoding-invalid": "the bytes are not valid in the encoding of the file",
    "extra-cells": "the row has more cells than the header has columns",
    "file-damaged": "the compressed data is damaged here; what follows can't be read, and what "
    "came before may be wrong too",
    "file-truncated": "the file ends in the middle; what was readable has been read",
    "header-repeated": "the header stands here once more",
    "id-invalid": "the id is not a text or whole number of at most 512 characters",
    "id-rounded": "the id was rounded by a spreadsheet or a float and is lost",
    "json-invalid": "this is not valid JSON",
    "json-nan": "NaN and Infinity are not JSON",
    "json-not-object": "this is JSON, but no object with fields",
    "json-too-deep": "objects or lists are nested too deep to be a post",
    "json-truncated": "the JSON ends in the middle",
    "line-too-long": "the record is longer than 10 MB",
    "lone-surrogate": "half of a surrogate pair stands alone, which is no character",
    "mapping-failed": "Marsad stumbled over this record, which is a mistake of its own",
    "no-text": "the record has no text field, or its text is null",
    "nul": "a NUL character stands in the record",
    "row-empty": "all cells of the row are empty",
    "text-missing": "the text is a word for nothing, such as NA or #NAME?, or stands for a deleted "
    "one",
    "text-not-string": "the text is not a JSON string",
    "too-many-columns": "the record has more than 10,000 columns",
}

_DAMAGED = "the compressed data is damaged"


def warning(damage: str, *, doubtful: bool) -> str:
    """Return what to tell people of a damaged file before it is read; nothing of a whole one."""
    if damage == "file-truncated":
        return "the compressed data ends in the middle: posts are missing. Get the whole file"
    if doubtful:
        return (
            f"{_DAMAGED} (its checksum or its structure is wrong): what is read before the damage "
            "may be wrong too. Get the file again before you rely on its posts"
        )
    return f"{_DAMAGED} or something else follows it: posts may be missing" if damage else ""


def before_header(lines: int, columns: Sequence[str]) -> str:
    """Return what to tell of lines before the names of a table's columns."""
    what = (
        "first line is no record: it stands"
        if lines == 1
        else (f"first {lines:,} lines are no records: they stand")
    )
    return f"its {what} before the names of the columns ({', '.join(columns)[:120]})"


def damage_detail(records: int, *, doubtful: bool) -> str:
    """Return the detail of ``file-damaged`` behind so many records."""
    if not doubtful:
        return f"{_DAMAGED} here, or something else follows it; what came before is whole"
    return (
        f"{_DAMAGED} here; what follows can't be read, and up to {records:,} records before it may "
        "be wrong too"
    )


def reject(reason: str, raw: bytes, detail: str = "", *, truncated: bool = False) -> Reject:
    """Return the dead letter's bytes, cut to the size that a dead letter may have."""
    return Reject.of(reason, detail or REASONS[reason], raw, truncated=truncated)

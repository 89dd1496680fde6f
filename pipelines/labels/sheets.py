"""Sheets of posts for people to label: written as xlsx, CSV or NDJSON, and read back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation

from ingest.errors import SourceError
from ingest.mapping.spreadsheets import guard, unguard
from ingest.sources.tables import read_table
from nlp.language import LABELS as LANGUAGES
from pipelines.errors import OutputError
from pipelines.files import write_whole
from pipelines.labels.sampling import Sampled
from pipelines.labels.words import HEADERS, KNOWN_COLUMNS, WORDS, Ui, column_of, label_of
from pipelines.workbooks import RTL, row_height

#: What a sheet's file may be called.
SUFFIXES = (".xlsx", ".csv", ".ndjson")

#: Cells beside a text of many lines stand at its first one.
_TOP = Alignment(vertical="top")
_WIDTHS = {"text": 80, "id": 26, "note": 30}
_HIDDEN = ("digest", "weight")
#: Columns of an export that no sheet of labels has.
_PREDICTED = frozenset({"sentiment_negative", "sentiment_neutral", "sentiment_positive"})
#: A sheet may hold more than Excel takes in one cell.
_CELL = 32_000


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a coder said in one row of a sheet."""

    row: int
    id: str
    text: str = ""
    language: str = ""
    labels: dict[str, str]
    """Labels by their aspect; empty where nothing was said."""
    problem: str = ""
    """Why the row can't be used; empty if it can."""
    digest: str = ""
    weight: float = 1.0
    group: str = ""
    """The column `lang` or `language` as it is: a group of figures may have any name."""
    source: str = ""


def columns(entities: Sequence[str], *, predicted: bool) -> list[str]:
    """Return the columns of a sheet, in their order.

    Posts drawn for entities are no sample of all: their mood is not asked for, since labels of it
    would skew those of the whole study.
    """
    own = [f"target:{entity}" for entity in entities] or ["sentiment"]
    said = ["predicted"] if predicted else []
    return ["id", "day", "language", "text", *own, *said, "note", *_HIDDEN]


def write(
    path: Path,
    posts: Sequence[Sampled],
    *,
    entities: Sequence[str] = (),
    ui: Ui = "en",
    predicted: bool = False,
) -> None:
    """Write a sheet, one post a row, the label columns empty; its owner alone can read it.

    In xlsx labels are chosen from a list, in the words of ``ui``. The predicted label is left
    out unless ``predicted``: coders follow what they see. Raises :class:`OutputError`.
    """
    names = columns(entities, predicted=predicted)
    rows = [_row(one, names) for one in posts]
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        content = _workbook(names, rows, ui)
    elif suffix == ".csv":
        content = _csv(names, rows)
    elif suffix == ".ndjson":
        content = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    else:
        raise OutputError(f"{path}: a sheet is an {', '.join(SUFFIXES)} file; name it so")
    write_whole(path, content)


def read(path: Path) -> Iterator[Answer]:
    """Yield what coders said, row by row; rows without any label have no labels.

    Raises :class:`OutputError` for a file that is no sheet.
    """
    for number, cells in _rows(path):
        yield _answer(number, cells)


def _row(one: Sampled, names: Sequence[str]) -> dict[str, Any]:
    post = one.hit.post
    values: dict[str, Any] = {
        "id": post.id,
        "day": one.hit.day,
        "language": post.language,
        "text": post.text,
        "predicted": post.sentiment.label if post.sentiment else "",
        "digest": post.digest,
        "weight": round(one.weight, 6),
    }
    return {name: values.get(name, "") for name in names}


def _csv(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([guard(str(row[name])) for name in names])
    return stream.getvalue().encode("utf-8-sig")


def _alignment(language: str) -> Alignment:
    """Return how a text of this language is laid out: wrapped, and from its own side."""
    rtl = language in RTL
    return Alignment(
        wrap_text=True,
        vertical="top",
        horizontal="right" if rtl else "left",
        readingOrder=2 if rtl else 1,
    )


def _workbook(names: Sequence[str], rows: Sequence[dict[str, Any]], ui: Ui) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "posts"
    sheet.sheet_view.rightToLeft = ui == "ar"
    sheet.append([HEADERS[ui].get(name, name) for name in names])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for row in rows:
        sheet.append([None] * len(names))
        for place, name in enumerate(names, start=1):
            cell = sheet.cell(sheet.max_row, place)
            value = row[name]
            cell.value = value[:_CELL] if isinstance(value, str) else value
            cell.alignment = _TOP
            if isinstance(value, str):
                cell.data_type = "s"  # text as text: no formula, no number
                cell.number_format = "@"
        text = sheet.cell(sheet.max_row, names.index("text") + 1)
        text.alignment = _alignment(str(row["language"]))
        sheet.row_dimensions[sheet.max_row].height = row_height(str(row["text"]), _WIDTHS["text"])
    sheet.freeze_panes = "A2"
    choices = DataValidation(
        type="list", formula1=f'"{",".join(WORDS[ui].values())}"', allow_blank=True
    )
    sheet.add_data_validation(choices)
    for place, name in enumerate(names, start=1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = _WIDTHS.get(name, 16)
        sheet.column_dimensions[letter].hidden = name in _HIDDEN
        if rows and (name == "sentiment" or name.startswith("target:")):
            choices.add(f"{letter}2:{letter}{len(rows) + 1}")
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    suffix = path.suffix.lower()
    try:
        if suffix == ".xlsx":
            yield from _of_workbook(path)
        elif suffix in {".csv", ".tsv"}:
            table = read_table(path.read_bytes(), str(path), KNOWN_COLUMNS)
            header = [column_of(unguard(cell)) for cell in table.columns]
            _refuse_predictions(path, header)
            for number, cells in table.rows:
                yield number, dict(zip(header, map(unguard, cells), strict=False))
        elif suffix in {".ndjson", ".jsonl"}:
            with path.open("rb") as stream:
                for number, line in enumerate(stream, start=1):
                    if line.strip():
                        found = msgspec.json.decode(line, type=dict[str, Any])
                        if isinstance(found.get("sentiment"), dict):  # a post with probabilities
                            _refuse_predictions(path, _PREDICTED)
                        yield number, {column_of(k): _text(v) for k, v in found.items()}
        else:
            raise OutputError(f"{path}: a sheet is an {', '.join(SUFFIXES)} file")
    except OSError as error:
        raise OutputError(f"{path} can't be read: {error.strerror or error}") from error
    except (SourceError, msgspec.DecodeError, InvalidFileException) as error:
        raise OutputError(f"{path} is no sheet of labels ({error}): save it again") from error


def _refuse_predictions(path: Path, header: Iterable[str]) -> None:
    """Refuse an export of posts: its labels would pass for those of people."""
    if set(header) >= _PREDICTED:
        raise OutputError(
            f"{path} is an export of posts: its column sentiment holds what the model predicted, "
            "not what people said. Make a sheet for people with marsad label sample"
        )


def _of_workbook(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    from zipfile import BadZipFile

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError) as error:
        raise OutputError(f"{path} is no xlsx file ({error}): save it again as one") from error
    try:
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(values_only=True)
        header = [column_of(_text(cell)) for cell in next(rows, ())]
        _refuse_predictions(path, header)
        for number, cells in enumerate(rows, start=2):
            if any(cell not in {None, ""} for cell in cells):
                yield number, dict(zip(header, map(_text, cells), strict=False))
    finally:
        book.close()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)


def _answer(number: int, cells: dict[str, str]) -> Answer:
    labels: dict[str, str] = {}
    problem = ""
    for name, cell in cells.items():
        if not cell.strip():
            continue
        if name == "sentiment" or name.startswith("target:"):
            label = label_of(cell)
            if label:
                labels[name] = label
            else:
                problem = f"{name} is {cell[:40]!r}, which is no label"
    language = cells.get("language", "").strip()
    if not cells.get("id") and not cells.get("text"):
        problem = "there is no id"
    try:
        weight = float((cells.get("weight") or "1").replace(",", "."))
    except ValueError:
        weight = 1.0
    return Answer(
        row=number,
        id=cells.get("id", ""),
        text=cells.get("text", ""),
        language=language if language in LANGUAGES else "",
        labels=labels,
        problem=problem,
        digest=cells.get("digest", ""),
        weight=weight if weight > 0 else 1.0,
        group=cells.get("lang", "").strip() or language,
        source=(cells.get("source") or cells.get("platform") or "").strip(),
    )

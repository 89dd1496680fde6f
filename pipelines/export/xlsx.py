"""The writer of xlsx: what a colleague who has Excel alone can read, filter and count."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel

from pipelines.errors import OutputError
from pipelines.export.columns import ATTITUDE, Column, Exported, as_text
from pipelines.export.options import ROWS, TOO_MANY, Options
from pipelines.workbooks import RTL, TOP, row_height, text_alignment

#: Characters of a cell that Excel opens.
_CHARACTERS = 32_767
_DAY, _MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
_POSTS = "xl/worksheets/sheet1.xml"
_CHUNK = 1 << 20
_WIDTHS = {"text": 80, "id": 28, "url": 40, "entities": 28, "hashtags": 28, "digest": 28,
           "created_at": 19, "collected_at": 19, "author": 20, "model": 28}  # fmt: skip
_NARROWEST = 12
_BOLD = Font(bold=True)
#: Characters that the format can't hold, and those that XML writes in another way.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MARKUP = re.compile("[&<>\r]")
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
#: What a post's rows are put in front of, in a sheet that has its heads alone.
_END = b"</sheetData>"
#: What openpyxl leaves out, since it writes ASCII alone.
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'

#: Returns the rest of a cell after its column and row, empty for no cell.
_Rest = Callable[[Exported], str]


class Xlsx:
    """Ids and texts as text, dates as dates in the store's zone, numbers as numbers.

    The columns are those of CSV. Two more sheets hold the code book and the query. Rows of posts
    are written as XML by this class, with the styles that openpyxl numbers: through its cells a
    row took twenty times as long.
    """

    files: tuple[str, ...] = ("posts.xlsx",)

    def __init__(self, folder: Path, options: Options) -> None:
        self._path = folder / self.files[0]
        self._options = options
        self._columns = options.flat
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("posts")
        self._sheet.freeze_panes = "A2"
        heads = [one.name for one in self._columns]
        letters = [get_column_letter(place) for place in range(1, len(heads) + 1)]
        for letter, name in zip(letters, heads, strict=True):
            width = max(len(name) + 2, _WIDTHS.get(name, _NARROWEST))
            self._sheet.column_dimensions[letter].width = width
        self._sheet.append([self._cell(name, font=_BOLD) for name in heads])
        self._rows = 1
        begins = {name: f'<c r="{letter}' for name, letter in zip(heads, letters, strict=True)}
        self._text = self._style("", number_format="@")
        plain = [one for one in self._columns if not one.name.startswith(ATTITUDE)]
        self._cells = [(begins[one.name], self._rest(one)) for one in plain]
        # at the end, and of most entities no post has one
        self._attitudes = {
            name.removeprefix(ATTITUDE): (place, begins[name])
            for place, name in enumerate(heads)
            if name.startswith(ATTITUDE)
        }
        self._draft = folder / "posts.rows"
        self._stream = self._draft.open("w", encoding="utf-8", errors="replace", newline="")

    def write(self, post: Exported) -> None:
        """Add a post. Raises :class:`OutputError` for more posts than a sheet holds."""
        self._rows += 1
        if self._rows > ROWS:
            raise OutputError(TOO_MANY)
        row = str(self._rows)
        height = row_height(post.text, _WIDTHS["text"])
        parts = [f'<row r="{row}" ht="{height:g}" customHeight="1">' if height else
                 f'<row r="{row}">']  # fmt: skip
        for begin, rest in self._cells:
            if cell := rest(post):
                parts += (begin, row, cell)
        attitudes = {
            self._attitudes[one.entity]: one.label
            for one in reversed(post.targets)
            if one.entity in self._attitudes
        }
        for (_, begin), label in sorted(attitudes.items()):
            parts += (begin, row, _inline(self._text, label))
        parts.append("</row>")
        self._stream.write("".join(parts))

    def close(self) -> None:
        """Add the sheets about the export, and finish the file."""
        self._stream.close()
        about = self._book.create_sheet("columns")
        about.column_dimensions["A"].width, about.column_dimensions["B"].width = 24, 100
        about.append([self._cell("column", font=_BOLD), self._cell("holds", font=_BOLD)])
        for column in self._columns:
            about.append([self._cell(column.name), self._cell(column.about)])
        query = self._book.create_sheet("query")
        query.column_dimensions["A"].width, query.column_dimensions["B"].width = 24, 100
        for name, words in self._options.about:
            query.append([self._cell(name, font=_BOLD), self._cell(words)])
        moment = self._options.created_at.replace(tzinfo=None)
        self._book.properties.created = self._book.properties.modified = moment
        self._book.properties.creator = "Marsad"
        self._save()

    def _save(self) -> None:
        """Save with fixed times in the archive: the same posts give the same bytes."""
        frame = BytesIO()  # all but the posts
        self._book.save(frame)
        with ZipFile(frame) as old, ZipFile(self._path, "w", ZIP_DEFLATED) as new:
            for name in sorted(old.namelist()):
                info = ZipInfo(name)
                info.compress_type = ZIP_DEFLATED
                content = old.read(name)
                if name == "docProps/core.xml":  # openpyxl writes the time of saving there
                    stamp = f"{self._options.created_at:%Y-%m-%dT%H:%M:%SZ}".encode()
                    content = _MODIFIED.sub(rb"\g<1>" + stamp, content)
                if name == _POSTS:
                    self._put_rows(new, info, content)
                else:
                    new.writestr(info, content)
        self._draft.unlink()

    def _put_rows(self, book: ZipFile, info: ZipInfo, sheet: bytes) -> None:
        """Write the sheet of posts: its frame, with their rows inside."""
        head, end, tail = sheet.rpartition(_END)
        # tells whether the archive needs the long form, which Excel does not take needlessly
        info.file_size = len(_DECLARATION) + len(sheet) + self._draft.stat().st_size
        with self._draft.open("rb") as rows, book.open(info, "w") as target:
            target.write(_DECLARATION + head)
            shutil.copyfileobj(rows, target, _CHUNK)
            target.write(end + tail)

    def _rest(self, column: Column) -> _Rest:
        """Return what makes the cells of a column."""
        value, text = column.value, self._text
        if column.kind == "day":
            style = self._style("n", number_format=_DAY)
            return _days(value, style)
        if column.kind == "time":
            style = self._style("n", number_format=_MOMENT)
            return lambda post: self._moment(value(post), style)
        if column.kind in {"integer", "number"}:
            style = self._style("n")
            return lambda post: _number(style, value(post))
        if column.name == "text":
            styles = {
                one: self._style("", number_format="@", alignment=text_alignment(one))
                for one in ("", *RTL)
            }
            usual = styles[""]
            return lambda post: _inline(styles.get(post.language, usual), post.text)
        return lambda post: _inline(text, as_text(column, post))

    def _moment(self, moment: datetime | None, style: str) -> str:
        if moment is None:
            return ""
        try:
            local = moment.astimezone(self._options.zone).replace(tzinfo=None, microsecond=0)
        except OverflowError:
            return _inline(self._text, moment.isoformat())
        if local.year < 1900:  # Excel counts days since then
            return _inline(self._text, local.isoformat(" "))
        return _number(style, to_excel(local))

    def _style(self, kind: str, **style: Any) -> str:
        """Return what a cell has of a style: its number, and the kind of its value."""
        cell = WriteOnlyCell(self._sheet)
        for name, one in {"alignment": TOP, **style}.items():
            setattr(cell, name, one)
        return f'" s="{cell.style_id}" t="{kind or "inlineStr"}">'

    def _cell(self, text: str, **style: Any) -> Any:
        """Return a cell of text for the sheets that openpyxl writes."""
        cell = WriteOnlyCell(self._sheet, value=_CONTROLS.sub("\ufffd", text)[:_CHARACTERS])
        cell.data_type = "s"  # text as text: no formula, no rounded number
        cell.number_format = "@"
        for name, one in {"alignment": TOP, **style}.items():
            setattr(cell, name, one)
        return cell


def _inline(style: str, text: str) -> str:
    """Return the rest of a cell that holds text, none for an empty one."""
    if not text:
        return ""
    text = _CONTROLS.sub("\ufffd", text)[:_CHARACTERS]
    space = ' xml:space="preserve"' if text != text.strip() else ""
    if _MARKUP.search(text):
        for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
            text = text.replace(sign, name)
    return f"{style}<is><t{space}>{text}</t></is></c>"


def _number(style: str, value: float | None) -> str:
    """Return the rest of a cell that holds a number, none without one."""
    return "" if value is None else f"{style}<v>{value:.16g}</v></c>"


def _days(value: Callable[[Exported], str], style: str) -> _Rest:
    """Return what makes the cells of days: few, and each in many posts."""
    made: dict[str, str] = {"": ""}

    def rest(post: Exported) -> str:
        day = value(post)
        if day not in made:
            made[day] = _number(style, to_excel(date.fromisoformat(day)))
        return made[day]

    return rest

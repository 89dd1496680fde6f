"""The writer of xlsx: what a colleague who has Excel alone can read, filter and count."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

from pipelines.errors import OutputError
from pipelines.export.columns import ATTITUDE, Column, Exported, as_text
from pipelines.export.options import ROWS, TOO_MANY, Options
from pipelines.workbooks import RTL, row_height

#: Characters of a cell that Excel opens, counted in UTF-16.
_CHARACTERS = 32_767
_DAY, _MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
_WIDTHS = {"text": 80, "id": 28, "url": 40, "entities": 28, "hashtags": 28, "digest": 28,
           "created_at": 19, "collected_at": 19, "author": 20, "model": 28}  # fmt: skip
_NARROWEST = 12
#: Excel counts days from 1 January 1900 on, its day 1.
_DAY_0, _DAY_2 = datetime(1899, 12, 31), datetime(1900, 1, 2)
#: Characters that the format can't hold.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TOP: dict[str, Any] = {"valign": "top"}
_TEXT: dict[str, Any] = {**_TOP, "num_format": "@"}

#: Writes a cell of a row, none for what is missing.
_Put = Callable[[int, Exported], None]


class Xlsx:
    """Ids and texts as text, dates as dates in the store's zone, numbers as numbers.

    The columns are those of CSV. Two more sheets hold the code book and the query. Rows that are
    written lie in the export's folder, not in memory.
    """

    files: tuple[str, ...] = ("posts.xlsx",)

    def __init__(self, folder: Path, options: Options) -> None:
        self._options = options
        self._columns = options.flat
        self._book = Workbook(
            folder / self.files[0],
            {
                "constant_memory": True,
                "tmpdir": str(folder),
                "use_zip64": True,  # only for sheets beyond 4 GiB, which fail without
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
            },
        )
        self._text = self._book.add_format(_TEXT)
        self._bold = self._book.add_format({**_TEXT, "bold": True})
        self._sheet = self._book.add_worksheet("posts")
        self._sheet.freeze_panes(1, 0)
        heads = [one.name for one in self._columns]
        for place, name in enumerate(heads):
            width = max(len(name) + 2, _WIDTHS.get(name, _NARROWEST))
            self._sheet.set_column(place, place, width)
            _put_text(self._sheet, 0, place, name, self._bold)
        self._rows = 1
        self._cells = [
            self._put(place, one)
            for place, one in enumerate(self._columns)
            if not one.name.startswith(ATTITUDE)
        ]
        # of most entities no post has one
        self._attitudes = {
            name.removeprefix(ATTITUDE): place
            for place, name in enumerate(heads)
            if name.startswith(ATTITUDE)
        }

    def write(self, post: Exported) -> None:
        """Add a post. Raises :class:`OutputError` for more posts than a sheet holds."""
        row = self._rows
        self._rows += 1
        if self._rows > ROWS:
            raise OutputError(TOO_MANY)
        if height := row_height(post.text, _WIDTHS["text"]):
            self._sheet.set_row(row, height)
        for put in self._cells:
            put(row, post)
        attitudes = {one.entity: one.label for one in reversed(post.targets)}
        for entity, label in attitudes.items():
            if entity in self._attitudes:
                _put_text(self._sheet, row, self._attitudes[entity], label, self._text)
        # XlsxWriter has written the row before, and would keep its height to the end
        self._sheet.row_info.pop(row - 1, None)
        self._sheet.row_sizes.pop(row - 1, None)

    def close(self) -> None:
        """Add the sheets about the export, and finish the file.

        The same posts give the same bytes: XlsxWriter gives all parts of a file the same time.
        """
        about = self._pairs("columns")
        _put_row(about, 0, ("column", "holds"), (self._bold, self._bold))
        for row, column in enumerate(self._columns, 1):
            _put_row(about, row, (column.name, column.about), (self._text, self._text))
        query = self._pairs("query")
        for row, line in enumerate(self._options.about):
            _put_row(query, row, line, (self._bold, self._text))
        moment = self._options.created_at.replace(tzinfo=None)
        self._book.set_properties({"author": "Marsad", "created": moment})
        try:
            self._book.close()
        except FileCreateError as error:
            raise error.args[0] from error  # what the disk said: an OSError

    def _pairs(self, name: str) -> Any:
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 100)
        return sheet

    def _put(self, place: int, column: Column) -> _Put:
        """Return what writes the cells of a column."""
        sheet, value, text = self._sheet, column.value, self._text
        if column.kind == "day":
            style = self._book.add_format({**_TOP, "num_format": _DAY})
            return lambda row, post: self._put_day(row, place, value(post), style)
        if column.kind == "time":
            style = self._book.add_format({**_TOP, "num_format": _MOMENT})
            return lambda row, post: self._put_moment(row, place, value(post), style)
        if column.kind in {"integer", "number"}:
            style = self._book.add_format(_TOP)
            return lambda row, post: _put_number(sheet, row, place, value(post), style)
        if column.name == "text":
            usual, rtl = self._of_script("left", 1), self._of_script("right", 2)
            return lambda row, post: _put_text(
                sheet, row, place, post.text, rtl if post.language in RTL else usual
            )
        return lambda row, post: _put_text(sheet, row, place, as_text(column, post), text)

    def _of_script(self, side: str, order: int) -> Any:
        """Return the format of texts of posts: wrapped, and from their own side."""
        more = {"text_wrap": True, "align": side, "reading_order": order}
        return self._book.add_format({**_TEXT, **more})

    def _put_day(self, row: int, place: int, day: str, style: Any) -> None:
        if day >= "1900":
            self._sheet.write_datetime(row, place, date.fromisoformat(day), style)
        else:  # unknown, or before Excel's days
            _put_text(self._sheet, row, place, day, self._text)

    def _put_moment(self, row: int, place: int, moment: datetime | None, style: Any) -> None:
        if moment is None:
            return
        try:
            local = moment.astimezone(self._options.zone).replace(tzinfo=None, microsecond=0)
        except OverflowError:
            _put_text(self._sheet, row, place, moment.isoformat(), self._text)
            return
        if local.year < 1900:
            _put_text(self._sheet, row, place, local.isoformat(" "), self._text)
        else:  # XlsxWriter takes a moment of day 1 for a time of no day
            since = local if local >= _DAY_2 else local - _DAY_0
            self._sheet.write_datetime(row, place, since, style)


def _put_row(sheet: Any, row: int, texts: tuple[str, ...], styles: tuple[Any, ...]) -> None:
    for place, (text, style) in enumerate(zip(texts, styles, strict=True)):
        _put_text(sheet, row, place, text, style)


def _put_text(sheet: Any, row: int, place: int, text: str, style: Any) -> None:
    """Write a cell that holds text, none for an empty one."""
    if not text:
        return
    text = _CONTROLS.sub("\ufffd", text)
    # as Excel breaks lines; others show what XlsxWriter makes of the other sign
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > _CHARACTERS // 2:  # two for a character beyond the first 65,536
        text = text.encode("utf-16-le")[: 2 * _CHARACTERS].decode("utf-16-le", "ignore")
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter takes such a text for its own rich text and writes it as XML: as parts of a
        # rich text it is escaped
        sheet.write_rich_string(row, place, text[:1], text[1:2], text[2:], style)
    else:
        sheet.write_string(row, place, text, style)


def _put_number(sheet: Any, row: int, place: int, value: float | None, style: Any) -> None:
    if value is not None:
        sheet.write_number(row, place, value, style)

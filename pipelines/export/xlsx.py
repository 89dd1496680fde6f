"""The writer of xlsx: what a colleague who has Excel alone can read, filter and count."""

from __future__ import annotations

import re
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from pipelines.errors import OutputError
from pipelines.export.columns import Column, Exported, as_text
from pipelines.export.options import Options
from pipelines.workbooks import TOP, row_height, text_alignment

#: Rows of a sheet, and characters of a cell, that Excel opens.
_ROWS, _CHARACTERS = 1_048_576, 32_767
_WIDTHS = {"text": 80, "id": 28, "url": 40, "entities": 28, "hashtags": 28, "digest": 28,
           "created_at": 19, "collected_at": 19, "author": 20, "model": 28}  # fmt: skip
_NARROWEST = 12
_BOLD = Font(bold=True)
#: Characters that the format can't hold.
_CONTROLS = {code: "�" for code in (*range(32), 0xFFFE, 0xFFFF) if code not in {9, 10, 13}}


_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


class Xlsx:
    """Ids and texts as text, dates as dates in the store's zone, numbers as numbers.

    The columns are those of CSV. Two more sheets hold the code book and the query.
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
        for place, name in enumerate(heads, start=1):
            width = max(len(name) + 2, _WIDTHS.get(name, _NARROWEST))
            self._sheet.column_dimensions[get_column_letter(place)].width = width
        self._sheet.append([self._cell(name, font=_BOLD) for name in heads])
        self._rows = 1

    def write(self, post: Exported) -> None:
        """Add a post. Raises :class:`OutputError` for more posts than a sheet holds."""
        self._rows += 1
        if self._rows > _ROWS:
            raise OutputError(
                f"a sheet of Excel holds {_ROWS - 1:,} posts: narrow the query, or export as "
                "Parquet or CSV"
            )
        if height := row_height(post.text, _WIDTHS["text"]):
            self._sheet.row_dimensions[self._rows].height = height
        self._sheet.append([self._of(column, post) for column in self._columns])
        self._sheet.row_dimensions.pop(self._rows, None)  # it is written: memory stays flat

    def close(self) -> None:
        """Add the sheets about the export, and finish the file."""
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
        draft = self._path.with_suffix(".draft")
        self._book.save(draft)
        with ZipFile(draft) as old, ZipFile(self._path, "w", ZIP_DEFLATED) as new:
            for name in sorted(old.namelist()):
                info = ZipInfo(name)
                info.compress_type = ZIP_DEFLATED
                if name == "docProps/core.xml":  # openpyxl writes the time of saving there
                    stamp = f"{self._options.created_at:%Y-%m-%dT%H:%M:%SZ}".encode()
                    new.writestr(info, _MODIFIED.sub(rb"\g<1>" + stamp, old.read(name)))
                    continue
                with old.open(name) as source, new.open(info, "w") as target:
                    shutil.copyfileobj(source, target)
        draft.unlink()

    def _of(self, column: Column, post: Exported) -> Any:
        value = column.value(post)
        if value is None or value == "":
            return None
        if column.kind == "day":
            return self._cell(date.fromisoformat(value))
        if isinstance(value, datetime):
            return self._cell(self._local(value))
        if column.kind in {"integer", "number"}:
            return self._cell(value)
        if column.kind == "list":
            return self._cell(as_text(column, post)) if value else None
        if column.name == "text":
            return self._cell(value, alignment=text_alignment(post.language))
        return self._cell(as_text(column, post))

    def _local(self, moment: datetime) -> datetime | str:
        try:
            local = moment.astimezone(self._options.zone).replace(tzinfo=None, microsecond=0)
        except OverflowError:
            return moment.isoformat()
        # Excel counts days since 1900
        return local if local.year >= 1900 else local.isoformat(" ")

    def _cell(self, value: Any, **style: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, str):
            value = value.translate(_CONTROLS)[:_CHARACTERS]
        cell = WriteOnlyCell(self._sheet, value=value)
        if isinstance(value, str):
            cell.data_type = "s"  # text as text: no formula, no rounded number
            cell.number_format = "@"
        elif isinstance(value, datetime):
            cell.number_format = "yyyy-mm-dd hh:mm:ss"
        elif isinstance(value, date):
            cell.number_format = "yyyy-mm-dd"
        for name, one in {"alignment": TOP, **style}.items():
            setattr(cell, name, one)
        return cell

"""Tables of thousands of rows, written in the time that people expect.

rich lays out every cell by itself, about a millisecond for each row. Where a table has no frame,
each cell is one line, and all columns fit, cutting and padding are all there is to do.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.table import Column, Table
from rich.text import Text

#: Rows up to which rich writes a table itself.
SHORT = 100
_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}


def print_table(table: Table, console: Console) -> None:
    """Print a table without a frame whose columns do not wrap, as ``console.print`` would."""
    widths = [_width(column) for column in table.columns]
    room = console.width - sum(widths) - len(widths) + 1
    system = _SYSTEMS.get(console.color_system or "")
    if table.row_count <= SHORT or room < 0 or (console.color_system and system is None):
        console.print(table)
        return
    styles = _Styles(console, system)
    heads = [styles.cell(one.header, one, table.header_style) for one in table.columns]
    columns = [[*_cells(column, styles)] for column in table.columns]
    lines = [tuple(heads), *zip(*columns, strict=True)]
    padded = (
        " ".join(
            _padded(plain, shown, width, column.justify)
            for (plain, shown), width, column in zip(line, widths, table.columns, strict=True)
        )
        for line in lines
    )
    console.file.write("".join(f"{line}\n" for line in padded))


def _width(column: Column) -> int:
    if column.width is not None:
        return column.width
    widest = max(cell_len(_plain(cell)) for cell in (column.header, *column.cells))
    return widest if column.max_width is None else min(widest, column.max_width)


def _plain(cell: object) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)


def _cells(column: Column, styles: _Styles) -> Iterator[tuple[str, str]]:
    for cell in column.cells:
        yield styles.cell(cell, column, column.style)


def _padded(plain: str, shown: str, width: int, justify: str) -> str:
    size = cell_len(plain)
    if size > width:
        return set_cell_size(plain, width - 1) + "…"
    blank = " " * (width - size)
    return blank + shown if justify == "right" else shown + blank


class _Styles:
    """Writes cells with the signs of their colours, where the console shows any."""

    def __init__(self, console: Console, system: ColorSystem | None) -> None:
        self._console, self._system = console, system

    def cell(self, cell: object, column: Column, style: str | Style) -> tuple[str, str]:
        """Return a cell as it is, and as the console shows it."""
        plain = _plain(cell)
        if self._system is None or not plain:
            return plain, plain
        base = self._console.get_style(style)
        if not isinstance(cell, Text):
            return plain, base.render(plain, color_system=self._system)
        base += self._console.get_style(cell.style)
        shown, at = "", 0
        for start, end, own in cell.spans:  # one after the other, as they were appended
            shown += base.render(plain[at:start], color_system=self._system)
            whole = base + self._console.get_style(own)
            shown += whole.render(plain[start:end], color_system=self._system)
            at = end
        return plain, shown + base.render(plain[at:], color_system=self._system)

"""How texts of posts stand in the cells of workbooks, for exports and for sheets of labels."""

from __future__ import annotations

#: Scripts whose languages run from right to left.
RTL = frozenset({"ar", "ary"})
#: Points of one line, and of the highest row that Excel takes.
_LINE, _HIGHEST = 15.0, 409.0


def row_height(text: str, width: int) -> float | None:
    """Return the points that a wrapped text needs in a column of ``width`` characters.

    ``None`` for a single line, the usual height. LibreOffice shows the first line alone where a
    file does not say how high a row is; Excel finds the height by itself.
    """
    lines = sum(len(line) // width + 1 for line in text.split("\n"))
    return min(lines * _LINE, _HIGHEST) if lines > 1 else None

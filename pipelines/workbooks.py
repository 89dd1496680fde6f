"""How texts of posts stand in the cells of workbooks, for exports and for sheets of labels."""

from __future__ import annotations

from openpyxl.styles import Alignment

#: Cells beside a text of many lines stand at its first one.
TOP = Alignment(vertical="top")
#: Scripts whose languages run from right to left.
RTL = frozenset({"ar", "ary"})
#: Points of one line, and of the highest row that Excel takes.
_LINE, _HIGHEST = 15.0, 409.0


def text_alignment(language: str) -> Alignment:
    """Return how a text of this language is laid out: wrapped, and from its own side."""
    rtl = language in RTL
    return Alignment(
        wrap_text=True,
        vertical="top",
        horizontal="right" if rtl else "left",
        readingOrder=2 if rtl else 1,
    )


def row_height(text: str, width: int) -> float | None:
    """Return the points that a wrapped text needs in a column of ``width`` characters.

    ``None`` for a single line, the usual height. LibreOffice shows the first line alone where a
    file does not say how high a row is; Excel finds the height by itself.
    """
    lines = sum(len(line) // width + 1 for line in text.split("\n"))
    return min(lines * _LINE, _HIGHEST) if lines > 1 else None

"""Cells of tables: guarded against formulas, and lists in one cell; how to write and read them."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What a spreadsheet takes for the beginning of a formula, full-width forms included (OWASP,
# "CSV Injection"). Apostrophes before it count, so that guarding can be undone exactly.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
#: Stands between the items of a list and inside none, so that a cell can be cut at each.
SEPARATOR = "|"
_WRITTEN = {"%7C": "|", "%25": "%"}
_UNSAFE = re.compile(r"\||%(?=7C|25)")
_SAFE = re.compile("|".join(_WRITTEN))


def guard(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; :func:`unguard` undoes it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    """Return the cell as it was before :func:`guard`."""
    return cell[1:] if _GUARDED.match(cell) else cell


def join_list(items: Iterable[str]) -> str:
    """Return a list as one cell, ``a|b``; :func:`split_list` undoes it.

    A separator inside an item is written ``%7C``, as in addresses, and a ``%`` that would be read
    as part of such a sign ``%25``.
    """
    return SEPARATOR.join(_UNSAFE.sub(lambda sign: f"%{ord(sign[0]):02X}", item) for item in items)


def split_list(cell: str) -> list[str]:
    """Return the items of a list that stands in one cell; none for an empty cell."""
    items = cell.split(SEPARATOR) if cell else []
    return [_SAFE.sub(lambda sign: _WRITTEN[sign[0]], item) for item in items]

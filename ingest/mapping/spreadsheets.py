"""Cells that no spreadsheet takes for a formula: how exports write them, and how they are read."""

from __future__ import annotations

import re

# What a spreadsheet takes for the beginning of a formula, full-width forms included (OWASP,
# "CSV Injection"). Apostrophes before it count, so that guarding can be undone exactly.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


def guard(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; :func:`unguard` undoes it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    """Return the cell as it was before :func:`guard`."""
    return cell[1:] if _GUARDED.match(cell) else cell

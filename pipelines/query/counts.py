"""Numbers that a query may ask for: ``likes>100``, ``likes:10..50``, ``likes:unknown``."""

from __future__ import annotations

import re
from typing import NamedTuple

UNKNOWN = "unknown"
#: What may stand between a count's name and a number.
SIGNS = ("<", ">", "<=", ">=")
_SAME = {"≥": ">=", "≤": "<=", "=": ""}
_VALUE = re.compile(
    r"(?P<sign>[<>]=?|[≤≥=])?(?P<number>\d{1,18})|(?P<low>\d{1,18})?\.\.(?P<high>\d{1,18})?"
)
_LARGEST = 2**63 - 1


class Bounds(NamedTuple):
    """The numbers that are wanted, both ends included."""

    low: int
    high: int


def check(value: str) -> str:
    """Return the one form of a value, such as ``>100`` or ``10..50``; raises ``ValueError``."""
    if value.casefold() == UNKNOWN:
        return UNKNOWN
    found = _VALUE.fullmatch(value)
    wrong = ValueError("a number or a range, as in likes>100, likes:10..50, likes:unknown")
    if found is None or value == "..":
        raise wrong
    sign, number, low, high = found.groups()
    if number is not None:
        return f"{_SAME.get(sign or '=', sign)}{int(number)}"
    if low and high and int(low) > int(high):
        raise wrong
    return f"{int(low) if low else ''}..{int(high) if high else ''}"


def bounds(value: str) -> Bounds | None:
    """Return what a checked value asks for, ``None`` for posts whose count is unknown."""
    if value == UNKNOWN:
        return None
    if ".." in value:
        low, high = value.split("..")
        return Bounds(int(low or 0), int(high or _LARGEST))
    number = int(value.lstrip("<>="))
    match value.rstrip("0123456789"):
        case ">":
            return Bounds(number + 1, _LARGEST)
        case ">=":
            return Bounds(number, _LARGEST)
        case "<":
            return Bounds(0, number - 1)
        case "<=":
            return Bounds(0, number)
    return Bounds(number, number)

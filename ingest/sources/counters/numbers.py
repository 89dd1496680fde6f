"""Counts as pages and people write them, with the step in which they move.

``2.4M`` moves in steps of 100,000: whatever is smaller can't be seen in it. Pure functions.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

#: Longer is no count of people.
_LONGEST = 40
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f_'’]+")
_GROUPED = re.compile(r"\d{1,3}(?:[,.]\d{3})+")
_COUNT = re.compile(r"(\d+)(?:[.,](\d+))?([kmb]?)", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+)(?:[.,](\d{1,4}))?%?")

#: Millionths in one per cent: shares are stored in whole millionths.
PPM = 10_000


class Count(NamedTuple):
    """A figure and the step in which it moves."""

    value: int
    granularity: int


def parse_count(text: str) -> Count:
    """Return what ``27000``, ``27 000``, ``27,000``, ``137.5K`` or ``2.4M`` says.

    A point or comma before exactly three digits groups thousands, unless a letter follows.
    Raises ``ValueError`` for anything else.
    """
    packed = _SPACES.sub("", text)
    if len(packed) > _LONGEST:
        raise ValueError(f"{text[:_LONGEST]!r}… is no count")
    if _GROUPED.fullmatch(packed):
        packed = re.sub("[.,]", "", packed)
    match = _COUNT.fullmatch(packed)
    if not match or (match[2] and not match[3]):
        raise ValueError(f"{text!r} is no count; write 27000, 137.5K or 2.4M")
    whole, decimals, letter = match[1], match[2] or "", match[3].lower()
    factor = _FACTORS[letter]
    if 10 ** len(decimals) > factor:
        raise ValueError(f"{text!r} has more decimals than a count can have")
    granularity = factor // 10 ** len(decimals)
    return Count(int(whole + decimals) * granularity, granularity)


def parse_percent(text: str) -> Count:
    """Return a percentage (``5.62``, ``5,62 %``) in millionths, as its decimals allow.

    Raises ``ValueError``.
    """
    match = _PERCENT.fullmatch(_SPACES.sub("", text))
    if not match:
        raise ValueError(f"{text!r} is no percentage; write 5.62")
    decimals = match[2] or ""
    return Count(int(Decimal(f"{match[1]}.{decimals or 0}") * PPM), PPM // 10 ** len(decimals))


def significant(value: int, digits: int) -> int:
    """Return the step of a figure that is cut to so many significant digits."""
    return int(10 ** max(0, len(str(abs(value))) - digits))


def round_step(value: int) -> int:
    """Return the step of a figure that somebody rounded: the power of ten it is a multiple of.

    27,000 moves in thousands, 137,500 in hundreds; 0 says nothing and has the step 1.
    """
    if not value:
        return 1
    digits = str(abs(value))
    return int(10 ** (len(digits) - len(digits.rstrip("0"))))

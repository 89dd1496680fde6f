"""How large a chart is: for a page of an article, for a slide, or as told."""

from __future__ import annotations

import re

import msgspec

from pipelines.errors import OutputError

_PIXELS = re.compile(r"([0-9]{1,5})[xX\N{MULTIPLICATION SIGN}]([0-9]{1,5})")
#: Dots per inch of a PNG: 1,600 pixels wide.
DPI = 160.0
_FEWEST, _MOST = 400, 10_000


class Size(msgspec.Struct, frozen=True):
    """Width and height in inches, as letters are measured, and the pixels of an inch in a PNG."""

    width: float = 10.0
    height: float | None = None
    """``None``: as high as what is drawn needs."""
    dpi: float = DPI


AUTO = Size()
NAMED = {
    "article": Size(7.0, None, 300.0),  # the width between margins of 2 cm on A4
    "slide": Size(10.0, 5.625, 192.0),  # 1,920 by 1,080 pixels
}


def size_of(text: str) -> Size:
    """Return the size of a name, or of ``WIDTHxHEIGHT`` in pixels.

    Raises :class:`~pipelines.errors.OutputError`.
    """
    if not text:
        return AUTO
    if text in NAMED:
        return NAMED[text]
    found = _PIXELS.fullmatch(text)
    if not found:
        raise OutputError(
            f"{text!r} is no size of a chart: write article, slide, or pixels such as 1600x900"
        )
    width, height = int(found[1]), int(found[2])
    if not (_FEWEST <= width <= _MOST and _FEWEST <= height <= _MOST):
        raise OutputError(f"{text} is no size of a chart: each side has 400 to 10,000 pixels")
    inches = min(max(width / DPI, 6.0), 10.0)
    return Size(inches, inches * height / width, width / inches)

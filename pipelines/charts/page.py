"""The page a chart is drawn on: measured in inches, filled from top to bottom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font

# Okabe and Ito's colours, distinct to colour-blind people and in grey print.
NEGATIVE, NEUTRAL, POSITIVE = "#D55E00", "#C9C9C9", "#0072B2"
#: Posts without shares.
UNSPLIT = "#8e8e8e"
INK, SOFT, FAINT = "#1a1a1a", "#5c5c5c", "#e4e4e4"

# Inches.
WIDTH, LEFT, RIGHT = 10.0, 0.75, 0.35
PLOT = WIDTH - LEFT - RIGHT


class Page:
    """A figure filled from top to bottom."""

    def __init__(self, height: float) -> None:
        self.figure = Figure(figsize=(WIDTH, height), facecolor="white")
        self.canvas = FigureCanvasAgg(self.figure)
        self.height = height
        self.at = 0.0
        self._glyphs = FT2Font(findfont("DejaVu Sans")).get_charmap()

    def down(self, inches: float) -> float:
        """Move down and return where that is, from the top."""
        self.at += inches
        return self.at

    def up(self, inches: float) -> None:
        """Move up."""
        self.at -= inches

    def axes(self, height: float) -> Any:
        """Return new axes of the plot's width that begin here, and move below them."""
        self.at += height
        return self.figure.add_axes(
            (LEFT / WIDTH, 1 - self.at / self.height, PLOT / WIDTH, height / self.height)
        )

    def text(self, words: str, *, left: float = 0.2, room: float = 0.0, **style: Any) -> Any:
        """Write one line whose top is here; words that have no room end in an ellipsis."""
        style = {"color": INK, "va": "top", "ha": "left", "fontsize": 8.5, **style}
        words = self.printable(words)
        text = self.figure.text(
            left / WIDTH, 1 - self.at / self.height, words, parse_math=False, **style
        )
        room = room or WIDTH - left - 0.2
        while self.wide(text) > room and words:
            words = words[: int(len(words) * min(0.97, room / self.wide(text)))].rstrip()
            text.set_text(f"{words}…")
        return text

    def wide(self, text: Any) -> float:
        """Return the width of a text in inches."""
        renderer = self.canvas.get_renderer()  # type: ignore[no-untyped-call]
        extent = text.get_window_extent(renderer)
        return float(extent.width / self.figure.dpi)

    def printable(self, words: str) -> str:
        """Return the words without what the font has no sign for."""
        words = " ".join(words.split())
        return "".join(c if ord(c) in self._glyphs else "\N{WHITE SQUARE}" for c in words)


def number(moment: datetime) -> float:
    """Return a time as matplotlib counts it: days since 1970."""
    return float(date2num(moment))  # type: ignore[no-untyped-call]

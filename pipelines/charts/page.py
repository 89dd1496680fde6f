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


class Page:
    """A figure filled from top to bottom; from right to left it is its own mirror image."""

    def __init__(self, height: float, width: float = WIDTH, *, rtl: bool = False) -> None:
        self.width = width
        self.plot = width - LEFT - RIGHT
        self.rtl = rtl
        self.figure = Figure(figsize=(width, height), facecolor="white")
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
        margin = RIGHT if self.rtl else LEFT
        ax = self.figure.add_axes(
            (margin / self.width, 1 - self.at / self.height, self.plot / self.width,
             height / self.height)
        )  # fmt: skip
        if self.rtl:
            ax.yaxis.tick_right()
            ax.yaxis.set_label_position("right")
        return ax

    def across(self, left: float) -> float:
        """Return where a place so far from the reading side is, as a part of the width."""
        return 1 - left / self.width if self.rtl else left / self.width

    def text(self, words: str, *, left: float = 0.2, room: float = 0.0, **style: Any) -> Any:
        """Write one line whose top is here; words that have no room end in an ellipsis."""
        style = {"color": INK, "va": "top", "ha": "left", "fontsize": 8.5, **style}
        if self.rtl:
            style["ha"] = {"left": "right", "right": "left"}.get(style["ha"], style["ha"])
        words = self.printable(words)
        x, y = self.across(left), 1 - self.at / self.height
        text = self.figure.text(x, y, words, parse_math=False, **style)
        room = room or self.width - left - 0.2
        while self.wide(text) > room and words:
            words = words[: int(len(words) * min(0.97, room / self.wide(text)))].rstrip()
            text.set_text(f"{words}…")
        return text

    def wrapped(self, words: str, *, left: float = 0.2, **style: Any) -> list[str]:
        """Return words as lines that have room beside ``left``."""
        room = self.width - left - 0.2
        probe = self.figure.text(0, 0, "", parse_math=False, **{"fontsize": 7.5, **style})
        lines: list[str] = []
        for word in self.printable(words).split():
            longer = f"{lines[-1]} {word}" if lines else word
            probe.set_text(longer)
            if lines and self.wide(probe) <= room:
                lines[-1] = longer
            else:
                lines.append(word)
        probe.remove()
        return lines or [""]

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

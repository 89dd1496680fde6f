"""Charts of sentiment over time, as SVG, PNG or PDF: the same input gives the same bytes.

One pair of panels for each group, all on the same axes: above, how many posts of which
sentiment; below, the shares of negative and positive posts with their 95 % intervals. Events are
numbered in the plot and listed below it; stretches in which a source was not listening are
hatched, since no posts there means nothing: the whole bucket where none came at all. Texts are
shaped by matplotlib, Arabic too.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.figure import Figure

from pipelines.annotations import Event
from pipelines.charts.caption import Caption, asked, changes, description, headline, method
from pipelines.charts.layout import draw
from pipelines.charts.panels import Stretch
from pipelines.charts.size import AUTO, DPI, Size, size_of
from pipelines.charts.words import Language
from pipelines.errors import OutputError
from pipelines.trends import By, Row

__all__ = [
    "Caption",
    "Format",
    "Language",
    "asked",
    "changes",
    "format_of",
    "method",
    "render",
    "rendered",
    "size_of",
    "write",
]

Format = Literal["svg", "png", "pdf"]

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 9,
    "text.hinting": "no_hinting",  # words are as wide as measured, whatever the resolution
    "svg.hashsalt": "marsad",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # letters stay letters: they can be searched and copied
    "hatch.linewidth": 0.6,
    "hatch.color": "#8a8a8a",
    "axes.linewidth": 0.6,
}
# matplotlib's settings belong to the whole process, and a server draws in several threads.
_LOCK = threading.Lock()


def format_of(path: Path) -> Format:
    """Return the format a file's name asks for. Raises :class:`OutputError`."""
    suffix = path.suffix.lower()
    if suffix == ".svg":
        return "svg"
    if suffix == ".png":
        return "png"
    if suffix == ".pdf":
        return "pdf"
    raise OutputError(f"{path}: a chart is an .svg, a .png or a .pdf file; name it so")


def render(
    rows: Sequence[Row],
    by: By,
    caption: Caption,
    form: Format,
    *,
    events: Sequence[Event] = (),
    names: Mapping[str, str] | None = None,
    deaf: Sequence[Stretch] = (),
    size: Size = AUTO,
    real_text: bool = False,
) -> bytes:
    """Return the chart of rows (at least one), as the bytes of a file.

    ``names`` are the groups' names for people, by group; ``deaf`` is when a source was not
    listening (:func:`pipelines.trends.deaf_times`). The letters of an SVG are outlines, which look
    the same everywhere; with ``real_text`` they are text that can be searched and edited. Raises
    :class:`OutputError` where a size has no room.
    """

    def make() -> Figure:
        return draw(rows, by, caption, events=events, names=names or {}, deaf=deaf, size=size)

    about = description(caption, rows, names or {})
    return rendered(make, headline(caption), form, about=about, dpi=size.dpi, real_text=real_text)


def rendered(
    make: Callable[[], Figure],
    title: str,
    form: Format,
    *,
    about: str = "",
    dpi: float = DPI,
    real_text: bool = False,
) -> bytes:
    """Return the figure that ``make`` draws, with Marsad's settings, as the bytes of a file.

    ``about`` is what it shows, in words: the description of an SVG and the subject of a PDF.
    """
    with _settings(real_text=real_text):
        figure = make()
        buffer = io.BytesIO()
        if form == "svg":
            facts = {"Date": None, "Creator": "Marsad", "Title": title}
            figure.savefig(buffer, format="svg", metadata=facts)
            return _described(buffer.getvalue(), about)
        if form == "pdf":
            facts = {"CreationDate": None, "Creator": "Marsad", "Producer": None, "Title": title}
            facts |= {"Subject": about} if about else {}
            figure.savefig(buffer, format="pdf", metadata=facts)
        else:
            facts = {"Software": "Marsad", "Title": title}
            facts |= {"Description": about} if about else {}
            figure.savefig(buffer, format="png", dpi=dpi, metadata=facts)
    return buffer.getvalue()


def _described(svg: bytes, about: str) -> bytes:
    """Return an SVG with a description that programs read aloud (WAI-ARIA, SVG-AAM)."""
    start = svg.index(b"<svg")
    head = svg.index(b">", start)
    title = svg.index(b"</title>", head) + len(b"</title>")
    inside = f"<desc>{escape(about)}</desc>" if about else ""
    return svg[:head] + b' role="img"' + svg[head:title] + inside.encode() + svg[title:]


def write(path: Path, content: bytes) -> None:
    """Write a chart; a file that was there stays whole until the new one is.

    Raises :class:`OutputError`.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} can't be written ({error.strerror}): choose another place, or make room"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _settings(*, real_text: bool = False) -> Iterator[None]:
    # from matplotlib's own defaults, whatever the user's matplotlibrc says
    settings: dict[Any, Any] = {**mpl.rcParamsDefault, "backend": "agg", **_SETTINGS}
    if real_text:
        settings["svg.fonttype"] = "none"
    with _LOCK, mpl.rc_context(rc=settings):
        yield

"""Charts of likes lost, one panel for each page: what was read, by whom, and how precisely.

Every reading is a point whose mark tells its source; bars show the step in which its figure
moves and the day or time in which it was read. Lines join readings of one source, and are
dotted where nothing is known between them. Nothing is averaged or filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ingest.records import Counter, Gap
from pipelines.charts import Format, rendered
from pipelines.charts.page import FAINT, INK, LEFT, SOFT, WIDTH, Page, number
from pipelines.charts.panels import locator_for
from pipelines.pages.arithmetic import slack
from pipelines.pages.flags import Flag, flags
from pipelines.pages.report import Moment
from pipelines.pages.series import Series, silences
from pipelines.pages.table import short

#: Pages in one chart; the others are named in its foot.
MOST_PAGES = 6
#: So many readings are marked one by one; of more, the line alone is drawn.
_MARKED = 60
#: A line has at most about so many points: the lowest and highest of each stretch stay.
_POINTS = 1_500

# Okabe and Ito's colours, distinct to colour-blind people; marks tell sources in grey print.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKS = "osD^vPX<>*hd"

# Inches.
_TITLE, _NAME, _PANEL, _BETWEEN, _DATES, _LINE, _END = 0.72, 0.24, 1.45, 0.2, 0.4, 0.175, 0.1
_LEGEND_END = 0.08


class _Style(msgspec.Struct, frozen=True):
    colour: str
    mark: str


def render(
    found: Sequence[Series],
    gaps: Sequence[Gap],
    zone: ZoneInfo,
    form: Format,
    *,
    since: Moment | None = None,
) -> bytes:
    """Return the chart of series (at least one), as the bytes of a file."""
    return rendered(lambda: _draw(found, gaps, zone, since), "Likes lost", form)


def _draw(
    found: Sequence[Series], gaps: Sequence[Gap], zone: ZoneInfo, since: Moment | None
) -> Figure:
    drawn = [one for one in found if one.kind in {"count", "loss"}]
    pages = [(page, list(own)) for page, own in groupby(drawn, key=lambda one: one.page)]
    shown, hidden = pages[:MOST_PAGES], pages[MOST_PAGES:]
    styles = _styles([one for _, own in shown for one in own])
    foot = _foot(found, [page for page, _ in hidden])
    page = Page(
        _TITLE
        + len(shown) * (_NAME + _PANEL + _BETWEEN)
        + _DATES
        + (len(styles) + len(foot)) * _LINE
        + _LEGEND_END
        + _END
    )
    readings = [reading for _, own in shown for one in own for reading in one.readings]
    _head(page, readings, zone)
    axes = []
    for name, own in shown:
        page.text(name, left=LEFT, fontsize=10.5, fontweight="bold")
        page.down(_NAME)
        axes.append(page.axes(_PANEL))
        _panel(axes[-1], own, gaps, zone, styles)
        page.down(_BETWEEN)
    _dates(axes, readings, zone, since)
    page.up(_BETWEEN)
    page.down(_DATES)
    _legend(page, styles)
    for words in foot:
        page.text(words, fontsize=7.5, color=SOFT)
        page.down(_LINE)
    return page.figure


def _styles(drawn: Sequence[Series]) -> dict[str, _Style]:
    sources = sorted({one.source for one in drawn})
    return {
        source: _Style(_COLOURS[place % len(_COLOURS)], _MARKS[place % len(_MARKS)])
        for place, source in enumerate(sources)
    }


def _head(page: Page, readings: Sequence[Counter], zone: ZoneInfo) -> None:
    page.down(0.16)
    page.text("Likes lost, by page and source", fontsize=13, fontweight="bold")
    page.down(0.29)
    if readings:
        days = sorted(f"{reading.at.astimezone(zone):%Y-%m-%d}" for reading in readings)
        words = f"{len(readings):,} readings, {days[0]} to {days[-1]}, time zone {zone.key}"
        page.text(words, color=SOFT)
    else:
        page.text("No reading can be drawn: none is a counter or a number of likes.", color=SOFT)
    page.down(_TITLE - page.at)


def _panel(
    ax: Any,
    own: Sequence[Series],
    gaps: Sequence[Gap],
    zone: ZoneInfo,
    styles: Mapping[str, _Style],
) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=8, colors=SOFT, width=0.6, length=3)
    ax.axhline(0, color=SOFT, linewidth=0.6)
    for lane, one in enumerate(own):
        _curve(ax, one, gaps, zone, styles[one.source], lane)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.margins(y=0.12)


def _curve(
    ax: Any, one: Series, gaps: Sequence[Gap], zone: ZoneInfo, style: _Style, lane: int
) -> None:
    readings = one.readings
    odd = flags(readings) if one.kind == "count" else []
    lost = _lost(one, odd)
    unknown = [*silences(readings, gaps), *((flag.start, flag.end) for flag in odd)]
    marked = len(readings) <= _MARKED
    off = slack(max(reading.granularity for reading in readings))
    for known, points in _stretches(readings, lost, unknown):
        times = [number(_middle(reading, zone)) for reading, _ in points]
        values = [value for _, value in points]
        ax.plot(
            times,
            values,
            color=style.colour,
            linewidth=1.3 if known else 0.9,
            linestyle="-" if known else (0, (1, 2)),
        )
        if known and off and not marked:
            low, high = [value - off for value in values], [value + off for value in values]
            ax.fill_between(times, low, high, color=style.colour, alpha=0.15, linewidth=0)
    for reading, value in zip(readings, lost, strict=True) if marked else ():
        middle, off = number(_middle(reading, zone)), slack(reading.granularity)
        half = reading.span / 2 / 86_400
        bars = {"color": style.colour, "linewidth": 0.9, "alpha": 0.55}
        if off:
            ax.plot([middle, middle], [value - off, value + off], **bars)
        if half:
            ax.plot([middle - half, middle + half], [value, value], **bars)
        ax.plot([middle], [value], style.mark, color=style.colour, markersize=5)
    for flag in odd:
        start, end = (number(_local(at, zone)) for at in (flag.start, flag.end))
        ax.axvspan(start, end, color=style.colour, alpha=0.12, linewidth=0)
        ax.annotate(
            f"{flag.kind} {flag.change:+,}",
            ((start + end) / 2, 0.99 - 0.1 * lane),
            xycoords=("data", "axes fraction"),
            fontsize=7.5,
            color=style.colour,
            ha="center",
            va="top",
        )


def _lost(one: Series, odd: Sequence[Flag]) -> list[int]:
    """Return what was published, or how many were lost since the first reading.

    Flagged stretches count for nothing, as in the report: a reset would dwarf all else.
    """
    if one.kind == "loss":
        return [reading.value for reading in one.readings]
    left_out = {place for flag in odd for place in range(flag.first, flag.last)}
    lost = [0]
    for place, (before, after) in enumerate(pairwise(one.readings)):
        lost.append(lost[-1] + (0 if place in left_out else before.value - after.value))
    return lost


def _stretches(
    readings: Sequence[Counter], lost: Sequence[int], unknown: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[bool, list[tuple[Counter, int]]]]:
    """Yield the line in parts: known ones with their readings, unknown ones with their ends."""
    points = list(zip(readings, lost, strict=True))

    def blind(place: int) -> bool:
        start, end = readings[place].at, readings[place + 1].at
        return any(start < until and end > since for since, until in unknown)

    for unseen, places in groupby(range(len(points) - 1), key=blind):
        own = list(places)
        part = points[own[0] : own[-1] + 2]
        yield not unseen, _thinned(part)


def _thinned(points: list[tuple[Counter, int]]) -> list[tuple[Counter, int]]:
    if len(points) <= _POINTS:
        return points
    size = -(-len(points) * 4 // _POINTS)
    kept = set()
    for start in range(0, len(points), size):
        places = range(start, min(start + size, len(points)))
        lowest = min(places, key=lambda place: points[place][1])
        highest = max(places, key=lambda place: points[place][1])
        kept |= {places[0], places[-1], lowest, highest}
    return [points[place] for place in sorted(kept)]


def _dates(
    axes: Sequence[Any], readings: Sequence[Counter], zone: ZoneInfo, since: Moment | None
) -> None:
    if not readings:
        return
    first = min(reading.at for reading in readings)
    first = min(first, since.at) if since else first
    last = max(reading.at + timedelta(seconds=reading.span) for reading in readings)
    room = max((last - first) * 0.02, timedelta(minutes=5))
    for ax in axes:
        ax.set_xlim(number(_local(first - room, zone)), number(_local(last + room, zone)))
        locator = locator_for(last - first)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(
            ConciseDateFormatter(  # type: ignore[no-untyped-call]
                locator,
                formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S"],
                zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
                show_offset=False,
            )
        )
        ax.tick_params(labelbottom=ax is axes[-1])


def _legend(page: Page, styles: Mapping[str, _Style]) -> None:
    for source, style in styles.items():
        y = 1 - (page.at + 0.06) / page.height
        page.figure.add_artist(
            Line2D(
                [0.35 / WIDTH],
                [y],
                marker=style.mark,
                color=style.colour,
                markersize=5,
                linestyle="",
            )
        )
        words = short(source) if source.startswith("pages/") else source
        page.text(words, left=0.5, fontsize=8, color=INK)
        page.down(_LINE)
    page.down(_LEGEND_END)


def _foot(found: Sequence[Series], hidden: Sequence[str]) -> list[str]:
    lines = [
        "Bars: the step in which a figure moves (upright), the day of which only the day is known "
        "(level). Dotted: nothing is known between two readings.",
    ]
    undrawn = sum(len(one.readings) for one in found if one.kind not in {"count", "loss"})
    if undrawn:
        lines.append(f"Not drawn: {undrawn:,} figures in per cent or per minute.")
    if hidden:
        lines.append(f"Not shown: {', '.join(hidden)}.")
    lines.append(
        "Published losses are counted from where their source began; of counters that were read, "
        "the loss is that since the first reading, without shaded stretches. Made with Marsad."
    )
    return lines


def _middle(reading: Counter, zone: ZoneInfo) -> datetime:
    return _local(reading.at + timedelta(seconds=reading.span / 2), zone)


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    # matplotlib would draw aware times in UTC
    return at.astimezone(zone).replace(tzinfo=None)

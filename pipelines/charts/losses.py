"""Charts of likes lost, one panel for each page: what was read, by whom, and how precisely.

Every reading is a point whose mark tells its source; bars show the step in which its figure
moves and the day or time in which it was read. Lines join readings of one source, and are
dotted where nothing is known between them. Marks are hollow where a source does not say since
when it counts. Nothing is averaged or filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ingest.records import Counter, Gap
from pipelines.charts import Format, rendered
from pipelines.charts.dates import date_axis, span_of
from pipelines.charts.loss_panel import Style, local, panel, unstated
from pipelines.charts.page import INK, LEFT, PLOT, RIGHT, SOFT, WIDTH, Page, number
from pipelines.pages.report import Moment
from pipelines.pages.series import Series
from pipelines.pages.table import moment, short

#: Pages in one chart; the others are named in its foot.
MOST_PAGES = 6
#: Panels share a scale while none of them needs one more than so many times as high.
_ALIKE = 2

# Okabe and Ito's colours, distinct to colour-blind people; marks tell sources in grey print.
# The second blue comes last: two sources must not look like one.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000", "#56B4E9")
_MARKS = "osD^vPX<>*hd"

# Inches.
_TITLE, _NAME, _PANEL, _BETWEEN, _LINE, _END = 0.72, 0.24, 1.45, 0.44, 0.175, 0.1
_LEGEND_END = 0.08


def render(
    found: Sequence[Series],
    gaps: Sequence[Gap],
    zone: ZoneInfo,
    form: Format,
    *,
    since: Moment | None = None,
    names: Mapping[str, str] | None = None,
    everything: Sequence[Counter] = (),
) -> bytes:
    """Return the chart of series (at least one), as the bytes of a file.

    ``names`` are the pages' names for people, where they are entities of a watchlist.
    ``everything`` are all readings of the case: a source has the same colour and mark in every
    chart of them, whatever is drawn.
    """

    def make() -> Figure:
        return draw(found, gaps, zone, since, names or {}, everything)

    return rendered(make, "Likes lost", form)


def draw(
    found: Sequence[Series],
    gaps: Sequence[Gap],
    zone: ZoneInfo,
    since: Moment | None,
    names: Mapping[str, str],
    everything: Sequence[Counter] = (),
) -> Figure:
    """Return the finished figure."""
    drawn = [one for one in found if one.kind in {"count", "loss"}]
    pages = [(page, list(own)) for page, own in groupby(drawn, key=lambda one: one.page)]
    shown, hidden = pages[:MOST_PAGES], pages[MOST_PAGES:]
    readings = [reading for _, own in shown for one in own for reading in one.readings]
    sources = {one.source for _, own in shown for one in own}
    styles = {
        source: style
        for source, style in styles_of(everything or readings).items()
        if source in sources
    }
    begin = beginning(readings, since)
    foot = _foot(found, [names.get(page, page) for page, _ in hidden], since)
    early = sum(reading.at < begin for reading in readings) if begin else 0
    if begin and early:
        day = f"{begin.astimezone(zone):%Y-%m-%d}"
        foot.insert(0, f"{early:,} readings before {day} lie left of the chart.")
    page = Page(
        _TITLE
        + len(shown) * (_NAME + _PANEL + _BETWEEN)
        + (len(styles) + bool(since) + len(foot)) * _LINE
        + _LEGEND_END
        + _END
    )
    page.down(0.16)
    page.text("Likes lost, by page and source", fontsize=13, fontweight="bold")
    page.down(0.29)
    head = page.at
    page.down(_TITLE - page.at)
    axes = []
    for name, own in shown:
        style: dict[str, Any] = {"fontsize": 10.5, "fontweight": "bold", "room": PLOT - 1.3}
        page.text(names.get(name, name), left=LEFT, **style)
        page.down(_NAME)
        axes.append(page.axes(_PANEL))
        panel(axes[-1], own, gaps, zone, styles, begin)
        page.down(_BETWEEN)
    _dates(axes, readings, zone, since, begin)
    page.up(page.at - head)
    apart = _scaled(axes)
    page.text(_head(readings, zone) + _scales(apart), color=SOFT)
    page.down(_TITLE - head)
    for own_scale in apart:
        if own_scale and not all(apart):
            page.text("own scale", left=WIDTH - RIGHT, ha="right", room=1.2, color=SOFT)
        page.down(_NAME + _PANEL + _BETWEEN)
    _legend(page, styles, since, zone)
    for words in foot:
        page.text(words, fontsize=7.5, color=SOFT)
        page.down(_LINE)
    return page.figure


def _scaled(axes: Sequence[Any]) -> list[bool]:
    """Give panels of like height one scale; say which have another than most, or all their own."""
    heights = [ax.get_ylim()[1] - ax.get_ylim()[0] for ax in axes]
    alike: list[list[int]] = []
    for place in sorted(range(len(axes)), key=lambda place: -heights[place]):
        if alike and heights[place] * _ALIKE >= heights[alike[-1][0]]:
            alike[-1].append(place)
        else:
            alike.append([place])
    for own in alike:
        ends = [axes[place].get_ylim() for place in own]
        for place in own:
            axes[place].set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
    most = max(alike, key=len, default=[])
    return [len(most) == 1 or place not in most for place in range(len(axes))]


def _scales(apart: Sequence[bool]) -> str:
    if len(apart) < 2:
        return ""
    if all(apart):
        return "; each page has its own scale"
    return "; one scale, but where noted" if any(apart) else "; one scale for all pages"


def styles_of(readings: Sequence[Counter]) -> dict[str, Style]:
    """Return colour and mark of each source, in the order of their first readings.

    So a source keeps them when others come later, and when a chart shows some sources alone.
    """
    first: dict[str, datetime] = {}
    for reading in readings:
        first[reading.source] = min(first.get(reading.source, reading.at), reading.at)
    sources = sorted(first, key=lambda source: (first[source], source))
    return {
        source: Style(_COLOURS[place % len(_COLOURS)], _MARKS[place % len(_MARKS)])
        for place, source in enumerate(sources)
    }


def beginning(readings: Sequence[Counter], since: Moment | None) -> datetime | None:
    """Return when the axis begins: not at readings that lie long before all the others.

    They do if the time to the next reading is longer than that from there to the last one.
    """
    if since or not readings:
        return since.at if since else None
    times = sorted({reading.at for reading in readings})
    place = 0
    for number_ in range(len(times) - 3):
        if times[number_ + 1] - times[number_] > times[-1] - times[number_ + 1]:
            place = number_ + 1
    return times[place]


def _head(readings: Sequence[Counter], zone: ZoneInfo) -> str:
    if not readings:
        return "No reading can be drawn: none is a counter or a number of likes."
    ends = [reading.at + timedelta(seconds=max(0, reading.span - 1)) for reading in readings]
    first = min(reading.at for reading in readings).astimezone(zone)
    many = "1 reading" if len(readings) == 1 else f"{len(readings):,} readings"
    last = max(ends).astimezone(zone)
    days = span_of(f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}")
    return f"{many}, {days}, time zone {zone.key}"


def _dates(
    axes: Sequence[Any],
    readings: Sequence[Counter],
    zone: ZoneInfo,
    since: Moment | None,
    begin: datetime | None,
) -> None:
    if not readings:
        return
    first = begin or min(reading.at for reading in readings)
    last = max(reading.at + timedelta(seconds=reading.span) for reading in readings)
    room = max((last - first) * 0.02, timedelta(minutes=5))
    for ax in axes:
        ax.set_xlim(number(local(first - room, zone)), number(local(last + room, zone)))
        date_axis(ax, last - first)
        if since:
            ax.axvline(number(local(since.at, zone)), color=INK, linewidth=0.9, dashes=(3, 2))


def _legend(page: Page, styles: Mapping[str, Style], since: Moment | None, zone: ZoneInfo) -> None:
    def entry(words: str, **look: Any) -> None:
        y = 1 - (page.at + 0.06) / page.height
        page.figure.add_artist(Line2D([0.35 / WIDTH], [y], linestyle="", **look))
        page.text(words, left=0.5, fontsize=8, color=INK)
        page.down(_LINE)

    for source, style in styles.items():
        words = short(source) if source.startswith("pages/") else source
        entry(words, marker=style.mark, color=style.colour, markersize=5)
    if since:
        day = moment(since.at, since.span, zone)
        entry(f"{day}: losses are counted from here on", marker="|", color=INK, markersize=9)
    page.down(_LEGEND_END)


def _foot(found: Sequence[Series], hidden: Sequence[str], since: Moment | None) -> list[str]:
    lines = [
        "Bars: how far a rounded figure may be off (upright), the time of which no more is known "
        "(level). Dotted: nothing is known between two readings.",
    ]
    if any(unstated(one, reading) for one in found for reading in one.readings):
        taken = "; the date asked for is taken" if since else ""
        lines.append(
            "Hollow: a published loss whose source does not say since when it counts"
            f"{taken}. Full: counted from where the source says."
        )
    if any(one.kind == "count" for one in found):
        lines.append(
            "Of counters that were read, the loss is that since the first reading, without "
            "shaded stretches."
        )
    undrawn = sum(len(one.readings) for one in found if one.kind not in {"count", "loss"})
    if undrawn:
        lines.append(f"Not drawn: {undrawn:,} figures in per cent or per minute.")
    if hidden:
        lines.append(f"Not shown: {', '.join(hidden)}.")
    return [*lines, "Made with Marsad."]

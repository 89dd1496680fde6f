"""One panel of a chart of losses: the readings of one page, source by source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ingest.records import Counter, Gap
from pipelines.charts.page import FAINT, SOFT, number
from pipelines.charts.words import ENGLISH, Language
from pipelines.pages.arithmetic import figure, slack
from pipelines.pages.flags import flags
from pipelines.pages.series import Series, silences
from pipelines.pages.summary import lost

#: So many readings are marked one by one; of more, the line alone is drawn.
_MARKED = 60
#: A line has at most about so many points: the lowest and highest of each stretch stay.
_POINTS = 1_500


class Style(msgspec.Struct, frozen=True):
    """How the readings of one source look."""

    colour: str
    mark: str


def panel(
    ax: Any,
    own: Sequence[Series],
    gaps: Sequence[Gap],
    zone: ZoneInfo,
    styles: Mapping[str, Style],
    begin: datetime | None = None,
    language: Language = ENGLISH,
) -> None:
    """Draw the series of one page; marks are hollow where a loss names no start of its count.

    Readings before ``begin`` have no mark, as the axis begins there.
    """
    ax.spines[["top", "left" if language.rtl else "right"]].set_visible(False)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=8, colors=SOFT, width=0.6, length=3)
    ax.axhline(0, color=SOFT, linewidth=0.6)
    for lane, one in enumerate(own):
        _curve(ax, one, gaps, zone, styles[one.source], lane, begin, language)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _written(value, language)))
    ax.margins(y=0.12)
    if ax.dataLim.y0 >= 0:
        # one step at least: a reading alone has lost nothing yet
        ax.set_ylim(0, max(1, ax.get_ylim()[1]))


def _written(value: float, language: Language) -> str:
    # longer ones have no room beside the axis
    return f"{value / 1e6:,g}M" if abs(value) >= 1e7 else language.number(value)


def _curve(
    ax: Any,
    one: Series,
    gaps: Sequence[Gap],
    zone: ZoneInfo,
    style: Style,
    lane: int,
    begin: datetime | None,
    language: Language,
) -> None:
    readings = one.readings
    odd = flags(readings) if one.kind == "count" else []
    so_far = lost(one, odd)
    unknown = [*silences(readings, gaps), *((flag.start, flag.end) for flag in odd)]
    marked = len(readings) <= _MARKED
    off = slack(max(reading.granularity for reading in readings))
    for known, points in _stretches(readings, so_far, unknown):
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
    for reading, value in zip(readings, so_far, strict=True) if marked else ():
        if begin and reading.at < begin:
            continue
        middle, bounds = number(_middle(reading, zone)), figure(reading)
        half = reading.span / 2 / 86_400
        bars = {"color": style.colour, "linewidth": 0.9, "alpha": 0.55}
        if bounds.low < bounds.high:
            # of a counter that was read: the more there are, the fewer were lost
            sign = -1 if one.kind == "count" else 1
            ends = [value + sign * (end - bounds.value) for end in (bounds.low, bounds.high)]
            ax.plot([middle, middle], ends, **bars)
        if half:
            ax.plot([middle - half, middle + half], [value, value], **bars)
        inside = "none" if unstated(one, reading) else style.colour
        ax.plot([middle], [value], style.mark, color=style.colour, mfc=inside, ms=5, clip_on=False)
    for flag in odd:
        start, end = (number(local(at, zone)) for at in (flag.start, flag.end))
        ax.axvspan(start, end, color=style.colour, alpha=0.12, linewidth=0)
        ax.annotate(
            f"{language.text(f'loss {flag.kind}')} {'+' * (flag.change > 0)}"
            f"{language.number(flag.change)}",
            ((start + end) / 2, 0.99 - 0.1 * lane),
            xycoords=("data", "axes fraction"),
            fontsize=7.5,
            color=style.colour,
            ha="center",
            va="top",
        )


def unstated(one: Series, reading: Counter) -> bool:
    """Say whether a published loss does not say since when it is counted."""
    return one.kind == "loss" and reading.since is None


def _stretches(
    readings: Sequence[Counter], values: Sequence[int], unknown: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[bool, list[tuple[Counter, int]]]]:
    """Yield the line in parts: known ones with their readings, unknown ones with their ends."""
    points = list(zip(readings, values, strict=True))

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


def _middle(reading: Counter, zone: ZoneInfo) -> datetime:
    return local(reading.at + timedelta(seconds=reading.span / 2), zone)


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """Return a moment in a zone's time, without the zone."""
    # matplotlib would draw aware times in UTC
    return at.astimezone(zone).replace(tzinfo=None)

"""Where everything stands on a chart, so that no text meets another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipelines.annotations import Event
from pipelines.charts import panels
from pipelines.charts.caption import Caption, count, foot, headline, warning
from pipelines.charts.page import (
    INK,
    LEFT,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    RIGHT,
    SOFT,
    Page,
    number,
)
from pipelines.charts.panels import end_of, time_of
from pipelines.charts.size import AUTO, Size
from pipelines.charts.words import Language
from pipelines.errors import OutputError
from pipelines.trends import FEWEST_POSTS, By, Row

#: Groups in one chart; the others are named in its foot.
MOST_GROUPS = 6

# Inches.
_TITLE, _GROUP_GAP = 0.92, 0.14
_DATES, _LANE, _LINE, _END = 0.46, 0.2, 0.175, 0.08
_BADGE = 0.22
_BOLD: dict[str, Any] = {"fontsize": 8, "fontweight": "bold"}
#: A narrower chart has its time zone in the small print.
_NARROW = 9.0
#: Panels are never lower than this part of their usual height.
_LEAST = 0.35


def draw(
    rows: Sequence[Row],
    by: By,
    caption: Caption,
    *,
    events: Sequence[Event],
    names: Mapping[str, str],
    deaf: Sequence[panels.Stretch] = (),
    size: Size = AUTO,
) -> Figure:
    """Return the finished figure.

    Raises :class:`~pipelines.errors.OutputError` where a size has no room for what is drawn.
    """
    language = caption.language
    groups = _groups(rows)
    first = time_of(rows[0])
    last = end_of(rows[-1], by)
    marked = [event for event in events if first <= _noon(event) < last]
    lanes = _lanes(marked, first, last, size.width - LEFT - RIGHT)
    draft = Page(1.0, size.width, rtl=language.rtl)
    warned = draft.wrapped(warning(caption), **_BOLD) if caption.fictional else []
    for many in range(min(len(groups), MOST_GROUPS), 0, -1):  # as many as have room
        shown = groups[:many]
        small = foot(caption, [names.get(group, group) for group, _ in groups[many:]])
        if size.width < _NARROW:
            small.append(language.text("zone", zone=caption.timezone))
        print_ = [line for words in small for line in draft.wrapped(words)]
        lines = len(print_) + len(warned)
        height, scale = _height(many, max(lanes, default=-1) + 1, len(marked), lines, size)
        if scale >= _LEAST:
            break
    else:
        raise OutputError(
            f"a chart of this size has no room for {len(marked):,} events and its small print: "
            "choose another --size, or --annotations none"
        )
    page = Page(height, size.width, rtl=language.rtl)
    _head(page, caption, by, rows, deaf)
    top = page.down(_LANE * (max(lanes, default=-1) + 1))
    most = max((row.posts or 0) for _, own in shown for row in own)
    axes: list[Any] = []
    for group, own in shown:
        name = names.get(group, group)
        axes += panels.panel(page, own, by, name, most, deaf, language, scale)
        page.down(_GROUP_GAP)
    page.up(_GROUP_GAP)
    for ax in axes:
        ends = (number(first), number(last))
        ax.set_xlim(*(ends[::-1] if page.rtl else ends))
        ax.tick_params(labelbottom=ax is axes[-1])
    for ax in axes:  # an event is of a day, not of a moment
        for day in sorted({event.day for event in marked}):
            start = number(datetime(day.year, day.month, day.day))
            ax.axvspan(start, start + 1, color=INK, alpha=0.07, linewidth=0, zorder=0.4)
    _events(page, axes, marked, lanes, top)
    page.down(_DATES)
    _list(page, marked)
    for words in warned:
        page.text(words, **_BOLD)
        page.down(_LINE)
    for words in print_:
        page.text(words, fontsize=7.5, color=SOFT)
        page.down(_LINE)
    return page.figure


def _groups(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return list(groups.items())


def _height(groups: int, lanes: int, events: int, foot: int, size: Size) -> tuple[float, float]:
    """Return the height of the page, and that of the panels beside their usual one."""
    axes = groups * (panels.VOLUME + panels.SHARES)
    others = (
        _TITLE
        + lanes * _LANE
        + groups * panels.HEIGHT
        - axes
        + (groups - 1) * _GROUP_GAP
        + _DATES
        + events * _LINE
        + (0.1 if events else 0)
        + foot * _LINE
        + _END
    )
    if size.height is None:
        return others + axes, 1.0
    return size.height, (size.height - others) / axes


def _head(
    page: Page, caption: Caption, by: By, rows: Sequence[Row], deaf: Sequence[panels.Stretch]
) -> None:
    page.down(0.16)
    page.text(headline(caption), fontsize=13, fontweight="bold")
    page.down(0.29)
    language = caption.language
    first, last = rows[0].bucket.replace("T", " "), rows[-1].bucket.replace("T", " ")
    if language.code != "en":
        first = language.day(rows[0].start)
        end = end_of(rows[-1], by) - timedelta(days=1)
        last = language.day(rows[-1].start if by == "hour" else end.date().isoformat())
    span = first if first == last else language.text("span", first=first, last=last)
    zone = language.text("zone", zone=caption.timezone)
    parts = [count(caption), span, language.text(f"by {by}")]
    words = language.listed([*parts, *([zone] if page.width >= _NARROW else [])])
    page.text(words, color=INK if caption.fictional else SOFT)
    page.down(0.21)
    _legend(page, by, any(True for _ in panels.blind(rows, by, deaf)), language)
    page.down(_TITLE - page.at)


def _legend(page: Page, by: By, deaf: bool, language: Language) -> None:
    left = 0.2
    for colour, label in ((NEGATIVE, "negative"), (NEUTRAL, "neutral"), (POSITIVE, "positive")):
        words = language.text(label)
        page.text("■", left=left, color=colour)
        left += 0.15 + page.wide(page.text(words, left=left + 0.15)) + 0.18
    page.text("━", left=left, color=NEGATIVE)
    page.text("━", left=left + 0.15, color=POSITIVE)
    left += 0.32
    words = language.text(f"legend {by}", posts=FEWEST_POSTS)
    left += page.wide(page.text(words, left=left)) + 0.18
    if deaf:
        page.text("▨", left=left, color=SOFT)
        page.text(language.text("deaf"), left=left + 0.17)


def _lanes(events: Sequence[Event], first: datetime, last: datetime, plot: float) -> list[int]:
    """Return for each event the lowest lane in which its number meets no other."""
    ends: list[float] = []
    lanes = []
    for event in events:
        at = plot * ((_noon(event) - first) / (last - first))
        lane = next((lane for lane, end in enumerate(ends) if end <= at), len(ends))
        ends[lane : lane + 1] = [at + _BADGE]
        lanes.append(lane)
    return lanes


def _events(
    page: Page, axes: Sequence[Any], events: Sequence[Event], lanes: Sequence[int], bottom: float
) -> None:
    if not events:
        return
    ends = axes[-1].get_position().y0
    low, high = axes[0].get_xlim()
    for place, (event, lane) in enumerate(zip(events, lanes, strict=True), start=1):
        part = (number(_noon(event)) - low) / (high - low)
        left = ((RIGHT if page.rtl else LEFT) + page.plot * part) / page.width
        y = 1 - (bottom - _LANE * (lane + 0.5)) / page.height
        page.figure.add_artist(_line(left, y, ends))
        page.figure.text(
            left,
            y,
            str(place),
            fontsize=7.5,
            ha="center",
            va="center",
            color="white",
            bbox={"boxstyle": "round,pad=0.25", "facecolor": INK, "linewidth": 0},
            zorder=5,
        )


def _line(x: float, top: float, bottom: float) -> Any:
    # behind the panels' curves, through all of them, so that one date is one line
    return Line2D([x, x], [bottom, top], color=INK, linewidth=0.6, linestyle=(0, (3, 2)), alpha=0.7)


def _list(page: Page, events: Sequence[Event]) -> None:
    for place, event in enumerate(events, start=1):
        page.text(str(place), left=0.42, ha="right", fontweight="bold", fontsize=8)
        page.text(f"{event.day:%Y-%m-%d}", left=0.52, fontsize=8, color=SOFT)
        page.text(event.words(), left=1.32, fontsize=8)
        page.down(_LINE)
    if events:
        page.down(0.1)


def _noon(event: Event) -> datetime:
    return datetime(event.day.year, event.day.month, event.day.day, 12)

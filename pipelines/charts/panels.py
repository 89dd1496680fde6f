"""The two panels of one group: how many posts, and which shares."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipelines.charts.caption import posts_in
from pipelines.charts.dates import date_axis, named, with_years
from pipelines.charts.page import (
    FAINT,
    LEFT,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    RIGHT,
    SOFT,
    UNSPLIT,
    Page,
    number,
)
from pipelines.charts.words import ENGLISH, Language
from pipelines.trends import FEWEST_POSTS, UNKNOWN_FROM, By, Row

# Inches.
TITLE, VOLUME, BETWEEN, SHARES = 0.28, 0.95, 0.17, 0.85
#: Height of one group's panels.
HEIGHT = TITLE + VOLUME + BETWEEN + SHARES

WIDTHS: dict[By, timedelta] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "hour": timedelta(hours=1),
}

#: So few buckets are named one by one.
_FEW_BUCKETS = 13


#: A stretch of time, in the store's zone.
Stretch = tuple[datetime, datetime]

#: A stretch in which nobody listened is drawn so wide at least, as a part of the plot, and so
#: is a bar with nothing beside it: of one day among years less than a pixel would be left.
_NARROWEST = 0.003


def panel(
    page: Page,
    rows: list[Row],
    by: By,
    name: str,
    most: int,
    deaf: Sequence[Stretch] = (),
    language: Language = ENGLISH,
    scale: float = 1.0,
) -> list[Any]:
    """Draw the panels of one group below what is on the page; return their axes.

    ``deaf`` is when a source was not listening; ``scale`` is their height beside the usual one.
    """
    posts = sum(row.posts or 0 for row in rows)
    page.down(0.06)
    if name:
        # a white ground, as the events' lines pass behind
        ground = {"facecolor": "white", "linewidth": 0, "pad": 1.5}
        style: dict[str, Any] = {"bbox": ground, "zorder": 4}
        page.text(name, left=LEFT, fontsize=10.5, fontweight="bold", room=page.plot - 1.3, **style)
        many = posts_in(language, posts)
        page.text(many, left=page.width - RIGHT, ha="right", color=SOFT, room=1.2, **style)
    page.down(TITLE - 0.06)
    volume = page.axes(VOLUME * scale)
    page.down(BETWEEN)
    shares = page.axes(SHARES * scale)
    side = ["top", "left" if page.rtl else "right"]
    for ax in (volume, shares):
        ax.spines[side].set_visible(False)
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.tick_params(labelsize=8, colors=SOFT, width=0.6, length=3)
        _dates(ax, rows, by, language.months())
        for start, end in blind(rows, by, deaf):
            ax.axvspan(start, end, facecolor="#f4f4f4", hatch="////", linewidth=0, zorder=0.5)
    _volume(volume, rows, by, most)
    _shares(shares, rows, by, language)
    volume.set_ylabel(language.text(f"posts per {by}"), fontsize=8, color=SOFT)
    volume.yaxis.set_major_formatter(FuncFormatter(lambda value, _: language.number(value)))
    for ax in (volume, shares):
        beside = (0.5 if page.rtl else 0.555) / page.plot
        ax.yaxis.set_label_coords(1 + beside if page.rtl else -beside, 0.5)
    return [volume, shares]


def _volume(ax: Any, rows: list[Row], by: By, most: int) -> None:
    starts = [number(time_of(row)) for row in rows]
    end = number(end_of(rows[-1], by))
    shown = visible(rows)
    below = [0] * len(rows)
    for label, colour in (("negative", NEGATIVE), ("neutral", NEUTRAL), ("positive", POSITIVE)):
        counts = [getattr(row, f"{label}_posts") or 0 for row in shown]
        above = [low + count for low, count in zip(below, counts, strict=True)]
        # One area for all buckets, equal neighbours as one step: a bar each would make files
        # of megabytes, with seams.
        steps = [
            (start, low, high)
            for place, (start, low, high) in enumerate(zip(starts, below, above, strict=True))
            if place == 0 or (low, high) != (below[place - 1], above[place - 1])
        ]
        ax.stairs(
            [high for _, _, high in steps],
            [*(start for start, _, _ in steps), end],
            baseline=[low for _, low, _ in steps],
            fill=True,
            color=colour,
            linewidth=0,
        )
        below = above
    counts = [0 if row.negative_posts is not None else row.posts or 0 for row in shown]
    if any(counts):  # posts without shares: too few, or chosen by their label
        ax.stairs(counts, [*starts, end], fill=True, color=UNSPLIT, linewidth=0)
    ax.set_ylim(0, most * 1.06)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


def visible(rows: Sequence[Row]) -> list[Row]:
    """Return for each bucket the row whose bar is drawn there.

    That is its own, but a run of buckets with posts that is too narrow to be seen reaches over
    the empty ones after it (at the end: before it) until it can be.
    """
    least = math.ceil(len(rows) * _NARROWEST)
    drawn = list(rows)
    first = 0
    for full, run in groupby(rows, key=lambda row: bool(row.posts)):
        end = first + len(list(run))
        if full and end - first < least:
            last = end
            while last < len(rows) and last - first < least and not rows[last].posts:
                drawn[last] = rows[end - 1]
                last += 1
            before = first
            while before and last == len(rows) and last - before < least:
                before -= 1
                if drawn[before].posts:
                    break
                drawn[before] = rows[first]
        first = end
    return drawn


def _shares(ax: Any, rows: list[Row], by: By, language: Language) -> None:
    lines = list(_lines(rows))
    for label, colour in (("positive", POSITIVE), ("negative", NEGATIVE)):
        for line in lines:
            times = [number(time_of(row) + middle_of(row, by)) for row in line]
            values = [getattr(row, label) for row in line]
            lows = [getattr(row, f"{label}_low") for row in line]
            highs = [getattr(row, f"{label}_high") for row in line]
            ax.fill_between(times, lows, highs, color=colour, alpha=0.17, linewidth=0)
            # a bucket alone makes no line: it gets a dot
            dot = "o" if len(line) == 1 or len(rows) <= 60 else ""
            ax.plot(times, values, color=colour, linewidth=1.4, marker=dot, markersize=2.6)
            if len(line) == 1:
                ax.plot(times * 2, [*lows, *highs], color=colour, alpha=0.35, linewidth=2)
    _part_of_all(ax, rows, by)
    if not lines:
        few = any(row.state == "few" for row in rows)
        words = language.text("few" if few else "no shares")
        ground = {"facecolor": "white", "linewidth": 0, "pad": 1.5}
        style = {"fontsize": 8, "color": SOFT, "ha": "center", "va": "center", "bbox": ground}
        ax.text(0.5, 0.25, words, transform=ax.transAxes, **style)
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    ax.set_ylabel(language.text("share"), fontsize=8, color=SOFT)


def _part_of_all(ax: Any, rows: Sequence[Row], by: By) -> None:
    """Draw which part of all posts each bucket is, where that was asked for.

    Of few posts in all it says as little as shares of few posts do.
    """

    def told(row: Row) -> bool:
        return row.of_all is not None and (
            not row.posts or row.posts >= FEWEST_POSTS * row.of_all - 1e-9
        )

    for known, run in groupby(rows, key=told):
        if known:
            own = list(run)
            times = [number(time_of(row) + middle_of(row, by)) for row in own]
            dot = "." if len(own) == 1 else ""
            values = [row.of_all for row in own]
            ax.plot(times, values, color=SOFT, linewidth=1.1, linestyle=(0, (4, 2)), marker=dot)


def _lines(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield unbroken runs of rows with shares."""
    for shared, run in groupby(rows, key=lambda row: row.negative is not None):
        if shared:
            yield list(run)


def blind(
    rows: Sequence[Row], by: By, deaf: Sequence[Stretch] = ()
) -> Iterator[tuple[float, float]]:
    """Yield the stretches that are hatched.

    A bucket of which nothing is known is hatched as a whole; one in which posts came, where and
    as long as a source was not listening: the posts that came are not unknown.
    """
    narrowest = (end_of(rows[-1], by) - time_of(rows[0])) * _NARROWEST
    for state, run in groupby(rows, key=_blindness):
        own = list(run) if state else []
        if not own:
            continue
        first, last = time_of(own[0]), end_of(own[-1], by)
        if state == "unknown":
            yield number(first), number(last)
            continue
        drawn = first
        for start, end in sorted(deaf):
            begins, ends = max(start, drawn), min(max(end, start + narrowest), last)
            if begins < ends:
                yield number(begins), number(ends)
                drawn = ends


def _blindness(row: Row) -> str:
    if row.state == "unknown":
        return "unknown"
    return "partly" if row.gap >= UNKNOWN_FROM else ""


def _dates(ax: Any, rows: list[Row], by: By, months: Mapping[str, str]) -> None:
    if len(rows) <= _FEW_BUCKETS:
        form = {"day": "%d %b", "week": "W%V", "month": "%b", "hour": "%d %b %H:00"}[by]
        form = "%H:00" if by == "hour" and len(rows) > 6 else form
        starts = [time_of(row) for row in rows]
        middles = [
            number(start + middle_of(row, by)) for start, row in zip(starts, rows, strict=True)
        ]
        labels = [start.strftime(form) for start in starts]
        # an ISO week is of the year that its middle is in
        moments = [start + WIDTHS[by] / 2 for start in starts]
        ax.set_xticks(middles, [named(one, months) for one in with_years(labels, moments)])
        return
    date_axis(ax, time_of(rows[-1]) - time_of(rows[0]), months)


def end_of(row: Row, by: By) -> datetime:
    """Return when a row's bucket ends, in local time."""
    start = time_of(row)
    if by == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + WIDTHS[by]


def middle_of(row: Row, by: By) -> timedelta:
    """Return how long after its begin the middle of a row's bucket is."""
    return (end_of(row, by) - time_of(row)) / 2


def time_of(row: Row) -> datetime:
    """Return when a row's bucket begins, in local time."""
    return datetime.fromisoformat(row.start if len(row.start) == 10 else f"{row.start}:00")

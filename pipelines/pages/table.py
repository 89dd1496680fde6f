"""The report for people: one block for each page, its sources below one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ingest.records import PAGES, Counter
from pipelines.pages.arithmetic import figure
from pipelines.pages.flags import Flag
from pipelines.pages.report import Difference, Row, vague

_PAIRS = 10
#: Rates below it are written with their first digit other than zero.
_SMALL = 0.95
#: How the names of shares end: as they are kept, and as people write them.
_KEPT, _WRITTEN = "_ppm", "_percent"
_HEAD = ("until", "lost", "an hour", "%")
_FLAGS = {
    "rise": "sudden rise (bought?)",
    "jump": "jump (merged, renamed?)",
    "reset": "reset (renamed, replaced?)",
}


def show(
    rows: Sequence[Row], unequal: Sequence[Difference], zone: ZoneInfo, console: Console
) -> None:
    """Print the report: for each source a line of figures, and below it what must be known."""
    for page, group in groupby(rows, key=lambda row: row.page):
        own = list(group)
        lines = [
            (moment(row.end, row.end_span, zone), _loss(row), _rate(row), _percent(row))
            for row in own
        ]
        wide = [max(map(len, column)) for column in zip(_HEAD, *lines, strict=True)]
        console.print(Text(page, style="bold"))
        console.print(Text(f"  {_aligned(_HEAD, wide)}  source", style="dim"), soft_wrap=True)
        for row, cells in zip(own, lines, strict=True):
            console.print(Text(f"  {_aligned(cells, wide)}  {short(row.source)}"), soft_wrap=True)
            console.print(Padding(_remarks(row, zone), (0, 0, 0, 6), expand=False))
        console.print()
    for pair in unequal[:_PAIRS]:
        console.print(Text(disagreement(pair, zone)))
    if len(unequal) > _PAIRS:
        console.print(f"Sources differ {len(unequal) - _PAIRS:,} times more.")


def _aligned(cells: Sequence[str], wide: Sequence[int]) -> str:
    until, *figures = cells
    return "  ".join(
        [
            until.ljust(wide[0]),
            *(cell.rjust(width) for cell, width in zip(figures, wide[1:], strict=True)),
        ]
    )


def moment(at: datetime, span: int, zone: ZoneInfo) -> str:
    """Return a moment in local time, as precisely as it is known."""
    start, end = at.astimezone(zone), (at + timedelta(seconds=span)).astimezone(zone)
    if not span:
        return f"{start:%Y-%m-%d %H:%M}"
    if f"{start:%H:%M}" == f"{end:%H:%M}" == "00:00":
        last = end - timedelta(hours=12)
        return _from_to(f"{start:%Y-%m-%d}", f"{last:%Y-%m-%d}")
    midnight = f"{end - timedelta(hours=12):%Y-%m-%d} 24:00"
    return _from_to(
        f"{start:%Y-%m-%d %H:%M}",
        midnight if f"{end:%H:%M}" == "00:00" else f"{end:%Y-%m-%d %H:%M}",
    )


def _from_to(start: str, end: str) -> str:
    """Return two dates (and times) without what the second repeats of the first."""
    if start == end:
        return start
    for length in (11, 8, 5):  # the same day, month, year
        if start[:length] == end[:length] and len(end) > length:
            return f"{start} to {end[length:]}"
    return f"{start} to {end}"


def named(metric: str) -> str:
    """Return a metric as people write it: shares are kept in millionths."""
    return f"{metric.removesuffix(_KEPT)}{_WRITTEN}" if metric.endswith(_KEPT) else metric


def kept(metric: str) -> str:
    """Return a metric as it is kept: the other way round than :func:`named`."""
    return f"{metric.removesuffix(_WRITTEN)}{_KEPT}" if metric.endswith(_WRITTEN) else metric


def short(source: str) -> str:
    """Return a source as a few letters: the site of an address, a page's own account."""
    site = urlsplit(source).hostname
    return (site or source.removeprefix(PAGES)).removeprefix("www.")


def disagreement(pair: Difference, zone: ZoneInfo) -> str:
    """Return two figures that contradict one another as a sentence."""
    one, other = pair.early, pair.late
    times = [moment(c.at, c.span, zone) for c in (one, other)]
    same = times[0] == times[1]
    figures = [
        f"{_published(c)} ({short(c.source)}{'' if same else f', {time}'})"
        for c, time in zip((one, other), times, strict=True)
    ]
    when = f", {times[0]}" if same else ""
    both = "; as a day is uncertain, both may be right" if vague(one) or vague(other) else ""
    return (
        f"Sources differ on {one.page}, {named(one.metric)}{when}: {' and '.join(figures)}{both}."
    )


def _published(counter: Counter) -> str:
    if counter.metric.endswith(_KEPT):
        return f"{counter.value / 10_000:g} %"
    bounds = figure(counter)
    return bounded(bounds.value, bounds.low, bounds.high, _whole)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def bounded(
    value: float, low: float | None, high: float | None, form: Callable[[float], str]
) -> str:
    """Return a figure with its bounds: as `±` where they are alike on both sides."""
    notified = form(value)
    below, above = (notified if one is None else form(one) for one in (low, high))
    if below == above:
        return notified
    if low is not None and high is not None and form(high - value) == form(value - low):
        return f"{notified} ± {form(high - value)}"
    if below == notified:
        return f"{notified} (to {above})"
    return f"{notified} (from {below})" if above == notified else f"{notified} ({below} to {above})"


def _loss(row: Row) -> str:
    if row.state == "single":
        return "one reading"
    if row.state == "flagged":
        return "see flags"
    if row.loss_low is None or row.loss_high is None:
        return "·"
    if row.loss is None:
        return f"not measurable (± {(row.loss_high - row.loss_low) // 2:,})"
    return bounded(row.loss, row.loss_low, row.loss_high, _whole)


def _rate(row: Row) -> str:
    if row.per_hour is None:
        return "?" if row.loss is not None else "·"
    if row.per_hour_low == row.per_hour_high:
        return _hourly(row.per_hour)
    low, high = (
        "…" if bound is None else _hourly(bound) for bound in (row.per_hour_low, row.per_hour_high)
    )
    return f"{_hourly(row.per_hour)} ({low} to {high})"


def _hourly(rate: float) -> str:
    """Return a rate; one that is small is not written as none."""
    return f"{rate:.1g}" if 0 < abs(rate) < _SMALL else _whole(rate)


def _percent(row: Row) -> str:
    if row.percent is None:
        return "?" if row.loss is not None else "·"
    return bounded(row.percent, row.percent_low, row.percent_high, "{:.2f}".format)


def _start(row: Row, zone: ZoneInfo) -> str:
    if row.metric.endswith("_per_minute"):
        return "in one minute"
    if row.start is None:
        return "from a start that was not said"
    start = f"from {moment(row.start, row.start_span, zone)}"
    return f"{start} (assumed)" if row.start_assumed else start


def _remarks(row: Row, zone: ZoneInfo) -> Text:
    parts = [(f"{named(row.metric)} {_start(row, zone)}", "dim")]
    if row.readings > 1:
        parts.append((f"{row.readings:,} readings", "dim"))
    if row.unknown_hours:
        parts.append((f"{row.unknown_hours:,.1f} h between readings unknown", "dim"))
    if row.note:
        parts.append((row.note, "dim"))
    if row.differs:
        parts.append((f"≠ {', '.join(sorted({short(s) for s in row.differs}))}", "yellow"))
    parts += [(f"⚑ {flag_words(flag, zone)}", "red") for flag in row.flags]
    return Text("; ", style="dim").join(Text(words, style=style) for words, style in parts)


def flag_words(flag: Flag, zone: ZoneInfo) -> str:
    """Return a flag in words."""
    start, end = (f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (flag.start, flag.end))
    return f"{_FLAGS[flag.kind]} {flag.change:+,} from {start} to {end}"

"""The report for people: one block for each page, its sources below one another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ingest.records import PAGES
from pipelines.pages.flags import Flag
from pipelines.pages.report import Difference, Row

_DAY = 86_400
_PAIRS = 10
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
        console.print(Text(f"  {_aligned(_HEAD, wide)}  source", style="dim"))
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
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d}" if span >= _DAY - 3600 else f"{local:%Y-%m-%d %H:%M}"


def named(metric: str) -> str:
    """Return a metric as people write it: shares are kept in millionths."""
    return f"{metric.removesuffix('_ppm')}_percent" if metric.endswith("_ppm") else metric


def short(source: str) -> str:
    """Return a source as a few letters: the site of an address, a page's own account."""
    site = urlsplit(source).hostname
    return (site or source.removeprefix(PAGES)).removeprefix("www.")


def disagreement(pair: Difference, zone: ZoneInfo) -> str:
    """Return two figures that contradict one another as a sentence."""
    one, other = pair.early, pair.late
    if one.metric.endswith("_ppm"):
        figures = [f"{c.value / 10_000:g} % ({short(c.source)})" for c in (one, other)]
    else:
        figures = [f"{c.value:,}{_off(c.granularity)} ({short(c.source)})" for c in (one, other)]
    when = moment(one.at, one.span, zone)
    return f"Sources differ on {one.page}, {named(one.metric)}, {when}: {' and '.join(figures)}."


def _off(granularity: int) -> str:
    return f" ± {granularity:,}" if granularity > 1 else ""


def _loss(row: Row) -> str:
    if row.state == "single":
        return "one reading"
    if row.state == "flagged":
        return "see flags"
    if row.loss_low is None or row.loss_high is None:
        return "·"
    if row.loss is None:
        return f"not measurable (± {(row.loss_high - row.loss_low) // 2:,})"
    off = row.loss_high - row.loss
    return f"{row.loss:,} ± {off:,}" if off else f"{row.loss:,}"


def _rate(row: Row) -> str:
    if row.per_hour is None:
        return "?" if row.loss is not None else "·"
    if row.per_hour_low == row.per_hour_high:
        return f"{row.per_hour:,.0f}"
    low, high = (
        "…" if bound is None else f"{bound:,.0f}" for bound in (row.per_hour_low, row.per_hour_high)
    )
    return f"{row.per_hour:,.0f} ({low} to {high})"


def _percent(row: Row) -> str:
    if row.percent is None:
        return "?" if row.loss is not None else "·"
    off = max((row.percent_high or row.percent) - row.percent, 0)
    return f"{row.percent:.2f} ± {off:.2f}" if off >= 0.005 else f"{row.percent:.2f}"


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

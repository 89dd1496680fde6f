"""One figure for each page: what the newest one says, by itself. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from pipelines.pages.flags import Flag
from pipelines.pages.report import Difference, Row
from pipelines.pages.series import Series
from pipelines.pages.table import moment, short

#: Seconds of the longest day of a clock.
_DAY = 25 * 3600
#: From so many hours on a time is told in days.
_HOURS = 96


def latest(rows: Iterable[Row]) -> dict[str, Row]:
    """Return for each page the row whose figure of a loss reaches furthest in time.

    Figures of different times are never put into one range: likes went on being lost between
    them. Of figures that reach equally far the one in the finest steps is taken. Pages without
    any figure of a loss are left out.
    """
    found: dict[str, Row] = {}
    for row in rows:
        if row.loss_low is None or row.loss_high is None:
            continue
        other = found.get(row.page)
        if other is None or _reach(row) > _reach(other):
            found[row.page] = row
    return found


def sentences(
    made: Sequence[Row], unequal: Sequence[Difference], names: Mapping[str, str], zone: ZoneInfo
) -> Iterator[str]:
    """Yield one sentence with one figure for each page that has one (:func:`latest`).

    Sources contradict it only where both figures are of the same certain day or hour: likes went
    on being lost, so that a figure of another hour is no contradiction.
    """
    for page, row in latest(made).items():
        since = f" in about {_time(row.hours)}" if row.hours and not row.start_assumed else ""
        others = {
            counter.source
            for pair in unequal
            for counter in (pair.early, pair.late)
            if pair.early.page == page
            and pair.early.metric == row.metric
            and max(pair.early.span, pair.late.span) <= _DAY
            and row.source in {pair.early.source, pair.late.source}
        } - {row.source}
        contradicted = {0: "", 1: "; one source contradicts it"}.get(
            len(others), f"; {len(others)} sources contradict it"
        )
        name = names.get(page, page)
        verb = "gained" if (row.loss_high or 0) < 0 else "lost"
        yield (
            f"{name} {verb} {_amount(row)} {_noun(row.metric)}{since}, as of "
            f"{moment(row.end, row.end_span, zone)} ({short(row.source)}{contradicted})."
        )


def _amount(row: Row) -> str:
    low, high = sorted(abs(one or 0) for one in (row.loss_low, row.loss_high))
    middle = abs(row.loss) if row.loss is not None else None
    if low == high:
        return f"{low:,}"
    if middle == low:
        return f"more than {low:,}"
    if middle == high:
        return f"nearly {high:,}"
    return f"{low:,} to {high:,}"


def _noun(metric: str) -> str:
    return metric.removesuffix("_lost").replace("_", " ")


def _time(hours: float) -> str:
    return f"{hours:,.0f} hours" if hours < _HOURS else f"{hours / 24:,.0f} days"


def lost(one: Series, odd: Sequence[Flag]) -> list[int]:
    """Return for each reading what was published, or how many were lost since the first reading.

    ``odd`` are flagged stretches; they count for nothing, as in the report: a reset would dwarf
    all else.
    """
    if one.kind == "loss":
        return [reading.value for reading in one.readings]
    left_out = {place for flag in odd for place in range(flag.first, flag.last)}
    found = [0]
    for place, (before, after) in enumerate(pairwise(one.readings)):
        found.append(found[-1] + (0 if place in left_out else before.value - after.value))
    return found


def _reach(row: Row) -> tuple[datetime, int]:
    return row.end + timedelta(seconds=row.end_span), -row.granularity

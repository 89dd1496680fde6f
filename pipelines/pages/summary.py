"""One figure for each page: what the newest one says, by itself. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from pipelines.pages.flags import Flag
from pipelines.pages.report import Row
from pipelines.pages.series import Series


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

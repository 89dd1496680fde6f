"""Where dates stand on an axis, and how they are written: the first with its year."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from matplotlib.dates import (
    MO,
    TH,
    AutoDateLocator,
    ConciseDateFormatter,
    DayLocator,
    WeekdayLocator,
    num2date,
)

_MONTH = re.compile(r"[A-Z][a-z]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}")


def date_axis(ax: Any, span: timedelta, months: Mapping[str, str] | None = None) -> None:
    """Give an axis that is ``span`` long its dates; ``months`` are names by the English ones."""
    locator = locator_for(span)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(_Dates(locator, months or {}))


def named(label: str, months: Mapping[str, str]) -> str:
    """Return a label with other names of months."""
    return _MONTH.sub(lambda found: months.get(found[0], found[0]), label) if months else label


def with_years(labels: Sequence[str], moments: Sequence[datetime]) -> list[str]:
    """Return labels of which the first, and the first of each new year, names it below.

    Below a time of day stands the whole date.
    """
    dated = []
    before = 0
    for label, moment in zip(labels, moments, strict=True):
        below = f"{moment:%d %b %Y}" if _TIME.fullmatch(label) else str(moment.year)
        dated.append(label if moment.year == before or label == below else f"{label}\n{below}")
        before = moment.year
    return dated


def locator_for(span: timedelta) -> Any:
    """Return what places dates. Left to itself, matplotlib crowds them at a month's end."""
    if timedelta(days=3) < span <= timedelta(days=13):
        return DayLocator()  # type: ignore[no-untyped-call]
    if timedelta(days=13) < span <= timedelta(days=32):
        return WeekdayLocator((MO, TH))  # type: ignore[no-untyped-call]
    if timedelta(days=13) < span <= timedelta(days=90):
        return WeekdayLocator(MO)  # type: ignore[no-untyped-call]
    return AutoDateLocator(minticks=4, maxticks=13)  # type: ignore[no-untyped-call]


class _Dates(ConciseDateFormatter):
    """matplotlib's short dates, and the year below the first of them."""

    def __init__(self, locator: Any, months: Mapping[str, str]) -> None:
        self._months = months
        super().__init__(  # type: ignore[no-untyped-call]
            locator,
            formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S"],
            zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
            show_offset=False,
        )

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels; what lies outside of the axis has none."""
        axis: Any = self.axis
        low, high = sorted(axis.get_view_interval())  # from right to left the later comes first
        inside = [low <= value <= high for value in values]
        labels = super().format_ticks(values)  # type: ignore[no-untyped-call]
        shown = [label for label, within in zip(labels, inside, strict=True) if within]
        moments = [
            num2date(value)  # type: ignore[no-untyped-call]
            for value, within in zip(values, inside, strict=True)
            if within
        ]
        dated = iter(named(one, self._months) for one in with_years(shown, moments))
        return [next(dated) if within else "" for within in inside]

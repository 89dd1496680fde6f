"""Likes lost, page by page and source by source: never averaged, never filled in.

Pure functions from readings to rows. What each field means to a reader: ``docs/pages.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from ingest.records import Counter, Gap
from pipelines.pages import arithmetic
from pipelines.pages.arithmetic import NOTHING, Range, fall, figure, hours, measurable, per
from pipelines.pages.flags import Flag, flags
from pipelines.pages.series import Series, silences

#: ``measured``: from two readings or more. ``not-measurable``: the change is smaller than the
#: step of the figures. ``published``: as a source said it. ``single``: one reading alone tells
#: no loss. ``flagged``: every step was odd, so that no loss can be told.
State = Literal["measured", "not-measurable", "published", "single", "flagged"]

_PER_MINUTE = 60
#: Two sources that read the same counter this close together should agree: on the worst evening
#: of 2016 a page lost some hundred likes a minute.
_TOGETHER = timedelta(minutes=1)
_DAY = timedelta(days=1)
#: The longest day of a clock: what is vaguer than this is not even known by its day.
_LONGEST = timedelta(hours=25)


class Moment(msgspec.Struct, frozen=True):
    """A moment somewhere in ``span`` seconds from ``at`` on."""

    at: datetime
    span: int = 0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one source says of one page's counter. Fields that can't be told are ``None``."""

    page: str
    metric: str
    source: str
    state: State
    start: datetime | None
    start_span: int
    """Seconds after ``start`` in which it may have been; 86,400 for a day."""
    start_assumed: bool
    """Whether a published loss names no start, so that the beginning asked for was taken."""
    end: datetime
    end_span: int
    readings: int
    first: int | None
    last: int | None
    granularity: int
    """The largest step in which the figures of this row move."""
    change: int | None
    """People more, or fewer, below zero: last minus first, flagged stretches included."""
    loss: int | None
    """People lost outside of flagged stretches; below zero if the page grew."""
    loss_low: int | None
    loss_high: int | None
    hours: float | None
    per_hour: float | None
    per_hour_low: float | None
    per_hour_high: float | None
    percent: float | None
    percent_low: float | None
    percent_high: float | None
    flags: list[Flag]
    unknown_hours: float
    """Hours between readings of which nothing is known but the two ends."""
    differs: list[str]
    """Sources whose figures for the same time can't be true together with this one's."""
    note: str


class Difference(msgspec.Struct, frozen=True):
    """Two figures for the same page, metric and time that can't both be right; early first."""

    early: Counter
    late: Counter


def rows(
    found: Sequence[Series],
    *,
    everything: Sequence[Counter] = (),
    gaps: Sequence[Gap] = (),
    since: Moment | None = None,
) -> list[Row]:
    """Return one row for each series, by page, then in the order of their last readings.

    ``found`` are those of :func:`pipelines.pages.series.series`, from ``since`` on;
    ``everything`` the same readings without that bound: a published loss that names no start is
    taken as counted from ``since``, unless a figure of its page is older than that.
    """
    unequal = differences(found)
    shares = {
        (one.page, one.metric.removesuffix("_ppm"), one.source): one.readings
        for one in found
        if one.kind == "share"
    }
    older = {
        (counter.page, counter.metric)
        for counter in everything
        if since and counter.at + timedelta(seconds=counter.span) <= since.at
    }
    made = []
    for one in found:
        if one.kind == "count":
            row = _counted(one, gaps)
        elif one.kind == "speed":
            row = _speed(one)
        elif one.kind == "share":
            if any((s.page, s.metric, s.source) == _loss_of(one) for s in found):
                continue  # told in the row of the loss itself
            row = _published(one, since, (one.page, one.metric) in older)
        else:
            row = _published(one, since, (one.page, one.metric) in older)
            row = _with_share(row, shares.get((one.page, one.metric, one.source), ()))
        made.append(msgspec.structs.replace(row, differs=_others(one, unequal)))
    return sorted(made, key=lambda row: (row.page, row.end, row.metric, row.source))


def differences(found: Iterable[Series]) -> list[Difference]:
    """Return the pairs of figures of different sources that contradict one another.

    Compared are figures whose times overlap (two of the same day, where only the day is known)
    or lie within a minute. Where not even the day is known, the one in the middle is taken: such
    figures differ, though both may be right.
    """
    by_counter: dict[tuple[str, str], list[Counter]] = {}
    for one in found:
        if one.kind != "speed":
            by_counter.setdefault((one.page, one.metric), []).extend(one.readings)
    unequal = []
    for readings in by_counter.values():
        readings.sort(key=lambda counter: (_likely(counter)[0], counter.source))
        for place, early in enumerate(readings):
            at, span = _likely(early)
            # a day ends where the next one begins; a moment reaches some minutes further
            reach = span - timedelta(seconds=1) if span else _TOGETHER
            for late in map(readings.__getitem__, range(place + 1, len(readings))):
                if _likely(late)[0] > at + reach:
                    break
                if late.source != early.source and arithmetic.differ(early, late):
                    unequal.append(Difference(early, late))
    return unequal


def vague(counter: Counter) -> bool:
    """Say whether not even the day of a figure is known."""
    return timedelta(seconds=counter.span) > _LONGEST


def _likely(counter: Counter) -> tuple[datetime, timedelta]:
    """Return when a figure may be of, and for how long: a day at most."""
    span = timedelta(seconds=counter.span)
    return (counter.at + (span - _DAY) / 2, _DAY) if vague(counter) else (counter.at, span)


def _others(one: Series, unequal: Iterable[Difference]) -> list[str]:
    sources = set()
    for pair in unequal:
        for own, other in ((pair.early, pair.late), (pair.late, pair.early)):
            if (own.page, own.metric, own.source) == (one.page, one.metric, one.source):
                sources.add(other.source)
    return sorted(sources)


def _loss_of(share: Series) -> tuple[str, str, str]:
    return share.page, share.metric.removesuffix("_ppm"), share.source


def _counted(one: Series, gaps: Sequence[Gap]) -> Row:
    """Return the row of a counter that was read itself."""
    readings = one.readings
    first, last = readings[0], readings[-1]
    odd = flags(readings)
    unknown = sum(((end - start).total_seconds() for start, end in silences(readings, gaps)), 0.0)
    common = _row(
        one,
        start=first.at,
        start_span=first.span,
        first=first.value,
        last=last.value,
        flags=odd,
        unknown_hours=round(unknown / arithmetic.HOUR, 2),
        change=last.value - first.value,
    )
    if len(readings) == 1:
        return msgspec.structs.replace(common, state="single", change=None)
    runs = list(_runs(len(readings), odd))
    if not runs:
        return msgspec.structs.replace(common, state="flagged")
    loss, time = NOTHING, NOTHING
    for begin, end in runs:
        loss += fall(readings[begin], readings[end])
        time += _hours(readings[begin], readings[end])
    state: State = "measured" if measurable(loss) else "not-measurable"
    return _measured(msgspec.structs.replace(common, state=state), loss, time, figure(first))


def _runs(count: int, odd: Sequence[Flag]) -> Iterator[tuple[int, int]]:
    """Yield the stretches between flagged ones, by their first and last places."""
    edges = [0, *(place for flag in odd for place in (flag.first, flag.last)), count - 1]
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if begin < end:
            yield begin, end


def _published(one: Series, since: Moment | None, older: bool) -> Row:
    """Return the row of a loss as a source published it, or of such a share."""
    last = one.readings[-1]
    share = one.kind == "share"
    start: Moment | None = None
    assumed = False
    if last.since and (since is None or last.since >= since.at):
        start = Moment(last.since, last.since_span)
    elif last.since is None and since and not older:
        start, assumed = since, True
    if start is None and (last.since or older):
        return _between(one)
    row = _row(
        one,
        start=start.at if start else None,
        start_span=start.span if start else 0,
        start_assumed=assumed,
        state="published",
    )
    time = _hours_from(start, last) if start else None
    if share:
        return msgspec.structs.replace(row, hours=time and _round(time.value), **_percent(last))
    return _measured(row, figure(last), time, None)


def _between(one: Series) -> Row:
    """Return what two published figures say of the time between them.

    Used where they are counted from before the time that was asked for.
    """
    first, last = one.readings[0], one.readings[-1]
    row = _row(one, start=first.at, start_span=first.span, first=first.value, last=last.value)
    if first is last:
        return msgspec.structs.replace(row, state="single")
    loss = fall(last, first)  # a published loss rises as likes fall
    state: State = "measured" if measurable(loss) else "not-measurable"
    row = msgspec.structs.replace(row, state=state)
    if one.kind == "share":
        return row
    return _measured(row, loss, _hours(first, last), None)


def _speed(one: Series) -> Row:
    """Return the row of a published speed: the last one of its source."""
    last = one.readings[-1]
    speed = figure(last)
    return msgspec.structs.replace(
        _row(one, start=last.at, start_span=last.span, state="published"),
        per_hour=_round(speed.value * _PER_MINUTE),
        per_hour_low=_round(speed.low * _PER_MINUTE),
        per_hour_high=_round(speed.high * _PER_MINUTE),
    )


def _with_share(row: Row, shares: Sequence[Counter]) -> Row:
    """Put the percentage a source gave with its loss beside it."""
    same = [share for share in shares if share.at == row.end and row.state == "published"]
    return msgspec.structs.replace(row, **_percent(same[-1])) if same else row


def _percent(share: Counter) -> dict[str, float | None]:
    bounds = figure(share)
    return {
        "percent": _round(bounds.value / 10_000, 4),
        "percent_low": _round(bounds.low / 10_000, 4),
        "percent_high": _round(bounds.high / 10_000, 4),
    }


def _measured(row: Row, loss: Range, time: Range | None, base: Range | None) -> Row:
    rate = per(loss, time) if time else None
    part = per(Range(loss.value * 100, loss.low * 100, loss.high * 100), base) if base else None
    seen = row.state != "not-measurable"  # else only the bounds say something
    return msgspec.structs.replace(
        row,
        loss=int(loss.value) if seen else None,
        loss_low=int(loss.low),
        loss_high=int(loss.high),
        hours=_round(time.value) if time else None,
        per_hour=_round(rate.value) if rate and seen else None,
        per_hour_low=_round(rate.low) if rate else None,
        per_hour_high=_round(rate.high) if rate else None,
        percent=_round(part.value, 4) if part and seen else None,
        percent_low=_round(part.low, 4) if part else None,
        percent_high=_round(part.high, 4) if part else None,
    )


def _row(one: Series, **known: object) -> Row:
    last = one.readings[-1]
    fields: dict[str, object] = {
        **dict.fromkeys(Row.__struct_fields__),
        "page": one.page,
        "metric": one.metric,
        "source": one.source,
        "state": "published",
        "start_span": 0,
        "start_assumed": False,
        "end": last.at,
        "end_span": last.span,
        "readings": len(one.readings),
        "granularity": max(counter.granularity for counter in one.readings),
        "flags": [],
        "unknown_hours": 0.0,
        "differs": [],
        "note": last.note,
        **known,
    }
    return Row(**fields)  # type: ignore[arg-type]


def _hours(first: Counter, last: Counter) -> Range:
    return _hours_from(Moment(first.at, first.span), last)


def _hours_from(start: Moment, last: Counter) -> Range:
    return hours(start.at.timestamp(), start.span, last.at.timestamp(), last.span)


def _round(value: float, digits: int = 2) -> float | None:
    """Return a figure for people and machines; one without bound is ``None``."""
    return round(value, digits) if math.isfinite(value) else None

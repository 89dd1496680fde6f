"""Readings of counters that people keep in a CSV file. The columns: ``docs/pages.md``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

import msgspec

from ingest import dates
from ingest.errors import SourceError
from ingest.records import Counter
from ingest.sources.counters.numbers import Count, parse_count, parse_percent, round_step
from ingest.sources.tables import read_table, style_of

#: Columns that mean the same, the first one present is read.
NAMES = {
    "at": ("time", "at", "date"),
    "day": ("date",),
    "page": ("page", "entity"),
    "metric": ("metric",),
    "value": ("value",),
    "source": ("source", "source_url"),
    "granularity": ("granularity",),
    "approximate": ("approximate",),
    "since": ("since",),
    "note": ("note",),
}
_KNOWN = frozenset(name for names in NAMES.values() for name in names)
_NEEDED = ("at", "page", "value")
_YES = {"yes", "y", "true", "1", "oui", "x", "about", "environ"}
_NO = {"", "no", "n", "false", "0", "non"}
#: What a source says that rounds to one side: the true figure is not lower, or not higher.
_LEAST = {"more than", "over", "at least", "plus de", "au moins"}
_MOST = {"nearly", "almost", "less than", "at most", "moins de", "près de", "presque"}
_PERCENT = "_percent"
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
#: Digits of 20160227.
_COMPACT = 8
_DAY_FIRST = dates.DateStyle()
#: A clock may be ahead by a time zone, no more.
_AHEAD = timedelta(days=1)


class BadRow(msgspec.Struct, frozen=True):
    """A row that is no reading: its line (the header is line 1) and why."""

    line: int
    reason: str


class Readings(msgspec.Struct, frozen=True):
    """What a file holds. Every row is a reading, a repetition of one, or bad."""

    counters: list[Counter]
    bad: list[BadRow]
    repeated: int = 0
    zone_assumed: int = 0
    """Rows whose time named no zone."""


class When(msgspec.Struct, frozen=True):
    """A moment as somebody wrote it down: somewhere in ``span`` seconds from ``at`` on."""

    at: datetime
    span: int
    zone_assumed: bool


def parse_when(text: str, zone: tzinfo, style: dates.DateStyle = _DAY_FIRST) -> When:
    """Return the moment or the day that a text names; ``zone`` if it names none.

    Dates as files have them (:mod:`ingest.dates`); ``style`` says whether the month comes first.
    Two of them in ISO 8601 with a slash between name the time from the first to the end of the
    second. Raises ``ValueError``.
    """
    first, slash, last = text.partition("/")
    if not slash or not (_ISO.match(first.strip()) and _ISO.match(last.strip())):
        return _moment(text, zone, style)
    start = _moment(first, zone, style)
    end = _moment(last, zone, style)
    span = end.at - start.at + timedelta(seconds=end.span)
    if span <= timedelta():
        raise ValueError(f"{text[:60]!r} ends before it begins")
    return When(start.at, round(span.total_seconds()), start.zone_assumed or end.zone_assumed)


def _moment(given: str, zone: tzinfo, style: dates.DateStyle) -> When:
    text = given.strip()
    # A number alone is no date here: it may be the value of a row whose columns have shifted.
    if text.isdecimal():
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == _COMPACT else ""
    found = dates.read(text, zone, style)
    if found.moment is None:
        raise ValueError(
            f"{given.strip()[:40]!r} is no date; write 2016-02-27, 27/02/2016, 2016-02-27 20:15 or "
            "2016-02-27T20:15:00+01:00 (or 2016-02-27/2016-02-29)"
        )
    if not found.zone_assumed or not dates.day_alone(text):
        return When(found.moment, 0, found.zone_assumed)
    day = found.moment.astimezone(zone).replace(tzinfo=None)
    try:
        end = (day + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text[:40]!r} is no date of a reading") from None
    return When(found.moment, round((end - found.moment).total_seconds()), zone_assumed=True)


def parse_readings(
    content: bytes | str, name: str, *, zone: tzinfo, source: str = "", now: datetime
) -> Readings:
    """Return the readings of a CSV file; bad rows are told and the rest goes on.

    ``source`` stands where a row names none; ``now`` is the latest moment a reading can be of.
    Raises :class:`~ingest.errors.SourceError` for a file that is no such table.
    """
    table = read_table(content, name, _KNOWN)
    columns = _columns(table.columns, name)
    style = style_of(table, *(table.columns[columns[c]] for c in ("day", "at") if c in columns))
    found: dict[tuple[str, str, str, datetime], Counter] = {}
    bad: list[BadRow] = []
    repeated = assumed = 0
    for line, cells in table.rows:
        given = {field: cells[place] for field, place in columns.items() if place < len(cells)}
        row = {field: " ".join(cell.split()) for field, cell in given.items()}
        try:
            _refuse_swallowed(given)
            counter, zone_assumed = _counter(row, zone, source or name, now, style)
        except ValueError as error:
            bad.append(BadRow(line, str(error)))
            continue
        key = (counter.source, counter.page, counter.metric, counter.at)
        first = found.setdefault(key, counter)
        if first is counter:
            assumed += zone_assumed
        elif (first.value, first.granularity) == (counter.value, counter.granularity):
            repeated += 1
        else:
            bad.append(
                BadRow(
                    line,
                    f"a second value ({counter.value:,}) for the same page, metric, time and "
                    f"source; the first ({first.value:,}) stays",
                )
            )
    return Readings(list(found.values()), bad, repeated, assumed)


def _columns(header: list[str], name: str) -> dict[str, int]:
    places = {cell.strip().casefold(): place for place, cell in reversed(list(enumerate(header)))}
    columns = {
        field: places[next(n for n in names if n in places)]
        for field, names in NAMES.items()
        if any(n in places for n in names)
    }
    missing = [" or ".join(NAMES[field]) for field in _NEEDED if field not in columns]
    if missing:
        raise SourceError(
            f"{name}: the first line must name the columns {'; '.join(missing)}; it names "
            f"{', '.join(header)[:200] or 'nothing'}. docs/pages.md describes them."
        )
    return columns


def _counter(
    row: dict[str, str], zone: tzinfo, source: str, now: datetime, style: dates.DateStyle
) -> tuple[Counter, bool]:
    page, metric = row.get("page", ""), row.get("metric") or "likes"
    if not page:
        raise ValueError("no page is named")
    when = parse_when(_at(row), zone, style)
    if when.at > now + _AHEAD:
        raise ValueError(f"{_at(row)} is still to come")
    since = parse_when(row["since"], zone, style) if row.get("since") else None
    if since and since.at > when.at + timedelta(seconds=when.span):
        raise ValueError(f"it is counted since {row['since']}, after {_at(row)}")
    metric, count = _figure(metric, row)
    return Counter(
        source=row.get("source") or source,
        page=page,
        metric=metric,
        value=count.value,
        at=when.at,
        granularity=count.granularity,
        note=row.get("note", ""),
        span=when.span,
        since=since.at if since else None,
        since_span=since.span if since else 0,
        bound=_bound(row),
    ), when.zone_assumed


def _at(row: dict[str, str]) -> str:
    """Return the time of a row, which may stand in two columns, day and hour."""
    day, at = row.get("day", ""), row.get("at", "")
    return f"{day} {at}" if day and at and ":" in at and len(at) <= len("20:15:00") else at or day


def _refuse_swallowed(cells: dict[str, str]) -> None:
    """Refuse a row whose cell runs over lines: a stray quotation mark swallows other rows."""
    for field, cell in cells.items():
        if field != "note" and "\n" in cell.strip():
            raise ValueError(
                f"its {field} runs over {cell.count(chr(10)) + 1} lines: a quotation mark is "
                "missing or stray, and the rows up to here were not read"
            )


def _bound(row: dict[str, str]) -> Literal["", "least", "most"]:
    approximate = row.get("approximate", "").casefold()
    return "least" if approximate in _LEAST else "most" if approximate in _MOST else ""


def _figure(metric: str, row: dict[str, str]) -> tuple[str, Count]:
    text = row.get("value", "")
    approximate = row.get("approximate", "").casefold()
    rounded = _YES | _LEAST | _MOST
    if approximate not in rounded | _NO:
        raise ValueError(f"approximate is {approximate!r}; write yes, no, more than or nearly")
    if metric.endswith(_PERCENT):
        count = parse_percent(text)
        metric = metric.removesuffix(_PERCENT) + "_ppm"
        stated = parse_percent(row["granularity"]).value if row.get("granularity") else 0
    else:
        count = parse_count(text)
        stated = parse_count(row["granularity"]).value if row.get("granularity") else 0
        if approximate in rounded:
            count = Count(count.value, max(count.granularity, round_step(count.value)))
    if row.get("granularity") and stated < 1:
        raise ValueError(f"granularity is {row['granularity']!r}; it must be above 0")
    return metric, Count(count.value, stated or count.granularity)

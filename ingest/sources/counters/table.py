"""Readings of counters that people keep in a CSV file. The columns: ``docs/pages.md``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

import msgspec

from ingest.errors import SourceError
from ingest.records import Counter
from ingest.sources.counters.numbers import Count, parse_count, parse_percent, round_step

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
_NEEDED = ("at", "page", "value")
_YES = {"yes", "y", "true", "1", "oui", "x", "about", "environ"}
_NO = {"", "no", "n", "false", "0", "non"}
#: What a source says that rounds to one side: the true figure is not lower, or not higher.
_LEAST = {"more than", "over", "at least", "plus de", "au moins"}
_MOST = {"nearly", "almost", "less than", "at most", "moins de", "près de", "presque"}
_PERCENT = "_percent"
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


def parse_when(text: str, zone: tzinfo) -> When:
    """Return the moment (ISO 8601) or the day that a text names; ``zone`` if it names none.

    Two of them with a slash between name the time from the first to the end of the second.
    Raises ``ValueError``.
    """
    first, slash, last = text.partition("/")
    start = _moment(first, zone)
    if not slash:
        return start
    end = _moment(last, zone)
    span = end.at - start.at + timedelta(seconds=end.span)
    if span <= timedelta():
        raise ValueError(f"{text[:60]!r} ends before it begins")
    return When(start.at, round(span.total_seconds()), start.zone_assumed or end.zone_assumed)


def _moment(text: str, zone: tzinfo) -> When:
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
        day_only = len(text) <= 10
        if moment.tzinfo is not None:
            return When(moment.astimezone(UTC), 0, zone_assumed=False)
        start = moment.replace(tzinfo=zone).astimezone(UTC)
        if not day_only:
            return When(start, 0, zone_assumed=True)
        end = (moment + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:40]!r} is no date; write 2016-02-27, 2016-02-27 20:15 or "
            "2016-02-27T20:15:00+01:00 (or 2016-02-27/2016-02-29)"
        ) from None
    return When(start, round((end - start).total_seconds()), zone_assumed=True)


def parse_readings(
    content: bytes | str, name: str, *, zone: tzinfo, source: str = "", now: datetime
) -> Readings:
    """Return the readings of a CSV file; bad rows are told and the rest goes on.

    ``source`` stands where a row names none; ``now`` is the latest moment a reading can be of.
    Raises :class:`~ingest.errors.SourceError` for a file that is no such table.
    """
    text = _text(content, name)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = _rows(reader, name)
    columns = _columns(next(rows, (1, []))[1], name)
    found: dict[tuple[str, str, str, datetime], Counter] = {}
    bad: list[BadRow] = []
    repeated = assumed = 0
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        given = {field: cells[place] for field, place in columns.items() if place < len(cells)}
        row = {field: " ".join(cell.split()) for field, cell in given.items()}
        try:
            _refuse_swallowed(given)
            counter, zone_assumed = _counter(row, zone, source or name, now)
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


def _text(content: bytes | str, name: str) -> str:
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{name} is not UTF-8 (byte {error.start}): save it as CSV in UTF-8 and try again."
        ) from None


def _rows(reader: Iterator[list[str]], name: str) -> Iterator[tuple[int, list[str]]]:
    # csv counts the lines it has read: a row that spans lines is told by its last one
    try:
        for cells in reader:
            yield reader.line_num, cells  # type: ignore[attr-defined]
    except csv.Error as error:
        raise SourceError(
            f"{name}, near line {reader.line_num}: {error}. "  # type: ignore[attr-defined]
            "A quotation mark may be missing; nothing was read."
        ) from None


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


def _counter(row: dict[str, str], zone: tzinfo, source: str, now: datetime) -> tuple[Counter, bool]:
    page, metric = row.get("page", ""), row.get("metric") or "likes"
    if not page:
        raise ValueError("no page is named")
    when = parse_when(_at(row), zone)
    if when.at > now + _AHEAD:
        raise ValueError(f"{_at(row)} is still to come")
    since = parse_when(row["since"], zone) if row.get("since") else None
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

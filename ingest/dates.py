"""Dates as files, feeds, counters and labels write them, read into moments in UTC. Pure functions.

A value is text (a JSON number is its literal). Read are ISO 8601, RFC 2822, Twitter's
``Wed Aug 27 13:08:45 +0000 2008``, ``27/02/2016 21:14``, ``12 janvier 2016 à 20h``, ``27-Feb-16``,
Oracle's ``27-FEB-16 09.14.05.000000 PM``,
``Feb 27, 2016 @ 20:00:00.000``, Arabic month names and digits, epoch seconds to nanoseconds, and
the day numbers of spreadsheets. What two readings would fit (day or month first, day numbers) is
decided once for a whole column by :func:`learn`, since one value alone can't say.

Month names are those of :mod:`ingest.month_names`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from ingest import zones
from ingest.month_names import MONTHS, OF_TWO_WORDS
from nlp.folding import fold
from nlp.text import normalise

#: What somebody says of ``03/02/2016``; empty where the dates themselves decide.
DateOrder = Literal["", "day-first", "month-first"]


class DateStyle(msgspec.Struct, frozen=True):
    """How the dates of one column are written."""

    day_first: bool = True
    serial: bool = False
    """Small numbers are days since 1899-12-30, as spreadsheets count them."""


class Reading(NamedTuple):
    """One date as it was read: ``None`` if it can't be read or no calendar has it."""

    moment: datetime | None
    zone_assumed: bool = False
    impossible: bool = False
    """It is a date, but of a year before 1 or after 9999."""


EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No post is older: the first public networks for such posts are of the 1990s."""
AHEAD = timedelta(days=2)
"""How far a clock may be ahead of the collection: every time zone, and some error."""

ASSUMED = "UTC"
"""The zone of dates that name none, where nobody says which."""

_UNREAD = Reading(None)
_IMPOSSIBLE = Reading(None, impossible=True)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SERIAL_EPOCH = datetime(1899, 12, 30)
#: Day numbers of 1990-01-01 and 2050-12-31: outside, a number is no spreadsheet's date.
_SERIAL_FIRST, _SERIAL_LAST = 32874, 55153
_LONGEST = 80

#: What Arabic writes behind a year of the Christian calendar, and before one that a Hijri date
#: agrees with: ``2016م``, ``… هـ الموافق 27 فبراير 2016``.
_YEAR_OF_CHRIST = re.compile(r"((?<!\d)(?:19|20)\d\d) ?م(?![^\W\d])")
_AGREED = re.compile(r"^[^/:]{0,60}?ه ?[,/]? ?(?:ال)?موافق(?: ?ل)? ?:? ?")
_NUMBER = re.compile(r"([+-]?)(\d+)(?:[.,](\d+))?")
#: What keeps a spreadsheet from reading a date: ``'27/02/2016``, ``="27/02/2016"``.
_GUARDED = re.compile(r"""(?:'|=")([^'"]+)"?""")
_JAVA = re.compile(r"(\d)\.(\d{1,18})E(9|1[0-8])")
_COMPACT = re.compile(r"((?:19|20)\d\d)([01]\d)([0-3]\d)(?:([0-2]\d)([0-5]\d)([0-6]\d)?)?")
_DOTNET = re.compile(r"\\?/Date\((-?\d+)(?:[+-]\d{4})?\)\\?/")
_NO_YEAR = re.compile(r"[+-]?(?:0000|\d{5,})-\d\d-\d\d")
_AM_PM = r"(?P<half>[ap]\.?\s?m\.?(?![^\W\d])|ص|م|صباحا|مساء|ظهرا)"
_CLOCK = (
    r"(?P<hour>\d{1,2})(?:(?:\s?[:h]\s?|\.(?=\d\d(?!\d)))(?P<minute>\d{2})(?:[:m.](?P<second>\d{2})s?"
    r"(?:[.,:](?P<fraction>\d{1,9}))?)?|\s?h(?:eures?)?\b|(?=\s?"
    + _AM_PM.replace("half", "_")
    + "))"
    r"(?:\s*" + _AM_PM + r")?"
)
#: What stands between a day and a time of day: ``T``, ``at``, ``à``, ``الساعة``, a comma, a dash.
_BETWEEN = r"(?:[T,\s@•·|]|-(?=\s)|\bat\b|\ba\b|\bum\b|\bالساعه\b|\bعلي\b)*"
_TIME = rf"(?:{_BETWEEN}{_CLOCK})?"
_ZONE = (
    r"(?:\s*(?P<zone>[A-Za-z]+(?:/[A-Za-z_]+){1,2}|[A-Za-z]{1,5}(?:\s*[+-]\d{1,2}:?\d{0,2})?"
    r"|[+-]\d{2}:?\d{0,2}(?:\s[A-Z]{3,5})?)(?:\s*[\[(].*[\])])?)?"
)
_WORDS = r"(?:[^\W\d]{2,}\.?[,:]?\s+){0,3}"
_NAME = r"(?P<name>[^\W\d_]{2,12})\.?"
_OF = r"(?:(?:de|of|del|do)\s+)?"
#: A second name of the month, as the press of the Levant writes it: شباط/فبراير, شباط (فبراير).
_ALSO = r"(?:\s*[/(-]\s*[^\W\d_]{2,12}\s*\)?(?=[\s,]))?"
_SLASHED = (
    r"(?P<first>\d{1,2})\s?(?P<sign>[-/.])\s?(?P<other>\d{1,2})\s?(?P=sign)\s?"
    r"(?P<year>\d{4}|\d{2})"
)
_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE)
    for shape in (
        _WORDS + _NAME + r"\s+(?P<day>\d{1,2})\s+(?P<hour>\d\d):(?P<minute>\d\d)"
        r"(?::(?P<second>\d\d))?\s+(?P<zone>[+-]\d{4}|[A-Z]{1,5})\s+(?P<year>\d{4})",
        _WORDS
        + r"(?P<year>\d{4})\s?[-/.]\s?(?P<month>\d{1,2})\s?[-/.]\s?(?P<day>\d{1,2})"
        + _TIME
        + _ZONE,
        _WORDS + _SLASHED + _TIME + _ZONE,
        _WORDS
        + r"(?P<day>\d{1,2})(?:er|st|nd|rd|th|º|\.)?[-\s/]\s*"
        + _OF
        + _NAME
        + _ALSO
        + r"[-,\s/]\s*"
        + _OF
        + r"(?P<year>\d{4}|\d{2}(?=\D|$))"
        + _TIME
        + _ZONE,
        _WORDS
        + _NAME
        + r"[\s-]+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(?P<year>\d{4})"
        + _TIME
        + _ZONE,
        _CLOCK + r"[\s,·•-]*" + _SLASHED,
        _CLOCK + r"[\s,·•-]*" + _NAME + r"\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})",
        _CLOCK + r"[\s,·•-]*(?P<day>\d{1,2})\s+" + _NAME + r",?\s+(?P<year>\d{4})",
    )
)
_DAY_FIRST = re.compile(r"\s*" + _SLASHED + r"(?!\d)")
_SIGNS = str.maketrans(
    {"،": ",", "؛": ",", "年": "-", "月": "-", "日": " ", "−": "-", "–": "-"}
    | {chr(first + n): str(n) for first in (0x660, 0x6F0) for n in range(10)}
)
#: Abbreviations that mean one offset (hours): UTC, Europe's, Africa's, and those of RFC 2822.
_ZONES = {
    **dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("west", "cet", "wat", "bst"), 1),
    **dict.fromkeys(("cest", "eet", "cat", "sast"), 2),
    **dict.fromkeys(("eest", "msk", "eat", "trt"), 3),
    **{"edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7},
    **{"pdt": -7, "pst": -8, "jst": 9, "kst": 9},
}


def read(value: str, zone: tzinfo, style: DateStyle = DateStyle()) -> Reading:  # noqa: B008
    """Return the moment a text names, in UTC; ``zone`` is assumed where it names none."""
    try:
        moment = datetime.fromisoformat(value) if "-" in value or "T" in value else None
    except ValueError:
        moment = None
    try:
        if moment is None:
            value = _plain(value)
            if not value:
                return _UNREAD
            if number := _NUMBER.fullmatch(value):
                moment = _from_number(number, style)
            elif power := _JAVA.fullmatch(value):
                moment = _from_power(*power.groups())
            else:
                moment = _from_words(value, style)
        if moment is None:
            return _unread(value)
        if moment.tzinfo is UTC:
            return Reading(moment)
        if moment.tzinfo is None:
            return Reading(moment.replace(tzinfo=zone).astimezone(UTC), zone_assumed=True)
        return Reading(moment.astimezone(UTC))
    except OverflowError:
        return _IMPOSSIBLE
    except ValueError:
        return _unread(value)


def _plain(value: str) -> str:
    """Return a date in ASCII digits and signs, without unseen marks; empty if it is too long."""
    if len(value) > 2 * _LONGEST:
        return ""
    value = fold(value).translate(_SIGNS)
    if value[:1] in {"'", "="} and (guarded := _GUARDED.fullmatch(value)):
        value = guarded[1]
    value = " ".join(value.split()).strip(" ,")
    if wrapped := _DOTNET.fullmatch(value):
        value = wrapped[1]
    if not value.isascii():
        value = _AGREED.sub("", _YEAR_OF_CHRIST.sub(r"\1", normalise(value)))
        for words, name in OF_TWO_WORDS.items():
            value = value.replace(words, name)
    return value if len(value) <= _LONGEST else ""


def _unread(value: str) -> Reading:
    return _IMPOSSIBLE if _NO_YEAR.match(value) else _UNREAD


def plausible(moment: datetime, now: datetime) -> bool:
    """Say whether a post that was collected at ``now`` can be of this moment."""
    return EARLIEST <= moment <= now + AHEAD


def time_of_day(value: str) -> bool:
    """Say whether a text is a time of day and no more: ``21:14``, ``20h05``, ``9:14 PM``.

    ``10.15`` alone is a number: durations and shares of a day stand in columns of that name, too.
    """
    plain = _plain(value)
    return not _NUMBER.fullmatch(plain) and bool(_ONLY_CLOCK.fullmatch(plain))


_ONLY_CLOCK = re.compile(rf"(?:a\s+)?{_CLOCK}", re.IGNORECASE)
_CLOCK_INSIDE = re.compile(
    r"\d\s?[:hT]\s?\d\d|\d\s?h\b|\d\s?[ap]\.?m\b|\d(?:,| a| at| um)? \d{1,2}\.\d\d(?!\d)",
    re.IGNORECASE,
)


def day_alone(value: str) -> bool:
    """Say whether a date names no time of day, so that a column beside it may."""
    plain = _plain(value)
    return not _NUMBER.fullmatch(plain) and not _CLOCK_INSIDE.search(plain)


def learn(values: Iterable[str]) -> DateStyle:
    """Return how a column writes its dates, from its first values.

    Months come first if a second number is above 12 and no first number is. Numbers are a
    spreadsheet's days if all of them lie in its years 1990 to 2050.
    """
    first = second = 0
    numbers = serials = 0
    for value in values:
        value = _plain(value)
        if match := _DAY_FIRST.match(value):
            first = max(first, int(match["first"]))
            second = max(second, int(match["other"]))
        elif match := _NUMBER.fullmatch(value):
            numbers += 1
            serials += len(match[2]) == 5 and _SERIAL_FIRST <= int(match[2]) <= _SERIAL_LAST
    return DateStyle(
        day_first=not (second > 12 >= first), serial=bool(serials) and serials == numbers
    )


def zone_named(name: str) -> tzinfo:
    """Return a time zone by its name (``Africa/Casablanca``) or offset (``+01:00``).

    Raises ``ValueError`` for one that does not exist.
    """
    if name.upper() in {"UTC", "Z", "GMT"}:
        return UTC
    if name[:1] in {"+", "-"}:
        return _offset(name)
    return zones.zone(name)


def _from_number(number: re.Match[str], style: DateStyle) -> datetime | None:
    sign, digits, decimals = number.groups()
    if not sign and not decimals and (compact := _COMPACT.fullmatch(digits)):
        try:
            return _moment(*(int(part) for part in compact.groups(default="0")))
        except ValueError:
            pass  # no such day: an epoch number after all
    if len(digits) > 20:
        return None
    if style.serial and not sign and _SERIAL_FIRST <= int(digits) <= _SERIAL_LAST:
        seconds = round(float(f"{digits}.{decimals or 0}") * 86400)  # cells hold whole seconds
        return _SERIAL_EPOCH + timedelta(seconds=seconds)
    # Seconds of years up to 5138, then milli-, micro- and nanoseconds: their ranges from 1973
    # on don't overlap.
    places = next(
        (places for size, places in ((11, 0), (14, 3), (17, 6), (20, 9)) if len(digits) <= size), 0
    )
    whole = int(f"{digits}{(decimals or '')[:6]:0<6}") // 10**places
    return _EPOCH + timedelta(microseconds=-whole if sign == "-" else whole)


def _from_power(whole: str, decimals: str, power: str) -> datetime | None:
    """Return the moment of a number as Java and Spark print it; with a sign it was rounded."""
    places = int(power) - len(decimals)
    if places < 0:
        return None
    number = _NUMBER.fullmatch(f"{whole}{decimals}{'0' * places}")
    return _from_number(number, DateStyle()) if number else None


def _from_words(value: str, style: DateStyle) -> datetime | None:
    for shape in _SHAPES:
        if match := shape.fullmatch(value):
            return _assemble(match.groupdict(), style)
    return None


@lru_cache(maxsize=1024)
def _month(name: str) -> int:
    return MONTHS.get(normalise(name), 0)


def _assemble(parts: dict[str, str | None], style: DateStyle) -> datetime | None:
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:
        year += 2000 if year < 70 else 1900
    if parts.get("first"):
        day, month = int(parts["first"] or 0), int(parts["other"] or 0)
        if month > 12 or (not style.day_first and day <= 12):
            day, month = month, day
    else:
        day = int(parts["day"] or 0)
        name = parts.get("name")
        month = _month(name) if name else int(parts.get("month") or 0)
    hour = int(parts["hour"] or 0)
    if half := parts.get("half"):
        hour = hour % 12 + (12 if half[0] in "pPمظ" else 0)
    fraction = int(f"{parts.get('fraction') or '0':0<6}"[:6])
    minute, second = int(parts["minute"] or 0), int(parts["second"] or 0)
    moment = _moment(year, month, day, hour, minute, second, fraction)
    return moment.replace(tzinfo=_zone(parts.get("zone")))


def _moment(
    year: int, month: int, day: int, hour: int, minute: int, second: int, fraction: int = 0
) -> datetime:
    """Return a moment; ISO 8601 also writes a day's end as 24:00, a leap second as second 60.

    Raises ``ValueError`` for what no clock shows.
    """
    later = timedelta()
    if second == 60:
        second, fraction, later = 59, 0, timedelta(seconds=1)
    if hour == 24 and not (minute or second or fraction):
        hour, later = 0, timedelta(days=1)
    return datetime(year, month, day, hour, minute, second, fraction) + later


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text[0] not in "+-":
        if "/" in text:
            return zones.zone(text)
        letters = re.match(r"[A-Za-z]+", text)
        name = letters[0] if letters else ""
        hours = _ZONES.get(name.casefold())
        if hours is None:
            raise ValueError(f"{name!r} may mean several time zones")
        text = text[len(name) :].strip()
        if not text:
            return timezone(timedelta(hours=hours)) if hours else UTC
    return _offset(text)


def _offset(text: str) -> tzinfo:
    match = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})?(?:\s[A-Za-z]{3,5})?", text)
    if not match:
        raise ValueError(f"{text!r} is no offset such as +01:00")
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))

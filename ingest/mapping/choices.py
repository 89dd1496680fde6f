"""Which fields of a file are which, where names alone don't say: decided on its first records.

An id does not repeat with other texts. A date can be read as one. An address names a post.
All functions are pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ingest import dates
from ingest.mapping.addresses import post_at
from ingest.mapping.fields import NOTHING, plain
from ingest.mapping.missing import is_missing

Flat = Mapping[str, str]
"""One record: its texts and numbers under the names that ``--map`` takes."""

_DEEPEST = 4
#: Share of the values of a column that must be dates for it to be one.
_READABLE = 0.8
#: Share of records whose id other texts have as well: above, the column holds no ids.
_REPEATED = 0.1
#: Share of the addresses that must name posts.
_ADDRESSES = 0.9
_NOT_OF_THE_POST = re.compile(
    "user|author|auteur|owner|profil|account|compte|birth|joined|retriev|collect|scrap|crawl|fetch"
    "|import|export|updat|edit|modif|last|expire|quoted|retweet|repost|shared"
)
_OF_A_DATE = re.compile("date|time|publi|creat|post|jour|heure|تاريخ|وقت|day|when|quand")
_SHORT_NUMBER = re.compile(r"\d{1,9}")
_OF_TWEETS = re.compile(r"tweetid(?:str)?$")
_LONG_NUMBER = re.compile(r"(?:x|'|=\")?\d{9,20}\"?|\d(?:[.,]\d+)?E\+\d\d", re.IGNORECASE)
_EPOCH = re.compile(r"\d{10}(?:\d{3}){0,3}(?:[.,]\d+)?")


class Choices(msgspec.Struct, frozen=True):
    """What was decided on a sample."""

    fields: dict[str, str] = {}
    """Fields of the file by fields of a post; empty for one that no field holds."""
    by_address: bool = False
    platform: str = ""
    """What the name of the ids says, where no field names a platform."""


def flattened(
    record: Mapping[str, Any], before: str = "", deeper: int = _DEEPEST
) -> dict[str, str]:
    """Return the texts and numbers of an object under their paths."""
    found: dict[str, str] = {}
    for key, value in record.items():
        if isinstance(value, dict) and deeper:
            found |= flattened(value, f"{before}{key}.", deeper - 1)
        elif isinstance(value, str) and not (before and "." in key):
            found[f"{before}{key}"] = value
    return found


def choose(
    records: Sequence[Flat],
    found: Mapping[str, Sequence[str]],
    mapping: Mapping[str, str],
    now: datetime,
) -> Choices:
    """Return what a sample decides; ``found`` are the fields known by name, in their order.

    What the user's ``mapping`` names is left as it is.
    """
    fields: dict[str, str] = {}
    if "created_at" not in mapping and (date := _date(records, found, now)) is not None:
        fields["created_at"] = date
    if "id" not in mapping and (own := _id(records, found)) is not None:
        fields["id"] = own
    named = mapping.get("id") or fields.get("id") or next(iter(found.get("id", ())), "")
    platform = "" if found.get("platform") else _platform(records, named)
    return Choices(fields, _by_address(records, found, named), platform)


def _platform(records: Sequence[Flat], named: str) -> str:
    """Return whose posts these are by the name of their ids: ``Tweet Id`` with long numbers."""
    if not _OF_TWEETS.match(plain(named)):
        return ""
    values = [value for value in _values(records, named) if not is_missing(value)]
    long = sum(bool(_LONG_NUMBER.fullmatch(value)) for value in values)
    return "twitter" if values and long >= _ADDRESSES * len(values) else ""


def _values(records: Iterable[Flat], name: str) -> list[str]:
    return [value for record in records if (value := record.get(name, "").strip())]


def readable_share(values: Sequence[str], now: datetime) -> float:
    """Return the share of values that are plausible dates."""
    given = [value for value in values if value and not is_missing(value)]
    if not given:
        return 0.0
    style = dates.learn(given)
    read = (dates.read(value, UTC, style).moment for value in given)
    good = sum(moment is not None and dates.plausible(moment, now) for moment in read)
    return good / len(given)


def _date(records: Sequence[Flat], found: Mapping[str, Sequence[str]], now: datetime) -> str | None:
    known = found.get("created_at", ())
    shares = [(name, readable_share(_values(records, name), now)) for name in known]
    if any(share >= 0.5 for _, share in shares[:1]):
        return None
    if best := next((name for name, share in shares if share >= _READABLE), None):
        return best
    if any(share > 0 for _, share in shares):
        return None
    taken = {name for names in found.values() for name in names}
    others = [
        name
        for name in dict.fromkeys(key for record in records for key in record)
        if name not in taken and not _NOT_OF_THE_POST.search(name.casefold())
    ]
    fitting = [name for name in others if _holds_dates(_values(records, name), now)]
    told = [name for name in fitting if _OF_A_DATE.search(name.casefold())]
    return next(iter([*told, *fitting]), None)


def _holds_dates(values: Sequence[str], now: datetime) -> bool:
    """Say whether values are dates by themselves: numbers only where they are moments of posts."""
    if not values or any(_SHORT_NUMBER.fullmatch(value) for value in values):
        return False
    numbers = [value for value in values if value.lstrip("-").replace(".", "", 1).isdigit()]
    if numbers:
        floor = now - timedelta(days=365 * 30)
        read = [dates.read(value, UTC).moment for value in numbers if _EPOCH.fullmatch(value)]
        good = sum(moment is not None and floor <= moment <= now for moment in read)
        return good >= 0.95 * len(values)
    return readable_share(values, now) >= 0.95


def _id(records: Sequence[Flat], found: Mapping[str, Sequence[str]]) -> str | None:
    """Return another field for the id if the first known one repeats with other texts."""
    candidates = list(found.get("id", ()))
    texts = found.get("text", ())
    if not candidates or not texts:
        return None
    within = next(iter(found.get("platform", ())), "")
    if not _repeats(records, candidates[0], texts, within):
        return None
    for name in candidates[1:]:
        values = _values(records, name)
        if len(values) * 2 >= len(records) and not _repeats(records, name, texts, within):
            return name
    # Edits of one post repeat its id as well: only where nearly no id is its post's own.
    return NOTHING if _repeats(records, candidates[0], texts, within, most=0.5) else None


def _repeats(
    records: Sequence[Flat], name: str, texts: Sequence[str], within: str, most: float = _REPEATED
) -> bool:
    """Say whether an id is met with other texts ``within`` the platform that a column names."""
    seen: dict[tuple[str, str], set[str]] = {}
    rows: dict[tuple[str, str], int] = {}
    for record in records:
        value = record.get(name, "").strip()
        if not value or is_missing(value):
            continue
        text = next((record[field] for field in texts if record.get(field)), "")
        own = (record.get(within, ""), value)
        seen.setdefault(own, set()).add(text)
        rows[own] = rows.get(own, 0) + 1
    total = sum(rows.values())
    shared = sum(rows[own] for own, found in seen.items() if len(found) > 1)
    return total > 1 and shared > most * total


def _by_address(records: Sequence[Flat], found: Mapping[str, Sequence[str]], own: str) -> bool:
    """Say whether the addresses of a file are those of its posts, and not links in their texts."""
    names, texts = found.get("url", ()), found.get("text", ())
    given = [
        (record, url)
        for record in records
        if (url := next((record[name] for name in names if record.get(name)), ""))
    ]
    if not given:
        return False
    posts = [(record, address) for record, url in given if (address := post_at(url)) is not None]
    if len(posts) < _ADDRESSES * len(given):
        return False
    by_native: dict[str, set[str]] = {}
    strange = 0
    for record, address in posts:
        text = next((record[field] for field in texts if record.get(field)), "")
        by_native.setdefault(address.native, set()).add(text)
        value = record.get(own, "").strip().lstrip("x") if own else ""
        number = address.native.rpartition("/")[2]
        strange += bool(
            value
            and not _SHORT_NUMBER.fullmatch(value)
            and number not in value
            and value not in address.native
        )
    repeated = sum(len(found) - 1 for found in by_native.values())
    return repeated <= _REPEATED * len(posts) and strange <= _REPEATED * len(posts)

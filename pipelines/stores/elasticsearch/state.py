"""Documents of the state index that hold one record each: read whole, and written whole."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from pipelines.stores.elasticsearch.indices import Indices, Seen, Write
from pipelines.stores.zone_data import ZoneData, current, parse

T = TypeVar("T")
#: The documents of the store's days, of the study that posts were matched for, of how fast posts
#: are scored, and of the keys. The lease, re-indexing and purging name their own.
_STORE, STUDY, PACE, KEYS = "store", "study", "pace", "keys"


def read(indices: Indices, name: str, record: type[T]) -> tuple[T | None, Seen | None]:
    """Return a record, and its document as it was seen; None where there is none."""
    seen = indices.get(indices.state, name)
    return (msgspec.convert(seen.source["body"], record) if seen else None), seen


def put(indices: Indices, name: str, record: object) -> None:
    """Write a record in place of the one before."""
    indices.bulk([Write(indices.state, name, {"kind": name, "body": record})])


def swap(indices: Indices, name: str, record: object | None, seen: Seen | None) -> bool:
    """Write a record (None removes it) if it is as it was seen, or not there; say whether."""
    body = None if record is None else {"kind": name, "body": record}
    write = Write(indices.state, name, body, create=seen is None, seen=seen)
    return not indices.bulk([write])[0].conflict


class Pace(msgspec.Struct, frozen=True):
    """How fast posts were scored the last time."""

    posts_a_second: float


class Keys(msgspec.Struct, frozen=True):
    """The keys that the store was written with."""

    check_values: frozenset[str]


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """What the store's calendar days are counted with."""

    timezone: str = ""
    """Empty if none was named yet."""
    zone_data: str = ""

    @property
    def data(self) -> ZoneData:
        """Which zone data that was, empty where that was not recorded."""
        return parse(self.zone_data)


def days(indices: Indices) -> Days:
    """Return what the store's days are counted with."""
    return read(indices, _STORE, Days)[0] or Days()


def count_days(indices: Indices, zone: str) -> None:
    """Record that all days are counted in a zone, with this machine's data of it."""
    put(indices, _STORE, Days(timezone=zone, zone_data=str(current(zone))))


def settle_days(indices: Indices, zone: str) -> Days:
    """Name the zone of the store's days if none was named before; return what is in force."""
    known = days(indices)
    if known.timezone:
        return known
    swap(indices, _STORE, Days(timezone=zone, zone_data=str(current(zone))), None)
    return days(indices)

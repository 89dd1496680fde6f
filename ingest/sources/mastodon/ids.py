"""Ids of one instance: places to go on from, and (on Mastodon) times. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from ingest.errors import SourceChanged, SourceError
from ingest.mapping.items import NOT_JSON

#: Posts of other instances may come late, with ids of when they were written: so far before the
#: last post of a stream is looked again after it broke off.
LATE = timedelta(minutes=10)
EARLIEST = "0"
# An id is the time in milliseconds, and 16 bits that tell posts of one millisecond apart.
_ID_BITS = 16
#: No id is the time of a moment before 2016, when there was no Mastodon.
_FIRST_TIMED = 1_450_000_000_000


class Place(msgspec.Struct, frozen=True):
    """The last status read: as a cursor its id, with ``~`` before it if a stream gave it.

    Before any was read it may be a moment, as a cursor in milliseconds after ``@``.
    """

    id: str
    streamed: bool = False

    @classmethod
    def read(cls, cursor: str) -> Place:
        """Return what a cursor says."""
        return cls(cursor.removeprefix("~"), streamed=cursor.startswith("~"))

    @classmethod
    def of(cls, moment: datetime) -> Place:
        """Return the place of a moment."""
        return cls(f"@{int(moment.timestamp() * 1000)}")

    @property
    def moment(self) -> datetime | None:
        """The moment that it is, if it is one. Raises :class:`~ingest.errors.SourceError`."""
        if not self.id.startswith("@"):
            return None
        try:
            return datetime.fromtimestamp(int(self.id[1:]) / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            raise SourceError(f"the saved place {self.id[:80]!r} can't be read") from None

    def write(self) -> str:
        """Return the cursor."""
        return f"{'~' if self.streamed else ''}{self.id}"

    def back(self) -> str:
        """Return the id from which on a stream's gap is filled."""
        if not self.streamed or not self.id.isdecimal():
            return self.id
        return str(max(0, int(self.id) - (LATE // timedelta(milliseconds=1) << _ID_BITS)))


class Head(msgspec.Struct, frozen=True):
    """What paging needs of a status."""

    id: str
    created_at: object = None

    @property
    def moment(self) -> datetime | None:
        """When it was written, if that can be read."""
        try:
            at = datetime.fromisoformat(str(self.created_at))
        except ValueError:
            return None
        return at if at.tzinfo else at.replace(tzinfo=UTC)


def head_of(raw: msgspec.Raw) -> Head:
    """Return what paging needs. Raises :class:`~ingest.errors.SourceChanged`."""
    try:
        return msgspec.json.decode(raw, type=Head)
    except NOT_JSON:
        raise SourceChanged("its timeline has posts without an id", body=bytes(raw)) from None


def id_of(raw: msgspec.Raw) -> str:
    """Return the id of a status. Raises :class:`~ingest.errors.SourceChanged`."""
    return head_of(raw).id


def id_at(at: datetime) -> str:
    """Return the lowest id of a moment."""
    return str(max(0, int(at.timestamp() * 1000)) << _ID_BITS)


def timed(native: str) -> bool:
    """Say whether an id is a time: Mastodon's are since 2017, other software's are not."""
    return native.isdecimal() and int(native) >> _ID_BITS > _FIRST_TIMED


def time_of(native: str) -> datetime | None:
    """Return the time that an id is, ``None`` for one that is none."""
    if not timed(native):
        return None
    try:
        return datetime.fromtimestamp((int(native) >> _ID_BITS) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def later(one: str, other: str) -> bool:
    """Compare two ids of one instance: numbers, or (on other software) sortable texts."""
    return (len(one), one) > (len(other), other)

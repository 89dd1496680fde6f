"""How the stream of a Jetstream is followed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from ingest.errors import SourceChanged, SourceError
from ingest.http.websocket import listen
from ingest.mapping.items import reject
from ingest.mapping.unexpected import kept
from ingest.records import Gap, Heartbeat, Item, Reject
from ingest.sources.base import Capabilities, Means, Order
from ingest.sources.bluesky.events import (
    COLLECTION,
    MICROSECOND,
    PLATFORM,
    Event,
    decoded,
    mapped,
    micro,
    moment,
)
from ingest.sources.time_range import left_out

#: How far a cursor is set back when a connection is made again, and when it is another server,
#: whose clock is another one.
REWIND = timedelta(seconds=5)
REWIND_ELSEWHERE = timedelta(seconds=30)
#: A server whose first event is so much later than what was asked for, where it is not known
#: that there was an event, does not keep what was asked for.
MISSING = timedelta(minutes=1)
#: So many messages in a row that can't be read: this is another stream than the known one.
UNREADABLE = 20
#: Quiet half seconds after which what was asked for until a past moment has all come: before the
#: first message (a server takes its time to find the place), and after one.
_UNHEARD, _HEARD = 10, 2
_AHEAD = timedelta(days=1)
_QUIET = timedelta(seconds=5)


class Place(msgspec.Struct, frozen=True):
    """How far a stream was read: as a cursor ``time_us@host``, with ``~`` before a time that is
    no event's."""

    time_us: int
    host: str
    event: bool = True

    @classmethod
    def read(cls, cursor: str) -> Place | None:
        """Return what a cursor says, ``None`` for an empty one. Raises ``SourceError``."""
        if not cursor:
            return None
        number, at, host = cursor.partition("@")
        digits = number.removeprefix("~")
        if not at or not digits.isdecimal():
            raise SourceError(f"the saved place {cursor[:80]!r} can't be read")
        return cls(int(digits), host, event=digits == number)

    def write(self) -> str:
        """Return the cursor."""
        return f"{'' if self.event else '~'}{self.time_us}@{self.host}"


class Bluesky:
    """The posts of the whole network. Fulfils :class:`~ingest.sources.base.LiveSource`."""

    name = PLATFORM
    version = 1
    capabilities = Capabilities(live=True, history=True, deletions=True)

    def __init__(self, order: Order, means: Means) -> None:
        if not order.url.startswith(("ws://", "wss://")):
            raise SourceError(
                f"{order.url} is no address of a Jetstream: name it whole, as in "
                "wss://jetstream2.us-east.bsky.network/subscribe"
            )
        self._order = order
        self._means = means
        self._host = urlsplit(order.url).netloc

    @property
    def key(self) -> str:
        """The stream: its servers all have the same posts."""
        return f"{PLATFORM}:{COLLECTION}"

    def present(self) -> str:
        """Return the place of this moment; see :class:`~ingest.sources.base.Begins`."""
        return "" if self._order.since else self._now().write()

    def open(self, cursor: str) -> Iterator[Item]:
        """Listen from a cursor on; see :class:`~ingest.sources.base.LiveSource`."""
        saved = Place.read(cursor)
        place, asked = self._start(saved)
        with listen(self._address(asked), self._means.stopped) as messages:
            if saved and place.time_us > saved.time_us:
                end = min(moment(place.time_us), self._means.now())
                yield Item(left_out(self.name, moment(saved.time_us), end), place.write())
            yield from self._read(messages, place, asked, known=place == saved)

    def _start(self, saved: Place | None) -> tuple[Place, int | None]:
        """Return how far the stream is known, and the cursor to ask for."""
        since = micro(self._order.since) if self._order.since else 0
        if saved and saved.time_us >= since:
            back = REWIND if saved.host == self._host else REWIND_ELSEWHERE
            return saved, max(0, saved.time_us - back // MICROSECOND)
        if since:
            return Place(since, self._host, event=False), since
        return self._now(), None

    def _now(self) -> Place:
        return Place(micro(self._means.now()), self._host, event=False)

    def _address(self, cursor: int | None) -> str:
        parts = urlsplit(self._order.url)
        query = dict(parse_qsl(parts.query)) | {"wantedCollections": COLLECTION}
        if cursor is not None:
            query["cursor"] = str(cursor)
        return urlunsplit(parts._replace(query=urlencode(query)))

    def _read(
        self, messages: Iterator[bytes | None], place: Place, asked: int | None, *, known: bool
    ) -> Iterator[Item]:
        until = micro(self._order.until) if self._order.until else None
        listening = told = self._means.now()
        first, unreadable, quiet, unheard = True, 0, 0, True
        yield self._heartbeat(told, place)
        for raw in messages:
            now = self._means.now()
            if now - told >= _QUIET:  # also where it never gets quiet, and nothing is a post
                yield self._heartbeat(now, place)
                told = now
            if raw is None:
                quiet += 1
                over = until is not None and micro(now - REWIND) >= until
                if over and quiet >= (_UNHEARD if unheard else _HEARD):
                    return
                continue
            quiet, unheard = 0, False
            event, bad = self._event(raw)
            if event is None:
                unreadable += 1
                if unreadable >= UNREADABLE:
                    raise SourceChanged("its messages have an unknown form", body=raw)
                if bad is not None:
                    yield Item(bad, place.write())
                continue
            unreadable = 0
            if until is not None and event.time_us >= until:
                return
            if first and asked is not None:
                end = self._missing(place, event.time_us, micro(listening))
                if end is not None:
                    yield Item(self._gap(place, end, known=known), place.write())
            first = False
            if event.time_us > place.time_us or place.host != self._host:
                place = Place(event.time_us, self._host)
            record = kept(raw, mapped, event, raw, self.name)
            if record is not None:
                yield Item(record, place.write())

    def _event(self, raw: bytes) -> tuple[Event | None, Reject | None]:
        event, bad = decoded(raw)
        if event is not None and event.time_us > micro(self._means.now() + _AHEAD):
            return None, reject("item-unknown", raw)  # no place to go on from
        return event, bad

    def _heartbeat(self, at: datetime, place: Place) -> Item:
        return Item(Heartbeat(source=self.name, at=at), place.write())

    def _missing(self, place: Place, first: int, listening: int) -> int | None:
        """Return until when a stream that was asked to go on misses something, if it does.

        The cursor is set back, so a server that keeps what was asked for gives the last known
        event once more. Where none is known, or it was another server's, time must tell. Since
        it is listened to nothing is missed, however late the first event is.
        """
        certain = place.event and place.host == self._host
        end = min(first, listening) if listening >= place.time_us else first
        late = end > place.time_us + (0 if certain else MISSING // MICROSECOND)
        return end if late else None

    def _gap(self, place: Place, end: int, *, known: bool) -> Gap:
        after = "the saved place" if known else "the date that was asked for (since)"
        return Gap(
            source=self.name,
            start=moment(place.time_us),
            end=moment(end),
            cause=f"the server does not keep what came after {after}",
        )

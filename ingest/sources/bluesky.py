"""Bluesky, by Jetstream: all posts of the network as JSON over one WebSocket.

Schema: events and query parameters as in Jetstream's documentation of ``/subscribe``
(https://github.com/bluesky-social/jetstream, version 1 of the stream, as of 2025-02, which
version 2 of 2026 goes on serving); ``app.bsky.feed.post`` and ``app.bsky.richtext.facet`` as in
https://github.com/bluesky-social/atproto/tree/main/lexicons/app/bsky; states of accounts as in
``com.atproto.sync.subscribeRepos#account``. Not verified live.

Neither ``createdAt`` nor ``langs`` is trusted: both are what the author's program wrote. Order
and versions come from ``time_us``, the server's clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from ingest.errors import SourceChanged, SourceError
from ingest.records import Gap, Heartbeat, Item, Post, Reject, Tombstone
from ingest.sources.base import Capabilities, Means, Order
from ingest.sources.shaping import NOT_JSON, Seen, post, reject
from ingest.sources.websocket import listen

PLATFORM = "bluesky"
COLLECTION = "app.bsky.feed.post"
#: How far a cursor is set back when a connection is made again, and when it is another server,
#: whose clock is another one.
REWIND = timedelta(seconds=5)
REWIND_ELSEWHERE = timedelta(seconds=30)
#: A server whose first event is so much later than what was asked for, where it is not known
#: that there was an event, does not keep what was asked for.
MISSING = timedelta(minutes=1)
#: So many messages in a row that can't be read: this is another stream than the known one.
UNREADABLE = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AHEAD = timedelta(days=1)
_QUIET = timedelta(seconds=5)


class _Commit(msgspec.Struct, frozen=True):
    operation: str
    collection: str
    rkey: str
    record: msgspec.Raw = msgspec.Raw(b"null")


class _Account(msgspec.Struct, frozen=True):
    active: bool = True
    status: str = ""


class _Event(msgspec.Struct, frozen=True):
    did: str
    time_us: int
    kind: str
    commit: _Commit | None = None
    account: _Account | None = None


class _Link(msgspec.Struct, frozen=True):
    uri: str = ""


class _Reply(msgspec.Struct, frozen=True):
    parent: _Link = _Link()


class _Record(msgspec.Struct, frozen=True, rename="camel"):
    text: str
    created_at: str | None = None
    reply: _Reply | None = None
    tags: list[str] = []
    facets: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_RECORD = msgspec.json.Decoder(_Record)


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


def map_item(raw: bytes, source: str = PLATFORM) -> Post | Tombstone | Reject | None:
    """Return what an event says; ``None`` for one that says nothing about posts."""
    event, bad = _decoded(raw)
    return bad if event is None else _mapped(event, raw, source)


def _decoded(raw: bytes) -> tuple[_Event | None, Reject | None]:
    try:
        return _EVENT.decode(raw), None
    except msgspec.ValidationError:
        return None, reject("item-unknown", raw)
    except NOT_JSON:
        return None, reject("json-invalid", raw)


def _mapped(event: _Event, raw: bytes, source: str) -> Post | Tombstone | Reject | None:
    if event.kind == "account" and event.account:
        # A deactivated, suspended or taken-down account may come back; a deleted one does not.
        if event.account.active or event.account.status != "deleted":
            return None
        return Tombstone(
            platform=PLATFORM,
            author=event.did,
            deleted_at=moment(event.time_us),
            reason="account deleted on the platform",
        )
    commit = event.commit
    if event.kind != "commit" or commit is None or commit.collection != COLLECTION:
        return None
    native = f"at://{event.did}/{COLLECTION}/{commit.rkey}"
    if commit.operation == "delete":
        return Tombstone(
            platform=PLATFORM,
            id=f"{PLATFORM}:{native}",
            deleted_at=moment(event.time_us),
            reason="deleted on the platform",
        )
    try:
        record = _RECORD.decode(commit.record)
    except NOT_JSON:
        return reject("item-unknown", raw)
    return post(
        # a date is judged by when the event happened, not by when it is read
        Seen(source=source, now=moment(event.time_us)),
        PLATFORM,
        native=native,
        text=record.text,
        created_at=record.created_at,
        author=event.did,
        url=f"https://bsky.app/profile/{event.did}/post/{commit.rkey}",
        reply_to=record.reply.parent.uri if record.reply else "",
        hashtags=_tags(record) or None,
        version=event.time_us,
        raw=raw,
    )


def _tags(record: _Record) -> list[str]:
    """Return the hashtags that the author's program marked in the text, or beside it."""
    facets = record.facets if isinstance(record.facets, list) else []
    features = [
        feature
        for facet in facets
        if isinstance(facet, dict) and isinstance(facet.get("features"), list)
        for feature in facet["features"]
        if isinstance(feature, dict)
    ]
    marked = [
        feature["tag"]
        for feature in features
        if feature.get("$type") == "app.bsky.richtext.facet#tag"
        and isinstance(feature.get("tag"), str)
    ]
    return [*marked, *record.tags]


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

    def open(self, cursor: str) -> Iterator[Item]:
        """Listen from a cursor on; see :class:`~ingest.sources.base.LiveSource`."""
        place, asked = self._start(Place.read(cursor))
        with listen(self._address(asked), self._means.stopped) as messages:
            yield from self._read(messages, place, asked)

    def _start(self, saved: Place | None) -> tuple[Place, int | None]:
        """Return how far the stream is known, and the cursor to ask for."""
        since = micro(self._order.since) if self._order.since else 0
        if saved and saved.time_us >= since:
            back = REWIND if saved.host == self._host else REWIND_ELSEWHERE
            return saved, max(0, saved.time_us - back // _MICROSECOND)
        if since:
            return Place(since, self._host, event=False), since
        return Place(micro(self._means.now()), self._host, event=False), None

    def _address(self, cursor: int | None) -> str:
        parts = urlsplit(self._order.url)
        query = dict(parse_qsl(parts.query)) | {"wantedCollections": COLLECTION}
        if cursor is not None:
            query["cursor"] = str(cursor)
        return urlunsplit(parts._replace(query=urlencode(query)))

    def _read(
        self, messages: Iterator[bytes | None], place: Place, asked: int | None
    ) -> Iterator[Item]:
        until = micro(self._order.until) if self._order.until else None
        told = self._means.now()
        first, unreadable = True, 0
        yield self._heartbeat(told, place)
        for raw in messages:
            if raw is None:
                now = self._means.now()
                if until is not None and micro(now - REWIND) >= until:
                    return
                if now - told >= _QUIET:
                    yield self._heartbeat(now, place)
                    told = now
                continue
            event, bad = _decoded(raw)
            if event is not None and event.time_us > micro(self._means.now() + _AHEAD):
                event, bad = None, reject("item-unknown", raw)  # no place to go on from
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
            if first and asked is not None and (gap := self._gap(place, event.time_us)):
                yield Item(gap, place.write())
            first = False
            if event.time_us > place.time_us or place.host != self._host:
                place = Place(event.time_us, self._host)
            mapped = _mapped(event, raw, self.name)
            if mapped is not None:
                yield Item(mapped, place.write())

    def _heartbeat(self, at: datetime, place: Place) -> Item:
        return Item(Heartbeat(source=self.name, at=at), place.write())

    def _gap(self, place: Place, first: int) -> Gap | None:
        """Return what is missing before the first event of a stream that was asked to go on.

        The cursor is set back, so a server that keeps what was asked for gives the last known
        event once more. Where none is known, or it was another server's, time must tell.
        """
        certain = place.event and place.host == self._host
        late = first > place.time_us + (0 if certain else MISSING // _MICROSECOND)
        if not late:
            return None
        return Gap(
            source=self.name,
            start=moment(place.time_us),
            end=moment(first),
            cause="the server does not keep what came after the saved place",
        )


def micro(at: datetime) -> int:
    """Return a moment in microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def moment(time_us: int) -> datetime:
    """Return the moment of a ``time_us``, the earliest or latest there is where it has none."""
    try:
        return _EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if time_us > 0 else _EPOCH

"""Mastodon, any instance: posts with a hashtag, or all public ones; history, then the stream.

Schema: https://docs.joinmastodon.org/methods/timelines/ (``tag``, ``public``),
https://docs.joinmastodon.org/methods/streaming/ (server-sent events),
https://docs.joinmastodon.org/entities/Status/ and ``/entities/Instance/``, as of 4.5 (2025-10).
Since 4.2 the stream wants a user's token. Not verified live.

A status has another id on every instance, and a deletion names the id alone, so ids here are
``mastodon:instance/id``: one post read from two instances is two posts.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.records import Heartbeat, Item, Post, Reject, Tombstone
from ingest.sources.base import Capabilities, Means, Order, Stopped
from ingest.sources.html_text import text_of
from ingest.sources.http import Answer, refuse_walls
from ingest.sources.shaping import Seen, post, reject

PLATFORM = "mastodon"
TOKEN = "MARSAD_MASTODON_TOKEN"
#: Statuses of one page: the most that the API gives.
PAGE = 40
#: Posts of other instances may come late, with ids of when they were written: so far before the
#: last post of a stream is looked again after it broke off.
LATE = timedelta(minutes=10)
_TAG = re.compile(r"\w+")
_QUIET = timedelta(seconds=5)
# An id is the time in milliseconds, and 16 bits that tell posts of one millisecond apart.
_ID_BITS = 16
_EARLIEST = "0"
#: No id is the time of a moment before 2016, when there was no Mastodon.
_FIRST_TIMED = 1_450_000_000_000


class _Account(msgspec.Struct, frozen=True):
    acct: str


class _Tag(msgspec.Struct, frozen=True):
    name: str = ""


class _Status(msgspec.Struct, frozen=True):
    id: str
    content: str
    account: _Account
    created_at: str | None = None
    edited_at: str | None = None
    spoiler_text: str | None = None
    visibility: str | None = None
    url: str | None = None
    uri: str | None = None
    in_reply_to_id: str | None = None
    reblog: _Status | None = None
    tags: list[_Tag] = []
    replies_count: int | None = None
    reblogs_count: int | None = None
    favourites_count: int | None = None
    quotes_count: int | None = None


class Place(msgspec.Struct, frozen=True):
    """The last status read: as a cursor its id, with ``~`` before it if a stream gave it."""

    id: str
    streamed: bool = False

    @classmethod
    def read(cls, cursor: str) -> Place:
        """Return what a cursor says."""
        return cls(cursor.removeprefix("~"), streamed=cursor.startswith("~"))

    def write(self) -> str:
        """Return the cursor."""
        return f"{'~' if self.streamed else ''}{self.id}"

    def back(self) -> str:
        """Return the id from which on a stream's gap is filled."""
        if not self.streamed or not self.id.isdecimal():
            return self.id
        return str(max(0, int(self.id) - (LATE // timedelta(milliseconds=1) << _ID_BITS)))


def map_item(raw: bytes, seen: Seen) -> Post | Reject | None:
    """Return the post that a status is; ``None`` for one that was not meant for everybody.

    ``seen.host`` is the instance.
    """
    try:
        status = msgspec.json.decode(raw, type=_Status)
    except msgspec.ValidationError:
        return reject("item-unknown", raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return reject("json-invalid", raw)
    if status.visibility in {"private", "direct"}:
        return None
    own, shown = status, status.reblog or status
    return post(
        seen,
        PLATFORM,
        native=f"{seen.host}/{own.id}" if own.id else "",
        text="\n\n".join(filter(None, (shown.spoiler_text, text_of(shown.content)))),
        created_at=own.created_at,
        edited_at=own.edited_at,
        author=_account(own, seen.host),
        url=own.url or own.uri or "",
        reply_to=f"{seen.host}/{own.in_reply_to_id}" if own.in_reply_to_id else "",
        repost_of=f"{seen.host}/{own.reblog.id}" if own.reblog else "",
        hashtags=[tag.name for tag in shown.tags] or None,
        counts={
            "likes": own.favourites_count,
            "reposts": own.reblogs_count,
            "replies": own.replies_count,
            "quotes": own.quotes_count,
        },
        raw=raw,
    )


def _account(status: _Status, host: str) -> str:
    """Return the whole name: that of a local account lacks its instance."""
    name = status.account.acct
    return name if "@" in name or not name else f"{name}@{host}"


class Mastodon:
    """One hashtag, or the public timeline. Fulfils :class:`~ingest.sources.base.LiveSource`."""

    version = 1
    capabilities = Capabilities(live=True, history=True, deletions=True)

    def __init__(self, order: Order, means: Means) -> None:
        self._tag = order.target.strip().lstrip("#＃")
        if self._tag and not _TAG.fullmatch(self._tag):
            raise SourceError(f"{order.target!r} is no hashtag: letters, digits and _ make one")
        self._order = order
        self._means = means
        self._host = urlsplit(order.url).netloc
        self.name = f"{PLATFORM}:{self._host}" + (f"/#{self._tag}" if self._tag else "")
        token = order.secrets.get(TOKEN, "")
        self._keys = {"Authorization": f"Bearer {token}"} if token else {}
        self._forward: bool | None = None

    @property
    def key(self) -> str:
        """The instance and the tag: ids count within an instance."""
        return f"{self.name.casefold()}:{self.version}"

    def open(self, cursor: str) -> Iterator[Item]:
        """Read history, then listen; see :class:`~ingest.sources.base.LiveSource`."""
        until = self._order.until
        past = until is not None and until <= self._means.now()
        address = "" if past else self._stream_address()
        place = yield from self._history(self._start(Place.read(cursor)))
        if past:
            return
        with ExitStack() as stack:
            lines = self._listen(stack, address)
            if lines is None:
                return
            # what was published between the last page and the beginning of the stream
            place = yield from self._history(place)
            yield from self._events(lines, place)

    def _listen(self, stack: ExitStack, address: str) -> Iterator[str] | None:
        """Open the stream; ``None`` where an instance gives none to strangers."""
        kind = "hashtag" if self._tag else "public"
        try:
            return stack.enter_context(
                self._means.client.stream(
                    f"{address}/api/v1/streaming/{kind}",
                    {"tag": self._tag} if self._tag else None,
                    headers={"Accept": "text/event-stream"},
                    keys=self._keys,
                )
            )
        except (SourceBlocked, SourceGone) as error:
            if self._keys or error.wait:
                raise
            self._means.say(
                f"{self._host} gives no stream without a token ({error}): what is there was read. "
                f"Set {TOKEN}, or read it again every so often (--every)."
            )
            return None

    def _start(self, saved: Place) -> Place:
        since = self._order.since
        if saved.id:
            place = Place(saved.back())
            first = str(max(0, int(_id_at(since)) - 1)) if since else ""
            return Place(first) if _timed(saved.id) and _later(first, place.id) else place
        if self._tag and since is None:
            return Place(_EARLIEST)
        newest = self._page({"limit": "1"})
        if not newest:
            return Place(_EARLIEST)
        head = _head(newest[0])
        if since is None:
            return Place(head.id)
        # Where ids are no times, dates alone tell what is too old.
        return Place(str(int(_id_at(since)) - 1) if _timed(head.id) else _EARLIEST)

    # History

    def _history(self, place: Place) -> Generator[Item, None, Place]:
        """Yield what is newer than a place, oldest first; return the newest place."""
        while True:
            page = self._page({"min_id": place.id, "limit": str(PAGE)})
            newer = [raw for raw in reversed(page) if _later(_id_of(raw), place.id)]
            if self._forward is None and len(page) >= PAGE:
                self._forward = self._goes_forward(newer, place)
            if self._forward is False:
                return (yield from self._backward(place))
            for raw in newer:
                place = Place(_id_of(raw))
                if self._ended(raw):
                    return place
                yield from self._item(raw, place)
            yield Item(Heartbeat(source=self.name, at=self._means.now()), place.write())
            if not newer:
                return place

    def _goes_forward(self, page: list[msgspec.Raw], place: Place) -> bool:
        """Say whether ``min_id`` gives the next page: some servers give the newest instead."""
        if not page:
            return True
        older = self._page({"max_id": _id_of(page[0]), "limit": "1"})
        return not any(_later(_id_of(raw), place.id) for raw in older)

    def _backward(self, place: Place) -> Generator[Item, None, Place]:
        """Yield what is newer than a place, newest first: the cursor waits until all is read."""
        top, bound = place, ""
        while page := self._page({"limit": str(PAGE)} | ({"max_id": bound} if bound else {})):
            newer = [raw for raw in page if _later(_id_of(raw), place.id)]
            for raw in newer:
                top = Place(_id_of(raw)) if _later(_id_of(raw), top.id) else top
                if not self._ended(raw):
                    yield from self._item(raw, place)
            lowest = _id_of(page[-1])
            if len(newer) < len(page) or lowest == bound:
                break
            bound = lowest
        yield Item(Heartbeat(source=self.name, at=self._means.now()), top.write())
        return top

    def _page(self, params: dict[str, str]) -> list[msgspec.Raw]:
        kind = f"tag/{quote(self._tag)}" if self._tag else "public"
        answer = self._means.client.get(
            f"{self._order.url}/api/v1/timelines/{kind}", params, keys=self._keys, expected={404}
        )
        if answer.status == 404:
            return self._unknown_tag(answer)
        try:
            return msgspec.json.decode(answer.body, type=list[msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError):
            refuse_walls(answer.body)
            raise SourceChanged("its timeline is no list of posts", body=answer.body) from None

    def _unknown_tag(self, answer: Answer) -> list[msgspec.Raw]:
        """Return nothing for a tag that nobody has used yet; anything else is no instance."""
        try:
            error = msgspec.json.decode(answer.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = {}
        if self._tag and "error" in error:
            return []
        raise SourceGone(f"{self._host} has no timeline: is it a Mastodon?", body=answer.body)

    def _item(self, raw: msgspec.Raw, place: Place) -> Iterator[Item]:
        since, created = self._order.since, _head(raw).moment
        if since is not None and created is not None and created < since:
            return
        mapped = map_item(bytes(raw), self._seen())
        if mapped is not None:
            yield Item(mapped, place.write())

    def _ended(self, raw: msgspec.Raw) -> bool:
        until, created = self._order.until, _head(raw).moment
        return until is not None and created is not None and created >= until

    # Stream

    def _stream_address(self) -> str:
        """Return the host of the stream, which may be another one than the instance's."""
        try:
            answer = self._means.client.get(f"{self._order.url}/api/v2/instance")
            about = answer.json()
            address = about["configuration"]["urls"]["streaming"]
        except (SourceError, LookupError, TypeError):
            return self._order.url
        if not isinstance(address, str) or not urlsplit(address).netloc:
            return self._order.url
        return address.rstrip("/").replace("ws", "http", 1) if address[:2] == "ws" else address

    def _events(self, lines: Iterator[str], place: Place) -> Iterator[Item]:
        told = self._means.now()
        yield Item(Heartbeat(source=self.name, at=told), place.write())
        kind, data = "", [""]
        for line in lines:
            if self._means.stopped():
                raise Stopped
            now = self._means.now()
            if self._order.until is not None and now >= self._order.until:
                return
            if now - told >= _QUIET or line.startswith(":"):
                told = now
                yield Item(Heartbeat(source=self.name, at=now), place.write())
            if line.startswith("event:"):
                kind = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and kind:
                payload = "\n".join(data[1:]).encode()
                place, record = self._event(kind, payload, place)
                if record is not None:
                    yield Item(record, place.write())
                kind, data = "", [""]

    def _event(
        self, kind: str, payload: bytes, place: Place
    ) -> tuple[Place, Post | Tombstone | Reject | None]:
        if kind == "delete":
            native = payload.decode("utf-8", "replace").strip().strip('"')
            stone = Tombstone(
                platform=PLATFORM,
                id=f"{PLATFORM}:{self._host}/{native}",
                deleted_at=self._means.now(),
                reason="deleted on the platform",
            )
            return place, stone
        if kind not in {"update", "status.update"}:
            return place, None
        record = map_item(payload, self._seen())
        if kind == "update" and isinstance(record, Post):
            native = record.id.rpartition("/")[2]
            if _later(native, place.id):
                place = Place(native, streamed=True)
        return place, record

    def _seen(self) -> Seen:
        return Seen(source=self.name, now=self._means.now(), host=self._host)


class _Head(msgspec.Struct, frozen=True):
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


def _head(raw: msgspec.Raw) -> _Head:
    try:
        return msgspec.json.decode(raw, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SourceChanged("its timeline has posts without an id", body=bytes(raw)) from None


def _id_of(raw: msgspec.Raw) -> str:
    return _head(raw).id


def _id_at(at: datetime) -> str:
    return str(max(0, int(at.timestamp() * 1000)) << _ID_BITS)


def _timed(native: str) -> bool:
    """Say whether an id is a time: Mastodon's are since 2017, other software's are not."""
    return native.isdecimal() and int(native) >> _ID_BITS > _FIRST_TIMED


def _later(one: str, other: str) -> bool:
    """Compare two ids of one instance: numbers, or (on other software) sortable texts."""
    return (len(one), one) > (len(other), other)

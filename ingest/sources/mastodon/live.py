"""One hashtag of an instance, or its public timeline: history, then the stream."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.http.client import Answer, refuse_walls
from ingest.mapping.items import NOT_JSON, Seen
from ingest.mapping.unexpected import kept
from ingest.records import Heartbeat, Item, Post, Reject, Tombstone
from ingest.sources.base import Capabilities, Means, Order
from ingest.sources.mastodon.ids import (
    EARLIEST,
    Place,
    head_of,
    id_at,
    id_of,
    later,
    time_of,
    timed,
)
from ingest.sources.mastodon.status import PLATFORM, map_item
from ingest.sources.mastodon.token import may_follow, token_for
from ingest.sources.time_range import left_out
from ingest.stop import Stopped

TOKEN = "MARSAD_MASTODON_TOKEN"
#: Statuses of one page: the most that the API gives.
PAGE = 40
_TAG = re.compile(r"\w+")
_QUIET = timedelta(seconds=5)
#: An id is a millisecond, and the one before a date belongs to the millisecond before it.
_INSTANT = timedelta(seconds=1)


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
        parts = urlsplit(order.url)
        # with its path: several instances may be reached through one host
        self._host = f"{parts.netloc}{parts.path.rstrip('/')}"
        self.name = f"{PLATFORM}:{self._host}" + (f"/#{self._tag}" if self._tag else "")
        given = order.secrets.get(TOKEN, "")
        token = token_for(order.url, given)
        if given and not token:
            means.say(
                f"{self._host}: {TOKEN} is not sent there. A token goes to its own instance alone, "
                f"over https: set {TOKEN}={parts.netloc}=TOKEN (several, separated by spaces)."
            )
        self._keys = {"Authorization": f"Bearer {token}"} if token else {}
        self._forward: bool | None = None
        self._resumed = False
        self._passed: datetime | None = None

    @property
    def key(self) -> str:
        """The instance and the tag: ids count within an instance."""
        return f"{self.name.casefold()}:{self.version}"

    def present(self) -> str:
        """Return the place of this moment; see :class:`~ingest.sources.base.Begins`.

        A hashtag begins with all that there is.
        """
        return "" if self._tag or self._order.since else Place.of(self._means.now()).write()

    def open(self, cursor: str) -> Iterator[Item]:
        """Read history, then listen; see :class:`~ingest.sources.base.LiveSource`."""
        until = self._order.until
        past = until is not None and until <= self._means.now()
        address = "" if past else self._stream_address()
        saved = Place.read(cursor)
        self._resumed, self._passed = bool(saved.id), self._passes(saved)
        place = yield from self._history(self._start(saved))
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
                    keys=self._keys if may_follow(self._order.url, address) else {},
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
        since = max(filter(None, (self._order.since, saved.moment)), default=None)
        if saved.id and saved.moment is None:
            place = Place(saved.back())
            first = str(max(0, int(id_at(since)) - 1)) if since else ""
            return Place(first) if timed(saved.id) and later(first, place.id) else place
        if self._tag and since is None:
            return Place(EARLIEST)
        newest = self._page({"limit": "1"})
        if not newest:
            return Place(EARLIEST)
        head = head_of(newest[0])
        if since is not None and timed(head.id):
            return Place(str(int(id_at(since)) - 1))
        # Where ids are no times, dates alone tell what is too old.
        return Place(EARLIEST if self._order.since else head.id)

    def _passes(self, saved: Place) -> datetime | None:
        """Return from when on ``--since`` leaves out what comes after a saved place."""
        since, last = self._order.since, saved.moment or time_of(saved.id)
        return last if since and last and last + _INSTANT < since else None

    def _left_out(self, place: Place) -> Iterator[Item]:
        """Yield the gap of what was left out after the saved place, once it is known."""
        if self._resumed and self._passed and self._order.since:
            gap = left_out(self.name, self._passed, min(self._order.since, self._means.now()))
            self._resumed = False
            yield Item(gap, place.write())

    # History

    def _history(self, place: Place) -> Generator[Item, None, Place]:
        """Yield what is newer than a place, oldest first; return the newest place."""
        while True:
            page = self._page({"min_id": place.id, "limit": str(PAGE)})
            yield from self._left_out(place)
            newer = [raw for raw in reversed(page) if later(id_of(raw), place.id)]
            if self._forward is None and len(page) >= PAGE:
                self._forward = self._goes_forward(newer, place)
            if self._forward is False:
                return (yield from self._backward(place))
            for raw in newer:
                place = Place(id_of(raw))
                if self._ended(raw):
                    return place
                yield from self._item(raw, place)
                yield from self._left_out(place)
            yield Item(Heartbeat(source=self.name, at=self._means.now()), place.write())
            if not newer:
                return place

    def _goes_forward(self, page: list[msgspec.Raw], place: Place) -> bool:
        """Say whether ``min_id`` gives the next page: some servers give the newest instead."""
        if not page:
            return True
        older = self._page({"max_id": id_of(page[0]), "limit": "1"})
        return not any(later(id_of(raw), place.id) for raw in older)

    def _backward(self, place: Place) -> Generator[Item, None, Place]:
        """Yield what is newer than a place, newest first: the cursor waits until all is read."""
        top, bound = place, ""
        while page := self._page({"limit": str(PAGE)} | ({"max_id": bound} if bound else {})):
            newer = [raw for raw in page if later(id_of(raw), place.id)]
            for raw in newer:
                if self._ended(raw):
                    continue
                top = Place(id_of(raw)) if later(id_of(raw), top.id) else top
                yield from self._item(raw, place)
            lowest = id_of(page[-1])
            if len(newer) < len(page) or lowest == bound:
                break
            bound = lowest
        yield from self._left_out(top)
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
        except NOT_JSON:
            refuse_walls(answer.body)
            raise SourceChanged("its timeline is no list of posts", body=answer.body) from None

    def _unknown_tag(self, answer: Answer) -> list[msgspec.Raw]:
        """Return nothing for a tag that nobody has used yet; anything else is no instance."""
        try:
            error = msgspec.json.decode(answer.body, type=dict[str, Any])
        except NOT_JSON:
            error = {}
        if self._tag and "error" in error:
            return []
        raise SourceGone(f"{self._host} has no timeline: is it a Mastodon?", body=answer.body)

    def _item(self, raw: msgspec.Raw, place: Place) -> Iterator[Item]:
        since, created = self._order.since, head_of(raw).moment
        if since is not None and created is not None and created < since:
            self._passed = min(filter(None, (created, self._passed)))
            return
        body = bytes(raw)
        mapped = kept(body, map_item, body, self._seen())
        if mapped is not None:
            yield Item(mapped, place.write())

    def _ended(self, raw: msgspec.Raw) -> bool:
        until, created = self._order.until, head_of(raw).moment
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
            tombstone = Tombstone(
                platform=PLATFORM,
                id=f"{PLATFORM}:{self._host}/{native}",
                deleted_at=self._means.now(),
                reason="deleted on the platform",
            )
            return place, tombstone
        if kind not in {"update", "status.update"}:
            return place, None
        record = kept(payload, map_item, payload, self._seen())
        if kind == "update" and isinstance(record, Post):
            native = record.id.rpartition("/")[2]
            if later(native, place.id):
                place = Place(native, streamed=True)
        return place, record

    def _seen(self) -> Seen:
        return Seen(source=self.name, now=self._means.now(), host=self._host)

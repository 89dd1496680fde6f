"""Timelines of Weibo accounts, read by snscrape from the interface of ``m.weibo.cn``.

Weibo shows posts from the newest on, without deletions, and cuts long ones. Since November 2025
it refuses most visitors without a login (status 432), and this source has none. Not verified
live; fields of 2026-10.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from functools import partial

import msgspec

from ingest.errors import SourceError
from ingest.mapping.items import Seen, reject
from ingest.mapping.tool import Record, word
from ingest.mapping.unexpected import kept
from ingest.records import Heartbeat, Item, Post, Reject
from ingest.sources.base import Capabilities, Means, Order
from ingest.sources.pagination import Walk, go_on
from ingest.sources.responses import outcome, written
from ingest.sources.snscrape.export import fields_of
from ingest.sources.weibo.timeline import Status, Timeline

_TARGET = re.compile(r"(?:https?://)?(?:m\.weibo\.cn|(?:www\.)?weibo\.com)/(?:u/|n/)?([^/?#]+)/?")
_NAME = re.compile(r"[\w-]{2,30}")
#: Posts that were read before, one after the other, that end a walk: a pinned one does not.
_KNOWN = 3
# The upper bits of a Weibo id are seconds since this moment of the Unix clock, as public clients
# have it (https://github.com/cssxsh/weibo-helper).
_ID_EPOCH, _ID_BITS = 515_483_463, 22
_FIRST, _LAST = 3_000_000_000_000_000, 1 << 54  # ids of 2009 to 2122; older ones hold no time
_ABSOLUTE = re.compile(r"[+-]\d{4} \d{4}$|^\d{4}-\d\d-\d\dT")


class Weibo:
    """One account."""

    version = 1
    capabilities = Capabilities(history=True)

    def __init__(self, order: Order, means: Means) -> None:
        found = _TARGET.fullmatch(order.target)
        user = found[1] if found else order.target.removeprefix("@")
        if not _NAME.fullmatch(user):
            raise SourceError(
                f"{order.target!r} is no account; give its number, its name, or its page's "
                "address (https://m.weibo.cn/u/1234567890). Hashtags and searches can't be read: "
                "snscrape has no scraper for them"
            )
        self.name = f"weibo:{user}"
        self._user: int | str = int(user) if user.isdecimal() else user
        self._order = order
        self._means = means

    @property
    def key(self) -> str:
        """The account."""
        return self.name

    def open(self, cursor: str) -> Iterator[Item]:
        """Yield posts from the newest on; those that a walk before it has read are left out."""
        yield from go_on(Walk.read(cursor), self._order.since, self._walk)

    def _walk(self, walk: Walk) -> Generator[Item, None, Walk]:
        """Go back to what was read before, and return the walk that has ended there.

        Weibo can't be asked for what is older than a post, so a walk that was interrupted begins
        at the top again. What is newer than that walk waits for the next one.
        """
        since, until = self._order.since, self._order.until
        left = walk
        timeline = Timeline(self._means.client, self._order.url, self._user)
        newest = known = pages = 0
        passed = short = False
        for status in timeline:
            if timeline.pages > pages:
                pages = timeline.pages
                yield self._heartbeat(walk)
            if status.number <= left.seen or _before(status, since):
                known += 0 if status.pinned else 1
                short = short or not (status.pinned or status.number <= left.seen)
                if known >= _KNOWN:
                    break
                continue
            known = 0
            if left.top and status.number >= left.low:
                continue
            if _after(status, until):
                passed = passed or left.top > 0
                continue
            newest = max(newest, status.number)
            if not (passed or status.pinned):
                walk = walk.after(status.number)
            yield Item(self._record(status), walk.write())
        if passed:
            yield self._heartbeat(left)
            return left
        if walk.top:
            walk = msgspec.structs.replace(walk, top=max(walk.top, newest))
        walk = walk.ended(since, short=short)
        yield self._heartbeat(walk)
        return walk

    def _heartbeat(self, walk: Walk) -> Item:
        return Item(Heartbeat(source=self.name, at=self._means.now()), walk.write())

    def _record(self, status: Status) -> Post | Reject:
        if status.odd:
            return reject("item-unknown", status.odd.raw, status.odd.problem)
        seen = Seen(source="weibo", now=self._means.now())
        return kept(partial(written, status.record), map_item, status.record, seen)


def map_item(record: Record, seen: Seen) -> Post | Reject:
    """Return the post of one status, as snscrape has it.

    Weibo writes dates in several ways, some relative ("3 minutes ago"): then the time in its id
    counts.
    """
    fields = fields_of(record)
    if not _ABSOLUTE.search(word(fields.get("created_at"))):
        moment = id_time(int(record["id"]))
        fields["created_at"] = moment.isoformat() if moment else None
    return outcome(fields, record, seen)


def id_time(number: int) -> datetime | None:
    """Return the time that stands in an id, to the second; ``None`` if it holds none."""
    if not _FIRST <= number < _LAST:
        return None
    return datetime.fromtimestamp((number >> _ID_BITS) + _ID_EPOCH, UTC)


def _before(status: Status, since: datetime | None) -> bool:
    moment = id_time(status.number)
    return bool(since and moment and moment < since)


def _after(status: Status, until: datetime | None) -> bool:
    moment = id_time(status.number)
    return bool(until and moment and moment >= until)

"""One feed: what it shows now, without what it showed before.

A feed shows its last entries and forgets the others, so it has to be read more often than it
forgets; where nothing of what was read before is still there, some were missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import msgspec

from ingest import budget, dates, isolation
from ingest.budget import OverBudget
from ingest.errors import SourceChanged, SourceError
from ingest.http.client import Answer
from ingest.mapping.items import Seen, reject
from ingest.mapping.unexpected import kept
from ingest.records import Gap, Heartbeat, Item, Post, Reject
from ingest.sources import cursors
from ingest.sources.base import Capabilities, Means, Order
from ingest.sources.rss.feed import MOST, Entry, Feed, digest, host_of, map_item, read

_ACCEPT = "application/atom+xml, application/rss+xml, application/rdf+xml, application/xml;q=0.9"
_UNCHANGED = 304


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor: what was read of a feed, and when."""

    read: dict[str, str] = {}
    """A hash of each entry that the feed showed last, by a hash of its name."""
    at: datetime | None = None
    """When it was read to its end."""
    etag: str = ""
    modified: str = ""
    broken: str = ""
    """Hash of a feed that was quarantined because it is broken."""
    ttl: int = 0
    """Minutes after ``at`` for which it asked to be left alone."""

    def write(self) -> str:
        """Return the cursor."""
        return cursors.write(self)


class Rss:
    """One feed. Fulfils :class:`~ingest.sources.base.LiveSource`."""

    version = 1
    capabilities = Capabilities(history=True)

    def __init__(self, order: Order, means: Means) -> None:
        self.url = _address(order)
        self.name = f"rss:{self.url.partition('://')[2]}"
        self._order = order
        self._means = means
        self._zone = dates.zone_named(order.timezone) if order.timezone else None

    @property
    def key(self) -> str:
        """The address."""
        return self.name

    def open(self, cursor: str) -> Iterator[Item]:
        """Yield the entries that are new or changed, the oldest first."""
        place = cursors.read(cursor, Place)
        now = self._means.now()
        if place.at and now < place.at + timedelta(minutes=place.ttl):
            self._means.say(f"{self.name} asks to be read every {place.ttl} minutes at most.")
            return
        answer = self._ask(place)
        if answer.status == _UNCHANGED:
            yield self._heartbeat(msgspec.structs.replace(place, at=now))
            return
        feed = self._read(answer)
        if feed.problem and (hashed := digest(answer.body)) != place.broken:
            place = msgspec.structs.replace(place, broken=hashed)
            yield Item(reject("feed-broken", answer.body, feed.problem), place.write())
        if missed := self._missed(feed, place, now):
            yield Item(missed, place.write())
        if too_many := self._too_many(feed, place):
            yield Item(too_many, place.write())
        yield from self._entries(feed, place, answer, now)

    def _entries(self, feed: Feed, place: Place, answer: Answer, now: datetime) -> Iterator[Item]:
        shown: dict[str, str] = {}
        known = dict(place.read)
        whole = not feed.problem
        for entry in reversed(feed.entries):
            name, content = digest(entry.name.encode()), digest(msgspec.json.encode(entry))
            if shown.get(name, content) != content:  # two entries of one name: each is known
                name = digest(f"{name} {content}".encode())
            if not self._wanted(entry):
                whole = False
                if name in place.read:
                    shown[name] = place.read[name]
                continue
            shown[name] = content
            if known.get(name) != content:
                known[name] = content
                here = msgspec.structs.replace(place, read=known)
                yield Item(self._record(entry), here.write())
        # What was not read whole is asked for again, whether it changed or not.
        yield self._heartbeat(
            Place(
                read=shown,
                at=now,
                etag=answer.headers.get("etag", "") if whole else "",
                modified=answer.headers.get("last-modified", "") if whole else "",
                broken=place.broken if feed.problem else "",
                ttl=feed.ttl,
            )
        )

    def _ask(self, place: Place) -> Answer:
        headers = {"Accept": _ACCEPT}
        if place.etag:
            headers["If-None-Match"] = place.etag
        if place.modified:
            headers["If-Modified-Since"] = place.modified
        return self._means.client.get(self.url, headers=headers)

    def _read(self, answer: Answer) -> Feed:
        kind = answer.headers.get("content-type", "")
        try:
            return isolation.call(read, answer.body, kind, answer.url)
        except OverBudget:
            raise SourceChanged(
                f"reading the feed takes longer than {budget.SECONDS:.0f} seconds", body=answer.body
            ) from None

    def _missed(self, feed: Feed, place: Place, now: datetime) -> Gap | None:
        names = {digest(entry.name.encode()) for entry in (*feed.entries, *feed.older)}
        if not place.read or not names or names & place.read.keys() or place.at is None:
            return None
        cause = "the feed shows none of the entries that it showed before"
        return Gap(source=self.name, start=place.at, end=now, cause=cause)

    def _too_many(self, feed: Feed, place: Place) -> Gap | None:
        """Return the gap of the entries that are left out of a feed that is read first."""
        if not feed.older or place.at is not None:
            return None
        cause = (
            f"the feed has more than {MOST:,} entries; {len(feed.older):,} older ones are left out"
        )
        self._means.say(f"{self.name}: {cause}.")
        dates = [date for entry in feed.older if (date := entry.date) is not None]
        return (
            Gap(source=self.name, start=min(dates), end=max(dates), cause=cause) if dates else None
        )

    def _wanted(self, entry: Entry) -> bool:
        since, until, date = self._order.since, self._order.until, entry.date
        if date is None:
            return True
        return (since is None or date >= since) and (until is None or date < until)

    def _record(self, entry: Entry) -> Post | Reject:
        # A feed may be one person's, and its address name them where the author is a pseudonym.
        seen = Seen(source="rss", now=self._means.now(), host=host_of(self.url), zone=self._zone)
        return kept(partial(msgspec.json.encode, entry), map_item, entry, seen)

    def _heartbeat(self, place: Place) -> Item:
        return Item(Heartbeat(source=self.name, at=self._means.now()), place.write())


def _address(order: Order) -> str:
    """Return the feed's address: the target, or its path at another base address."""
    target = order.target.strip()
    parts = urlsplit(target)
    if not target or any(sign.isspace() for sign in target):
        raise SourceError(f"{target!r} is no address of a feed: it begins with https://")
    if order.url:
        query = f"?{parts.query}" if parts.query else ""
        return f"{order.url}/{parts.path.lstrip('/')}{query}"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SourceError(f"{target!r} is no address of a feed: it begins with https://")
    return target

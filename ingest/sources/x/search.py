"""Recent search: posts of the last seven days that a query finds, from the newest on."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from ingest.errors import SourceChanged, SourceError
from ingest.mapping.items import Seen, reject
from ingest.mapping.tool import Record, dig, word
from ingest.mapping.unexpected import kept
from ingest.records import Gap, Heartbeat, Item
from ingest.sources.base import Capabilities, Means, Order
from ingest.sources.pagination import Walk, go_on
from ingest.sources.responses import written
from ingest.sources.x.api import FIELDS, ask, map_item, posts
from ingest.sources.x.tweets import first_id, time_of

PATH: Final = "/2/tweets/search/recent"
#: How far recent search reaches back; a little less, so that a question is not refused.
REACH: Final = timedelta(days=7) - timedelta(minutes=1)
#: Posts may be found later than newer ones: so far before the last one it is looked again.
LATE: Final = timedelta(seconds=30)
#: X wants an end that is at least ten seconds ago.
_PRESENT = timedelta(seconds=15)
_LONGEST_QUERY = 4096
_LONGEST_ID: Final = 19
#: Clocks differ by less.
_AHEAD: Final = timedelta(hours=1)


class Search:
    """One query. Fulfils :class:`~ingest.sources.base.LiveSource`."""

    version = 1
    capabilities = Capabilities(history=True)

    def __init__(self, order: Order, means: Means) -> None:
        self.query = checked_query(order.target)
        self.name = f"x:{self.query}"
        self._order = order
        self._means = means

    @property
    def key(self) -> str:
        """The query."""
        return self.name

    def open(self, cursor: str) -> Iterator[Item]:
        """Yield posts: what an interruption left first, then from the newest on."""
        yield from go_on(Walk.read(cursor), self._order.since, self._walk)

    def _walk(self, walk: Walk) -> Generator[Item, None, Walk]:
        resumed, passed = walk.top > 0, False
        now, since = self._means.now(), self._order.since
        lower = self._lower(walk)
        short = lower is not None and lower == since
        upper = time_of(walk.low) if resumed else self._order.until
        if lower and upper and lower >= upper:  # nothing between them: X refuses such a question
            return walk.ended(since, short=short)
        if resumed and time_of(walk.low) < now - REACH:
            yield self._gap(lower or time_of(walk.low), time_of(walk.low), walk)
            return walk.ended(since, short=short)
        if lower and lower < now - REACH:
            yield self._gap(lower, now - REACH, walk)
        params = self._bounds(walk, now)
        while True:
            page = ask(self._means.client, self._order, PATH, params)
            yield self._heartbeat(walk)
            records = posts(page)
            numbers = [number_of(record, now) for record in records]
            if records and not any(numbers):
                raise SourceChanged("none of its posts has an id", body=written(records[0]))
            for record, number in zip(records, numbers, strict=True):
                if not number:
                    yield Item(reject("item-unknown", written(record)), walk.write())
                    continue
                if self._order.until is not None and time_of(number) >= self._order.until:
                    passed = resumed
                    continue
                if not passed:
                    walk = walk.after(number)
                made = kept(partial(written, record), map_item, record, self._seen())
                yield Item(made, walk.write())
            token = word(dig(page, "meta", "next_token"))
            if not token:
                break
            params = {**params, "next_token": token}
        if passed:
            yield self._heartbeat(walk)
            return walk
        walk = walk.ended(since, short=short)
        if not walk.seen:  # nothing yet, and until now: so that it is not asked for again
            last = min(filter(None, (now, self._order.until))) - 2 * LATE
            bottom = first_id(max(lower or last, now - REACH))
            walk = Walk(first_id(last), bottom=bottom, floor=since)
        yield self._heartbeat(walk)
        return walk

    def _lower(self, walk: Walk) -> datetime | None:
        """Return from when on posts are wanted that were not read yet."""
        last = time_of(walk.seen) - LATE if walk.seen else None
        return max(filter(None, (last, self._order.since)), default=None)

    def _bounds(self, walk: Walk, now: datetime) -> dict[str, str]:
        params = {"query": self.query, "max_results": "100", "sort_order": "recency", **FIELDS}
        if lower := self._lower(walk):
            if lower > now - REACH:
                params["since_id"] = str(first_id(lower) - 1)
            else:
                params["start_time"] = _written(now - REACH)
        until = self._order.until
        if walk.top:
            params["until_id"] = str(walk.low)
        elif until is not None and until <= now - _PRESENT:
            params["end_time"] = _written(until)
        return params

    def _gap(self, start: datetime, end: datetime, walk: Walk) -> Item:
        cause = "older than the seven days of recent search"
        return Item(Gap(source=self.name, start=start, end=end, cause=cause), walk.write())

    def _heartbeat(self, walk: Walk) -> Item:
        return Item(Heartbeat(source=self.name, at=self._means.now()), walk.write())

    def _seen(self) -> Seen:
        return Seen(source="x", now=self._means.now())  # a query may name accounts


def checked_query(text: str) -> str:
    """Return a query. Raises :class:`~ingest.errors.SourceError` for none, or a too long one."""
    query = " ".join(text.split())
    if not query or len(query) > _LONGEST_QUERY:
        raise SourceError(
            f"a query of X has 1 to {_LONGEST_QUERY:,} characters, as in '(a OR b) lang:fr'"
        )
    return query


def number_of(record: Record, now: datetime) -> int:
    """Return the id of a post; 0 for one whose time can't be, which is no place to go on from."""
    native = word(record.get("id"))
    number = int(native) if native.isdecimal() and len(native) <= _LONGEST_ID else 0
    return number if time_of(number) <= now + _AHEAD else 0


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

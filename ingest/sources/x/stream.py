"""The filtered stream: posts that a query finds, as they are published.

X keeps the query as a rule of the token and sends what matches it. What was missed while nobody
listened is fetched by recent search, as X advises to all whom it gives no backfill
(https://docs.x.com/x-api/fundamentals/recovery-and-redundancy). Recent search does not give the
last half minute, so it is asked once more when the stream has been open for a while: nothing
falls between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError
from ingest.mapping.items import Seen, reject
from ingest.mapping.tool import Record, dig, word
from ingest.mapping.unexpected import kept
from ingest.records import Gap, Heartbeat, Item, Post, Reject
from ingest.sources.base import Capabilities, Means, Order
from ingest.sources.responses import parsed
from ingest.sources.time_range import left_out
from ingest.sources.x.api import FIELDS, WRONG, ask, keys, map_item, posts, problem_words
from ingest.sources.x.search import Search, checked_query, number_of
from ingest.sources.x.tweets import first_id, time_of
from ingest.stop import Stopped

PATH: Final = "/2/tweets/search/stream"
RULES: Final = f"{PATH}/rules"
_TAG = "marsad"
#: What stands in posts: a query may name accounts.
_SOURCE = "x-stream"
#: Posts come a little out of order: so far before the last one it is looked again.
_LATE = timedelta(minutes=1)
#: So long after the stream was opened, recent search has all that was published before: it ends
#: thirty seconds before it is asked, and finds some posts a little later than newer ones.
SETTLED = timedelta(minutes=1)
#: So long before a sign of life, nothing is on its way any more.
_QUIET = timedelta(hours=1)


class Stream:
    """One query. Fulfils :class:`~ingest.sources.base.LiveSource`."""

    version = 1
    capabilities = Capabilities(live=True, history=True)

    def __init__(self, order: Order, means: Means) -> None:
        self.query = checked_query(order.target)
        self.name = f"{_SOURCE}:{self.query}"
        self._order = order
        self._means = means

    @property
    def key(self) -> str:
        """The query."""
        return self.name

    def present(self) -> str:
        """Return the place of this moment; see :class:`~ingest.sources.base.Begins`."""
        return "" if self._order.since else str(first_id(self._means.now()))

    def open(self, cursor: str) -> Iterator[Item]:
        """Yield what was missed and what comes.

        The cursor is the lowest id of the moment from which on something may be missing, and how
        far recent search has come from there on. Its id stays until all is read that was missed.
        """
        saved, _, walk = cursor.partition("/")
        if saved and not saved.isdecimal():
            raise SourceError(f"the saved place {cursor[:80]!r} can't be read")
        over, left = self._over(), None
        if (since := self._order.since) is not None:
            wanted = str(first_id(min(since, self._means.now())))
            if saved and not over and int(wanted) > int(saved):
                left = left_out(self.name, time_of(int(saved)), time_of(int(wanted)))
                saved, walk = wanted, ""
            saved = saved or wanted
        times = (time_of(int(saved)) if saved else None, since)
        start = max(filter(None, times), default=None)
        missed = _Missed(self._order, self._means, self.name, start, saved, walk) if start else None
        if over:
            if missed:
                yield from missed.read()
            return
        rule = self._rule()
        with ExitStack() as stack:
            lines = self._lines(stack)
            if missed and left:
                yield Item(left, missed.cursor)
            yield from self._listen(lines, int(saved or 0), missed, rule)

    def _lines(self, stack: ExitStack) -> Iterator[str]:
        """Open the stream. X explains in JSON why it does not, as for one stream too many."""
        url = self._order.url + PATH
        try:
            return stack.enter_context(
                self._means.client.stream(url, FIELDS, keys=keys(self._order))
            )
        except SourceBlocked as error:
            try:
                words = problem_words(parsed(error.body))
            except SourceError:
                raise error from None
            raise SourceBlocked(f"{error}: {words}", body=error.body, wait=error.wait) from None

    def _over(self) -> bool:
        return self._order.until is not None and self._order.until <= self._means.now()

    def _listen(
        self, lines: Iterator[str], place: int, missed: _Missed | None, rule: str
    ) -> Iterator[Item]:
        opened = self._means.now()
        place = max(place, first_id(opened))
        yield Item(self._beat(), missed.cursor if missed else str(place))
        if missed and missed.start < opened - SETTLED:
            yield from missed.rest(opened)
        for line in lines:
            if self._means.stopped():
                raise Stopped
            over, settles = self._over(), opened + SETTLED - self._means.now()
            if missed and (over or settles <= timedelta(0)):
                self._means.sleep(max(0.0, settles.total_seconds()))
                yield from missed.rest(opened)
                missed = None
            if over:
                yield Item(self._beat(), str(place))
                return
            for record, number in self._records(line, rule):
                place = _after(place, number)
                yield Item(record, missed.cursor if missed else str(place))

    def _records(self, line: str, rule: str) -> Iterator[tuple[Post | Reject | Heartbeat, int]]:
        """Yield what stands in a line, each with a number whose time was listened to."""
        if not line.strip():  # a sign of life, every 20 seconds
            beat = self._beat()
            yield beat, first_id(beat.at - _QUIET)
            return
        message = self._message(line)
        if message is None:
            yield reject("json-invalid", line.encode()), 0
        elif self._ours(message, rule):
            for record in posts(message):
                made = kept(line.encode(), map_item, record, self._seen())
                yield made, number_of(record, self._means.now())

    def _message(self, line: str) -> Record | None:
        """Return what X sends; raises :class:`SourceError` where it says that it ends here."""
        try:
            message = parsed(line.encode())
        except SourceChanged:
            return None  # one line; the next one may be whole
        if "data" in message:
            return message
        words = problem_words(message)
        if word(dig(message, "connection_issue")) == "TooManyConnections":
            raise SourceBlocked(f"X ends the stream: {words}", body=line.encode())
        raise SourceError(f"X ends the stream: {words}", body=line.encode())

    def _ours(self, message: Record, rule: str) -> bool:
        """Tell whether a post came for our rule: others may be set on the same token."""
        rules = message.get("matching_rules")
        found = {word(dig(each, "id")) for each in rules} if isinstance(rules, list) else set()
        return not found or rule in found

    def _rule(self) -> str:
        """Return the id of the rule for the query, which is added where it is not there yet."""
        known = ask(self._means.client, self._order, RULES).get("data")
        rules = {
            " ".join(word(dig(rule, "value")).split()): word(dig(rule, "id"))
            for rule in (known if isinstance(known, list) else [])
        }
        if others := len(rules.keys() - {self.query}):
            self._means.say(
                f"x-stream: {others} other rules are set for this token; their posts are paid for "
                "and passed over"
            )
        if rules.get(self.query):
            return rules[self.query]
        rule = {"value": self.query, "tag": _TAG}
        added = ask(self._means.client, self._order, RULES, content={"add": [rule]})
        if not (native := word(dig(added, "data", 0, "id"))):
            raise SourceChanged(f"X does not take the rule: {problem_words(added)}")
        return native

    def _beat(self) -> Heartbeat:
        return Heartbeat(source=self.name, at=self._means.now())

    def _seen(self) -> Seen:
        return Seen(source=_SOURCE, now=self._means.now())


class _Missed:
    """What was published from a moment on and not listened to, fetched by recent search."""

    def __init__(
        self, order: Order, means: Means, name: str, start: datetime, saved: str, walk: str
    ) -> None:
        self.start = start
        self._search = Search(msgspec.structs.replace(order, since=start), means)
        self._name = name
        self._saved = saved
        self._walk = walk

    @property
    def cursor(self) -> str:
        """Where to go on."""
        return f"{self._saved}/{self._walk}" if self._walk else self._saved

    def read(self) -> Iterator[Item]:
        """Yield what search finds, and what it finds newer when this is called again."""
        for item in self._search.open(self._walk):
            self._walk = item.cursor
            record = item.record
            if isinstance(record, Gap | Heartbeat):
                record = msgspec.structs.replace(record, source=self._name)
            elif isinstance(record, Post):
                record = msgspec.structs.replace(record, source=_SOURCE)
            yield Item(record, self.cursor)

    def rest(self, opened: datetime) -> Iterator[Item]:
        """Yield the same, or the gap until a stream was opened, where search takes no such query.

        The stream takes what search does not, such as ``sample:``, and must not end for it.
        """
        try:
            yield from self.read()
        except SourceChanged as error:
            if not str(error).startswith(WRONG):
                raise
            cause = f"recent search does not find what was missed: {error}"
            yield Item(
                Gap(source=self._name, start=self.start, end=opened, cause=cause), self.cursor
            )


def _after(place: int, number: int) -> int:
    """Return from where on something may be missing when a post of this number was read."""
    return max(place, first_id(time_of(number) - _LATE)) if number else place

"""The filtered stream: posts that a query finds, as they are published.

X keeps the query as a rule of the token and sends what matches it. What was missed while nobody
listened is fetched by recent search, as X advises to all whom it gives no backfill
(https://docs.x.com/x-api/fundamentals/recovery-and-redundancy). Recent search does not give the
last half minute, so it is asked once more when the stream has been open for a while: nothing
falls between.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError
from ingest.records import Gap, Heartbeat, Item, Post, Reject
from ingest.sources.answers import parsed
from ingest.sources.archive.tools.base import Record, dig, word
from ingest.sources.archive.tools.tweets import first_id, time_of
from ingest.sources.base import Capabilities, Means, Order, Stopped
from ingest.sources.shaping import Seen, reject
from ingest.sources.walks import Walk
from ingest.sources.x.api import FIELDS, WRONG, ask, keys, map_item, posts, problem_words
from ingest.sources.x.search import Search, checked_query

PATH: Final = "/2/tweets/search/stream"
RULES: Final = f"{PATH}/rules"
_TAG = "marsad"
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
        self.name = f"x-stream:{self.query}"
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

        The cursor is the lowest id of the moment from which on something may be missing. It
        stays until all is read that was missed.
        """
        if cursor and not cursor.isdecimal():
            raise SourceError(f"the saved place {cursor[:80]!r} can't be read")
        saved = time_of(int(cursor)) if cursor else None
        start = max(filter(None, (saved, self._order.since)), default=None)
        if self._over():
            newest = yield from self._missed(start, cursor)
            yield self._heartbeat(_after(int(cursor or 0), newest))
            return
        rule = self._rule()
        with ExitStack() as stack:
            yield from self._listen(self._lines(stack), cursor, start, rule)

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

    def _missed(self, start: datetime | None, cursor: str) -> Generator[Item, None, int]:
        """Yield what recent search finds from a moment on; return the newest number."""
        newest = 0
        if start is None:
            return newest
        order = msgspec.structs.replace(self._order, target=self.query, since=start)
        for item in Search(order, self._means).open(""):
            newest = max(newest, Walk.read(item.cursor, None).top)
            record = item.record
            if isinstance(record, Post | Gap | Heartbeat):
                record = msgspec.structs.replace(record, source=self.name)
            yield Item(record, cursor)
        return newest

    def _listen(
        self, lines: Iterator[str], cursor: str, start: datetime | None, rule: str
    ) -> Iterator[Item]:
        opened = self._means.now()
        place, missing = max(int(cursor or 0), first_id(opened)), start
        yield self._heartbeat(int(cursor or 0) if missing else place)
        if missing and missing < opened - SETTLED:
            yield from self._rest(missing, opened, cursor)
            missing = opened - _LATE
        for line in lines:
            if self._means.stopped():
                raise Stopped
            over, settles = self._over(), opened + SETTLED - self._means.now()
            if missing and (over or settles <= timedelta(0)):
                self._means.sleep(max(0.0, settles.total_seconds()))
                yield from self._rest(missing, opened, cursor)
                missing = None
            if over:
                yield self._heartbeat(place)
                return
            for record, number in self._records(line, rule):
                place = _after(place, number)
                yield Item(record, cursor if missing else str(place))

    def _rest(self, start: datetime, opened: datetime, cursor: str) -> Iterator[Item]:
        """Yield what was published before the stream was opened, as far as X finds it."""
        try:
            yield from self._missed(start, cursor)
        except SourceChanged as error:
            if not str(error).startswith(WRONG):
                raise
            # the stream takes what search does not, such as sample:, and must not end for it
            cause = f"recent search does not find what was missed: {error}"
            yield Item(Gap(source=self.name, start=start, end=opened, cause=cause), cursor)

    def _records(self, line: str, rule: str) -> Iterator[tuple[Post | Reject | Heartbeat, int]]:
        """Yield what stands in a line, each with a number whose time was listened to."""
        if not line.strip():  # a sign of life, every 20 seconds
            now = self._means.now()
            yield Heartbeat(source=self.name, at=now), first_id(now - _QUIET)
            return
        message = self._message(line)
        if message is None:
            yield reject("json-invalid", line.encode()), 0
        elif self._ours(message, rule):
            for record in posts(message):
                number = word(record.get("id"))
                yield map_item(record, self._seen()), int(number) if number.isdecimal() else 0

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

    def _heartbeat(self, place: int) -> Item:
        return Item(Heartbeat(source=self.name, at=self._means.now()), str(place or ""))

    def _seen(self) -> Seen:
        return Seen(source=self.name, now=self._means.now())


def _after(place: int, number: int) -> int:
    """Return from where on something may be missing when a post of this number was read."""
    return max(place, first_id(time_of(number) - _LATE)) if number else place

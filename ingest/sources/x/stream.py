"""The filtered stream: posts that a query finds, as they are published.

X keeps the query as a rule of the token and sends what matches it. What was missed while nobody
listened is fetched by recent search: after the stream was opened, so that nothing falls between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Final

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError
from ingest.records import Gap, Heartbeat, Item, Post
from ingest.sources.answers import parsed
from ingest.sources.archive.tools.base import Record, dig, word
from ingest.sources.archive.tools.tweets import first_id, time_of
from ingest.sources.base import Capabilities, Means, Order, Stopped
from ingest.sources.shaping import Seen, reject
from ingest.sources.walks import Walk
from ingest.sources.x.api import FIELDS, ask, keys, map_item, posts, problem_words
from ingest.sources.x.search import Search, checked_query

PATH: Final = "/2/tweets/search/stream"
RULES: Final = f"{PATH}/rules"
_TAG = "marsad"
#: Posts come a little out of order: so far before the last one it is looked again.
_LATE = timedelta(minutes=1)


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
        """Yield what was missed, then what comes; the cursor is the id of the newest post."""
        if cursor and not cursor.isdecimal():
            raise SourceError(f"the saved place {cursor[:80]!r} can't be read")
        if self._over():
            yield from self._missed(cursor)
            return
        rule = self._rule()
        with ExitStack() as stack:
            lines = self._lines(stack)
            newest = int(cursor or 0)
            for item in self._missed(cursor):
                newest = max(newest, int(item.cursor or 0))
                yield item
            yield from self._listen(lines, newest, rule)

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

    def _missed(self, cursor: str) -> Iterator[Item]:
        """Yield what recent search finds after a post. The cursor stays until all is read."""
        newest = int(cursor or 0)
        if not newest and not self._order.since:
            return
        since = time_of(newest) - _LATE if newest else None
        since = max(filter(None, (since, self._order.since)))
        order = msgspec.structs.replace(self._order, target=self.query, since=since)
        for item in Search(order, self._means).open(""):
            newest = max(newest, Walk.read(item.cursor, None).top)
            record = item.record
            if isinstance(record, Post | Gap | Heartbeat):
                record = msgspec.structs.replace(record, source=self.name)
            yield Item(record, cursor)
        yield self._heartbeat(newest)

    def _listen(self, lines: Iterator[str], newest: int, rule: str) -> Iterator[Item]:
        yield self._heartbeat(newest)
        for line in lines:
            if self._means.stopped():
                raise Stopped
            if self._over():
                return
            if not line.strip():  # a sign of life, every 20 seconds
                yield self._heartbeat(newest)
                continue
            message = self._message(line)
            if message is None:
                yield Item(reject("json-invalid", line.encode()), str(newest or ""))
                continue
            if not self._ours(message, rule):
                continue
            for record in posts(message):
                number = word(record.get("id"))
                newest = max(newest, int(number) if number.isdecimal() else 0)
                yield Item(map_item(record, self._seen()), str(newest or ""))

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

    def _heartbeat(self, newest: int) -> Item:
        return Item(Heartbeat(source=self.name, at=self._means.now()), str(newest or ""))

    def _seen(self) -> Seen:
        return Seen(source=self.name, now=self._means.now())

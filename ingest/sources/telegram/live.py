"""Public channels of Telegram by their web preview, read by snscrape.

A preview shows the posts of a channel from the newest to the first one, about twenty a page, to
everybody and without an account. What it does not show: groups, channels whose preview is turned
off, deletions, when a post was edited, exact views. Not verified live; markup of 2026-10.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from functools import partial

import msgspec

from ingest.errors import SourceError
from ingest.mapping.items import Seen, reject
from ingest.mapping.tool import Record, account, dig, word
from ingest.mapping.unexpected import kept
from ingest.records import Heartbeat, Item, Post, Reject
from ingest.sources.base import Capabilities, Means, Order
from ingest.sources.counters.numbers import parse_count
from ingest.sources.pagination import Walk, go_on
from ingest.sources.responses import outcome, written
from ingest.sources.snscrape.export import fields_of
from ingest.sources.telegram.preview import Message, Preview

_TARGET = re.compile(r"(?:(?:https?://)?(?:www\.)?(?:t|telegram)\.me/(?:s/)?|@)?(\w+)/?", re.ASCII)
_NAME = re.compile(r"[A-Za-z]\w{3,31}", re.ASCII)


class Telegram:
    """One channel."""

    version = 1
    capabilities = Capabilities(history=True)

    def __init__(self, order: Order, means: Means) -> None:
        named = _TARGET.fullmatch(order.target)
        if not named or not _NAME.fullmatch(named[1]):
            raise SourceError(
                f"{order.target!r} is no public channel; name it as in @channel or "
                "https://t.me/channel (invitations, t.me/+…, lead to what is not public)"
            )
        self.channel = named[1].lower()
        self.name = f"telegram:{self.channel}"
        self._order = order
        self._means = means

    @property
    def key(self) -> str:
        """The channel."""
        return self.name

    def open(self, cursor: str) -> Iterator[Item]:
        """Yield posts: what an interruption left first, then from the newest on."""
        yield from go_on(Walk.read(cursor), self._order.since, self._walk)

    def _walk(self, walk: Walk) -> Generator[Item, None, Walk]:
        """Go back to what was read before, and return the walk that has ended there."""
        # The last message that was read is asked for again: a page without it is no answer.
        page = f"{self.channel}?before={walk.low + 1}" if walk.top else self.channel
        preview = Preview(self._means.client, self._order.url, page)
        resumed, low, pages, passed, short = walk.top > 0, walk.low, 0, False, False
        for message in preview:
            if preview.pages > pages:
                pages = preview.pages
                yield self._heartbeat(walk)
            if message.number <= walk.seen:
                break
            if self._before_since(message):
                short = True
                break
            if resumed and message.number >= low:
                continue
            if self._after_until(message):
                passed = resumed
                continue
            if not passed:
                walk = walk.after(message.number)
            yield Item(self._record(message), walk.write())
        # Without any message the place is gone (it was deleted): from the newest once more.
        if passed:
            pass
        elif preview.shown or not resumed:
            walk = walk.ended(self._order.since, short=short)
        else:
            walk = msgspec.structs.replace(walk, top=0, low=0)
        yield self._heartbeat(walk)
        return walk

    def _heartbeat(self, walk: Walk) -> Item:
        return Item(Heartbeat(source=self.name, at=self._means.now()), walk.write())

    def _before_since(self, message: Message) -> bool:
        since = self._order.since
        return bool(since and message.date and message.date < since)

    def _after_until(self, message: Message) -> bool:
        until = self._order.until
        return bool(until and message.date and message.date >= until)

    def _record(self, message: Message) -> Post | Reject:
        if message.odd:
            return reject("item-unknown", message.odd.raw, message.odd.problem)
        seen = Seen(source="telegram", now=self._means.now())
        return kept(partial(written, message.record), map_item, message.record, seen)


def map_item(record: Record, seen: Seen) -> Post | Reject:
    """Return the post of one message, as snscrape and the page (``beside``) have it.

    Views that the page rounds ("2.4K") come with ``views_granularity``, the step in which they
    move.
    """
    fields = fields_of(record)
    fields["reply_to_id"] = word(dig(record, "beside", "reply_to")) or None
    forwarded = word(dig(record, "beside", "forwarded"))
    fields["repost_of_id"] = forwarded or None
    fields["repost_author"] = forwarded.partition("/")[0] or None
    if name := account(dig(record, "beside", "forwarded_from")):
        fields["repost_of"] = name
    post = outcome(fields, record, seen)
    views = word(dig(record, "beside", "views"))
    if isinstance(post, Reject) or not views:
        return post
    try:
        count = parse_count(views)
    except ValueError:
        return post  # a figure in an unknown form is no reason to lose the words
    counts = {"views": count.value}
    if count.granularity > 1:
        counts["views_granularity"] = count.granularity
    return msgspec.structs.replace(post, counts=counts)

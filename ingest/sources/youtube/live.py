"""Comments under a video, or under all videos of a channel, with the answers to them.

The API lists threads from the newest on, each with some of its answers; the others are asked for
by themselves. It has no way to ask for what is new, so every round goes back :data:`REVISIT`
beyond the one before it, for answers and edits, and leaves out what that one must have read: what
was written :data:`LATE` before the newest thread that it saw.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Final, TypeVar

import msgspec

from ingest.errors import SourceChanged, SourceGone
from ingest.mapping.items import NOT_JSON, Seen, post, reject
from ingest.mapping.unexpected import kept
from ingest.records import Heartbeat, Item, Post, Reject
from ingest.sources import cursors
from ingest.sources.base import Capabilities, Means, Order
from ingest.sources.youtube.api import BadToken, Page, ask, filter_of, target
from ingest.sources.youtube.cursor import Round

#: For so long after it began a thread is looked at for new answers and edits.
REVISIT: Final = timedelta(days=7)
#: Comments may be listed later than their date says: a channel may look at them first.
LATE: Final = timedelta(hours=1)
_MOST = "100"
_TEXT = {"textFormat": "plainText", "maxResults": _MOST}


class _Channel(msgspec.Struct, frozen=True):
    value: str = ""


_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Snippet(msgspec.Struct, frozen=True, rename="camel"):
    published_at: _Moment
    text_display: str | None = None
    text_original: str | None = None
    author_display_name: str = ""
    author_channel_id: _Channel | None = None
    parent_id: str = ""
    like_count: int | None = None
    updated_at: _Moment | None = None

    @property
    def changed(self) -> datetime:
        return self.updated_at or self.published_at


class _Comment(msgspec.Struct, frozen=True):
    id: str
    snippet: _Snippet


class _ThreadSnippet(msgspec.Struct, frozen=True, rename="camel"):
    top_level_comment: msgspec.Raw
    total_reply_count: int = 0
    video_id: str = ""


class _Replies(msgspec.Struct, frozen=True):
    comments: list[msgspec.Raw] = []


class _Named(msgspec.Struct, frozen=True):
    id: str = ""


class _Thread(msgspec.Struct, frozen=True):
    id: str
    snippet: _ThreadSnippet
    replies: _Replies = _Replies()


class YouTube:
    """One video or channel. Fulfils :class:`~ingest.sources.base.LiveSource`."""

    version = 1
    capabilities = Capabilities(history=True)

    def __init__(self, order: Order, means: Means) -> None:
        self._target = target(order.target)
        self.name = f"youtube:{self._target}"
        self._order = order
        self._means = means

    @property
    def key(self) -> str:
        """The video or channel."""
        return self.name

    def open(self, cursor: str) -> Iterator[Item]:
        """Yield the comments of one round, and of the one that was left before it."""
        here = cursors.read(cursor, Round).wanting(self._order.since)
        chosen = filter_of(self._target, self._order, self._means)
        if here.began is not None:
            here = yield from self._round(chosen, here)  # what an interruption left
        yield from self._round(chosen, here)

    def _round(self, chosen: dict[str, str], here: Round) -> Generator[Item, None, Round]:
        """Go back to where nothing new is to be expected; return the place behind the round.

        A saved page may be known no more; one that was named a moment ago is refused for good.
        """
        again = False
        while True:
            try:
                threads, page = self._page(chosen, here.page)
            except BadToken as error:
                if again:
                    words = f"it refuses the next page that it names itself: {error}"
                    raise SourceChanged(words, body=error.body) from None
                again, here = True, here.on("")
                threads, page = self._page(chosen, "")
            if here.began is None:
                here = msgspec.structs.replace(here, began=self._newest(threads))
            yield self._heartbeat(here)
            for raw in _left(page.items, here.thread):
                yield from self._items(raw, here)
            if not page.next_page_token or self._past(threads, here):
                break
            here = here.on(page.next_page_token)
        here = here.ended()
        yield self._heartbeat(here)
        return here

    def _newest(self, threads: list[_Thread]) -> datetime | None:
        until = self._order.until
        dates = [first.snippet.published_at for first in map(_first, threads) if first]
        return max((date for date in dates if until is None or date < until), default=None)

    def _page(self, chosen: dict[str, str], token: str) -> tuple[list[_Thread], Page]:
        """Return the threads of a page that can be read, and the page."""
        params = {"part": "snippet,replies", "order": "time", **_TEXT, **chosen}
        if token:
            params["pageToken"] = token
        page = ask(self._order, self._means, "commentThreads", params)
        threads = [thread for raw in page.items if (thread := _decoded(raw, _Thread))]
        if page.items and not any(map(_first, threads)):
            raise SourceChanged("none of its threads has the known form", body=page.items[0])
        return threads, page

    def _items(self, raw: msgspec.Raw, here: Round) -> Iterator[Item]:
        """Yield the comments of a thread that are left."""
        thread = _decoded(raw, _Thread)
        name = _name(raw)
        records = self._records(thread, here) if thread else _unknown(raw)
        behind = here.read if name and name == here.thread else 0
        for read, record in enumerate(records, start=1):
            if read > behind:
                yield Item(record, here.at(name, read).write())

    def _records(self, thread: _Thread, here: Round) -> Iterator[Post | Reject]:
        """Yield what of a thread was not read by the round before."""
        for raw in self._comments(thread):
            comment = _decoded(raw, _Comment)
            if comment is None or self._wanted(comment.snippet, here):
                body, video = bytes(raw), thread.snippet.video_id
                yield kept(body, map_item, body, self._seen(), video)

    def _comments(self, thread: _Thread) -> Iterator[msgspec.Raw]:
        yield thread.snippet.top_level_comment
        shown = thread.replies.comments
        if thread.snippet.total_reply_count <= len(shown):
            yield from shown
            return
        params = {"part": "snippet", "parentId": thread.id, **_TEXT}
        try:
            while True:
                page = ask(self._order, self._means, "comments", params)
                yield from page.items
                if not page.next_page_token:
                    return
                params["pageToken"] = page.next_page_token
        except (SourceGone, BadToken):
            yield from shown  # deleted since it was listed, or no place to go on from

    def _wanted(self, comment: _Snippet, here: Round) -> bool:
        since, until = self._order.since, self._order.until
        return (
            (here.done is None or comment.changed >= here.done - LATE)
            and (since is None or comment.published_at >= since)
            and (until is None or comment.published_at < until)
        )

    def _past(self, threads: list[_Thread], here: Round) -> bool:
        """Tell whether a page holds nothing that this round is for, and so those behind it."""
        last = max(filter(None, (here.done, self._order.since)), default=None)
        begins = [first.snippet.published_at for first in map(_first, threads) if first]
        return last is not None and all(begun < last - REVISIT for begun in begins)

    def _heartbeat(self, here: Round) -> Item:
        return Item(Heartbeat(source=self.name, at=self._means.now()), here.write())

    def _seen(self) -> Seen:
        return Seen(source="youtube", now=self._means.now())  # no channel is named


def map_item(raw: bytes, seen: Seen, video: str = "") -> Post | Reject:
    """Return the post of one comment, or of an answer to one; ``video`` is what it is under.

    The text is asked for as plain text, so what looks like HTML in it was written so.
    """
    comment = _decoded(raw, _Comment)
    if comment is None:
        return reject("item-unknown", raw)
    about = comment.snippet
    channel = about.author_channel_id.value if about.author_channel_id else ""
    return post(
        seen,
        "youtube",
        native=comment.id,
        text=about.text_original if about.text_original is not None else about.text_display,
        created_at=about.published_at,
        edited_at=about.updated_at,
        author=channel or about.author_display_name,
        url=f"https://www.youtube.com/watch?v={video}&lc={comment.id}" if video else "",
        reply_to=about.parent_id,
        counts={"likes": about.like_count},
        raw=raw,
    )


def _unknown(raw: msgspec.Raw) -> Iterator[Reject]:
    yield reject("item-unknown", bytes(raw))


_T = TypeVar("_T")


def _decoded(raw: bytes | msgspec.Raw, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(raw, type=kind)
    except NOT_JSON:
        return None


def _name(raw: msgspec.Raw) -> str:
    named = _decoded(raw, _Named)
    return named.id if named else ""


def _left(items: list[msgspec.Raw], last: str) -> list[msgspec.Raw]:
    """Return the threads from the one that was read last on; all of them if it is not there."""
    names = [_name(raw) for raw in items] if last else []
    return items[names.index(last) :] if last in names else items


def _first(thread: _Thread) -> _Comment | None:
    return _decoded(thread.snippet.top_level_comment, _Comment)

"""Asking a platform what works now: a source is read for a moment, into nothing."""

from __future__ import annotations

import queue
import time
from datetime import datetime

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.records import Item, Post, Reject, Tombstone
from pipelines.live.reader import SIZE, Came, Failed, Message, Reader, Subscription, take
from pipelines.stop import Stop


class Found(msgspec.Struct, kw_only=True):
    """What came of reading a source for a moment."""

    seconds: float = 0.0
    answered: bool = False
    posts: int = 0
    deletions: int = 0
    unreadable: int = 0
    reasons: list[str] = []
    newest: datetime | None = None
    ended: bool = False
    error: SourceError | None = None

    @property
    def works(self) -> bool:
        """Whether it can be used as it is now."""
        return self.error is None and self.answered and not (self.unreadable and not self.posts)

    def take(self, item: Item) -> None:
        """Count an item."""
        record = item.record
        self.answered = True
        if isinstance(record, Post):
            self.posts += 1
            if record.created_at and "date-implausible" not in record.flags:
                self.newest = max(filter(None, (self.newest, record.created_at)))
        elif isinstance(record, Tombstone):
            self.deletions += 1
        elif isinstance(record, Reject):
            self.unreadable += 1
            self.reasons.append(record.reason)


def check(subscription: Subscription, stop: Stop, seconds: float) -> Found:
    """Read a feed from its beginning until its limit, its end, or for so many seconds."""
    inbox: queue.Queue[Message] = queue.Queue(SIZE)
    found = Found()
    begun = time.monotonic()
    Reader(subscription, "", inbox, stop).start()
    while (left := begun + seconds - time.monotonic()) > 0 and not stop.is_set():
        for message in take(inbox, 1_000, left):
            if isinstance(message, Came):
                found.take(message.item)
                continue
            found.ended = not isinstance(message, Failed)
            found.error = message.error if isinstance(message, Failed) else None
            stop.set()
    stop.set()
    found.seconds = time.monotonic() - begun
    found.answered = found.answered or found.ended
    return found


def verdict(name: str, found: Found) -> str:
    """Say in words what works, and what to do where something does not."""
    if found.error is not None:
        return f"{name} does not work now: {found.error}. {advice(found.error)}"
    if not found.answered:
        return (
            f"{name} does not answer: nothing came within {found.seconds:.0f} s. Check the address "
            "and the network."
        )
    if not found.works:
        reasons = ", ".join(sorted(set(found.reasons)))
        return (
            f"{name} answers, but none of its {found.unreadable:,} items could be read "
            f"({reasons}): its form has changed, look for a newer Marsad."
        )
    said = [f"{found.posts:,} posts"] if found.posts else ["no posts"]
    if found.deletions:
        said.append(f"{found.deletions:,} deletions")
    if found.unreadable:
        said.append(f"{found.unreadable:,} items that could not be read")
    newest = f"; the newest post is of {found.newest:%Y-%m-%d %H:%M} UTC" if found.newest else ""
    return f"{name} works: {', '.join(said)} in {found.seconds:.1f} s{newest}."


def advice(error: SourceError) -> str:
    """Say what to do about an error."""
    if isinstance(error, SourceBlocked):
        wait = f" It asks to be left alone for {error.wait:,.0f} s." if error.wait else ""
        return f"The platform refuses.{wait} Wait, check your key, or try from another network."
    if isinstance(error, SourceChanged):
        return "The platform has changed its form: look for a newer Marsad, or report it."
    if isinstance(error, SourceGone):
        return "Check the name and the address."
    return "Check the address and the network, then try again."

"""One source and the thread that reads it: into a queue, over interruptions, until the end."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from ingest.errors import SourceError
from ingest.mapping.unexpected import mistake
from ingest.records import Item, Post, Reject, Tombstone
from ingest.sources.base import LiveSource
from ingest.stop import Stopped
from pipelines.live.retry_policy import gives_up, pause
from pipelines.stop import Stop

log = logging.getLogger(__name__)
#: Messages that a queue between readers and the writer holds at most: some seconds of a burst,
#: some tens of megabytes. A full queue slows reading down.
SIZE = 4_096
#: Seconds after which a reader that waits for room looks whether the run is to end.
_LOOK = 0.5
#: A stream that lived so many seconds was no failure.
_LIVED = 60.0


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A source with how it is to be read."""

    source: LiveSource
    label: str
    """What metrics call it: as named in marsad.toml, never a channel or an account."""
    live: bool = True
    """Whether its end never comes by itself."""
    every: timedelta | None = None
    """When to read a source that ended again."""
    limit: int | None = None
    """Records to read at most this time."""
    persistent: bool = False
    """Whether to go on trying when the first try says that there is nothing of this name."""
    since: datetime | None = None
    """What is older is left out, as its order says."""
    until: datetime | None = None
    """What is newer is left out."""


class Came(msgspec.Struct, frozen=True):
    """An item was read."""

    subscription: Subscription
    item: Item


class Failed(msgspec.Struct, frozen=True):
    """A source could not be read any further; ``pause`` is ``None`` if it was given up."""

    subscription: Subscription
    error: SourceError
    pause: float | None


class Ended(msgspec.Struct, frozen=True):
    """A source has given all there is; ``again`` says whether it will be read again."""

    subscription: Subscription
    again: bool


Message = Came | Failed | Ended


def take(inbox: queue.Queue[Message], most: int, timeout: float) -> list[Message]:
    """Return up to ``most`` messages that are there; wait ``timeout`` seconds for the first."""
    taken: list[Message] = []
    try:
        taken.append(inbox.get(timeout=timeout) if timeout > 0 else inbox.get_nowait())
        while len(taken) < most:
            taken.append(inbox.get_nowait())
    except queue.Empty:
        pass
    return taken


class Reader(threading.Thread):
    """Reads one feed from a cursor on."""

    def __init__(
        self,
        subscription: Subscription,
        cursor: str,
        inbox: queue.Queue[Message],
        stop: Stop,
        *,
        seen_before: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``seen_before``: whether an earlier run read something of it: its name is right."""
        # A thread that waits for a socket must not keep the process: what it has not put into
        # the queue comes again.
        super().__init__(name=f"reading {subscription.source.name}", daemon=True)
        self._feed = subscription
        self._cursor = cursor
        self._inbox = inbox
        self._stop_event = stop
        self._clock = clock
        self._seen_before = seen_before
        self._left = subscription.limit
        self._failures = 0
        self._gave = False
        self._failed_at = cursor

    def run(self) -> None:
        """Read until the end, the limit, or until it is stopped."""
        try:
            while self._once():
                pass
        except Stopped:
            pass

    def _once(self) -> bool:
        """Read the source once; return whether to read it again."""
        subscription, opened = self._feed, self._clock()
        try:
            if not self._items():
                self._send(Ended(subscription, again=False))
                return False
        except SourceError as error:
            return self._failed(error, opened)
        except Stopped:
            raise
        except Exception as error:  # a mistake in one source must not end the others
            if self._stop_event.is_set():
                return False  # what it was given is taken away at the end
            _log_mistake(error)
            return self._failed(SourceError(f"unexpected {type(error).__name__}"), opened)
        self._failures = 0
        again = subscription.every is not None
        self._send(Ended(subscription, again=again))
        if subscription.every is not None:
            self._wait(subscription.every.total_seconds())
        return again

    def _items(self) -> bool:
        """Put items into the queue; return whether there may be more another time."""
        for item in self._feed.source.open(self._cursor):
            self._send(Came(self._feed, item))
            further, self._cursor = item.cursor != self._cursor, item.cursor
            self._seen_before = True
            if isinstance(item.record, Post | Tombstone | Reject):
                self._gave = self._gave or further
                if self._left is not None:
                    self._left -= 1
                    if self._left <= 0:
                        return False
        return True

    def _failed(self, error: SourceError, opened: float) -> bool:
        lived = self._feed.live and self._clock() - opened > _LIVED
        # What comes once more after an interruption is no success.
        if lived or (self._gave and self._cursor != self._failed_at):
            self._failures = 0
        self._gave, self._failed_at = False, self._cursor
        self._failures += 1
        subscription = self._feed
        endless = subscription.live or subscription.every is not None
        fresh = not self._seen_before and not subscription.persistent
        if gives_up(error, self._failures, endless=endless, fresh=fresh):
            self._send(Failed(subscription, error, None))
            return False
        seconds = pause(error, self._failures)
        self._send(Failed(subscription, error, seconds))
        self._wait(seconds)
        return True

    def _send(self, message: Message) -> None:
        while True:
            try:
                self._inbox.put(message, timeout=_LOOK)
                break
            except queue.Full:
                if self._stop_event.is_set():
                    raise Stopped from None
        if self._stop_event.is_set():
            raise Stopped

    def _wait(self, seconds: float) -> None:
        if self._stop_event.wait(seconds):
            raise Stopped


def _log_mistake(failure: Exception) -> None:
    """Tell where a source stumbled, without the error's words, which may quote a post."""
    kind, where = mistake(failure)
    log.error("%s%s: a mistake in Marsad, please report it", where, kind)

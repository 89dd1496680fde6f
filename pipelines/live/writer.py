"""Making durable what the threads read, each source with its cursor, gaps and activity.

Everything is written by one thread. What happens to a source is written down when it happens:
a heartbeat a minute while it is listened to, a gap at each failed try up to that moment, and one
more record when a platform that gives back what was missed was read on: its gap is ``filled``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from ingest.errors import SourceGone
from ingest.records import Counter, Gap, Heartbeat, Item, Post, Reject, Tombstone
from ingest.sources.base import Begins
from ingest.sources.time_range import left_out
from pipelines import metrics
from pipelines.embedded import add
from pipelines.live import gaps
from pipelines.live.reader import Failed, Subscription
from pipelines.live.retry_policy import code, named
from pipelines.live.state import SourceState, words
from pipelines.metrics import Outcome as Counted
from pipelines.records import Batch, Ledger, Position
from pipelines.stages import Collector
from pipelines.stores.protocols import Sink

#: A heartbeat is kept so often.
BEAT = timedelta(minutes=1)
#: So many items that became dead letters are known when they come again.
_KNOWN_DEAD = 500

Notices = list[Gap | Heartbeat | Counter]


class Writer:
    """Makes durable what one source yields. ``position`` is where the last run left it."""

    def __init__(
        self,
        subscription: Subscription,
        sink: Sink,
        collector: Collector,
        key: str,
        *,
        watchlist: str,
        notify: Callable[[str], None],
        now: Callable[[], datetime],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stopping = stopping
        self._cut = False
        self.subscription = subscription
        self.outcomes = Ledger()
        self.given_up = False
        self._sink = sink
        self._collector = collector
        self._key = key
        self._notify = notify
        self._now = now
        position = sink.position(key)
        self.cursor = position.cursor if position else ""
        begun = now()
        before = SourceState.read(position)
        self._state = SourceState(
            source=subscription.source.name,
            version=subscription.source.version,
            watchlist=watchlist,
            last_seen=before.last_seen,
            left_out=before.left_out,
            baseline=before.baseline.listening(begun) if subscription.live else before.baseline,
            dead_items=before.dead_items,
        )
        self._accounted = begun
        self._can_backfill = gaps.can_backfill(subscription)
        self._stopped_at = None if self._can_backfill else before.last_seen
        self._failing_since = gaps.still_failing(subscription, self.cursor, before)
        self._leaves_out = gaps.left_out(subscription, self.cursor, before)
        if self._failing_since is not None:
            self._state = msgspec.structs.replace(
                self._state, last_error=before.last_error, failing_since=before.failing_since
            )
        self._beat: datetime | None = None
        self._warned = False
        metrics.source_posts(subscription.label, 0)

    @property
    def seen_before(self) -> bool:
        """Whether anything was ever read of the source."""
        return self._state.last_seen is not None

    def begin(self) -> None:
        """Write down where a source begins that begins now, before it is asked for anything."""
        source = self.subscription.source
        place = source.present() if not self.cursor and isinstance(source, Begins) else ""
        if place:
            self._move(place)
        elif self._resumes_unheard() and self.subscription.since is None:
            self._notify(
                f"{source.name}: nothing was read of it yet; it goes on from where it was first "
                "started. With --since now it begins with this moment"
            )

    def _resumes_unheard(self) -> bool:
        return (
            bool(self.cursor)
            and not self.seen_before
            and isinstance(self.subscription.source, Begins)
        )

    def items(self, items: Sequence[Item]) -> Ledger:
        """Make items durable; return their outcomes so far.

        After a record that took too long, the run may be to end: then the rest comes again the
        next time, and nothing behind it is taken.
        """
        outcomes, left = Ledger(), list(items)
        while left and not self._cut:
            more, taken = self._some(left)
            outcomes, left = add(outcomes, more), left[taken:]
            self._cut = bool(left) and self._stopping()
        return outcomes

    def _some(self, items: Sequence[Item]) -> tuple[Ledger, int]:
        """Make the first items durable; return their outcomes and how many they are."""
        now = self._now()
        if self._nothing_new(items, now):
            self._state = msgspec.structs.replace(self._state, last_seen=now)
            self._accounted = now
            return Ledger(), len(items)
        wanted = self._unknown(items)
        collection = self._collector([item for _, item in wanted], now)
        if collection.taken < len(wanted):
            wanted = wanted[: collection.taken]
            items = items[: wanted[-1][0] + 1]
        self._remember(item for _, item in wanted)
        given = [_lasting(one) for one in collection.notices if not isinstance(one, Heartbeat)]
        notices: Notices = [*self._recovered(now), *given, *self._heartbeat(now)]
        for gap in notices:
            if isinstance(gap, Gap):
                metrics.source_gap(self.subscription.label, "missed")
        came = sum(isinstance(item.record, Post | Tombstone) for item in items)
        if came:
            baseline = self._state.baseline.gave(came, now)
            self._state = msgspec.structs.replace(self._state, baseline=baseline)
            self._warned = False
            metrics.source_silent(self.subscription.label, False)
        self._state = msgspec.structs.replace(
            self._state, last_seen=now, last_error="", failing_since=None
        )
        self._accounted = now
        outcomes = self._accept(
            items[-1].cursor,
            Batch(
                position=self._position(items[-1].cursor),
                previous_cursor=self.cursor,
                posts=collection.posts,
                tombstones=collection.tombstones,
                filtered=collection.filtered,
                dead=collection.dead,
                notices=notices,
            ),
        )
        self._count(outcomes, collection.dead)
        return outcomes, len(items)

    def _unknown(self, items: Sequence[Item]) -> list[tuple[int, Item]]:
        """Leave out dead letters before: read again, it is still the same record.

        The others come with their places among the items.
        """
        known = set(self._state.dead_items)
        left = []
        for place, item in enumerate(map(_placed, items)):
            if isinstance(item.record, Reject):
                if item.line in known:
                    continue
                known.add(item.line)
            left.append((place, item))
        return left

    def _remember(self, items: Iterable[Item]) -> None:
        dead = [item.line for item in items if isinstance(item.record, Reject)]
        if dead:
            known = dict.fromkeys((*self._state.dead_items, *dead))
            self._state = msgspec.structs.replace(
                self._state, dead_items=tuple(known)[-_KNOWN_DEAD:]
            )

    def _nothing_new(self, items: Sequence[Item], now: datetime) -> bool:
        """Say whether these are signs of life alone that need not be written down each time."""
        return (
            self._beat is not None
            and now - self._beat < BEAT
            and self._failing_since is None
            and items[-1].cursor == self.cursor
            and all(isinstance(item.record, Heartbeat) for item in items)
        )

    def failed(self, failure: Failed) -> None:
        """Write down that a source could not be read, and keep what came instead."""
        now, error = self._now(), failure.error
        name = self.subscription.source.name
        cause = f"{type(error).__name__}: {error}"
        if self._failing_since is None:
            self._failing_since = self._accounted
        start = self._stopped_at or self._accounted
        self._stopped_at = None
        self._state = msgspec.structs.replace(
            self._state, last_error=cause, failing_since=self._failing_since
        )
        self._note([Gap(source=name, start=start, end=now, cause=cause)])
        self._accounted = now
        metrics.source_up(self.subscription.label, False)
        metrics.source_gap(self.subscription.label, code(error))
        with self._sink.dead_letters() as dead_letters:
            kept = dead_letters.put_answer(
                name, now, error.body, reason=code(error), detail=str(error)
            )
        after = "given up" if failure.pause is None else f"next try in {words(failure.pause)}"
        self._notify(
            f"{name}: {named(error)}; {after}"
            + (f"; its answer is kept: marsad dead show {kept}" if kept else "")
        )
        self.given_up = failure.pause is None
        nowhere = self.given_up or isinstance(error, SourceGone)
        if nowhere and self.cursor and not self.seen_before:
            self._move("")  # where nothing is, nothing began: the next run begins in its own time

    def ended(self, *, again: bool) -> None:
        """Write down that a source was read to the end of what it has now."""
        now = self._now()
        if notices := [*self._recovered(now), *self._read_afterwards(now)]:
            self._state = msgspec.structs.replace(
                self._state, last_seen=now, last_error="", failing_since=None
            )
            self._note(notices)
        self._accounted = now
        if not again:
            metrics.source_up(self.subscription.label, False)

    def stopped(self) -> None:
        """Write down what is not known yet when the run ends: until when it was failing."""
        if self._failing_since is not None and not self.given_up:
            gap = Gap(
                source=self.subscription.source.name,
                start=self._accounted,
                end=self._now(),
                cause=self._state.last_error,
            )
            self._note([gap])

    def look(self) -> None:
        """Warn of a silence that is longer than usual."""
        now = self._now()
        if self._failing_since is not None or self._warned:
            return
        if quiet := self._state.baseline.silent(now):
            self._warned = True
            metrics.source_silent(self.subscription.label, True)
            longest = words(self._state.baseline.usual.total_seconds())
            self._notify(
                f"Warning: {self.subscription.source.name}: no posts for "
                f"{words(quiet.total_seconds())} (longest usual gap: {longest}); see "
                "docs/sources.md#silence"
            )

    def _recovered(self, now: datetime) -> list[Gap]:
        """Return what is to be written down about the time before a source was heard again."""
        name = self.subscription.source.name
        found: list[Gap] = []
        if self._stopped_at is not None:
            if now - self._stopped_at > gaps.SHORT:
                found.append(Gap(source=name, start=self._stopped_at, end=now, cause="not running"))
            self._stopped_at = None
        if self._failing_since is not None:
            cause = self._state.last_error
            start = self._failing_since if self._can_backfill else self._accounted
            gap = Gap(source=name, start=start, end=now, cause=cause, filled=self._can_backfill)
            found.append(gap)
            self._failing_since = None
            baseline = self._state.baseline.listening(now)
            self._state = msgspec.structs.replace(self._state, baseline=baseline)
            self._notify(f"{name}: it answers again")
        if self._leaves_out is not None and self.subscription.since is not None:
            found.append(left_out(name, self._leaves_out, min(self.subscription.since, now)))
            first = min(filter(None, (self._leaves_out, self._state.left_out)))
            self._state = msgspec.structs.replace(self._state, left_out=first)
            self._leaves_out = None
        return found

    def _read_afterwards(self, now: datetime) -> list[Gap]:
        """Return what says that all that was left out on request has been read."""
        since = self._state.left_out
        if (
            since is None
            or self.subscription.limit is not None
            or not gaps.reads_from(self.subscription, since)
        ):
            return []
        self._state = msgspec.structs.replace(self._state, left_out=None)
        gap = left_out(self.subscription.source.name, since, now)
        return [msgspec.structs.replace(gap, filled=True)]

    def _heartbeat(self, now: datetime) -> list[Heartbeat]:
        metrics.source_up(self.subscription.label, True)
        metrics.source_heartbeat(self.subscription.label, now)
        if self._beat is not None and now - self._beat < BEAT:
            return []
        self._beat = now
        return [Heartbeat(source=self.subscription.source.name, at=now)]

    def _note(self, notices: Sequence[Gap | Heartbeat | Counter]) -> None:
        self._accept(
            self.cursor,
            Batch(
                position=self._position(self.cursor),
                previous_cursor=self.cursor,
                notices=list(notices),
            ),
        )

    def _move(self, cursor: str) -> None:
        self._accept(cursor, Batch(position=self._position(cursor), previous_cursor=self.cursor))

    def _accept(self, cursor: str, batch: Batch) -> Ledger:
        with metrics.batch("collect"):
            outcomes = self._sink.accept(batch)
        self.cursor = cursor
        self.outcomes = add(self.outcomes, outcomes)
        return outcomes

    def _position(self, cursor: str) -> Position:
        return Position(
            key=self._key,
            name=self.subscription.source.name,
            cursor=cursor,
            metadata=self._state.write(),
        )

    def _count(self, outcomes: Ledger, dead: Sequence[object]) -> None:
        metrics.source_posts(self.subscription.label, outcomes.received)
        counted: tuple[tuple[Counted, int], ...] = (
            ("passed", outcomes.pending),
            ("duplicate", outcomes.duplicate),
            ("filtered", outcomes.filtered),
            ("deleted", outcomes.deleted),
        )
        for outcome, number in counted:
            metrics.records("collect", outcome, number)
        for dead_letter in dead:
            metrics.dead("collect", getattr(dead_letter, "reason", ""))


def _lasting(notice: Gap | Counter) -> Gap | Counter:
    """Mark the gap that a source tells: what it says is not kept, no later reading fills."""
    return msgspec.structs.replace(notice, lasting=True) if isinstance(notice, Gap) else notice


def _placed(item: Item) -> Item:
    """Give a reject a place of its own, the same when it is read again: lines a stream has none."""
    if not isinstance(item.record, Reject) or item.line:
        return item
    digest = hashlib.blake2b(item.record.raw + item.record.reason.encode(), digest_size=6)
    return Item(item.record, item.cursor, int.from_bytes(digest.digest(), "big"))

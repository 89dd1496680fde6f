"""Making durable what the threads read, each source with its place, its gaps and its habit.

Everything is written by one thread. What happens to a source is written down when it happens:
a heartbeat a minute while it is listened to, a gap at each failed try up to that moment, and one
more record when a platform that gives back what was missed was read on: its gap is ``filled``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from ingest.errors import SourceGone
from ingest.records import Counter, Gap, Heartbeat, Item, Post, Reject, Tombstone
from ingest.sources.base import Begins
from ingest.sources.time_range import left_out
from pipelines import metrics
from pipelines.dead_letters.quarantine import Aside
from pipelines.dead_letters.queue import plain_names
from pipelines.embedded import add
from pipelines.live import gaps as missing
from pipelines.live.reader import Failed, Feed
from pipelines.live.retry_policy import code, named
from pipelines.live.state import Details, words
from pipelines.metrics import Outcome as Counted
from pipelines.records import Batch, Ledger, Position
from pipelines.stages import Collector
from pipelines.stores.protocols import Sink

#: A heartbeat is kept so often.
BEAT = timedelta(minutes=1)
#: So many items that were kept aside are known when they come again.
_ASIDE = 500

Notices = list[Gap | Heartbeat | Counter]


class Writer:
    """Writes down what one feed gives. ``position`` is where the last run left it."""

    def __init__(
        self,
        feed: Feed,
        intake: Sink,
        collector: Collector,
        key: str,
        *,
        watchlist: str,
        aside: Aside | None,
        tell: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        self.feed = feed
        self.outcomes = Ledger()
        self.given_up = False
        self._intake = intake
        self._collector = collector
        self._key = key
        self._aside = aside
        self._tell = tell
        self._now = now
        position = intake.position(key)
        self.cursor = position.cursor if position else ""
        begun = now()
        before = Details.read(position)
        self._details = Details(
            source=feed.source.name,
            version=feed.source.version,
            watchlist=watchlist,
            heard=before.heard,
            left_out=before.left_out,
            habit=before.habit.listening(begun) if feed.live else before.habit,
            aside=before.aside,
        )
        self._accounted = begun
        self._gives_back = missing.gives_back(feed)
        self._stopped_at = None if self._gives_back else before.heard
        self._failing_since = missing.still_failing(feed, self.cursor, before)
        self._leaves_out = missing.left_out(feed, self.cursor, before)
        if self._failing_since is not None:
            self._details = msgspec.structs.replace(
                self._details, failing=before.failing, failing_since=before.failing_since
            )
        self._beat: datetime | None = None
        self._warned = False
        metrics.source_posts(feed.label, 0)

    @property
    def heard(self) -> bool:
        """Whether anything was ever read of the source."""
        return self._details.heard is not None

    def begin(self) -> None:
        """Write down where a source begins that begins now, before it is asked for anything."""
        source = self.feed.source
        place = source.present() if not self.cursor and isinstance(source, Begins) else ""
        if place:
            self._move(place)
        elif self._resumes_unheard() and self.feed.since is None:
            self._tell(
                f"{source.name}: nothing was read of it yet; it goes on from where it was first "
                "started. With --since now it begins with this moment"
            )

    def _resumes_unheard(self) -> bool:
        return bool(self.cursor) and not self.heard and isinstance(self.feed.source, Begins)

    def items(self, items: Sequence[Item]) -> Ledger:
        """Make items durable; return their outcomes so far."""
        now = self._now()
        if self._nothing_new(items, now):
            self._details = msgspec.structs.replace(self._details, heard=now)
            self._accounted = now
            return Ledger()
        collection = self._collector(self._unknown(items), now)
        given = [_lasting(one) for one in collection.notices if not isinstance(one, Heartbeat)]
        notices: Notices = [*self._recovered(now), *given, *self._heartbeat(now)]
        for gap in notices:
            if isinstance(gap, Gap):
                metrics.source_gap(self.feed.label, "missed")
        came = sum(isinstance(item.record, Post | Tombstone) for item in items)
        if came:
            habit = self._details.habit.gave(came, now)
            self._details = msgspec.structs.replace(self._details, habit=habit)
            self._warned = False
            metrics.source_silent(self.feed.label, False)
        self._details = msgspec.structs.replace(
            self._details, heard=now, failing="", failing_since=None
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
        if self._aside and collection.tombstones:
            self._aside.forget({n for grave in collection.tombstones for n in plain_names(grave)})
        self._count(outcomes, collection.dead)
        return outcomes

    def _unknown(self, items: Sequence[Item]) -> list[Item]:
        """Leave out what was kept aside before: read again, it is still the same record."""
        known = dict.fromkeys(self._details.aside)
        left = []
        for item in map(_placed, items):
            if not isinstance(item.record, Reject):
                left.append(item)
            elif item.line not in known:
                known[item.line] = None
                left.append(item)
        aside = tuple(known)[-_ASIDE:]
        self._details = msgspec.structs.replace(self._details, aside=aside)
        return left

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
        name = self.feed.source.name
        cause = f"{type(error).__name__}: {error}"
        if self._failing_since is None:
            self._failing_since = self._accounted
        start = self._stopped_at or self._accounted
        self._stopped_at = None
        self._details = msgspec.structs.replace(
            self._details, failing=cause, failing_since=self._failing_since
        )
        self._note([Gap(source=name, start=start, end=now, cause=cause)])
        self._accounted = now
        metrics.source_up(self.feed.label, False)
        metrics.source_gap(self.feed.label, code(error))
        kept = self._aside.keep(name, now, error.body) if self._aside else None
        after = "given up" if failure.pause is None else f"next try in {words(failure.pause)}"
        self._tell(
            f"{name}: {named(error)}; {after}" + (f"; its answer is kept in {kept}" if kept else "")
        )
        self.given_up = failure.pause is None
        nowhere = self.given_up or isinstance(error, SourceGone)
        if nowhere and self.cursor and not self.heard:
            self._move("")  # where nothing is, nothing began: the next run begins in its own time

    def ended(self, *, again: bool) -> None:
        """Write down that a source was read to the end of what it has now."""
        now = self._now()
        if notices := [*self._recovered(now), *self._read_afterwards(now)]:
            self._details = msgspec.structs.replace(
                self._details, heard=now, failing="", failing_since=None
            )
            self._note(notices)
        self._accounted = now
        if not again:
            metrics.source_up(self.feed.label, False)

    def stopped(self) -> None:
        """Write down what is not known yet when the run ends: until when it was failing."""
        if self._failing_since is not None and not self.given_up:
            gap = Gap(
                source=self.feed.source.name,
                start=self._accounted,
                end=self._now(),
                cause=self._details.failing,
            )
            self._note([gap])

    def look(self) -> None:
        """Warn of a silence that is unlike this source."""
        now = self._now()
        if self._failing_since is not None or self._warned:
            return
        if quiet := self._details.habit.silent(now):
            self._warned = True
            metrics.source_silent(self.feed.label, True)
            self._tell(
                f"Warning: {self.feed.source.name} has given nothing for "
                f"{words(quiet.total_seconds())}, which is unlike it: see docs/sources.md#silence"
            )

    def _recovered(self, now: datetime) -> list[Gap]:
        """Return what is to be written down about the time before a source was heard again."""
        name = self.feed.source.name
        gaps = []
        if self._stopped_at is not None:
            if now - self._stopped_at > missing.SHORT:
                gaps.append(Gap(source=name, start=self._stopped_at, end=now, cause="not running"))
            self._stopped_at = None
        if self._failing_since is not None:
            cause = self._details.failing
            start = self._failing_since if self._gives_back else self._accounted
            gap = Gap(source=name, start=start, end=now, cause=cause, filled=self._gives_back)
            gaps.append(gap)
            self._failing_since = None
            habit = self._details.habit.listening(now)
            self._details = msgspec.structs.replace(self._details, habit=habit)
            self._tell(f"{name}: it answers again")
        if self._leaves_out is not None and self.feed.since is not None:
            gaps.append(left_out(name, self._leaves_out, min(self.feed.since, now)))
            first = min(filter(None, (self._leaves_out, self._details.left_out)))
            self._details = msgspec.structs.replace(self._details, left_out=first)
            self._leaves_out = None
        return gaps

    def _read_afterwards(self, now: datetime) -> list[Gap]:
        """Return what says that all that was left out on request has been read."""
        since = self._details.left_out
        if since is None or self.feed.limit is not None or not missing.reads_from(self.feed, since):
            return []
        self._details = msgspec.structs.replace(self._details, left_out=None)
        gap = left_out(self.feed.source.name, since, now)
        return [msgspec.structs.replace(gap, filled=True)]

    def _heartbeat(self, now: datetime) -> list[Heartbeat]:
        metrics.source_up(self.feed.label, True)
        metrics.source_heartbeat(self.feed.label, now)
        if self._beat is not None and now - self._beat < BEAT:
            return []
        self._beat = now
        return [Heartbeat(source=self.feed.source.name, at=now)]

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
            outcomes = self._intake.accept(batch)
        self.cursor = cursor
        self.outcomes = add(self.outcomes, outcomes)
        return outcomes

    def _position(self, cursor: str) -> Position:
        return Position(
            key=self._key,
            name=self.feed.source.name,
            cursor=cursor,
            metadata=self._details.write(),
        )

    def _count(self, outcomes: Ledger, dead: Sequence[object]) -> None:
        metrics.source_posts(self.feed.label, outcomes.received)
        counted: tuple[tuple[Counted, int], ...] = (
            ("passed", outcomes.pending),
            ("duplicate", outcomes.duplicate),
            ("filtered", outcomes.filtered),
            ("deleted", outcomes.deleted),
        )
        for outcome, number in counted:
            metrics.records("collect", outcome, number)
        for letter in dead:
            metrics.dead("collect", getattr(letter, "reason", ""))


def _lasting(notice: Gap | Counter) -> Gap | Counter:
    """Mark the gap that a source tells: what it says is not kept, no later reading fills."""
    return msgspec.structs.replace(notice, lasting=True) if isinstance(notice, Gap) else notice


def _placed(item: Item) -> Item:
    """Give a reject a place of its own, the same when it is read again: lines a stream has none."""
    if not isinstance(item.record, Reject) or item.line:
        return item
    digest = hashlib.blake2b(item.record.raw + item.record.reason.encode(), digest_size=6)
    return Item(item.record, item.cursor, int.from_bytes(digest.digest(), "big"))

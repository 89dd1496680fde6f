"""The loop of a worker: take a batch, do it, and go on only when its outcome is durable.

A worker holds nothing that matters: where a partition goes on is known to the brokers (score) or
to the store (index). Whatever goes wrong, the loop waits, forgets what it has in hand, and begins
each partition where that says. It can be killed at any moment.
"""

from __future__ import annotations

import gc
import logging
import time
import uuid
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import kafka.errors as kafka_errors
import msgspec
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from pipelines import metrics
from pipelines.errors import BrokerAway, StoreError, StoreVersion
from pipelines.kafka.connection import AWAY, Brokers, explain
from pipelines.kafka.standstill import Standstill
from pipelines.stop import Stop

log = logging.getLogger(__name__)

#: What one poll brings, by partition.
Records = Mapping[TopicPartition, Sequence[Any]]

#: Milliseconds to wait for records.
_POLL = 500
#: Seconds that a batch should take at most: the group counts a worker that does not come back
#: for more within five minutes as gone.
_BATCH_SECONDS = 10.0
#: Seconds over which a worker tells how fast it is.
_SPAN = 60.0
#: Seconds between two looks at how much waits.
_LOOK = 5.0


#: What the library raises for a partition that the group took away a moment ago.
_NOT_OURS = (KeyError, ValueError)

#: Offsets as they are committed.
Offsets = dict[TopicPartition, OffsetAndMetadata]


class CommitMetadata(msgspec.Struct, frozen=True, array_like=True):
    """What a worker says of itself beside each offset that it commits."""

    worker: str
    at: float
    """Seconds since 1970."""
    rate: float
    """Records per second, in the last minute or so."""


class Claim(msgspec.Struct, frozen=True):
    """A worker's right to some records: its place in the group when it took them."""

    member: Any
    metadata: CommitMetadata

    def offsets(self, following: Mapping[TopicPartition, int]) -> Offsets:
        """Return the offsets to commit, where each partition is to go on."""
        metadata = msgspec.json.encode(self.metadata).decode()
        return {tp: OffsetAndMetadata(offset, metadata, -1) for tp, offset in following.items()}


class Stage(Protocol):
    """What a worker does with records. May raise ``StoreError`` or ``BrokerAway``: then the same
    records come again, after a while."""

    name: metrics.Stage
    topics: tuple[str, ...]
    """Full names of the topics it reads."""
    most: int
    """Records in one batch."""
    client: str
    """What the brokers show its workers as."""

    def joined(self) -> None:
        """Called when the group changed, before anything is done with what it brought. May raise
        ``BrokerError``."""

    def begin(self, partition: TopicPartition) -> int | None:
        """Return the offset a partition goes on at; ``None`` for where the group has it."""

    def work(self, records: Records, claim: Claim) -> Offsets:
        """Give every record its outcome, durably; return the offsets that are to be committed."""

    def rest(self, partitions: Collection[TopicPartition]) -> None:
        """Called when nothing waits on the worker's partitions."""


class Worker:
    """Runs a stage on the partitions that its group gives it."""

    def __init__(self, where: Brokers, stage: Stage, stop: Stop, *, instance: str = "") -> None:
        """Connect. Raises :class:`~pipelines.errors.BrokerError`."""
        self._where = where
        self._stage = stage
        self._stop = stop
        self._consumer = where.consumer(stage.name, instance=instance, client=stage.client)
        self._member = self._consumer.group_metadata()
        self._begun: set[TopicPartition] = set()
        self._caught: dict[TopicPartition, int] = {}
        self._size = 32
        self._failures = 0
        self._looked = 0.0
        self._standstill = Standstill()
        self._name = instance or uuid.uuid4().hex[:8]
        self._started = time.monotonic()
        self._done: deque[tuple[float, int]] = deque()

    def run(self) -> None:
        """Work until asked to stop. Raises :class:`~pipelines.errors.MarsadError`."""
        try:
            metrics.begin(self._stage.name)
            # What was loaded so far stays for good: the collector of unused objects, which
            # batches call often, need not look through it each time.
            gc.freeze()
            self._consumer.subscribe(topics=self._stage.topics)
            while not self._stop.is_set():
                metrics.turn()
                try:
                    self._turn()
                    self._failures = 0
                except StoreVersion:
                    raise
                except (StoreError, BrokerAway) as error:
                    self._wait(error)
                except kafka_errors.KafkaError as error:
                    told = explain(self._where, error)
                    if not isinstance(told, BrokerAway):
                        raise told from error
                    self._wait(told)
        finally:
            # Leaves the group, so that others take over at once (a static member stays in it).
            self._consumer.close(timeout_ms=5_000)

    def _turn(self) -> None:
        records = dict(self._consumer.poll(timeout_ms=_POLL, max_records=self._size))
        self._tell_brokers()
        member = self._consumer.group_metadata()
        if member[:3] != self._member[:3]:
            # What was ours may have been another's meanwhile, and be further now.
            self._begun.clear()
            self._stage.joined()
            self._member = member
        self._begin_new(records)
        if records:
            self._do(records)
        else:
            self._stage.rest(self._begun)
            self._catch_up()
        self._look(idle=not records)

    def _tell_brokers(self) -> None:
        """Tell whether the broker answers that looks after the group.

        A poll that brings nothing does not say why; the heartbeats beside it do. None are sent
        while the group shares its partitions anew, which may take longer than a session.
        """
        group = self._consumer._coordinator
        silent = group._heartbeat_enabled and group.heartbeat.session_timeout_expired()
        metrics.ready("brokers", not silent and not group.coordinator_unknown())

    def _do(self, records: Records) -> None:
        start = time.monotonic()
        with metrics.batch(self._stage.name):
            offsets = self._stage.work(records, self._claim())
        if offsets:
            self._consumer.commit_async(offsets)
        count = sum(map(len, records.values()))
        self._done.append((start, count))
        rate = count / max(time.monotonic() - start, 0.001)
        self._size = max(16, min(self._stage.most, 2 * self._size, int(rate * _BATCH_SECONDS)))

    def _claim(self) -> Claim:
        now = time.monotonic()
        while self._done and now - self._done[0][0] > _SPAN:
            self._done.popleft()
        span = min(_SPAN, max(1.0, now - self._started))
        rate = sum(count for _, count in self._done) / span
        return Claim(self._member, CommitMetadata(self._name, time.time(), round(rate, 1)))

    def _begin_new(self, records: dict[TopicPartition, Any]) -> None:
        """Go to where new partitions have to begin, whatever came of them already."""
        assigned = set(self._consumer.assignment())
        # A worker more than there are partitions has none, and is ready to take over.
        metrics.ready("assigned", bool(assigned) or self._member.generation_id >= 0)
        self._begun &= assigned
        for partition in assigned - self._begun:
            records.pop(partition, None)
            offset = self._stage.begin(partition)
            if offset is None:
                offset = self._consumer.committed(partition, timeout_ms=30_000)
            self._check_loss(partition, offset or 0)
            with suppress(*_NOT_OURS):
                if offset is None:
                    self._consumer.seek_to_beginning(partition)
                else:
                    self._consumer.seek(partition, offset)
                self._begun.add(partition)
        for partition in records.keys() - assigned:
            del records[partition]

    def _check_loss(self, partition: TopicPartition, offset: int) -> None:
        """Tell loudly of records that went before anybody read them."""
        first = self._consumer.beginning_offsets([partition])[partition]
        if offset < first:
            log.error(
                "%s/%d: what came before offset %d was deleted by its age, and %d was the next to "
                "read: %d records at most are lost. Raise retention.ms of the topic.",
                *partition,
                first,
                offset,
                first - offset,
            )

    def _wait(self, error: Exception) -> None:
        """Wait a while, as a member of the group that takes nothing; then begin anew."""
        self._failures += 1
        delay = AWAY.delay(self._failures)
        if self._stop.is_set():
            log.warning("%s Ending without it: the same records come again.", error)
            return
        log.warning("%s Trying again in %.0f s.", error, delay)
        if isinstance(error, StoreError):
            metrics.ready("store", False)  # until a partition is begun there
        metrics.paused(self._stage.name, True)
        end = time.monotonic() + delay
        paused: set[TopicPartition] = set()
        while time.monotonic() < end and not self._stop.is_set():
            metrics.turn()
            self._tell_brokers()
            assigned = set(self._consumer.assignment())
            for partition in assigned - paused:
                with suppress(*_NOT_OURS):
                    self._consumer.pause(partition)
            paused |= assigned
            try:
                self._consumer.poll(timeout_ms=_POLL)
            except kafka_errors.KafkaError as further:
                log.info("while waiting: %s", further)
                time.sleep(_POLL / 1000)
        for partition in paused:
            with suppress(*_NOT_OURS):
                self._consumer.resume(partition)
        metrics.paused(self._stage.name, False)
        self._begun.clear()

    def _catch_up(self) -> None:
        """Commit that nothing is left: marks of transactions count as records for the group."""
        ends = {tp: self._consumer.position(tp, timeout_ms=1_000) for tp in self._begun}
        behind = {
            tp: end for tp, end in ends.items() if end is not None and self._caught.get(tp) != end
        }
        if behind:
            self._consumer.commit_async(self._claim().offsets(behind))
            self._caught.update(behind)

    def _look(self, *, idle: bool) -> None:
        """Tell how much waits, every few seconds, and what stands still although nothing came."""
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        lags = {}
        waiting = {}
        for tp in self._begun:
            end, at = self._consumer.highwater(tp), self._consumer.position(tp, timeout_ms=1_000)
            if end is not None and at is not None:
                lags[tp.topic, tp.partition] = max(0, end - at)
                if end > at:
                    waiting[tp] = at, end - at
        metrics.lag(self._stage.name, lags)
        if idle:
            self._standstill.look(waiting, self._looked)

"""How much is on its way between the stages, and how fast it goes.

Offsets do not count records (marks of transactions and erased records have one as well), so what
waits is read and counted, unless it is so much that the difference of offsets has to do.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import kafka.errors as kafka_errors
import msgspec
from kafka import KafkaConsumer, TopicPartition

from pipelines.kafka import topics
from pipelines.kafka.batches import READERS
from pipelines.kafka.connection import Brokers, explained
from pipelines.kafka.cursor import read_cursor
from pipelines.kafka.index import place_key
from pipelines.kafka.loop import CommitMetadata
from pipelines.kafka.messages import BadMessage, LedgerMessage
from pipelines.records import Ledger, Position

#: Records that are read to be counted; of more the difference of offsets is told.
COUNTED = 50_000
#: Seconds over which a stage's speed is told, and after which a worker's word is old.
_SPAN = 60
_PATIENCE = 60.0
#: Times to look for a moment in which nothing moves.
_TRIES = 5


class StageLag(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for one stage, and how fast that works."""

    stage: str
    waiting: int
    """Posts and deletions on the topics that the stage has still to do."""
    exact: bool
    """Whether they were counted; else it is the difference of offsets, which is a little more."""
    per_second: float
    """Records that the stage did per second, in the last minute."""
    workers: int
    """Workers that did something in the last minute."""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on its way, as a store's books have to count it."""

    stages: list[StageLag]
    ledger: Ledger
    """What was collected and is not in the store yet."""


def lag(where: Brokers, inputs: Iterable[Position]) -> Flow:
    """Return what is on its way to a store, of which ``inputs`` are the positions.

    The store is to be asked first: what goes into it meanwhile is then counted here or there.
    Raises :class:`~pipelines.errors.BrokerError`.
    """
    identities = topics.require(where, topics.POSTS, *READERS)
    cursors = {position.key: position.cursor for position in inputs}
    admin = where.admin()
    try:
        consumer = where.consumer()
        try:
            with explained(where):
                names = (topics.POSTS, *READERS)
                partitions = {n: _partitions(consumer, where.topic(n)) for n in names}
                groups, ends = _moment(admin, consumer, where, partitions)
                starts: dict[str, dict[TopicPartition, int]] = {}
                for name in READERS:
                    keys = {
                        tp: place_key(identities[name], tp.partition) for tp in partitions[name]
                    }
                    starts[name] = {
                        tp: read_cursor(cursors.get(key, "")).offset for tp, key in keys.items()
                    }
                scored = {tp: offset.offset for tp, offset in groups["score"].items()}
                starts[topics.POSTS] = {tp: scored.get(tp, 0) for tp in partitions[topics.POSTS]}
                counts = {name: _waiting(consumer, name, starts[name], ends) for name in names}
                collected = _lately(consumer, partitions[topics.POSTS])
        finally:
            consumer.close()
    finally:
        admin.close()
    return _flow(counts, groups, collected)


def _moment(
    admin: Any, consumer: KafkaConsumer, where: Brokers, partitions: Mapping[str, Any]
) -> tuple[dict[str, Mapping[TopicPartition, Any]], dict[TopicPartition, int]]:
    """Return what the groups have done and where the topics end, at one moment if there is one.

    A batch that is scored between two questions would be counted on both sides of it.
    """
    everywhere = [tp for some in partitions.values() for tp in some]
    groups = {stage: _group(admin, where.topic(stage)) for stage in ("score", "index")}
    for _ in range(_TRIES):
        ends: dict[TopicPartition, int] = consumer.end_offsets(everywhere)
        before, groups["score"] = groups["score"], _group(admin, where.topic("score"))
        if before == groups["score"]:
            break
    return groups, ends


def _group(admin: Any, name: str) -> Mapping[TopicPartition, Any]:
    """Return what a group has committed. New brokers need a moment before they know of groups."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            offsets: Mapping[TopicPartition, Any] = admin.list_group_offsets(name)[name]
        except kafka_errors.RetriableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return offsets


def _flow(
    counts: Mapping[str, _Pending],
    groups: Mapping[str, Mapping[TopicPartition, Any]],
    collected: float,
) -> Flow:
    to_index = [counts[name] for name in (topics.SCORED, topics.TOMBSTONES, topics.DEAD)]
    counted = counts[topics.LEDGER]
    pending = counts[topics.POSTS].records + sum(one.records for one in to_index)
    stages = [
        StageLag(stage="collect", waiting=0, exact=True, per_second=collected, workers=0),
        _stage("score", [counts[topics.POSTS]], groups["score"]),
        _stage("index", to_index, groups["index"]),
    ]
    return Flow(
        stages=stages,
        ledger=Ledger(
            received=pending + counted.filtered + counted.dead,
            pending=pending,
            filtered=counted.filtered,
            dead=counted.dead,
        ),
    )


def _stage(
    name: str, waiting: Iterable[_Pending], offsets: Mapping[TopicPartition, Any]
) -> StageLag:
    notes: dict[str, CommitMetadata] = {}
    for offset in offsets.values():
        try:
            metadata = msgspec.json.decode(offset.metadata or "", type=CommitMetadata)
        except msgspec.DecodeError:  # reset by a tool
            continue
        if time.time() - metadata.at < _SPAN:
            notes[metadata.worker] = max(
                metadata, notes.get(metadata.worker, metadata), key=lambda n: n.at
            )
    counted = list(waiting)
    return StageLag(
        stage=name,
        waiting=sum(one.records for one in counted),
        exact=all(one.exact for one in counted),
        per_second=round(sum(metadata.rate for metadata in notes.values()), 1),
        workers=len(notes),
    )


class _Pending(msgspec.Struct):
    records: int = 0
    exact: bool = True
    filtered: int = 0
    dead: int = 0


def _waiting(
    consumer: KafkaConsumer,
    name: str,
    starts: dict[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> _Pending:
    first = consumer.beginning_offsets(list(starts))
    starts = {tp: max(offset, first[tp]) for tp, offset in starts.items()}
    behind = {tp: offset for tp, offset in starts.items() if offset < ends[tp]}
    distance = sum(ends[tp] - offset for tp, offset in behind.items())
    if distance > COUNTED and name != topics.LEDGER:
        return _Pending(records=distance, exact=False)
    result = _Pending()
    if not behind:
        return result
    consumer.assign(list(behind))
    for tp, offset in behind.items():
        consumer.seek(tp, offset)
    deadline = time.monotonic() + _PATIENCE
    while any(consumer.position(tp) < ends[tp] for tp in behind):
        for tp, records in consumer.poll(timeout_ms=200, max_records=5_000).items():
            for record in records:
                if record.value is not None and record.offset < ends[tp]:
                    _count(name, record, result)
        if time.monotonic() > deadline:
            result.exact = False
            break
    return result


def _count(name: str, record: Any, result: _Pending) -> None:
    if name != topics.LEDGER:
        result.records += 1
        return
    try:
        counted = READERS[name](record)
    except BadMessage:
        result.dead += 1
        return
    assert isinstance(counted, LedgerMessage)
    result.filtered += counted.filtered
    result.dead += len(counted.dead) - len(counted.retried)


def _lately(consumer: KafkaConsumer, partitions: list[TopicPartition]) -> float:
    """Return how many records a second were collected in the last minute, about."""
    since = int((time.time() - _SPAN) * 1000)
    then = consumer.offsets_for_times(dict.fromkeys(partitions, since))
    ends = consumer.end_offsets(partitions)
    came: int = sum(ends[tp] - found.offset for tp, found in then.items() if found is not None)
    return round(float(max(0, came)) / _SPAN, 1)


def _partitions(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    numbers = consumer.partitions_for_topic(topic) or set()
    return [TopicPartition(topic, number) for number in sorted(numbers)]

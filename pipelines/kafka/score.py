"""The score worker: posts in, scored posts out, offsets in the same transaction."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from kafka import TopicPartition

from ingest.records import RAW_LIMIT, Post
from nlp.score import Scorer
from pipelines import metrics, stages
from pipelines.kafka import messages, topics
from pipelines.kafka.connection import CLIENT, Brokers, explained
from pipelines.kafka.loop import Claim, Offsets, Records
from pipelines.kafka.messages import (
    HEADERS,
    BadMessage,
    DeadMessage,
    PostMessage,
    Reader,
    RecordOffset,
)
from pipelines.kafka.producer import Producer
from pipelines.records import Collected, Words

_READ = Reader(PostMessage)
#: Seconds without traffic after which a partition gets an empty record.
MARKER_SECONDS = 3600.0
#: The key of such a record, which stands for no post.
MARKER_KEY = b"marsad.tick"


class ScoreStage:
    """Scores what was collected. Fulfils :class:`~pipelines.kafka.loop.Stage`.

    ``name`` makes the transaction's id: another process with the same one ends what the first
    left open at once. ``marker_seconds`` is how many seconds a partition may rest. Raises
    :class:`~pipelines.errors.BrokerError`.
    """

    name: metrics.Stage = "score"
    most = 512
    client = CLIENT

    def __init__(
        self, where: Brokers, scorer: Scorer, name: str, *, marker_seconds: float = MARKER_SECONDS
    ) -> None:
        written = (topics.POSTS, topics.SCORED, topics.DEAD)
        self._identity = topics.require(where, topics.POSTS, write=written)[topics.POSTS]
        self.topics: tuple[str, ...] = (where.topic(topics.POSTS),)
        self._where = where
        self._scorer = scorer
        self._id = where.topic(f"score-{name}")
        self._producer: Producer | None = None
        self._marker_seconds = marker_seconds
        self._marked: dict[TopicPartition, float] = {}

    def close(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            self._producer.give_up()
            self._producer = None

    def joined(self) -> None:
        """Do nothing: score workers share whatever comes."""

    def begin(self, partition: TopicPartition) -> int | None:
        """Return ``None``: the group has it, since offsets move with what they cover."""
        self._marked[partition] = time.monotonic()
        return None

    def rest(self, partitions: Collection[TopicPartition]) -> None:
        """Put an empty record on partitions that rest for long, and on those that they lead to.

        Brokers close a segment when something is added to it, and compaction leaves the open one
        alone: without this a deleted text would stay for as long as nobody posts.
        """
        now = time.monotonic()
        due = [tp for tp in partitions if now - self._marked.get(tp, now) >= self._marker_seconds]
        if not due:
            return
        with self._sending() as producer:
            for tp in due:
                for topic in map(self._where.topic, (topics.POSTS, topics.SCORED)):
                    if tp.partition in producer.partitions_for(topic):
                        producer.send(
                            topic, key=MARKER_KEY, partition=tp.partition, headers=HEADERS
                        )
        self._marked.update(dict.fromkeys(due, now))

    def work(self, records: Records, claim: Claim) -> Offsets:
        """Score a batch and hand it on, with the offsets, in one transaction."""
        outcome = self._outcome([record for batch in records.values() for record in batch])
        offsets = claim.offsets({tp: batch[-1].offset + 1 for tp, batch in records.items()})
        with self._sending() as producer:
            self._produce(producer, outcome)
            producer.send_offsets_to_transaction(offsets, claim.member)
        metrics.records("score", "passed", len(outcome.scored))
        for dead_letter in outcome.dead:
            metrics.dead("score", dead_letter.reason)
        return {}

    def _outcome(self, records: Sequence[Any]) -> _Outcome:
        outcome = _Outcome()
        dead: dict[RecordOffset, DeadMessage] = {}
        read: list[tuple[Any, Collected]] = []
        for record in records:
            if record.value is None:
                if record.key != MARKER_KEY:
                    outcome.erased.append(record.key)
                continue
            try:
                read.append((record, messages.collected(_READ(record))))
            except BadMessage as bad:
                dead[self._origin(record)] = dead_letter(record, bad.reason, bad.detail)
        scored = stages.score_each([collected.post for _, collected in read], self._scorer)
        for (record, collected), post in zip(read, scored, strict=True):
            if post is None:
                dead[self._origin(record)] = dead_letter(
                    record, stages.FAILED, stages.FAILED_DETAIL
                )
            else:
                whole = msgspec.structs.replace(collected, post=post, words=_words(post))
                message = messages.post_message(whole, self._origin(record))
                outcome.scored.append((record.key, message))
        # In the order of their places: by that the store knows what it has had.
        for place in sorted(dead, key=lambda place: (place.partition, place.offset)):
            outcome.dead.append(msgspec.structs.replace(dead[place], place=place))
        return outcome

    def _origin(self, record: Any) -> RecordOffset:
        return RecordOffset(self._identity, record.partition, record.offset)

    def _produce(self, producer: Producer, outcome: _Outcome) -> None:
        topic = self._where.topic
        for key, message in outcome.scored:
            value = messages.encode_scored(message)
            producer.send(topic(topics.SCORED), key=key, value=value, headers=HEADERS)
        for dead in outcome.dead:
            # Under one key what comes from one partition stays in its order.
            key, value = dead.origin.encode(), messages.encode(dead)
            producer.send(topic(topics.DEAD), key=key, value=value, headers=HEADERS)
        # A deletion erases what was scored before it, and what was scored just now.
        for key in outcome.erased:
            producer.send(topic(topics.SCORED), key=key, value=None, headers=HEADERS)

    @contextmanager
    def _sending(self) -> Iterator[Producer]:
        """Give a producer in a transaction, which is committed at the end of the block.

        After a failure what was sent is void, and the producer, which may have lost its place,
        is given up. Raises :class:`~pipelines.errors.BrokerError`.
        """
        try:
            with explained(self._where):
                if self._producer is None:
                    self._producer = self._where.producer(self._id)
                    self._producer.init_transactions()
                self._producer.begin_transaction()
                yield self._producer
                self._producer.commit_transaction()
        except BaseException:
            self.close()
            raise


def _words(post: Post) -> Words | None:
    """Return a post's words: computed here, where workers are many, and once."""
    try:
        return stages.words_of(post)
    except Exception:  # the index worker tries once more, and tells why it can't be indexed
        return None


class _Outcome:
    """What became of a batch."""

    def __init__(self) -> None:
        self.scored: list[tuple[bytes, PostMessage]] = []
        self.dead: list[DeadMessage] = []
        self.erased: list[bytes] = []


def dead_letter(record: Any, reason: str, detail: str) -> DeadMessage:
    """Return a record that can't be used as a dead letter: where it was, why, its bytes."""
    value = record.value or b""
    return DeadMessage(
        origin=f"{record.topic}/{record.partition}",
        line=record.offset,
        reason=reason,
        detail=detail,
        raw=value[:RAW_LIMIT],
        truncated=len(value) > RAW_LIMIT,
    )

"""The index worker: what was scored, deleted and counted goes into the store.

The store keeps, with the posts, how far each partition was read: that decides where to go on,
and the offsets that the group commits are for the eyes of operators alone. A message that comes
again is known by its place and left out, so it is neither stored nor counted twice.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from kafka import TopicPartition

from pipelines import metrics
from pipelines.identity import Identities
from pipelines.kafka import batches, messages, store_identity, topics
from pipelines.kafka.connection import Brokers, explained
from pipelines.kafka.cursor import Cursor, read_cursor
from pipelines.kafka.loop import Claim, Offsets, Records
from pipelines.kafka.messages import HEADERS
from pipelines.kafka.producer import Producer
from pipelines.records import Batch, CollectedTombstone, Ledger, Position
from pipelines.stores.protocols import Store
from pipelines.stores.reposts import passed_on

log = logging.getLogger(__name__)

#: What the keys of positions begin with that a store holds for partitions.
PLACES = "kafka:"


def place_key(identity: str, partition: int) -> str:
    """Return under which key a store keeps how far it has a partition of a topic."""
    return f"{PLACES}{identity}/{partition}"


class IndexStage:
    """Brings messages into a store. Fulfils :class:`~pipelines.kafka.loop.Stage`.

    Raises :class:`~pipelines.errors.BrokerError`, also where workers of another store are at work.
    """

    name: metrics.Stage = "index"
    most = 2048

    def __init__(self, where: Brokers, store: Store, zone: ZoneInfo) -> None:
        self._identities = topics.require(where, *batches.READERS, write=(topics.POSTS,))
        self.topics: tuple[str, ...] = tuple(where.topic(name) for name in batches.READERS)
        self._where = where
        self._store = store
        self._zone = zone
        self._apart = Identities(store, zone)
        self._cursors: dict[TopicPartition, Cursor] = {}
        self._producer: Producer | None = None
        self.client = store_identity.client_of(store)
        store_identity.alone(where, self.name, self.client, store_identity.GONE)

    def close(self) -> None:
        """Close the connection that erasures need; the store is its opener's."""
        if self._producer is not None:
            self._producer.give_up()
            self._producer = None

    def joined(self) -> None:
        """Look again: a worker of another store may have begun at the same moment."""
        store_identity.alone(self._where, self.name, self.client, 0.0)

    def begin(self, partition: TopicPartition) -> int | None:
        """Return how far the store has this partition; 0 if it is new."""
        found = self._store.position(self._key(partition))
        metrics.ready("store", True)
        self._cursors[partition] = read_cursor(found.cursor if found else "")
        return self._cursors[partition].offset

    def rest(self, partitions: Collection[TopicPartition]) -> None:
        """Let others find what came, and the store remove the last bytes of deleted texts."""
        self._store.housekeeping()

    def work(self, records: Records, claim: Claim) -> Offsets:
        """Bring a batch into the store, each partition with its position."""
        done = {}
        for partition, some in records.items():
            known = self._cursors[partition].offset
            new = [record for record in some if record.offset >= known]
            if new:
                self._accept(partition, new)
            done[partition] = self._cursors[partition].offset
        return claim.offsets(done)

    def _accept(self, partition: TopicPartition, records: Sequence[Any]) -> None:
        name = partition.topic.removeprefix(self._where.prefix)
        before = self._cursors[partition]
        batch, cursor = batches.read_batch(
            name,
            records,
            Position(
                key=self._key(partition),
                name=f"{partition.topic}/{partition.partition}",
                cursor="",
            ),
            before,
        )
        # Before the store moves on: whatever fails, the same batch comes again.
        deleted_ids = self._store.write_tombstones(batch.tombstones) if batch.tombstones else set()
        refused = self._refused(batch)
        self._erase(refused | deleted_ids)
        refused |= self._pass_on(batch, refused)
        met = self._apart.met
        posts = self._apart.kept_apart(batch.posts)
        if self._apart.met > met:
            log.warning(
                "%d posts had the id of another author's post: both were kept, with the flag "
                "id-suspect (%d since this worker began).",
                self._apart.met - met,
                self._apart.met,
            )
        batch = msgspec.structs.replace(batch, posts=posts)
        batch, documents = batches.indexed(batch, self._zone)
        outcomes = self._store.accept_scored(batch, documents)
        self._cursors[partition] = cursor
        # And after: an author may have been deleted meanwhile.
        self._erase(self._refused(batch) - refused)
        _measure(batch, outcomes)

    def _key(self, partition: TopicPartition) -> str:
        identity = self._identities[partition.topic.removeprefix(self._where.prefix)]
        return place_key(identity, partition.partition)

    def _refused(self, batch: Batch) -> set[str]:
        """Return posts that come when they, or their author, were deleted already.

        Whoever deleted them could not erase them: they were on their way, or collected again.
        """
        return set(self._store.deleted_ids(batch.posts)) if batch.posts else set()

    def _pass_on(self, batch: Batch, refused: set[str]) -> set[str]:
        """Erase what repeats refused posts, and their twins; return what else is refused then."""
        known = set[str]()
        while new := refused - known:
            came = [one for one in batch.posts if one.post.id in new]
            reposts = passed_on([one for one in came if one.repeats])
            self._erase(self._store.write_tombstones(reposts, [one.post for one in came]))
            known |= new
            refused = self._refused(batch)
            self._erase(refused - known)
        return known

    def _erase(self, ids: Collection[str]) -> None:
        """Erase texts from the topics."""
        if not ids:
            return
        try:
            with explained(self._where):
                if self._producer is None:
                    self._producer = self._where.producer()
                erase(self._where, self._producer, ids)
        except BaseException:
            # An idempotent producer that failed once stays failed: the next try makes its own.
            self.close()
            raise


def collected_tombstone(
    where: Brokers, producer: Producer, deletions: Iterable[CollectedTombstone]
) -> None:
    """Put deletions on their topic, durably."""
    sent = [
        producer.send(
            where.topic(topics.TOMBSTONES),
            key=messages.tombstone_key(deletion),
            value=messages.encode(messages.tombstone_message(deletion)),
            headers=HEADERS,
        )
        for deletion in deletions
    ]
    _await(producer, sent)


def erase(where: Brokers, producer: Producer, ids: Iterable[str]) -> None:
    """Put an empty record in the place of posts, by which compaction removes their texts.

    The score worker hands it on, so that it comes after whatever was still to be scored.
    """
    sent = [
        producer.send(where.topic(topics.POSTS), key=name.encode(), value=None, headers=HEADERS)
        for name in ids
    ]
    _await(producer, sent)


def _await(producer: Producer, sent: Sequence[Any]) -> None:
    producer.flush()
    for future in sent:
        future.get(timeout=30)


def _measure(batch: Batch, outcomes: Ledger) -> None:
    for outcome in ("indexed", "duplicate", "filtered", "deleted"):
        metrics.records("index", outcome, getattr(outcomes, outcome))
    for dead in batch.dead:
        metrics.dead("index", dead.reason)

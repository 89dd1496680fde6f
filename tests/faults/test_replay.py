"""What is read again from the topics changes nothing, and brings nothing back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from tests.cluster import PATIENCE, Cluster, until
from tests.faults.load import FAULTS, Load
from tests.faults.test_kills import ended
from tests.faults.topics import everything, leave, set_back, write
from tests.pipelines.an_elasticsearch import contents
from tests.servers import Elastic, Kafka, remove_indices


@contextmanager
def resting(kafka: Kafka, cluster: Cluster) -> Iterator[None]:
    """No worker inside the block, and nobody in their groups."""
    for worker in cluster.workers.values():
        worker.ask_to_end()
    for worker in cluster.workers.values():
        assert worker.process is not None
        assert worker.process.wait(PATIENCE) == 0, worker.said
    for stage in ("score", "index"):
        names = [name for name in cluster.workers if name.startswith(stage)]
        leave(kafka, f"{cluster.prefix}{stage}", names)
    yield
    for worker in cluster.workers.values():
        worker.start()


def caught_up(kafka: Kafka, cluster: Cluster) -> bool:
    """Whether both groups have committed all there is."""
    admin = kafka.admin()
    try:
        for group, topics in (("score", ["posts"]), ("index", ["scored", "tombstones", "dead"])):
            (offsets,) = admin.list_group_offsets([cluster.prefix + group]).values()
            ours = [cluster.prefix + topic for topic in topics]
            parts = [
                TopicPartition(t["name"], p["partition_index"])
                for t in admin.describe_topics(ours)
                for p in t["partitions"]
            ]
            ends = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.LATEST))
            for part in parts:
                done = offsets[part].offset if part in offsets else 0
                if max(0, done) < ends[part].offset:
                    return False
    finally:
        admin.close()
    return True


def test_all_topics_read_again_from_the_beginning_leave_index_and_ledger_as_they_were(
    load: Load, kafka: Kafka
) -> None:
    ended(load.send(60))
    write(kafka, load.cluster.prefix + "posts", (b"{", b"poison", []))
    load.arrived(dead=1)
    outcomes, index = load.cluster.outcomes(), contents(load.cluster.store)
    with resting(kafka, load.cluster):
        for stage in ("score", "index"):
            set_back(kafka, load.cluster.prefix + stage)
    until(lambda: caught_up(kafka, load.cluster), "everything has been read again")
    again = everything(kafka, load.cluster.prefix + "scored")
    assert sum((record.key or b"").decode() in load.ids for record in again) == 2 * len(load.ids)
    assert contents(load.cluster.store) == index
    assert load.cluster.outcomes() == outcomes


def test_messages_that_somebody_sends_again_are_duplicates_and_leave_the_index_as_it_was(
    load: Load, kafka: Kafka
) -> None:
    ended(load.send(60))
    load.arrived()
    index = contents(load.cluster.store)
    again = send_again(kafka, load.cluster.prefix + "posts", load)
    assert again == 60
    load.came(duplicate=again)
    assert contents(load.cluster.store) == index


def send_again(kafka: Kafka, topic: str, load: Load) -> int:
    """Write this test's messages of a topic to it once more; return how many there were."""
    found = [
        record
        for record in everything(kafka, topic)
        if record.value is not None and record.key.decode() in load.ids
    ]
    write(kafka, topic, *((r.value, r.key, list(r.headers)) for r in found))
    return len(found)


def test_an_index_made_anew_from_the_topics_is_bit_for_bit_the_same(
    load: Load, kafka: Kafka, elasticsearch: Elastic
) -> None:
    ended(load.send(40))
    load.arrived()
    load.delete(sorted(load.ids)[0])
    prefix = f"anew{os.getpid()}"
    store = f"{elasticsearch.url}/{prefix}"
    try:
        with resting(kafka, load.cluster):
            index, outcomes = contents(load.cluster.store), load.cluster.outcomes()
            anew = load.cluster.worker("index-3", MARSAD_STORE=store)
            try:
                anew_outcomes = until(
                    lambda: settled(load, store, outcomes), "the new store has it all"
                )
                assert contents(store) == index
                # A post whose deletion is read before it was never indexed there.
                first = anew_outcomes["deleted"] - outcomes["deleted"]
                assert 0 <= first <= 1
                outcomes |= {
                    "deleted": outcomes["deleted"] + first,
                    "indexed": outcomes["indexed"] - first,
                }
                assert anew_outcomes == outcomes
            finally:
                load.cluster.workers.pop("index-3")
                assert anew.stop() == 0
    finally:
        remove_indices(elasticsearch, prefix)


def settled(load: Load, store: str, outcomes: dict[str, int]) -> dict[str, int] | None:
    """The ledger of another store, once it has had as many records."""
    there = load.cluster.ledger(store)
    done = there and there["received"] >= outcomes["received"] and there["pending"] == 0
    return there if done else None


def test_a_deleted_post_stays_deleted_when_its_message_comes_again(
    load: Load, kafka: Kafka, elasticsearch: Elastic
) -> None:
    ended(load.send(30))
    load.arrived()
    prefix = load.cluster.store.rpartition("/")[2]
    # The server forgets deletions after this; for the short form sooner than after a minute.
    remembered = None if FAULTS else "1s"
    elasticsearch.ask("PUT", f"{prefix}-*/_settings", {"index.gc_deletes": remembered})
    gone = load.delete(sorted(load.ids)[0])
    time.sleep(75 if FAULTS else 3)
    again = send_again(kafka, load.cluster.prefix + "posts", load)
    assert again == len(load.ids)
    load.came(duplicate=again - 1, deleted=1)
    assert gone not in load.documents()
    load.cluster.marsad("search", f"id:{gone}", code=3)
    folder = load.cluster.folder / "export-deleted"
    load.cluster.marsad("export", "--to", folder, "--format", "ndjson")
    assert gone not in (folder / "posts.ndjson").read_text(encoding="utf-8")

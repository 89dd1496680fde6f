"""A deletion reaches the text wherever it is, and within a time that is stated."""

from __future__ import annotations

from kafka.admin import ConfigResource, ConfigResourceType

from tests.cluster import until
from tests.faults.load import Load
from tests.faults.test_kills import ended
from tests.faults.topics import everything
from tests.servers import Kafka

#: The settings of deploy/kafka/topics.toml that the stated time comes from, in seconds here what
#: are hours there.
SECONDS_FOR_HOURS = {
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "2000",
    "delete.retention.ms": "2000",
    "segment.ms": "1000",
}


def hasten(kafka: Kafka, *topics: str) -> None:
    admin = kafka.admin()
    try:
        admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, t, SECONDS_FOR_HOURS) for t in topics]
        )
    finally:
        admin.close()


def texts(kafka: Kafka, topic: str, name: str) -> int:
    """How many records of a topic hold the text of a post."""
    records = everything(kafka, topic, committed=False)
    return sum(name.encode() in record.value for record in records if record.value)


def test_a_deleted_text_leaves_the_topics(load: Load, kafka: Kafka) -> None:
    topics = [load.cluster.prefix + name for name in ("posts", "scored")]
    hasten(kafka, *topics)
    ended(load.send(20))
    load.arrived()
    gone, left = sorted(load.ids)[:2]
    assert all(texts(kafka, topic, f'"{gone}"') for topic in topics)
    load.delete(gone)
    until(
        lambda: not any(texts(kafka, topic, f'"{gone}"') for topic in topics),
        "the deleted text has left the topics",
    )
    assert all(texts(kafka, topic, f'"{left}"') for topic in topics)


def test_the_texts_of_a_deleted_author_leave_the_topics(load: Load, kafka: Kafka) -> None:
    topics = [load.cluster.prefix + name for name in ("posts", "scored")]
    hasten(kafka, *topics)
    ended(load.send(20))
    load.arrived()
    (post,) = load.cluster.marsad.rows("search", f"id:{sorted(load.ids)[0]}", "--json")
    written = {
        found["id"]
        for found in load.cluster.marsad.rows("search", f"author:{post['author']}", "--json")
    }
    assert post["id"] in written
    load.cluster.marsad("delete", "--author", post["author"])
    load.came(deleted=1)
    for name in sorted(written)[:3]:
        until(
            lambda name=name: not any(texts(kafka, topic, f'"{name}"') for topic in topics),
            "the deleted text has left the topics",
        )

"""Reading and writing topics past Marsad."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import MemberToRemove, OffsetSpec
from kafka.errors import NoError, UnknownMemberIdError

from tests.servers import Kafka


def everything(kafka: Kafka, topic: str, *, committed: bool = True) -> list[Any]:
    """All records of a topic, as far as it goes now."""
    consumer = KafkaConsumer(
        bootstrap_servers=kafka.addresses,
        isolation_level="read_committed" if committed else "read_uncommitted",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=16_000_000,
    )
    try:
        parts = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        records = []
        while any(consumer.position(part) < end for part, end in ends.items()):
            for some in consumer.poll(timeout_ms=500).values():
                records += some
        return records
    finally:
        consumer.close()


def write(kafka: Kafka, topic: str, *messages: tuple[bytes | None, bytes | None, list]) -> None:
    """Write messages (value, key, headers), of any size."""
    producer = KafkaProducer(bootstrap_servers=kafka.addresses, max_request_size=8_000_000)
    try:
        for value, key, headers in messages:
            producer.send(topic, value, key, headers).get(timeout=60)
    finally:
        producer.close()


def leave(kafka: Kafka, group: str, instances: Iterable[str]) -> None:
    """Take workers with names of their own out of a group: when they end they stay in it."""
    with closing(kafka.admin()) as admin:
        members = [MemberToRemove(group_instance_id=name) for name in instances]
        done = admin.remove_group_members(group, members)
        # One that ended a while ago may be out of it by itself.
        assert set(done.values()) <= {NoError, UnknownMemberIdError}, done


def set_back(kafka: Kafka, group: str) -> None:
    """Set a group without members to the beginning of its topics."""
    with closing(kafka.admin()) as admin:
        (offsets,) = admin.list_group_offsets([group]).values()
        done = admin.reset_group_offsets(group, dict.fromkeys(offsets, OffsetSpec.EARLIEST))
        assert {result["error"] for result in done.values()} == {NoError}, done

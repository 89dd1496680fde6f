"""A worker's place in its group, whatever happens to the group."""

from __future__ import annotations

import threading
import time

import pytest
from kafka.admin import NewTopic
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from pipelines.kafka.consumer import Consumer
from tests.cluster import until
from tests.servers import Kafka


@pytest.mark.parametrize("between", [0.0, 0.1])
def test_who_leads_a_group_comes_back_into_it_however_short_its_polls(
    real_kafka: Kafka, topic_prefix: str, between: float
) -> None:
    topic = f"{topic_prefix}.growing"
    admin = real_kafka.admin()
    admin.create_topics([NewTopic(topic, 1, 1)])
    members = [
        Consumer(
            topic,
            bootstrap_servers=real_kafka.addresses,
            group_id=topic_prefix,
            partition_assignment_strategy=[CooperativeStickyAssignor],
            enable_auto_commit=False,
            heartbeat_interval_ms=500,
            metadata_max_age_ms=200,
        )
        for _ in range(2)
    ]
    ended = threading.Event()

    def read(member: Consumer) -> None:
        while not ended.is_set():
            member.poll(timeout_ms=2)
            time.sleep(between)  # the group answers while nobody listens

    def shared(partitions: int) -> bool:
        parts = [part for member in members for part in member.assignment()]
        return len(parts) == len(set(parts)) == partitions

    threads = [threading.Thread(target=read, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    try:
        until(lambda: shared(1), "both have joined")
        for partitions in (2, 3, 4):
            admin.create_partitions({topic: partitions})
            until(lambda wanted=partitions: shared(wanted), "what is new has a reader")
        # Joined a few times, and not again for each answer that nobody heard.
        assert members[0].group_metadata().generation_id < 20
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        for member in members:
            member.close()
        admin.close()

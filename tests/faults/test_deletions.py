"""A deletion reaches the text on the topics, and within a time that is stated."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from kafka.admin import ConfigResource, ConfigResourceType

from tests.cluster import cluster, invented, until
from tests.faults.load import FAULTS, Load
from tests.faults.test_kills import ended
from tests.faults.topics import everything
from tests.servers import Kafka

#: Settings of deploy/kafka/topics.toml: here in seconds what is in hours there.
SECONDS_FOR_HOURS = {
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "2000",
    "delete.retention.ms": "2000",
    "segment.ms": "1000",
}

if FAULTS:
    #: Seconds: longer than the two minutes after which the client library gives a batch up.
    OUTAGE = 130.0

    def test_outage__of_more_than_two_minutes_during_a_deletion_is_survived(
        load: Load, kafka: Kafka
    ) -> None:
        ended(load.send(50))
        load.arrived()
        name = sorted(load.ids)[0]
        load.cluster.marsad("delete", name)
        kafka.process.kill()
        time.sleep(OUTAGE)
        kafka.process.start()
        load.gone.add(name)
        load.came(deleted=1)
        ended(load.send(20))
        load.arrived()

    def test_a_deleted_text_leaves_the_topics(
        real_kafka: Kafka, topic_prefix: str, tmp_path: Path
    ) -> None:
        store = str(tmp_path / "marsad.db")
        with cluster(tmp_path, real_kafka.brokers, store, topic_prefix, partitions=1) as made:
            topics = [made.prefix + name for name in ("posts", "scored")]
            with closing(real_kafka.admin()) as admin:
                admin.alter_configs(
                    [ConfigResource(ConfigResourceType.TOPIC, t, SECONDS_FOR_HOURS) for t in topics]
                )
            made.worker("score-1")
            made.worker("index-1")
            made.marsad("ingest", "archive", made.marsad.write("one.ndjson", invented(20)))
            made.settle(20)
            gone, left = "forum:1-3", "forum:1-4"
            assert all(texts(real_kafka, topic, gone) for topic in topics)
            made.marsad("delete", gone)
            # Brokers close a segment with the next record alone: life goes on.
            made.marsad("ingest", "archive", made.marsad.write("two.ndjson", invented(20, seed=2)))
            until(
                lambda: not any(texts(real_kafka, topic, gone) for topic in topics),
                "the deleted text has left the topics",
            )
            assert all(texts(real_kafka, topic, left) for topic in topics)


def texts(kafka: Kafka, topic: str, name: str) -> int:
    """How many records of a topic hold the text of a post."""
    records = everything(kafka, topic, committed=False)
    return sum(f'"{name}"'.encode() in record.value for record in records if record.value)

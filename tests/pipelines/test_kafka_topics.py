"""Topics are made as defined, what differs is told, and nothing of an operator's is overwritten."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from pipelines.errors import BrokerAway, BrokerError
from pipelines.kafka import topics
from pipelines.kafka.connection import Brokers, brokers, explained
from pipelines.settings import KafkaSettings
from tests.conftest import Marsad
from tests.pipelines.kafka_fixtures import records, send, until
from tests.servers import Kafka, small_kafka

NAMES = {"posts", "scored", "tombstones", "ledger", "dead", "positions", "leases"}


@pytest.fixture
def marsad(tmp_path: Path, real_kafka: Kafka, topic_prefix: str) -> Marsad:
    return Marsad(
        tmp_path, MARSAD_BROKERS=real_kafka.brokers, MARSAD_KAFKA_PREFIX=f"{topic_prefix}."
    )


@pytest.fixture
def bare(real_kafka: Kafka, topic_prefix: str) -> Brokers:
    """Brokers without topics."""
    return brokers(real_kafka.brokers, KafkaSettings(prefix=f"{topic_prefix}."))


def test_brokers_that_are_too_old_are_told_in_one_sentence(tmp_path: Path) -> None:
    old = small_kafka(tmp_path)
    if old is None:
        pytest.skip("needs the package noida-db, which answers as Kafka 3 does")
    old.start()
    try:
        marsad = Marsad(tmp_path, MARSAD_BROKERS=old.brokers)
        told = marsad("topics", "create", code=1).stderr
    finally:
        old.stop()
    assert told == f"Error: The brokers at {old.brokers} are older than Kafka 3.7: upgrade them.\n"


def change(where: Brokers, name: str, **config: str) -> None:
    """Set a topic up otherwise than it is defined, and wait until brokers say so."""
    admin = where.admin()
    changes = {key.replace("_", "."): value for key, value in config.items()}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, where.topic(name), changes)])
    admin.close()
    until(lambda: any(f.differences for f in topics.look(where) if f.name == name), "it is set")


def test_create_makes_every_topic_as_it_is_defined(marsad: Marsad, bare: Brokers) -> None:
    missing = marsad.rows("topics", "list", "--json", code=1)
    assert {(one["name"], one["partitions"]) for one in missing} == {(name, 0) for name in NAMES}
    assert marsad("topics", "create").stderr.startswith("Made: ")
    there = {found.name: found for found in topics.look(bare)}
    assert there.keys() == NAMES
    for name, found in there.items():
        assert found.partitions == topics.definitions()[name].partitions
        assert found.state == "as defined"
    assert "as defined" in marsad("topics", "list").stdout


def test_create_leaves_what_is_there_and_tells_what_differs(marsad: Marsad, bare: Brokers) -> None:
    marsad("topics", "create")
    change(bare, "posts", retention_ms="1000")
    told = marsad("topics", "create", code=1).stderr
    assert "posts: retention.ms is 1000, defined is 604800000" in told
    assert "--alter" in told
    (posts,) = [found for found in topics.look(bare) if found.name == "posts"]
    assert posts.differences == {"retention.ms": ("1000", "604800000")}


def test_alter_sets_what_differs(marsad: Marsad, bare: Brokers) -> None:
    marsad("topics", "create")
    change(bare, "dead", cleanup_policy="compact")
    assert "was set" in marsad("topics", "create", "--alter").stderr
    until(lambda: all(f.state == "as defined" for f in topics.look(bare)), "all is as defined")
    assert marsad("topics", "create").stderr.startswith("Every topic was there")


def test_only_the_topics_of_posts_get_another_number_of_partitions(
    marsad: Marsad, bare: Brokers
) -> None:
    marsad("topics", "create", "--partitions", "3")
    numbers = {found.name: found.partitions for found in topics.look(bare)}
    assert (numbers["posts"], numbers["scored"]) == (3, 3)
    assert (numbers["ledger"], numbers["positions"], numbers["tombstones"]) == (1, 1, 1)
    marsad("topics", "create", "--partitions", "3")
    told = marsad("topics", "create", "--partitions", "12", "--alter", code=1).stderr
    assert f"{bare.topic('posts')} has 3 partitions and keeps them" in told
    assert "MARSAD_KAFKA_PREFIX=… marsad topics create --partitions 12" in told
    assert numbers == {found.name: found.partitions for found in topics.look(bare)}


def test_each_post_has_as_many_copies_as_brokers_allow_and_one_may_be_away() -> None:
    definition = topics.definitions()["posts"]
    sets = {brokers: topics.wanted(definition, brokers) for brokers in (1, 2, 3, 9)}
    assert [replication for replication, _ in sets.values()] == [1, 2, 3, 3]
    assert [config["min.insync.replicas"] for _, config in sets.values()] == ["1", "1", "2", "2"]


def test_a_deleted_text_has_to_go_within_a_day_and_nothing_is_compacted_unread_for_half_of_it() -> (
    None
):
    hour = 3_600_000
    for name in ("posts", "scored"):
        config = dict(topics.definitions()[name].config)
        assert "compact" in config["cleanup.policy"]
        longest, shortest = (
            int(config["max.compaction.lag.ms"]),
            int(config["min.compaction.lag.ms"]),
        )
        # An open segment is not compacted; one is closed an hour after its time at the latest.
        assert longest + int(config["segment.ms"]) + hour <= 24 * hour
        assert shortest >= 12 * hour
        assert int(config["retention.ms"]) >= 7 * 24 * hour


def test_positions_and_deletions_are_kept_for_good() -> None:
    for name in ("positions", "tombstones"):
        config = topics.definitions()[name].config
        assert (config["cleanup.policy"], config["retention.ms"]) == ("compact", "-1")


@pytest.mark.parametrize(
    "command",
    [("ingest", "archive", "posts.ndjson"), ("worker", "score"), ("worker", "index")],
)
def test_a_command_that_finds_no_topics_says_how_to_make_them(
    marsad: Marsad, command: tuple[str, ...]
) -> None:
    marsad.write("posts.ndjson", [{"id": "1", "platform": "forum", "text": "hello"}])
    told = marsad(*command, code=1).stderr
    assert "are missing" in told
    assert "marsad topics create --brokers" in told


def test_a_topic_that_was_made_anew_has_another_identity(bare: Brokers) -> None:
    topics.create(bare)
    before = topics.require(bare, "scored")
    admin = bare.admin()
    admin.delete_topics([bare.topic("scored")])
    admin.close()

    def gone() -> bool:
        try:
            topics.require(bare, "scored")
        except BrokerError as error:
            return "missing" in str(error)
        return False

    until(gone, "the topic is deleted")
    topics.create(bare)
    assert topics.require(bare, "scored") != before


@pytest.mark.parametrize("hours", [-1.5, 1.5])
def test_clock__that_is_off_by_more_than_an_hour_keeps_no_record_out(
    bare: Brokers, hours: float
) -> None:
    topics.create(bare, partitions=1)
    now = time.time()
    send(
        bare,
        "posts",
        {"key": b"k", "value": b"{}", "timestamp_ms": int((now + hours * 3600) * 1000)},
    )
    (record,) = records(bare, "posts")["posts"]
    assert abs(record.timestamp / 1000 - now) < 600  # the broker's time, not the producer's


def test_clock__that_is_ahead_is_named_where_topics_take_the_producer_s_time(
    bare: Brokers,
) -> None:
    topics.create(bare, partitions=1)
    change(bare, "posts", message_timestamp_type="CreateTime")
    ahead = int((time.time() + 2 * 3600) * 1000)
    with pytest.raises(BrokerError, match=r"clock .*NTP.*--alter") as told, explained(bare):
        send(bare, "posts", {"key": b"k", "value": b"{}", "timestamp_ms": ahead})
    assert not isinstance(told.value, BrokerAway)

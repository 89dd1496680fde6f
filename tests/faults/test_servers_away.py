"""Servers that are away for a while, or for good, and disks without room."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Worker, cluster, until
from tests.conftest import balanced
from tests.faults.load import FAULTS, Load
from tests.faults.test_kills import ended
from tests.servers import Elastic, Kafka, elastic_from_scripts, remove_indices
from tests.servers.disk import small_disk

#: Seconds that a server is away.
AWAY = 60.0 if FAULTS else 4.0
#: What is said of a transaction that a broker never ended.
HANGING = "a transaction is open for longer than it may be"


def begun(load: Load) -> None:
    """Wait until some of what is under way has come to the store."""
    until(load.begun, "something has arrived")


def arrived_on(kafka: Kafka, load: Load, importing: Worker) -> None:
    """Wait until all has arrived by a broker that was killed and is there again.

    A broker that was killed may come back without ending what was in flight: its coordinator
    could not reach itself yet, and never tries again. Brokers have to be restarted then, as
    imports and workers say; a transaction of Marsad's own ends by its timeout.
    """
    told_before = {one: len(one.said) for one in (importing, *load.cluster.workers.values())}

    def hangs() -> bool:
        return any(HANGING in one.said[before:] for one, before in told_before.items())

    until(
        lambda: hangs() or (not importing.running and load.complete()),
        "all has arrived, or somebody says what it waits for",
    )
    if hangs():
        kafka.process.kill()
        kafka.process.start()
    ended(importing)
    load.arrived()


@pytest.fixture
def our_elasticsearch(elasticsearch: Elastic) -> Elastic:
    if elasticsearch.process is None:
        pytest.skip("the server of MARSAD_TEST_ELASTICSEARCH is not ours to stop")
    return elasticsearch


@pytest.mark.parametrize("way", ["stopped", "killed"] if FAULTS else ["killed"])
def test_a_broker_that_is_away_for_a_while_is_waited_for(
    load: Load, kafka: Kafka, way: str
) -> None:
    importing = load.send(100)
    begun(load)
    process = kafka.process
    process.kill() if way == "killed" else process.stop()
    time.sleep(AWAY)
    process.start()
    arrived_on(kafka, load, importing)


def test_elasticsearch_killed_and_started_again_is_waited_for_unless_the_worker_is_to_end(
    load: Load, kafka: Kafka, our_elasticsearch: Elastic
) -> None:
    importing = load.send(100)
    begun(load)
    assert our_elasticsearch.process is not None
    workers = [w for name, w in load.cluster.workers.items() if "index" in name]
    told_before = {id(worker): len(worker.said) for worker in workers}
    our_elasticsearch.process.kill()
    # Whatever came before, there is something to write now.
    ended(load.send(50))
    away = "No Elasticsearch server answers"
    waits = until(
        lambda: next((w for w in workers if away in w.said[told_before[id(w)] :]), None),
        "an index worker says that it waits for the store",
    )
    kafka.process.kill()
    assert waits.stop() == 0  # in less than the minute and a half that its manifests grant
    assert "Node <" not in waits.said
    kafka.process.start()
    our_elasticsearch.process.start()
    waits.start()
    arrived_on(kafka, load, importing)


def test_elasticsearch_paused_is_waited_for(load: Load, our_elasticsearch: Elastic) -> None:
    importing = load.send(100)
    begun(load)
    assert our_elasticsearch.process is not None
    our_elasticsearch.process.pause()
    time.sleep(AWAY)
    our_elasticsearch.process.resume()
    ended(importing)
    load.arrived()


def test_a_store_that_takes_nothing_for_want_of_room_is_waited_for(
    load: Load, elasticsearch: Elastic
) -> None:
    prefix = load.cluster.store.rpartition("/")[2]
    block = "index.blocks.read_only_allow_delete"
    elasticsearch.ask("PUT", f"{prefix}-*/_settings", {block: True})
    ended(load.send(100))
    said = "room"
    until(
        lambda: any(said in w.said for n, w in load.cluster.workers.items() if "index" in n),
        "an index worker says that there is no room",
    )
    begins = load.cluster.workers["index-1"]
    begins.stop()
    begins.start()  # one that begins now waits as well
    elasticsearch.ask("PUT", f"{prefix}-*/_settings", {block: None})
    load.arrived()


def test_a_full_disk_under_the_store_is_waited_for(
    kafka: Kafka, tmp_path: Path, topic_prefix: str
) -> None:
    if not kafka.real:
        pytest.skip("needs a real Apache Kafka: set MARSAD_TEST_KAFKA or MARSAD_SERVERS")
    with small_disk(tmp_path / "disk", "400k") as disk:
        store = str(disk.path / "marsad.db")
        with cluster(tmp_path, kafka.brokers, store, topic_prefix, partitions=1) as made:
            ballast = disk.path / "ballast"
            ballast.write_bytes(b"\0" * 200_000)
            made.worker("score-1")
            index = made.worker("index-1")
            path = made.marsad.write("posts.ndjson", _long_posts(200))
            made.marsad("ingest", "archive", path)
            until(lambda: "room" in index.said, "the index worker says that there is no room")
            ballast.unlink()
            disk.grow("60m")
            ledger = made.settle(200)
            assert balanced(ledger)
            assert ledger["indexed"] == 200


def _long_posts(number: int) -> list[dict[str, object]]:
    return [
        {"id": str(n), "platform": "forum", "text": f"{n} " + "une connexion coupée " * 40}
        for n in range(number)
    ]


def test_one_of_three_brokers_killed_for_good_changes_nothing(
    kafka_cluster: Kafka, real_elasticsearch: Elastic, tmp_path: Path
) -> None:
    prefix = "failover"
    remove_indices(real_elasticsearch, prefix)
    store = f"{real_elasticsearch.url}/{prefix}"
    try:
        with cluster(tmp_path, kafka_cluster.brokers, store, prefix, partitions=3) as made:
            made.worker("score-1")
            made.worker("index-1")
            load = Load(made, 900)
            importing = load.send(64)
            begun(load)
            kafka_cluster.processes[1].kill()
            ended(importing)
            # It begins while the brokers still ask each other who leads now.
            ended(load.send(50))
            load.arrived()
    finally:
        remove_indices(real_elasticsearch, prefix)


if FAULTS:

    @pytest.fixture
    def elasticsearch_on_a_small_disk(tmp_path: Path) -> Iterator[tuple[Elastic, Path]]:
        """A server of its own that has 300 MB, of which it wants 100 to be free."""
        with small_disk(tmp_path / "disk", "300m") as disk:
            server = elastic_from_scripts(
                disk.path,
                "cluster.routing.allocation.disk.watermark.low=130mb",
                "cluster.routing.allocation.disk.watermark.high=120mb",
                "cluster.routing.allocation.disk.watermark.flood_stage=100mb",
                "cluster.info.update.interval=10s",
            )
            assert server.process is not None
            try:
                server.process.start()
                yield server, disk.path
            finally:
                server.process.stop()

    def test_a_disk_of_elasticsearch_that_fills_up_is_waited_for(
        real_kafka: Kafka,
        elasticsearch_on_a_small_disk: tuple[Elastic, Path],
        tmp_path: Path,
        topic_prefix: str,
    ) -> None:
        server, disk = elasticsearch_on_a_small_disk
        store = f"{server.url}/small"
        with cluster(tmp_path, real_kafka.brokers, store, topic_prefix) as made:
            made.worker("score-1")
            index = made.worker("index-1")
            load = Load(made, 901)
            ended(load.send(100))
            load.arrived()
            ballast = disk / "ballast"
            # below what the server wants to be free
            ballast.write_bytes(b"\0" * (shutil.disk_usage(disk).free - 60_000_000))
            until(
                lambda: "room" in index.said or ended(load.send(50)),  # type: ignore[func-returns-value]
                "the index worker says that there is no room",
            )
            ballast.unlink()
            load.arrived()

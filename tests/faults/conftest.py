"""One cluster with two workers of each stage for all tests here, and a load for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from tests.cluster import Cluster, cluster
from tests.faults.load import Load
from tests.servers import Elastic, Kafka, remove_indices, remove_topics

pytest.register_assert_rewrite("tests.faults.load")

STAGES = ("score", "index")
SEEDS = itertools.count(1)


@pytest.fixture(scope="package")
def shared(
    kafka: Kafka, elasticsearch: Elastic, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """The cluster: tests leave it as they found it."""
    if not (kafka.real and elasticsearch.real):
        pytest.skip("needs real servers: set MARSAD_SERVERS (see tests/servers)")
    prefix = f"faults{os.getpid()}"
    folder = tmp_path_factory.mktemp("faults")
    try:
        store = f"{elasticsearch.url}/{prefix}"
        with cluster(folder, kafka.brokers, store, prefix, partitions=4) as made:
            for stage in STAGES:
                for number in (1, 2):
                    made.worker(f"{stage}-{number}")
            yield made
    finally:
        remove_topics(kafka, prefix)
        remove_indices(elasticsearch, prefix)


@pytest.fixture
def load(shared: Cluster, kafka: Kafka, elasticsearch: Elastic) -> Iterator[Load]:
    """The cluster with all of its workers, and what this test sends through it."""
    for worker in shared.workers.values():
        if not worker.running:
            worker.start()
    yield Load(shared, next(SEEDS))
    for server in (*kafka.processes, elasticsearch.process):
        if server is not None and server.process is not None and server.process.poll() is not None:
            server.start()  # a test that failed must not fail those after it

"""The embedded runner and Kafka with its workers, each on both stores, pass one suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import cluster
from tests.conformance import runner_suite as suite
from tests.conformance.runner_suite import Story, answers, tell
from tests.conftest import Marsad
from tests.servers import Elastic, Kafka, remove_indices, remove_topics

WORLDS = (
    "embedded-sqlite",
    "embedded-elasticsearch",
    "kafka-sqlite",
    "kafka-elasticsearch",
)


class Embedded:
    """The embedded runner: when a command has ended, everything is done."""

    def __init__(self, marsad: Marsad) -> None:
        self.marsad = marsad

    def settle(self, received: int) -> dict[str, int]:
        ledger = self.marsad.ledger()
        assert ledger["received"] == received
        return ledger


@pytest.fixture(scope="module")
def tell_once(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Story]]:
    """Tells the story to a world when it is asked for first."""
    told: dict[str, Story] = {}
    # One key for all, so that an author has the same pseudonym everywhere.
    keys = str(tmp_path_factory.mktemp("keys") / "keyring.json")
    with ExitStack() as worlds:

        def tell_to(name: str) -> Story:
            runner, _, store = name.partition("-")
            if name not in told:
                folder = tmp_path_factory.mktemp(name)
                address = str(folder / "marsad.db")
                if store == "elasticsearch":
                    address = _elasticsearch_address(request, worlds, name)
                if runner == "kafka":
                    told[name] = tell(_kafka_world(request, worlds, folder, address, name, keys))
                else:
                    told[name] = tell(Embedded(Marsad(folder, **_own(folder, address, keys))))
            return told[name]

        yield tell_to


def _own(folder: Path, store: str, keys: str) -> dict[str, str]:
    return {
        "MARSAD_STORE": store,
        "MARSAD_KEYS": keys,
        "XDG_DATA_HOME": str(folder / "data"),
    }


def _elasticsearch_address(request: pytest.FixtureRequest, worlds: ExitStack, name: str) -> str:
    server: Elastic = request.getfixturevalue("elasticsearch")
    if not server.real:
        pytest.skip("needs a real Elasticsearch 9: set MARSAD_TEST_ELASTICSEARCH or MARSAD_SERVERS")
    remove_indices(server, name)
    worlds.callback(remove_indices, server, name)
    return f"{server.url}/{name}"


def _kafka_world(
    request: pytest.FixtureRequest,
    worlds: ExitStack,
    folder: Path,
    store: str,
    name: str,
    keys: str,
) -> Any:
    server: Kafka = request.getfixturevalue("kafka")
    if not server.real:
        pytest.skip("needs a real Apache Kafka: set MARSAD_TEST_KAFKA or MARSAD_SERVERS")
    prefix = f"runners-{name}"
    remove_topics(server, prefix)
    worlds.callback(remove_topics, server, prefix)
    world = worlds.enter_context(cluster(folder, server.brokers, store, prefix, MARSAD_KEYS=keys))
    # One process alone writes to an SQLite file at a time.
    numbers = (1, 2) if store.startswith("http") else (1,)
    for stage in ("score", "index"):
        for number in numbers:
            world.worker(f"{stage}-{number}")
    return world


@pytest.fixture(scope="module")
def reference(
    tell_once: Callable[[str], Story], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The answers of the embedded runner on SQLite."""
    return answers(tell_once(WORLDS[0]).world, tmp_path_factory.mktemp("reference") / "export")


@pytest.fixture(scope="module", params=WORLDS)
def story(request: pytest.FixtureRequest, tell_once: Callable[[str], Story]) -> Story:
    return tell_once(request.param)


@pytest.fixture(scope="module", params=WORLDS[1:])
def other_story(request: pytest.FixtureRequest, tell_once: Callable[[str], Story]) -> Story:
    return tell_once(request.param)


class TestBooks(suite.Books):
    pass


class TestAnswers(suite.Answers):
    pass


class TestSameAnswers(suite.SameAnswers):
    pass

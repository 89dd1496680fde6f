"""The topics: what they should be, what is there, and making the one from the other."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from kafka.admin import ConfigResource, ConfigResourceType

from pipelines import deployed
from pipelines.errors import BrokerError
from pipelines.kafka.connection import Brokers, explained, missing, with_retry

T = TypeVar("T")

_TIMEOUT = 30_000

POSTS = "posts"
SCORED = "scored"
TOMBSTONES = "tombstones"
LEDGER = "ledger"
DEAD = "dead"
POSITIONS = "positions"
LEASES = "leases"
#: Topics whose number of partitions is an operator's to choose, when they are made.
SHARED = (POSTS, SCORED)


class Topic(msgspec.Struct, frozen=True):
    """What a topic should be."""

    name: str
    partitions: int
    replication: int
    """At most; no more than there are brokers."""
    config: dict[str, str]


class Found(msgspec.Struct, frozen=True):
    """What a topic is, and where it differs from what it should be."""

    name: str
    partitions: int
    """0 if it is not there."""
    replication: int
    differences: dict[str, tuple[str, str]]
    """Settings with the value that is there and the one that should be."""

    @property
    def state(self) -> str:
        """Return the state in words."""
        if not self.partitions:
            return "missing"
        if not self.differences:
            return "as defined"
        return ", ".join(
            f"{name} is {there}, defined is {wanted}"
            for name, (there, wanted) in self.differences.items()
        )


@cache
def definitions() -> dict[str, Topic]:
    """Return the topics as defined, by their names without the prefix."""
    tables = tomllib.loads(deployed.read("kafka/topics.toml"))
    common: dict[str, Any] = tables["defaults"]
    return {
        name: Topic(
            name=name,
            partitions=table["partitions"],
            replication=table.get("replication", common["replication"]),
            config={**common["config"], **table["config"]},
        )
        for name, table in tables.items()
        if isinstance(table, dict) and name != "defaults"
    }


def wanted(definition: Topic, brokers: int) -> tuple[int, dict[str, str]]:
    """Return replication and settings of a topic in a cluster of so many brokers."""
    replication = min(definition.replication, brokers)
    # One replica may be away without anything being refused or lost.
    in_sync = str(max(1, replication - 1))
    return replication, {"min.insync.replicas": in_sync, **definition.config}


def look(where: Brokers) -> list[Found]:
    """Return the state of every topic that is defined. Raises :class:`BrokerError`."""
    return _told(where, lambda admin: _look(admin, where))


def create(where: Brokers, *, partitions: int | None = None, alter: bool = False) -> list[Found]:
    """Make the topics that are missing, and return what was there before.

    ``partitions`` is of the posts' topics, where another number than defined is wanted.
    ``alter`` sets the settings of topics that were there before, too. Raises
    :class:`BrokerError`.
    """
    admin = where.admin()
    try:
        with explained(where):
            there = _look(admin, where)
            brokers = len(_cluster(where, admin)["brokers"])
            absent = {}
            for found in there:
                if found.partitions:
                    continue
                definition = definitions()[found.name]
                replication, config = wanted(definition, brokers)
                number = definition.partitions
                if partitions and found.name in SHARED:
                    number = partitions
                absent[where.topic(found.name)] = {
                    "num_partitions": number,
                    "replication_factor": replication,
                    "configs": config,
                }
            if absent:
                admin.create_topics(absent, timeout_ms=_TIMEOUT, wait_for_metadata=True)
            changes = {f.name: f.differences for f in there if f.partitions and f.differences}
            if alter and changes:
                admin.alter_configs(
                    [
                        ConfigResource(
                            ConfigResourceType.TOPIC,
                            where.topic(name),
                            {key: value for key, (_, value) in differences.items()},
                        )
                        for name, differences in changes.items()
                    ]
                )
            return there
    finally:
        admin.close()


def require(where: Brokers, *names: str, write: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the identities of these topics, which change when one is deleted and made again.

    Raises :class:`BrokerError` if one is missing, or may not be read, or (``write``) written.
    """
    needed = dict.fromkeys((*names, *write))
    described, cluster = _told(
        where,
        lambda admin: (
            admin.describe_topics([where.topic(name) for name in needed]),
            str(_cluster(where, admin)["cluster_id"]),
        ),
    )
    by_name = {topic["name"]: topic for topic in described}
    for name in needed:
        topic = by_name.get(where.topic(name), {"error_code": 3})
        operations = topic.get("authorized_operations")
        if topic["error_code"] == _UNKNOWN:
            raise missing(where)
        wants = {"READ"} if name in names else set()
        wants |= {"WRITE"} if name in write else set()
        lacking = wants - set(operations) if isinstance(operations, list) else set()
        if topic["error_code"] == _FORBIDDEN or lacking:
            raise BrokerError(
                f"The brokers at {where.addresses} do not allow this user to "
                f"{' and '.join(sorted(wants)).lower()} the topic {where.topic(name)}: grant it "
                "that (see docs/kafka.md)."
            )
    return {
        name: f"{cluster}/{by_name[where.topic(name)].get('topic_id') or ''}" for name in needed
    }


#: Error codes of the protocol (kafka.apache.org/protocol): no such topic, not authorised.
_UNKNOWN = 3
_FORBIDDEN = 29


def _told(where: Brokers, ask: Callable[[Any], T]) -> T:
    """Return what the brokers say."""

    def once() -> T:
        admin = where.admin()
        try:
            return ask(admin)
        finally:
            admin.close()

    return with_retry(where, once)


def _cluster(where: Brokers, admin: Any) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = admin.describe_cluster()
    except KeyError as error:  # the library (3.0.12) misses in the answer what 3.7 brought
        raise BrokerError(
            f"The brokers at {where.addresses} are older than Kafka 3.7: upgrade them."
        ) from error
    return found


def _look(admin: Any, where: Brokers) -> list[Found]:
    names = {where.topic(name): name for name in definitions()}
    described = {topic["name"]: topic for topic in admin.describe_topics(list(names))}
    there = [name for name in names if described.get(name, {}).get("partitions")]
    configs = _configs(admin, there)
    found = []
    for full, name in names.items():
        if full not in there:
            found.append(Found(name, 0, 0, {}))
            continue
        parts = described[full]["partitions"]
        # By its own replicas: a broker that is away for a while changes no definition.
        replicas = min(len(part["replica_nodes"]) for part in parts)
        _, config = wanted(definitions()[name], replicas)
        differences = {
            key: (configs[full].get(key, "unknown"), value)
            for key, value in config.items()
            if configs[full].get(key) != value
        }
        found.append(Found(name, len(parts), replicas, differences))
    return found


def _configs(admin: Any, topics: list[str]) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    answer = admin.describe_configs(resources, config_filter="all")
    return {
        name: {key: entry["value"] for key, entry in values.items()}
        for name, values in answer["topic"].items()
    }

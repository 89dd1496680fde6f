"""Apache Kafka for tests: the session's broker, a cluster of three, topics of one test's own."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.servers.process import QUICK, SCRIPTS, Process, free_port, in_memory, noida
from tests.servers.proxy import KafkaProxy

GIVEN = os.environ.get("MARSAD_TEST_KAFKA", "")
PREFIXES = itertools.count()
#: What a broker does every few minutes or seconds, sooner: tests ask it what it did.
SOON = (
    "log.initial.task.delay.ms=100",
    "log.cleaner.backoff.ms=200",
    "log.retention.check.interval.ms=500",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000",
)


class Kafka:
    """One or several brokers for tests; ``processes`` is empty for those there before.

    ``proxy`` stands before the first broker: what is told its address goes through it, always.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        processes: Sequence[Process] = (),
        *,
        real: bool = True,
        proxy: KafkaProxy | None = None,
    ) -> None:
        self.addresses = list(addresses)
        self.processes = list(processes)
        self.real = real
        self.proxy = proxy

    @property
    def brokers(self) -> str:
        """What ``--brokers`` takes."""
        return ",".join(self.addresses)

    @property
    def process(self) -> Process:
        """The one broker's process; a test that needs it is skipped where it is not ours."""
        if len(self.processes) != 1:
            pytest.skip("the broker of MARSAD_TEST_KAFKA is not ours to stop")
        return self.processes[0]

    def admin(self) -> KafkaAdminClient:
        """A client that administers it, past Marsad's own."""
        return KafkaAdminClient(bootstrap_servers=self.addresses)

    def start(self) -> None:
        for process in self.processes:
            process.launch()
        for process in self.processes:
            process.wait()

    def stop(self) -> None:
        if self.proxy is not None:
            self.proxy.close()
        for process in self.processes:
            # The last of several would wait for the others before it ends in good order.
            process.stop() if len(self.processes) == 1 else process.kill()


def answers(address: str, brokers: int = 1) -> Callable[[], bool]:
    """Whether a broker answers there now and knows so many brokers, itself among them."""

    host, _, port = address.partition(":")

    def ask() -> bool:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            admin = KafkaAdminClient(
                bootstrap_servers=address, bootstrap_timeout_ms=2000, request_timeout_ms=2000
            )
        except (KafkaError, OSError):
            return False
        try:
            admin.list_topics()
            # The small stand-in can't describe its cluster.
            return brokers == 1 or len(admin.describe_cluster()["brokers"]) >= brokers
        except (KafkaError, OSError):
            return False
        finally:
            admin.close()

    return ask


def kafka_from_scripts(folder: Path, *settings: str) -> Kafka:
    """One broker of the start script with a proxy, not yet started."""
    port, controller, behind, before = (free_port() for _ in range(4))
    address = f"127.0.0.1:{port}"
    listeners = f"PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{behind}"
    told = f"PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{before}"
    command = _command(folder, port, controller)
    for setting in (
        f"listeners={listeners},CONTROLLER://127.0.0.1:{controller}",
        f"advertised.listeners={told}",
        "listener.security.protocol.map="
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,"
        "SASL_PLAINTEXT:SASL_PLAINTEXT",
        *SOON,
        *settings,
    ):
        command += ["--set", setting]
    process = Process(command, folder, answers(address), **QUICK)
    return Kafka([address], [process], proxy=KafkaProxy(before, behind))


def cluster_from_scripts(folder: Path, *settings: str, size: int = 3) -> Kafka:
    """Brokers of the start script that replicate each other, not yet started."""
    ports = [(free_port(), free_port()) for _ in range(size)]
    voters = ",".join(f"{n}@127.0.0.1:{port[1]}" for n, port in enumerate(ports, 1))
    processes = []
    for node, (port, controller) in enumerate(ports, 1):
        home = folder / f"node-{node}"
        home.mkdir()
        command = [*_command(home, port, controller), "--node", str(node), "--voters", voters]
        for setting in (*SOON, *settings):
            command += ["--set", setting]
        ready = answers(f"127.0.0.1:{port}", size)
        processes.append(Process(command, home, ready, **QUICK))
    return Kafka([f"127.0.0.1:{port}" for port, _ in ports], processes)


def _command(folder: Path, port: int, controller: int) -> list[str | Path]:
    command: list[str | Path] = [SCRIPTS / "kafka", "--port", str(port)]
    return [*command, "--controller-port", str(controller), "--data", folder / "data"]


def small_kafka(folder: Path) -> Kafka | None:
    """The small stand-in, not yet started, if its package is installed."""
    program = noida()
    if program is None:
        return None
    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [program, "start", "--only", "kafka", "--data-dir", folder, "--kafka-port", str(port)]
    return Kafka([address], [Process(command, folder, answers(address))], real=False)


def _running(made: Callable[[Path], Kafka | None], folder: Path) -> Iterator[Kafka]:
    server = made(folder)
    if server is None:
        pytest.skip("no Kafka: set MARSAD_TEST_KAFKA, or pip install noida-db")
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """The session's broker."""
    if GIVEN:
        yield Kafka(GIVEN.split(","))
        return
    made = kafka_from_scripts if SCRIPTS.is_dir() else small_kafka
    yield from _running(made, in_memory() or tmp_path_factory.mktemp("kafka"))


@pytest.fixture
def real_kafka(kafka: Kafka) -> Iterator[Kafka]:
    """The session's broker, where a stand-in is not enough."""
    if not kafka.real:
        pytest.skip("needs a real Apache Kafka: set MARSAD_TEST_KAFKA or MARSAD_SERVERS")
    yield kafka
    if kafka.proxy is not None:
        kafka.proxy.reset()


@pytest.fixture
def kafka_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """Three brokers of one test's own, to be killed."""
    if not SCRIPTS.is_dir():
        pytest.skip("needs three brokers that can be killed: set MARSAD_SERVERS")
    yield from _running(
        cluster_from_scripts, in_memory() or tmp_path_factory.mktemp("kafka-cluster")
    )


@pytest.fixture
def topic_prefix(kafka: Kafka) -> Iterator[str]:
    """What the names of one test's topics begin with; they are deleted afterwards."""
    prefix = f"t{os.getpid()}-{next(PREFIXES)}"
    yield prefix
    remove_topics(kafka, prefix)


def remove_topics(kafka: Kafka, prefix: str) -> None:
    """Delete the topics whose names begin so."""
    admin = kafka.admin()
    try:
        gone = [name for name in admin.list_topics() if name.startswith(prefix)]
        if gone:
            admin.delete_topics(gone)
    finally:
        admin.close()

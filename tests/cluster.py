"""Workers as real processes around real servers, as an operator would start them."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from pipelines.commands._shared.context import open_store
from pipelines.errors import StoreError
from tests.conftest import COMMAND, ROOT, Marsad

#: Seconds after which something that should happen by itself counts as not happening.
PATIENCE = 300.0
#: Seconds that a process gets that was asked to end: those that its manifests grant.
GRACE = 90.0


#: The installed command with batches of another size.
SMALL_BATCHES = (
    "import sys, pipelines.embedded as runner; runner.BATCH = {size};"
    "from pipelines.cli import main; main(sys.argv[1:])"
)


class Worker:
    """One ``marsad`` process that runs on while others look."""

    def __init__(self, log: Path, command: list[str], environment: dict[str, str]) -> None:
        self.log = log
        self.command = command
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Worker:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.log.parent,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def wait(self, seconds: float) -> None:
        """Wait for its end, but not for longer."""
        assert self.process is not None
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    @property
    def listens(self) -> bool:
        """Whether it would end in good order: one that only just starts does not know how."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        caught = re.search(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)
        return caught is not None and bool(int(caught[1], 16) >> signal.SIGTERM - 1 & 1)

    def ask_to_end(self) -> None:
        """Send SIGTERM as soon as it listens to it."""
        assert self.process is not None
        until(lambda: not self.running or self.listens, f"{self.command} listens")
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.ask_to_end()
        assert self.process is not None
        try:
            return self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class Cluster:
    """Brokers, a store, and the workers between them, for one collection."""

    def __init__(
        self, folder: Path, brokers: str, store: str, prefix: str, **environment: str
    ) -> None:
        self.folder = folder
        self.store = store
        self.prefix = f"{prefix}."
        self.environment = {
            "MARSAD_BROKERS": brokers,
            "MARSAD_KAFKA_PREFIX": self.prefix,
            "MARSAD_STORE": store,
            "MARSAD_KEYS": str(folder / "keyring.json"),
            "XDG_DATA_HOME": str(folder / "data"),
            "OMP_NUM_THREADS": "1",
            **environment,
        }
        self.workers: dict[str, Worker] = {}
        self.marsad = Marsad(folder, **self.environment)

    def worker(self, name: str, **more: str) -> Worker:
        """Start a worker; ``name`` is its stage and number, as in ``score-1``."""
        stage = name.partition("-")[0]
        command = [str(COMMAND), "worker", stage, "--instance", name]
        worker = Worker(self.folder / f"{name}.log", command, {**self.environment, **more})
        self.workers[name] = worker
        return worker.start()

    def restart(self, name: str) -> None:
        self.workers[name].start()

    def ingest(self, *arguments: str | Path, brokers: str = "", batch: int = 1024) -> Worker:
        """Start an import and do not wait for it. ``batch`` is how many become durable at once."""
        environment = {**self.environment}
        if brokers:
            environment["MARSAD_BROKERS"] = brokers
        command = [sys.executable, "-c", SMALL_BATCHES.format(size=batch), "ingest", "archive"]
        log = self.folder / "ingest.log"
        return Worker(log, [*command, *map(str, arguments)], environment).start()

    def ledger(self, address: str = "") -> dict[str, int]:
        """The ledger of the store, or of another one; empty while it can't be asked."""
        try:
            store = open_store(address or self.store)
        except StoreError:
            return {}
        try:
            return msgspec.structs.asdict(store.ledger())
        except StoreError:
            return {}
        finally:
            store.close()

    def outcomes(self) -> dict[str, int]:
        """The ledger of the store, as soon as it can be asked."""
        found: dict[str, int] = until(self.ledger, "the store tells its ledger")
        return found

    def settle(self, received: int, *, seconds: float = PATIENCE) -> dict[str, int]:
        """Wait until the store has had so many records, and return its ledger.

        Its numbers are those that stay: they are summed up by several questions, between which
        workers go on. As long as anything arrives, however slowly, it is waited for.
        """
        end = time.monotonic() + seconds
        before: dict[str, int] = {}
        while True:
            ledger = self.ledger()
            arrived = ledger and ledger["received"] >= received and ledger["pending"] == 0
            if arrived and ledger == before:
                self.make_findable()
                return ledger
            if ledger and ledger != before:
                before, end = ledger, time.monotonic() + seconds
            ended = [name for name, worker in self.workers.items() if not worker.running]
            if time.monotonic() > end or ended:
                raise AssertionError(
                    f"{received} records should be in the store, which says {ledger}; "
                    f"ended by themselves: {ended}\n{self.logs()}"
                )
            time.sleep(0.3)

    def make_findable(self) -> None:
        """What Elasticsearch has is found some seconds later, unless it is asked to hurry."""
        if not self.store.startswith("http"):
            return
        request = urllib.request.Request(f"{self.store.rpartition('/')[0]}/_refresh", b"")
        try:
            urllib.request.urlopen(request, timeout=60).close()
        except urllib.error.URLError:  # a server that wants to know who asks
            time.sleep(6)

    def logs(self) -> str:
        return "\n".join(
            f"--- {name}\n{worker.said[-1500:]}" for name, worker in self.workers.items()
        )

    def close(self) -> None:
        """End what still runs."""
        for worker in self.workers.values():
            if worker.process is not None and worker.running:
                worker.process.send_signal(signal.SIGCONT)
                worker.process.terminate()
        for worker in self.workers.values():
            if worker.process is not None:
                try:
                    worker.process.wait(20)
                except subprocess.TimeoutExpired:
                    worker.kill()


@contextmanager
def cluster(
    folder: Path,
    brokers: str,
    store: str,
    prefix: str,
    *,
    partitions: int = 4,
    **environment: str,
) -> Iterator[Cluster]:
    """A collection with its topics made and no worker yet."""
    made = Cluster(folder, brokers, store, prefix, **environment)
    try:
        made.marsad("topics", "create", "--partitions", str(partitions))
        yield made
    finally:
        made.close()


def until(
    true: Callable[[], Any],
    what: str,
    seconds: float = PATIENCE,
    progress: Callable[[], object] = lambda: None,
) -> Any:
    """Ask again and again until the answer is true, and return it.

    It gets so many seconds, and as many again whenever what ``progress`` returns has changed: a
    machine that has much else to do is slow, and not at fault.
    """
    end = time.monotonic() + seconds
    before = progress()
    while not (answer := true()):
        if (now := progress()) != before:
            before, end = now, time.monotonic() + seconds
        assert time.monotonic() < end, f"still not so: {what}"
        time.sleep(0.2)
    return answer


WORDS = ("inwi", "whatsapp", "skype", "viber", "meditel", "connexion", "coupure", "appel",
         "forfait", "recharge", "3lach", "بزاف", "الشعب")  # fmt: skip


def invented(number: int, seed: int = 1, years: Sequence[int] = (2016,)) -> list[dict[str, Any]]:
    """Posts of words drawn at random, of two months a year; all of them are different."""
    draw = random.Random(seed)
    return [
        {
            "id": f"{seed}-{n}",
            "platform": "forum",
            "text": f"{' '.join(draw.choices(WORDS, k=draw.randint(4, 20)))} {seed}/{n}",
            "created_at": f"{draw.choice(years)}-0{draw.randint(2, 3)}-1{draw.randint(0, 9)}"
            "T10:00:00Z",
            "author": f"somebody{draw.randint(1, 50)}",
        }
        for n in range(number)
    ]

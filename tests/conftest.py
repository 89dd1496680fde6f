"""What all tests share: keys of their own, and the installed command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler.loadscope import LoadScopeScheduling

from ingest.mapping import unexpected
from tests import forked
from tests.servers import (  # noqa: F401 - fixtures
    elasticsearch,
    kafka,
    kafka_cluster,
    real_elasticsearch,
    real_kafka,
    topic_prefix,
)

ROOT = Path(__file__).parent.parent
CASE = ROOT / "ingest" / "watchlists" / "morocco-2016"
COMMAND = Path(sys.executable).parent / "marsad"

# How long an example takes says more of the machine than of the code.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


@pytest.fixture(autouse=True, scope="session")
def settings_of_tests_alone() -> None:
    """Keep what outlives one test away from the user's settings."""
    for name in list(os.environ):
        if name.startswith("MARSAD_") and name != "MARSAD_JAVA":
            del os.environ[name]


@pytest.fixture(autouse=True)
def own_keys_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the user's keys and settings."""
    for name in list(os.environ):
        if name.startswith("MARSAD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MARSAD_KEYS", str(tmp_path / "keys" / "keyring.json"))


@pytest.fixture(autouse=True)
def no_mistake_is_hidden() -> Iterator[None]:
    """What keeps a stream going for people must not hide a mistake from tests."""
    told = unexpected.told
    before = set(told)
    yield
    assert told == before


#: Files and folders that take long, the longest first: one that begins last keeps a whole run
#: waiting for it alone. Those that wait for servers and those that compute take turns.
LONG = (
    "faults/",
    "quality/test_floors",
    "e2e/test_elasticsearch_job",
    "nlp/test_training",
    "conformance/test_runners",
    "nlp/test_targets",
    "e2e/test_interruption",
    "e2e/test_planted_tokens",
    "e2e/test_run_cluster",
    "pipelines/test_kafka",
    "e2e/",
    "pipelines/test_elasticsearch",
    "conformance/",
    "deploy/",
    "pipelines/",
    "web/",
    "nlp/",
)


def place(nodeid: str) -> int:
    """How early a test begins: its place in `LONG`, or after all of them."""
    name = nodeid.removeprefix("tests/")
    return next((n for n, long in enumerate(LONG) if name.startswith(long)), len(LONG))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those first that take long."""
    items.sort(key=lambda item: place(item.nodeid))


class ByFile(LoadScopeScheduling):
    """Keeps the tests of a file in one process, and all that share the cluster of the faults."""

    def _split_scope(self, nodeid: str) -> str:
        return "faults" if nodeid.startswith("tests/faults/") else nodeid.partition("::")[0]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: pytest.ExitCode
) -> None:
    """Tell what a failure may depend on, and how to get it again."""
    if exitstatus == pytest.ExitCode.TESTS_FAILED:
        terminalreporter.write_line(f"Seeds of hashes: MARSAD_TEST_SEEDS='{forked.SEEDS}'")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Tell how tests are shared out."""
    return ByFile(config, log)


class Marsad:
    """The command, run in a folder of its own, with more in its environment.

    It runs in a fork of a process that has imported it (:mod:`tests.forked`); with ``forks`` set
    to False, by the installed script in a new process.
    """

    forks = True

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = environment

    def __call__(
        self, *arguments: str | Path, stdin: bytes | str = b"", code: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run ``marsad``; check the exit code unless it is ``None``."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        command = list(map(str, arguments))
        environment = {**os.environ, **self.environment}
        if self.forks and forked.can_run(environment):
            done = forked.run(command, self.folder, environment, data)
        else:
            done = subprocess.run(
                [str(COMMAND), *command],
                cwd=self.folder,
                env=environment,
                input=data,
                capture_output=True,
                check=False,
            )
        result = subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )
        assert code is None or result.returncode == code, (
            result.args,
            result.stdout,
            result.stderr,
        )
        return result

    def rows(self, *arguments: str | Path, code: int | None = 0) -> list[dict[str, Any]]:
        """Run a command that writes NDJSON and return its objects."""
        return [json.loads(line) for line in self(*arguments, code=code).stdout.splitlines()]

    def ledger(self, *arguments: str | Path) -> dict[str, int]:
        """Return the ledger of a store."""
        status: dict[str, dict[str, int]] = json.loads(self("status", "--json", *arguments).stdout)
        return status["ledger"]

    def write(self, name: str, posts: Sequence[dict[str, Any]] | str | bytes) -> Path:
        """Write a file into the folder: NDJSON of posts, or what is given."""
        path = self.folder / name
        if isinstance(posts, bytes):
            path.write_bytes(posts)
        elif isinstance(posts, str):
            path.write_text(posts, encoding="utf-8")
        else:
            lines = [json.dumps(post, ensure_ascii=False) for post in posts]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


@pytest.fixture
def marsad(tmp_path: Path) -> Marsad:
    return Marsad(tmp_path)


def balanced(ledger: dict[str, int]) -> bool:
    """Tell whether every record received has one outcome."""
    return ledger["received"] == sum(v for k, v in ledger.items() if k != "received")

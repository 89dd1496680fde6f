"""A forked command does what the installed one does."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import forked
from tests.conftest import Marsad

Python = Callable[..., subprocess.CompletedProcess[bytes]]
POSTS = [{"id": "1", "platform": "forum", "text": "no calls today", "author": "nadir"}]


@pytest.fixture
def installed(tmp_path: Path) -> Marsad:
    """The same command, in a new process."""
    (tmp_path / "installed").mkdir()
    made = Marsad(tmp_path / "installed")
    made.forks = False
    return made


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["status", "--json"], 1),
        (["search", "--sort", "beauty"], 2),
        (["watchlist", "show", "morocco-2016"], 0),
        (["no-such-command"], 2),
    ],
)
def test_a_fork__says_and_returns_what_a_new_process_does(
    marsad: Marsad, installed: Marsad, arguments: list[str], code: int
) -> None:
    one, other = (command(*arguments, code=code) for command in (marsad, installed))
    assert (one.stdout, one.stderr) == (other.stdout, other.stderr)


def test_a_fork__reads_its_input_and_writes_into_its_folder(
    marsad: Marsad, installed: Marsad
) -> None:
    line = json.dumps(POSTS[0], ensure_ascii=False) + "\n"
    one, other = (json.loads(made("score", stdin=line).stdout) for made in (marsad, installed))
    assert one["sentiment"] == other["sentiment"]
    for made in (marsad, installed):
        made.write("posts.ndjson", POSTS)
        made("ingest", "archive", "posts.ndjson", "--watchlist", "none", "--later")
        assert made.ledger()["pending"] == 1
        assert (made.folder / "marsad.db").stat().st_mode & 0o077 == 0


def test_a_fork__has_the_environment_of_its_command_alone(marsad: Marsad, tmp_path: Path) -> None:
    marsad.environment["MARSAD_STORE"] = "elsewhere.db"
    assert "elsewhere.db" in marsad("status", code=1).stderr
    del marsad.environment["MARSAD_STORE"]
    assert "elsewhere.db" not in marsad("status", code=1).stderr
    assert dict(os.environ)["MARSAD_KEYS"] == str(tmp_path / "keys" / "keyring.json")


def test_a_new_process__is_started_where_python_would_start_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert forked.can_run({**os.environ, "MARSAD_STORE": "a.db", "TZ": "UTC"})
    assert not forked.can_run({**os.environ, "PYTHONWARNINGS": "error"})
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    assert not forked.can_run(os.environ)


def test_a_new_process__is_started_where_a_variable_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forked, "_AT_START", {"LC_ALL": "C.UTF-8"})
    assert forked.can_run({"LC_ALL": "C.UTF-8", "HOME": "/"})
    assert not forked.can_run({"HOME": "/"})


#: A server whose commands are Python, so that they can do what no command of ours does.
PROGRAM = """
import socket, sys
from tests import forked
forked.become(forked.serve(socket.socket(fileno=int(sys.argv[1]))), {})
exec(sys.argv[1])
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Python]:
    server = forked.Server("0", ("-c", PROGRAM))
    folder = tmp_path_factory.mktemp("python")
    yield lambda code, data=b"": server.run([code], folder, os.environ, data)
    server.close()


def test_streams__are_pipes_and_no_other_file_is_open(python: Python) -> None:
    done = python(
        "import os, stat\n"
        "print([stat.S_ISFIFO(os.fstat(n).st_mode) for n in range(3)], os.listdir('/proc/self/fd'))"
    )
    assert done.stdout.startswith(b"[True, True, True] ['0', '1', '2', ")
    assert done.stdout.count(b"'") == 2 * 4  # the fourth is the folder that is listed


def test_streams__hold_more_than_a_pipe_does_both_ways(python: Python) -> None:
    data = os.urandom(3_000_000)
    done = python(
        "import sys\n"
        "while some := sys.stdin.buffer.read1(1_000_000):\n"
        "    sys.stdout.buffer.write(some)\n"
        "    sys.stderr.buffer.write(some)",
        data,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, data, data)


def test_streams__need_not_be_read(python: Python) -> None:
    assert python("import os; os.close(0); print(1)", bytes(3_000_000)).stdout == b"1\n"


def test_run__waits_for_processes_that_a_command_leaves_behind(python: Python) -> None:
    done = python("import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 0.5; echo left >&2'])\n")
    assert (done.returncode, done.stderr) == (0, b"left\n")


def test_an_exit_by_a_signal__is_told_as_of_a_new_process(python: Python) -> None:
    assert python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").returncode == -9

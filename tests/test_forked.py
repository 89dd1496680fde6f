"""A forked command does what the installed one does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests import forked
from tests.conftest import Marsad

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


def test_a_new_process__is_started_where_python_would_start_otherwise(marsad: Marsad) -> None:
    assert forked.can_run({"MARSAD_STORE": "a.db", "TZ": "UTC"})
    assert not forked.can_run({"PYTHONWARNINGS": "error"})
    assert not forked.can_run({"LC_ALL": "tr_TR.UTF-8"})

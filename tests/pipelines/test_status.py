"""What ``marsad status`` says of what is still to be done: scoring, and the purge of a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.commands.status import command
from pipelines.stores.sqlite import SqliteStore, erase
from tests.conformance.corpus import Feeder, drain, post, tombstone


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def said(path: Path, *more: str) -> str:
    result = CliRunner().invoke(command, ["--store", str(path), *more])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_how_long_scoring_takes_is_told_once_it_was_measured(path: Path) -> None:
    with SqliteStore(path) as store:
        Feeder(store)(*(post(f"t:{n}") for n in range(30)))
        assert "Scoring what waits" not in said(path)
        store.put_pace(0.1)
    assert "Scoring what waits takes about 5 min, at the 0.1 posts a second measured" in said(path)
    status = json.loads(said(path, "--json"))
    assert (status["posts_a_second"], status["seconds_left"]) == (0.1, 300.0)


def test_a_purge_is_announced_and_once_due_what_it_needs_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "PURGE_SHARE", 9)
    with SqliteStore(path) as store:
        Feeder(store)(*(post(f"t:{n}") for n in range(3)))
        drain(store)
        assert "removed" not in said(path)
        store.delete([tombstone("t:1")])
    assert "1 removed: texts are overwritten" in said(path)
    assert "by a command that writes after 20" in said(path)
    monkeypatch.setattr(erase, "PURGE_AFTER", erase.PURGE_AFTER * 0)
    words = said(path)
    assert "since 20" in words
    assert "it needs twice the file's size of free room" in words
    SqliteStore(path).close()
    assert "removed" not in said(path)

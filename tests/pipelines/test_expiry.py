"""Dead letters goes in time, whatever comes after it, or nothing."""

import functools
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines import daily
from pipelines.commands._shared.context import open_store
from pipelines.commands.dead import command as dead
from pipelines.daily import Daily
from pipelines.dead_letters.quarantine import Quarantine, beside
from pipelines.dead_letters.queue import DeadLetters
from tests.conformance.corpus import dead_letter
from tests.pipelines.stored_posts import fill
from tests.pipelines.test_live import START, Scripted, World, post


def old_answer(folder: Path) -> Path:
    kept = Quarantine(folder, days=30).keep("pages/a:b", START, b"zqxrare")
    assert kept is not None
    os.utime(kept, (0, 0))
    return kept


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(fill(tmp_path / "marsad.db", []))


def test_what_is_done_daily_is_done_at_once_and_then_once_on_each_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[int] = []
    task = Daily(lambda: done.append(daily.today()))
    for day in (5, 5, 6, 6, 3, 9):  # clocks are set back, and machines sleep for days
        monkeypatch.setattr(daily, "today", functools.partial(int, day))
        task()
    assert done == [5, 6, 3, 9]


def test_an_old_answer_goes_when_its_store_is_opened_for_writing(store: str) -> None:
    kept = old_answer(beside(store))
    open_store(store).close()
    assert kept.exists()
    open_store(store, readonly=False).close()
    assert not kept.exists()


def test_a_run_without_news_removes_what_has_expired(tmp_path: Path) -> None:
    world = World(tmp_path)
    kept = old_answer(tmp_path / "aside")
    world.run(Scripted(post(1)))
    assert not kept.exists()
    world.store.close()


def test_who_looks_at_what_is_kept_aside_removes_what_has_expired(store: str) -> None:
    file = Path(f"{store}.dead")
    with DeadLetters(file, days=0) as dead_letters:
        dead_letters.put([dead_letter(1, b"zqxrare")])
    assert CliRunner().invoke(dead, ["list", "--store", store]).exit_code == 3
    assert b"zqxrare" not in file.read_bytes()

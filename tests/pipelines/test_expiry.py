"""Dead letters goes in time, whatever comes after it, or nothing."""

import functools
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines import daily
from pipelines.commands._shared.context import open_store
from pipelines.commands.dead import command as dead
from pipelines.daily import Daily
from pipelines.dead_letters.queue import DeadLetters
from tests.conformance.corpus import dead_letter
from tests.pipelines.stored_posts import fill
from tests.pipelines.test_live import START, Scripted, World, post


def old_answer(file: Path) -> None:
    """Keep an answer that has expired since."""
    with DeadLetters(file, clock=lambda: START - timedelta(days=999)) as dead_letters:
        dead_letters.put_answer("pages/a:b", START, b"zqxrare", reason="blocked", detail="")


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
    file = Path(f"{store}.dead")
    old_answer(file)
    open_store(store).close()
    assert b"zqxrare" in file.read_bytes()
    open_store(store, readonly=False).close()
    assert b"zqxrare" not in file.read_bytes()


def test_a_run_without_news_removes_what_has_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    file = tmp_path / "marsad.db.dead"
    old_answer(file)
    tomorrow = daily.today() + 1
    monkeypatch.setattr(daily, "today", lambda: tomorrow)
    world.run(Scripted(post(1)))
    assert b"zqxrare" not in file.read_bytes()
    world.store.close()


def test_who_looks_at_what_becomes_a_dead_letter_removes_what_has_expired(store: str) -> None:
    file = Path(f"{store}.dead")
    with DeadLetters(file, days=0) as dead_letters:
        dead_letters.put([dead_letter(1, b"zqxrare")])
    assert CliRunner().invoke(dead, ["list", "--store", store]).exit_code == 3
    assert b"zqxrare" not in file.read_bytes()

"""A record that takes too long becomes a dead letter; the records behind it are read."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime

import pytest

from ingest import budget
from ingest.budget import OverBudget, time_budget
from ingest.mapping import unexpected
from ingest.privacy.keyring import Key
from ingest.privacy.protector import Protected, Protector
from ingest.records import Item, Post
from pipelines.stages import Collector

NOW = datetime(2024, 1, 1, tzinfo=UTC)
KEYS = [Key("ktest", datetime(2016, 1, 1, tzinfo=UTC), "11" * 32)]


def endless() -> None:
    while True:
        pass


def test_a_budget__ends_what_runs_longer() -> None:
    with pytest.raises(OverBudget), time_budget(0.05):
        endless()
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_a_budget__limits_nothing_in_another_thread() -> None:
    done: list[bool] = []

    def run() -> None:
        with time_budget(0.01):
            done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done == [True]


def test_a_collector__keeps_a_post_that_takes_too_long_and_reads_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow(Protector):
        def protect(self, post: Post) -> Protected:
            if post.text == "slow":
                endless()
            return super().protect(post)

    monkeypatch.setattr(unexpected, "time_budget", lambda: budget.time_budget(0.1))
    posts = [Post(id=f"forum:{n}", platform="forum", text=t) for n, t in enumerate(["slow", "ok"])]
    items = [Item(post, str(n), line=n + 1) for n, post in enumerate(posts)]
    made = Collector(Slow(KEYS), None)(items, NOW)
    assert [one.post.text for one in made.posts] == ["ok"]
    (dead,) = made.dead
    assert (dead.reason, dead.line) == ("mapping-failed", 1)
    assert "longer than" in dead.detail
    assert b'"text":"slow"' in dead.raw

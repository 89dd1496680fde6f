"""Following pages: every reading durable at once, every failure a gap with its cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.errors import SourceBlocked, SourceError, SourceGone
from ingest.records import Counter
from ingest.sources.counters.fetch import Fetcher
from ingest.sources.counters.registry import find
from pipelines import daily
from pipelines.dead_letters.queue import DeadLetters
from pipelines.errors import StoreBusy
from pipelines.pages.watch import Watched, backoff, watch
from pipelines.records import Batch, Position
from pipelines.stores.sqlite import SqliteStore
from tests.ingest import counter_fixtures as shape
from tests.platform_server import Answer, Platform, in_json, page, platform

START = datetime(2026, 11, 1, tzinfo=UTC)
EVERY = timedelta(minutes=10)
SOURCE = "pages/mastodon:operator@social.example"


class World:
    """A platform, a store, and a clock that moves when somebody sleeps."""

    def __init__(self, server: Platform, store: SqliteStore, folder: Path) -> None:
        self.server = server
        self.store = store
        self.passed = 0.0
        self.notified: list[str] = []

    def sleep(self, seconds: float) -> None:
        self.passed += seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def page(self, name: str = "mastodon:operator@social.example", entity: str = "op") -> Watched:
        reader, account = find(name)
        return Watched(entity, reader, account, "", self.server.url)

    def watch(self, times: int, *pages: Watched) -> list[Watched]:
        fetcher = Fetcher(sleep=lambda seconds: None)
        try:
            return watch(
                self.store,
                pages or [self.page()],
                fetcher,
                every=EVERY,
                times=times,
                notify=self.notified.append,
                sleep=self.sleep,
                clock=lambda: self.passed,
                now=self.now,
            )
        finally:
            fetcher.close()

    def gaps(self) -> list[tuple[float, float, str]]:
        """Gaps in minutes since the start."""
        return [
            (
                (gap.start - START).total_seconds() / 60,
                ((gap.end or gap.start) - START).total_seconds() / 60,
                gap.cause,
            )
            for gap in self.store.status().gaps
        ]

    def values(self) -> list[int]:
        return [counter.value for counter in self.store.counters()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with platform() as server, SqliteStore(tmp_path / "test.db") as store:
        yield World(server, store, tmp_path)


def test_a_reading_is_stored_with_its_time_source_and_step(world: World) -> None:
    world.server.on("/operator", shape.telegram("1.23M subscribers"))
    assert world.watch(1, world.page("telegram:operator")) == []
    assert world.store.counters() == [
        Counter(
            source="pages/telegram:operator",
            page="op",
            metric="subscribers",
            value=1_230_000,
            at=START,
            granularity=10_000,
        )
    ]


def test_pages_are_read_at_their_interval_without_drift(world: World) -> None:
    world.server.on(shape.MASTODON_PATH, *(shape.mastodon(n) for n in (500, 499, 498)))
    world.watch(3)
    assert [(c.at, c.value) for c in world.store.counters()] == [
        (START, 500),
        (START + EVERY, 499),
        (START + 2 * EVERY, 498),
    ]
    assert world.gaps() == []


def test_a_refusal_leaves_a_gap_until_the_page_comes_back(world: World) -> None:
    answers = [shape.mastodon(500), in_json({"error": "no"}, 403), shape.mastodon(490)]
    world.server.on(shape.MASTODON_PATH, *answers)
    world.watch(3)
    assert world.values() == [500, 490]
    causes = {cause for _, _, cause in world.gaps()}
    assert [(start, end) for start, end, _ in world.gaps()] == [(0, 10), (10, 20)]
    assert len(causes) == 1
    assert "SourceBlocked" in causes.pop()


def test_one_page_that_fails_does_not_keep_the_others(world: World) -> None:
    world.server.on("/operator", shape.telegram("7 subscribers"))
    lost = world.page("mastodon:gone@social.example", "gone")
    assert world.watch(2, lost, world.page("telegram:operator")) == [lost]
    assert world.values() == [7, 7]


def test_a_platform_is_left_alone_for_as_long_as_it_asks(world: World) -> None:
    world.server.on(
        shape.MASTODON_PATH, in_json({}, 429, **{"Retry-After": "7200"}), shape.mastodon(1)
    )
    world.watch(2)
    assert world.store.counters()[0].at == START + timedelta(hours=2)


def test_tries_become_rarer_up_to_a_limit_that_depends_on_the_cause() -> None:
    pauses = [backoff(SourceBlocked(), n, EVERY) / 60 for n in range(1, 9)]
    assert pauses == [10, 20, 40, 80, 160, 320, 360, 360]
    assert backoff(SourceGone(), 50, EVERY) == 86_400
    assert backoff(SourceError(), 50, EVERY) == 3_600
    assert backoff(SourceError(), 50, timedelta(days=2)) == 2 * 86_400


def test_a_watch_that_was_stopped_and_taken_up_again_leaves_a_gap(world: World) -> None:
    world.server.on(shape.MASTODON_PATH, shape.mastodon(5))
    world.watch(1)
    world.passed += 7_200
    world.watch(1)
    assert world.gaps() == [(0, 120, "not watched")]
    assert world.values() == [5, 5]


def test_one_that_is_taken_up_again_in_time_leaves_none(world: World) -> None:
    world.server.on(shape.MASTODON_PATH, shape.mastodon(5))
    world.watch(1)
    world.passed += 900
    world.watch(1)
    assert world.gaps() == []


def test_a_second_watch_of_the_same_page_is_refused(world: World) -> None:
    world.server.on(shape.MASTODON_PATH, shape.mastodon(5))
    world.watch(1)
    stale = Batch(
        position=Position(key=f"watch:op:{SOURCE}", name=SOURCE, cursor="later"),
        previous_cursor="what another watch has moved since",
    )
    with pytest.raises(StoreBusy):
        world.store.accept(stale)


def test_what_came_instead_of_an_answer_is_kept_for_its_owner_alone(world: World) -> None:
    wall = page('<form><input type="password"></form>')
    world.server.on(shape.MASTODON_PATH, wall)
    world.watch(1)
    with world.store.dead_letters() as dead_letters:
        (entry,) = dead_letters.entries(kind="answer")
        kept = dead_letters.get(entry.number)
    assert kept is not None
    assert kept.raw == wall.body
    assert (entry.origin, entry.reason) == (SOURCE, "blocked")
    assert any(f"marsad dead show {entry.number}" in line for line in world.notified)


def test_old_answers_go_though_no_new_one_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world.store.dead_path
    with DeadLetters(path, clock=lambda: START - timedelta(days=999)) as long_ago:
        long_ago.put_answer("pages/a:b", START, b"zqxrare", reason="blocked", detail="")
    tomorrow = daily.today() + 1
    monkeypatch.setattr(daily, "today", lambda: tomorrow)
    world.server.on(shape.MASTODON_PATH, shape.mastodon(3))
    world.watch(1)
    assert b"zqxrare" not in path.read_bytes()


def test_readings_of_two_metrics_at_one_time_are_both_kept(world: World) -> None:
    world.server.on("/operator", shape.facebook(fan_count=9, followers_count=8))
    world.watch(1, world.page("facebook:operator"))
    assert {(c.metric, c.value) for c in world.store.counters()} == {("likes", 9), ("followers", 8)}


def test_an_answer_that_breaks_off_is_a_gap_and_the_watch_goes_on(world: World) -> None:
    world.server.on(shape.MASTODON_PATH, Answer(b'{"foll', cut=True), shape.mastodon(3))
    world.watch(2)
    assert world.values() == [3]
    assert world.gaps()[0][2].startswith("SourceError")

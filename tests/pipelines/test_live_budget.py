"""A costly record of a live source holds up neither the others nor the end of a run."""

from __future__ import annotations

import timeit
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest import budget, isolation
from ingest.mapping import unexpected
from ingest.mapping.unexpected import SMALL, kept
from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protected, Protector
from ingest.records import Item, Post
from ingest.sources.base import Capabilities
from pipelines.live.reader import Subscription
from pipelines.live.run import Outcome, run
from pipelines.live.writer import Writer
from pipelines.stages import Collector
from pipelines.stop import Stop
from pipelines.stores.sqlite import SqliteStore
from tests.simulators.reading import reading
from tests.simulators.rss import newspaper

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "marsad.db") as opened:
        yield opened


def post(number: int, text: str = "salam") -> Post:
    return Post(id=f"forum:{number}", platform="forum", text=text, version=1)


class Costly:
    """A source of which one record takes for ever to map, and the next one nothing."""

    version = 1
    name = "costly"
    key = "costly:1"
    capabilities = Capabilities(live=False, history=True)

    def open(self, cursor: str) -> Iterator[Item]:
        raw = b"x" * (SMALL + 1)
        made = kept(raw, timeit.timeit, number=10**12)
        assert not isinstance(made, float)
        yield Item(made, "1")
        yield Item(post(2), "2")


def read(store: SqliteStore, source: object, stop: Stop | None = None) -> list[Outcome]:
    protect = Protector(Keyring().use())
    return run(
        [Subscription(source=source, label="test", live=False)],  # type: ignore[arg-type]
        store,
        lambda subscription: Collector(protect, None, origin="o", stop_when_overdue=True),
        stop=stop or Stop(),
    )


def test_a_costly_record__of_a_live_source_is_mapping_failed_and_the_next_is_read(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "SECONDS", 0.1)
    (outcome,) = read(store, Costly())
    assert (outcome.outcomes.dead, outcome.outcomes.pending) == (1, 1)
    with store.dead_letters() as letters:
        found = [(one.reason, one.detail) for one in letters.entries()]
    assert found == [("mapping-failed", unexpected.TOO_LONG)]


def test_a_run__ends_when_it_is_asked_to_though_a_record_is_being_mapped(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "SECONDS", 0.5)
    stop, ask = Stop(), isolation._worker.ask

    def asked(question: bytes) -> tuple[str, object]:
        stop.set()  # as SIGTERM does, while the record is at work
        return ask(question)

    monkeypatch.setattr(isolation._worker, "ask", asked)
    assert len(read(store, Costly(), stop)) == 1
    isolation._worker.end()


class Slow(Protector):
    """Takes for ever with one text."""

    def protect(self, post: Post) -> Protected:
        while post.text == "slow":
            pass
        return super().protect(post)


@pytest.mark.parametrize("stopping", [True, False])
def test_a_run__that_is_to_end_takes_nothing_behind_a_post_that_took_too_long(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, stopping: bool
) -> None:
    monkeypatch.setattr(unexpected, "time_budget", lambda: budget.time_budget(0.1))
    writer = Writer(
        Subscription(source=Costly(), label="test", live=False),
        store,
        Collector(Slow(Keyring().use()), None, origin="o", stop_when_overdue=True),
        "key",
        watchlist="",
        notify=lambda message: None,
        now=lambda: NOW,
        stopping=lambda: stopping,
    )
    texts = ["one", "slow", "three"]
    writer.items([Item(post(n, text), str(n)) for n, text in enumerate(texts, start=1)])
    writer.items([Item(post(4), "4")])
    found = {one.id for one in store.pending(10)}
    position = store.position("key")
    assert position is not None
    if stopping:  # the rest comes again: the cursor does not say that it was read
        assert (found, position.cursor) == ({"forum:1"}, "2")
    else:
        assert (found, position.cursor) == ({"forum:1", "forum:3", "forum:4"}, "4")


def test_a_feed__that_takes_too_long_to_parse_is_told_and_kept_for_diagnosis(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "SECONDS", 0.001)
    with newspaper() as simulator, reading(simulator) as reads:
        simulator.publish(40)
        (outcome,) = read(store, reads.source())
    assert outcome.given_up
    (gap,) = store.status().gaps
    assert "SourceChanged: reading the feed takes longer than" in gap.cause

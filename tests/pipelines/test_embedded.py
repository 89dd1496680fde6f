"""The runner for one machine: what it reports, where it resumes, a model that fails on a post."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.sources.archive.source import ArchiveSource
from nlp.errors import ModelError
from nlp.score import Scored
from pipelines import embedded
from pipelines.commands._shared.import_report import after_lines
from pipelines.dead_letters.retry import retry
from pipelines.embedded import collect, drain
from pipelines.query import All
from pipelines.records import Ledger
from pipelines.stages import Collector
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import Feeder, post

UTC = ZoneInfo("UTC")


class Scorer:
    """A model that fails on some texts."""

    version = "quick-1"

    def __init__(self, *wrong: str) -> None:
        self.wrong = wrong

    def score(self, texts: Sequence[str], mentions: Sequence[Any]) -> list[Scored]:
        if found := [text for text in texts if any(word in text for word in self.wrong)]:
            raise ValueError(f"this text, says the library: {found[0]}")
        return [Scored("en", 0.9, "neutral", (0.1, 0.8, 0.1), ()) for _ in texts]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "a.db", timezone="UTC") as opened, opened.writer("a test"):
        Feeder(opened)(*(post(f"t:{n}", "impossible" if n == 7 else "texte") for n in range(20)))
        yield opened


def test_a_post_that_the_model_fails_on_becomes_a_dead_letter_and_the_others_go_on(
    store: SqliteStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert drain(store, lambda: Scorer("impossible"), UTC) == 20  # type: ignore[arg-type, return-value]
    assert store.ledger() == Ledger(received=20, indexed=19, dead=1)
    assert "the model fails on a post" in caplog.text
    assert "impossible" not in caplog.text  # though the model's error quotes it
    with store.dead_letters() as dead_letters:
        [entry] = dead_letters.entries()
        dead_letter = dead_letters.get(entry.number)
    assert (entry.origin, entry.reason) == ("score:t:7", "score-failed")
    assert dead_letter
    # With a model that reads it, it comes in.
    protector = Protector(Keyring(tmp_path / "keys").use())
    assert retry(store, [dead_letter], protector, None).taken == 1
    drain(store, Scorer, UTC)  # type: ignore[arg-type, return-value]
    assert store.ledger() == Ledger(received=20, indexed=20)
    assert "t:7" in {hit.post.id for hit in store.scan(All())}


def test_a_model_that_fails_on_every_text_loses_no_post(store: SqliteStore) -> None:
    with pytest.raises(ModelError, match=r"fails on every text \(ValueError\).*No post was lost"):
        drain(store, lambda: Scorer(""), UTC)  # type: ignore[arg-type, return-value]
    assert store.ledger() == Ledger(received=20, pending=20)


def sources(tmp_path: Path, posts: int) -> ArchiveSource:
    path = tmp_path / "posts.ndjson"
    lines = [json.dumps({"id": n, "platform": "forum", "text": f"texte {n}"}) for n in range(posts)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ArchiveSource(str(path))


def test_collect__that_fails_midway_is_not_finished_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BATCH", 4)
    collector = Collector(Protector(Keyring(tmp_path / "keys").use()), None)

    def crash(outcomes: Ledger) -> None:
        raise KeyboardInterrupt

    with SqliteStore(tmp_path / "a.db", timezone="UTC") as store:
        source = sources(tmp_path, 10)
        with pytest.raises(KeyboardInterrupt):
            collect(source, store, collector, key="k", after_batch=crash)
        position = store.position("k")
        assert position is not None
        assert not position.done
        resumed = collect(source, store, collector, key="k")
        assert (resumed.outcomes.received, resumed.done) == (6, True)


@pytest.mark.parametrize(("limit", "done"), [(3, False), (20, True), (None, True)])
def test_collect__is_done_when_its_source_ends_before_the_limit(
    tmp_path: Path, limit: int | None, done: bool
) -> None:
    collector = Collector(Protector(Keyring(tmp_path / "keys").use()), None)
    with SqliteStore(tmp_path / "a.db", timezone="UTC") as store:
        result = collect(sources(tmp_path, 10), store, collector, key="k", limit=limit)
        position = store.position("k")
    assert result.done is done
    assert position is not None
    assert position.done is done


def test_import__of_a_wrong_clock_is_told_and_mended_by_reading_again(tmp_path: Path) -> None:
    path = tmp_path / "posts.ndjson"
    path.write_text('{"id": 1, "platform": "forum", "text": "a b", "date": "2016-02-27T20:00Z"}\n')
    protector = Protector(Keyring(tmp_path / "keys").use())
    with SqliteStore(tmp_path / "a.db", timezone="UTC") as store:
        for year, again in ((2011, False), (2026, True)):
            clock = datetime(year, 11, 30, tzinfo=ZoneInfo("UTC"))
            source = ArchiveSource(path, again=again, now=clock)
            result = collect(source, store, Collector(protector, None), key=source.key)
            drain(store, Scorer, UTC)  # type: ignore[arg-type, return-value]
            assert not result.known
            notices = [line for line in after_lines(source) if "--again" in line]
            assert [line.partition(";")[0].strip() for line in notices] == (
                [] if again else ["1 post dated after this import (until 2016-02-27"]
            )
        [hit] = store.scan(All())
        assert (hit.day, hit.post.flags) == ("2016-02-27", ())
        source = ArchiveSource(path, now=datetime(2026, 12, 1, tzinfo=ZoneInfo("UTC")))
        assert collect(source, store, Collector(protector, None), key=source.key).known


def test_drain__reports_each_batch(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "BATCH", 8)
    reported: list[int] = []
    drain(store, Scorer, UTC, after_batch=reported.append)  # type: ignore[arg-type]
    assert reported == [8, 8, 4]


class Pair(Scorer):
    """A model that answers only when two parts are scored at once."""

    def __init__(self) -> None:
        super().__init__()
        self._both = threading.Barrier(2)

    def score(self, texts: Sequence[str], mentions: Sequence[Any]) -> list[Scored]:
        self._both.wait(timeout=60)
        return [
            Scored("en", 0.9, "negative", (text.count("e") / 10, 0.2, 0.1), ()) for text in texts
        ]


def test_drain__with_two_threads_scores_two_parts_at_once_and_indexes_them_in_order(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BATCH", 5)
    reported: list[int] = []
    drain(store, Pair, UTC, after_batch=reported.append, threads=2)  # type: ignore[arg-type]
    assert reported == [5, 5, 5, 5]
    assert store.ledger() == Ledger(received=20, indexed=20)


def test_drain__gives_a_model_the_same_parts_whatever_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BATCH", 7)
    parts: dict[int, list[list[str]]] = {}
    for threads in (1, 3):
        given = parts[threads] = []

        class Recording(Scorer):
            def score(
                self,
                texts: Sequence[str],
                mentions: Sequence[Any],
                given: list[list[str]] = given,
            ) -> list[Scored]:
                given.append(list(texts))
                return super().score(texts, mentions)

        with SqliteStore(tmp_path / f"{threads}.db", timezone="UTC") as opened:
            Feeder(opened)(*(post(f"t:{n}", f"texte {n}") for n in range(40)))
            drain(opened, Recording, UTC, threads=threads)  # type: ignore[arg-type]
    assert sorted(parts[1]) == sorted(parts[3])


def test_drain__that_fails_in_one_thread_loses_no_post(store: SqliteStore) -> None:
    with pytest.raises(ModelError, match="No post was lost"):
        drain(store, lambda: Scorer(""), UTC, threads=2)  # type: ignore[arg-type, return-value]
    assert store.ledger() == Ledger(received=20, pending=20)


def test_drain__tells_the_store_how_fast_it_went(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.status().seconds_left is None  # nobody knows
    drain(store, Scorer, UTC, most=5)  # type: ignore[arg-type]
    assert store.status().seconds_left is None  # so few say nothing
    monkeypatch.setattr(embedded, "STEP", 5)
    drain(store, Scorer, UTC, most=5)  # type: ignore[arg-type]
    status = store.status()
    assert status.posts_a_second > 0
    assert status.seconds_left == 10 / status.posts_a_second
    drain(store, Scorer, UTC)  # type: ignore[arg-type]
    assert store.status().seconds_left is None  # nothing waits


def test_progress__is_reported_several_times_within_a_batch(tmp_path: Path) -> None:
    posts = 2 * embedded.STEP + 1
    path = tmp_path / "posts.ndjson"
    path.write_text("".join(f'{{"id": "{n}", "text": "a b"}}\n' for n in range(posts)))
    source = ArchiveSource(path)
    parts: list[int] = []
    with SqliteStore(tmp_path / "a.db", timezone="UTC") as store:
        collect(
            source,
            store,
            Collector(Protector(Keyring().use()), None, origin=source.key, context=source.context),
            key="k",
            after_read=parts.append,
        )
    assert parts == [embedded.STEP, embedded.STEP, 1]
    assert posts < embedded.BATCH


def test_requeue__returns_how_many_posts_wait_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BATCH", 2)
    Feeder(store)(*(post(f"t:{n}") for n in range(5)))
    stored = store.pending(5)
    assert embedded.requeue(store, iter(stored), lambda posts: posts) == 5

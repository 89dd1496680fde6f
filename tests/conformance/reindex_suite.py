"""What every store must do when its posts are indexed anew; see ``store_suite`` for its use."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from nlp.crossscript import Analysis, analyse, key
from pipelines import stages
from pipelines.errors import StoreVersion
from pipelines.query import All
from pipelines.stores import analysis
from pipelines.stores.protocols import Store
from tests.conformance.corpus import Feeder, drain, fill, post, tombstone
from tests.conformance.scored_suite import ScoredFeeder
from tests.conformance.store_suite import QUERIES, ids, texts

UTC = ZoneInfo("UTC")
#: Opens the store once more, as another process does; True for one that must be re-indexed.
Opening = Callable[..., Store]


def another_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later Marsad: every text is found by one more word."""

    def later(text: str) -> Analysis:
        known = analyse(text)
        keys = (*known.keys, key("nachher"))
        return Analysis((*known.tokens, "nachher"), keys, known.variants)

    monkeypatch.setattr(analysis, "VERSION", analysis.VERSION + 1)
    monkeypatch.setattr(stages, "analyse", later)


class Reindexing:
    """Posts are indexed anew while others read and write."""

    def test_nothing_changes_if_nothing_changed(self, store: Store) -> None:
        fill(store)
        Feeder(store)(post("t:1"), filtered=2)
        before = list(store.scan(All())), store.ledger(), store.status()
        assert store.reindex(UTC) == 12
        assert (list(store.scan(All())), store.ledger(), store.status()) == before
        assert {query: " ".join(ids(store, query)) for query in QUERIES} == QUERIES
        drain(store)
        assert store.delete([tombstone("rss:11"), tombstone("t:1")]).posts == 2
        assert store.search(All(), 99).total == 11
        assert store.reindex(UTC) == 11

    def test_words_of_an_older_analysis_are_told_and_then_found(
        self, store: Store, another: Opening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(store)
        another_analysis(monkeypatch)
        with pytest.raises(StoreVersion, match="run marsad reindex"):
            another()
        with another(reindexing=True) as later:  # type: ignore[attr-defined]
            assert later.reindex(UTC) == 12
        with another() as later:  # type: ignore[attr-defined]
            assert len(ids(later, "nachher")) == 12
            assert ids(later, "honte") == QUERIES["honte"].split()

    def test_words_of_a_later_analysis_are_told(
        self, store: Store, another: Opening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as later:
            another_analysis(later)
            with another(reindexing=True) as opened:  # type: ignore[attr-defined]
                fill(opened)
                opened.reindex(UTC)
        with pytest.raises(StoreVersion, match="upgrade Marsad"):
            another()

    def test_what_is_written_and_deleted_meanwhile_is_as_it_was_written(
        self, small_batches: None, store: Store, another: Opening
    ) -> None:
        feed = ScoredFeeder(store)
        feed(*(post(f"t:{n}", version=1) for n in range(6)), post("t:9", author="u_a"))
        steps = iter(range(99))

        def meanwhile(posts: int) -> None:
            step = next(steps)
            assert len(texts(store)) >= 4  # who reads goes on
            with another() as other:  # type: ignore[attr-defined]
                if step == 0:
                    ScoredFeeder(other, "edits")(
                        *(post(f"t:{n}", "nach", version=2) for n in (0, 5)), post("t:new", "nach")
                    )
                    other.delete([tombstone("t:1"), tombstone("t:4")])
                elif step == 1:
                    other.delete([tombstone(author="u_a"), tombstone("t:new")])
                    Feeder(other, "waiting")(post("t:2", "nach", version=2))
                    drain(other)

        store.reindex(UTC, meanwhile)
        assert next(steps) > 2
        wanted = {"t:0": "nach", "t:2": "nach", "t:3": "un texte", "t:5": "nach"}
        assert texts(store) == wanted
        assert ids(store, "nach") == ["t:0", "t:2", "t:5"]
        with another() as other:  # type: ignore[attr-defined]
            assert texts(other) == wanted

    def test_interrupted_it_goes_on(
        self, small_batches: None, store: Store, another: Opening
    ) -> None:
        fill(store)

        def interrupted(posts: int) -> None:
            raise KeyboardInterrupt

        with another() as other, pytest.raises(KeyboardInterrupt):  # type: ignore[attr-defined]
            other.reindex(UTC, interrupted)
        store.delete([tombstone("twitter:01"), tombstone("rss:12")])
        ScoredFeeder(store)(post("t:1", "nach"))
        store.reindex(UTC)
        assert len(texts(store)) == 11
        assert ids(store, "nach") == ["t:1"]
        assert "twitter:01" not in ids(store, "honte")

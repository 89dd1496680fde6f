"""What every store must do with batches that come scored; see ``store_suite`` for its use."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ingest.records import Gap, Post
from pipelines.errors import StoreBusy
from pipelines.identity import Identities
from pipelines.query import All
from pipelines.records import Batch, Collected, Ledger, Position
from pipelines.stores.protocols import Store
from tests.conformance.corpus import (
    NOW,
    Feeder,
    corpus,
    dead_letter,
    document,
    drain,
    post,
    scored,
    tombstone,
)
from tests.conformance.store_suite import balance, ids, texts


class ScoredFeeder(Feeder):
    """Feeds posts that are scored on the way, as the index stage between topics does."""

    def __init__(self, store: Store, key: str = "topic", **scores: object) -> None:
        super().__init__(store, key)
        self.scores = scores

    def take(self, batch: Batch) -> Ledger:
        posts, documents = [], []
        for given in batch.posts:
            done = given.post if given.post.model else scored(given.post, **self.scores)  # type: ignore[arg-type]
            posts.append(msgspec.structs.replace(given, post=done))
            documents.append(document(done))
        batch = msgspec.structs.replace(batch, posts=posts)
        return self.store.accept_scored(batch, documents)


class Scored:
    """Batches that come scored follow the rules of all batches, and nothing waits."""

    def test_what_is_taken_is_found_at_once(self, store: Store) -> None:
        outcomes = ScoredFeeder(store)(post("t:1"), post("t:2", "deux"))
        assert outcomes == Ledger(received=2, indexed=2) == store.ledger()
        assert store.pending(9) == []
        assert ids(store, "texte") == ["t:1"]
        assert store.search(All(), 10).pending == 0

    def test_ids_that_met_are_kept_apart_and_flagged(self, store: Store) -> None:
        apart = Identities(store, ZoneInfo("UTC"))
        feed = ScoredFeeder(store)
        for one in (post("forum:7", "un", author="u_a"), post("forum:7", "deux", author="u_b")):
            feed(*apart.kept_apart([Collected(one)]))
        assert texts(store) == {"forum:7": "un", "forum:7~u_b": "deux"}
        assert sorted(ids(store, "flag:id-suspect")) == ["forum:7", "forum:7~u_b"]
        assert apart.met == 1
        assert store.pending(9) == []  # nobody scores here what waits
        assert store.ledger() == Ledger(received=2, indexed=2)
        feed(*apart.kept_apart([Collected(post("forum:7", "deux", author="u_b"))]))
        assert store.ledger() == Ledger(received=3, indexed=2, duplicate=1)

    def test_ids_that_met_before_they_are_scored_are_kept_apart_too(self, store: Store) -> None:
        apart = Identities(store)
        feed = Feeder(store)
        for one in (post("forum:7", "un", author="u_a"), post("forum:7", "deux", author="u_b")):
            feed(*apart.kept_apart([Collected(one)]))
            drain(store)
        assert texts(store) == {"forum:7": "un", "forum:7~u_b": "deux"}
        assert sorted(ids(store, "flag:id-suspect")) == ["forum:7", "forum:7~u_b"]

    def test_a_document_is_the_same_by_either_way(self, store: Store) -> None:
        ScoredFeeder(store)(*corpus())
        hits = list(store.scan(All()))
        assert {hit.post.id: hit.post for hit in hits} == {p.id: p for p in corpus()}
        assert {hit.day for hit in hits if hit.post.id == "twitter:01"} == {"2016-02-20"}

    def test_duplicates_edits_and_older_versions(self, store: Store) -> None:
        feed = ScoredFeeder(store)
        one, two = post("t:1", "un", version=1), post("t:1", "deux", version=2)
        assert feed(one, one) == Ledger(received=2, indexed=1, duplicate=1)
        assert feed(two, post("t:2")) == Ledger(received=2, indexed=2)
        assert feed(one, two) == Ledger(received=2, duplicate=2)
        assert texts(store) == {"t:1": "deux", "t:2": "un texte"}
        assert ids(store, "un") == ["t:2"]
        assert store.ledger() == Ledger(received=6, indexed=3, duplicate=3)

    def test_versions_of_one_batch_all_count_and_the_newest_is_found(self, store: Store) -> None:
        versions = [post("t:1", f"nummer {n}", version=n) for n in (1, 3, 2)]
        assert ScoredFeeder(store)(*versions) == Ledger(received=3, indexed=2, duplicate=1)
        assert texts(store) == {"t:1": "nummer 3"}

    def test_the_winner_does_not_depend_on_the_order(self, store: Store) -> None:
        versions = [
            {"text": "un", "version": 1},
            {"text": "deux", "version": 2},
            {"text": "aussi deux", "version": 2},
            {"text": "deux", "version": 2, "counts": {"likes": 3}},
        ]
        feed = ScoredFeeder(store)
        for number, order in enumerate(itertools.permutations(versions)):
            for half in (order[:1], order[1:]):
                feed(*(post(f"t:{number}", **fields) for fields in half))
        winners = {hit.post.text + str(hit.post.counts) for hit in store.scan(All())}
        assert winners == {"deux{'likes': 3}"}
        balance(store.ledger())

    def test_everything_else_of_a_batch_counts_as_well(self, store: Store) -> None:
        gap = Gap(source="stream", start=NOW, end=NOW + timedelta(hours=1), cause="no network")
        feed = ScoredFeeder(store)
        outcomes = feed(
            post("t:1"), filtered=3, dead=[dead_letter(1), dead_letter(2)], notices=[gap]
        )
        assert outcomes == Ledger(received=6, indexed=1, filtered=3, dead=2)
        feed(retried=[dead_letter(1)])
        assert store.ledger() == Ledger(received=5, indexed=1, filtered=3, dead=1)
        assert store.status().gaps == [gap]

    def test_tombstones_hit_what_is_stored_what_comes_and_what_comes_along(
        self, store: Store
    ) -> None:
        feed = ScoredFeeder(store)
        feed(post("t:1"), post("t:2", author="u_a"), post("t:3"))
        outcomes = feed(
            post("t:4", author="u_a"),
            post("t:5"),
            tombstones=[tombstone("t:1"), tombstone(author="u_a")],
        )
        assert outcomes == Ledger(received=4, indexed=1, deleted=3)
        assert feed(post("t:1", version=9), post("t:6", author="u_a")).deleted == 2
        assert list(texts(store)) == ["t:3", "t:5"]
        assert store.ledger() == Ledger(received=9, indexed=4, deleted=5)

    def test_what_tombstones_would_hit_is_told(self, store: Store) -> None:
        coming = [
            Collected(post("t:1", author="u_c")),
            Collected(post("t:2", author="u_a")),
            Collected(post("t:3", author="u_c"), aliases=("t:old",)),
            Collected(post("t:4", author="u_c"), author_aliases=("u_b",)),
            Collected(post("t:5", author="u_c")),
        ]
        assert store.deleted_ids(coming) == []
        store.delete(
            [tombstone("t:1"), tombstone("t:old"), tombstone(author="u_a"), tombstone(author="u_b")]
        )
        assert store.deleted_ids(coming) == ["t:1", "t:2", "t:3", "t:4"]

    def test_a_post_takes_the_id_it_is_stored_under(self, store: Store) -> None:
        feed = ScoredFeeder(store)
        feed(post("b:old", "un", version=1))
        assert feed(Collected(post("b:new", "un", version=1), ("b:old",))).duplicate == 1
        feed(
            Collected(post("b:new", "deux", version=2), ("b:older", "b:old")),
            Collected(post("b:newer", "trois", version=3), ("b:new", "b:old")),
        )
        assert texts(store) == {"b:old": "trois"}
        assert ids(store, "id:b:old") == ["b:old"]
        assert store.ledger() == Ledger(received=4, indexed=3, duplicate=1)

    @pytest.mark.parametrize("together", [False, True])
    def test_a_duplicate_of_another_watchlist_brings_its_scores_along(
        self, store: Store, together: bool
    ) -> None:
        feed = ScoredFeeder(store, language="en", label="negative")
        seen = post("t:1", "[user] coupe", watchlist="a", version=5, counts={"likes": 9})
        again = msgspec.structs.replace(
            seen, text="@inwi coupe", watchlist="b", entities=("inwi",), version=4, counts={},
            created_at=NOW + timedelta(days=3),
        )  # fmt: skip
        first = scored(seen, "fr", "positive")
        if together:
            outcomes = feed(first, again)
        else:
            feed(first)
            outcomes = feed(again)
        assert outcomes.duplicate == 1
        (hit,) = store.scan(All())
        assert (hit.post.text, hit.post.entities, hit.post.language) == (
            "@inwi coupe", ("inwi",), "en",
        )  # fmt: skip
        assert (hit.post.version, hit.post.counts) == (5, {"likes": 9})
        assert (hit.post.created_at, hit.day) == (NOW, f"{NOW:%Y-%m-%d}")
        assert ids(store, "entity:inwi sentiment:negative") == ["t:1"]
        assert store.ledger() == Ledger(received=2, indexed=1, duplicate=1)
        assert store.pending(9) == []

    def test_what_waits_is_taken_off_when_it_comes_scored(self, store: Store) -> None:
        waiting = Feeder(store)
        waiting(post("t:1", "un", version=1), post("t:2", "un", version=5), post("t:3"))
        feed = ScoredFeeder(store)
        outcomes = feed(post("t:1", "deux", version=2), post("t:2", "zwei", version=4), post("t:3"))
        assert outcomes == Ledger(received=3, indexed=1, duplicate=2)
        assert [p.id for p in store.pending(9)] == ["t:2"]
        assert store.ledger() == Ledger(received=6, indexed=3, duplicate=2, pending=1)
        drain(store)
        assert texts(store) == {"t:1": "deux", "t:2": "un", "t:3": "un texte"}

    def test_a_batch_of_an_old_position_is_refused_and_changes_nothing(self, store: Store) -> None:
        feed = ScoredFeeder(store)
        for number in range(3):
            feed(post(f"t:{number}"))
        before = store.ledger(), texts(store)
        for cursor in ("", "1", "4"):
            place = Position(key="topic", name="a-file", cursor="9")
            late = scored(post("t:9"))
            with pytest.raises(StoreBusy, match="a-file"):
                store.accept_scored(
                    Batch(position=place, previous_cursor=cursor, posts=[Collected(late)]),
                    [document(late)],
                )
        assert (store.ledger(), texts(store)) == before

    def test_the_same_posts_from_another_position_change_nothing(self, store: Store) -> None:
        ScoredFeeder(store)(*corpus())
        before = list(store.scan(All()))
        assert ScoredFeeder(store, "again")(*corpus()).duplicate == 12
        assert list(store.scan(All())) == before

    def test_writers_at_once_with_the_same_posts_store_each_once(
        self, store: Store, another: Callable[[], Store]
    ) -> None:
        """Each of two writers brings all posts, in another order, in versions of both kinds."""
        given = [
            post(f"t:{n}", f"text {likes}", version=n % 3, counts={"likes": likes})
            for n in range(40)
            for likes in (1, 2)
        ]
        received: dict[str, list[Ledger]] = {"one": [], "two": []}

        def write(key: str, posts: list[Post]) -> None:
            with another() as opened:  # type: ignore[attr-defined]
                feed = ScoredFeeder(opened, key)
                for start in range(0, len(posts), 7):
                    received[key].append(feed(*posts[start : start + 7]))

        orders = {"one": given, "two": given[::-1]}
        with ThreadPoolExecutor(2) as pool:
            for ended in [pool.submit(write, *item) for item in orders.items()]:
                ended.result()
        assert {key: sum(one.received for one in ledgers) for key, ledgers in received.items()} == {
            "one": 80, "two": 80,
        }  # fmt: skip
        with another() as opened:  # type: ignore[attr-defined]
            found = {hit.post.id: hit.post.text for hit in opened.scan(All())}
            assert found == {f"t:{n}": "text 2" for n in range(40)}
            ledger = balance(opened.ledger())
        assert (ledger.received, ledger.pending) == (160, 0)
        assert 40 <= ledger.indexed <= 80
        every = [one for ledgers in received.values() for one in ledgers]
        assert ledger.indexed == sum(one.indexed for one in every)
        assert ledger.duplicate == sum(one.duplicate for one in every)

"""What every store must do, whatever engine it is built on.

A store's test module subclasses the classes here and gives the fixture ``store``: an empty
store. :data:`SPELLINGS` and the like are about the query language's meaning in a store; its
syntax is tested in ``tests/pipelines/test_query.py``.
"""

from __future__ import annotations

import itertools
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from datetime import timedelta, timezone
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ingest.records import Counter, Gap, Heartbeat
from nlp.text import tokenize
from pipelines import daily
from pipelines.analysis.scanned import count
from pipelines.dead_letters.queue import DeadLetters
from pipelines.errors import StoreBusy, StoreError
from pipelines.query import All, highlight, parse
from pipelines.records import Collected, DeadLetter, Ledger, Split, Study
from pipelines.stores.protocols import Store
from tests.conformance.corpus import (
    NOW,
    Feeder,
    corpus,
    dead_letter,
    document,
    drain,
    fill,
    post,
    scored,
    tombstone,
)


def ids(store: Store, query: str = "") -> list[str]:
    return [hit.post.id for hit in store.search(parse(query), limit=100).hits]


def texts(store: Store) -> dict[str, str]:
    return {hit.post.id: hit.post.text for hit in store.scan(All())}


def balance(ledger: Ledger) -> Ledger:
    parts = msgspec.structs.astuple(ledger)
    assert parts[0] == sum(parts[1:])
    assert min(parts) >= 0
    return ledger


class Accepting:
    """Every record has one outcome, whatever the order."""

    def test_a_new_post_is_pending_then_indexed(self, store: Store) -> None:
        outcomes = Feeder(store)(post("t:1"))
        assert outcomes == Ledger(received=1, pending=1) == store.ledger()
        assert ids(store) == []
        assert store.search(All(), 10).pending == 1
        drain(store)
        assert store.ledger() == Ledger(received=1, indexed=1)
        assert ids(store) == ["t:1"]
        assert store.search(All(), 10).pending == 0

    def test_the_same_content_again_is_a_duplicate(self, store: Store) -> None:
        feed = Feeder(store)
        assert feed(post("t:1"), post("t:1")) == Ledger(received=2, pending=1, duplicate=1)
        assert feed(post("t:1")).duplicate == 1
        drain(store)
        assert feed(post("t:1")).duplicate == 1
        assert store.ledger() == Ledger(received=4, indexed=1, duplicate=3)

    def test_a_later_edit_replaces_and_counts_as_indexed(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1", "avant", version=1))
        drain(store)
        feed(post("t:1", "après", version=2))
        assert store.ledger() == Ledger(received=2, indexed=1, pending=1)
        assert texts(store) == {"t:1": "avant"}
        drain(store)
        assert store.ledger() == Ledger(received=2, indexed=2)
        assert texts(store) == {"t:1": "après"}
        assert ids(store, "avant") == []
        assert ids(store, "apres") == ["t:1"]

    def test_an_edit_of_a_waiting_post_replaces_it_and_both_count(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1", "avant", version=1))
        feed(post("t:1", "après", version=2))
        assert [p.text for p in store.pending(10)] == ["après"]
        assert store.ledger() == Ledger(received=2, pending=2)
        drain(store)
        assert store.ledger() == Ledger(received=2, indexed=2)

    def test_an_older_version_is_a_duplicate(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1", "après", version=2))
        assert feed(post("t:1", "avant", version=1)).duplicate == 1
        drain(store)
        assert texts(store) == {"t:1": "après"}

    def test_the_winner_does_not_depend_on_the_order(self, store: Store) -> None:
        versions = [
            {"text": "un", "version": 1},
            {"text": "deux", "version": 2},
            {"text": "aussi deux", "version": 2},
            {"text": "deux", "version": 2, "counts": {"likes": 3}},
        ]
        for number, order in enumerate(itertools.permutations(versions)):
            feed = Feeder(store)
            for half in (order[:2], order[2:]):
                feed(*(post(f"t:{number}", **fields) for fields in half))
                if number % 2:
                    drain(store)
        drain(store)
        winners = {hit.post.text + str(hit.post.counts) for hit in store.scan(All())}
        assert winners == {"deux{'likes': 3}"}
        balance(store.ledger())

    def test_two_contents_of_one_version_have_the_same_winner_in_any_order(
        self, store: Store
    ) -> None:
        one, other = {"text": "un"}, {"text": "autre"}
        Feeder(store)(post("t:1", **one), post("t:1", **other))
        Feeder(store)(post("t:2", **other), post("t:2", **one))
        drain(store)
        assert len(set(texts(store).values())) == 1

    def test_numbers_of_any_size_are_kept(self, store: Store) -> None:
        feed = Feeder(store)
        huge = 2**64 - 1
        feed(post("t:1", "un", version=huge, counts={"a": huge, "b": huge}))
        assert feed(post("t:1", "un", version=huge, counts={"a": huge})).duplicate == 1
        drain(store)
        assert next(store.scan(All())).post.counts == {"a": huge, "b": huge}

    def test_filtered_and_dead_records_are_counted(self, store: Store) -> None:
        outcomes = Feeder(store)(post("t:1"), filtered=3, dead=[dead_letter(1), dead_letter(2)])
        assert outcomes == Ledger(received=6, filtered=3, dead=2, pending=1)
        assert store.ledger() == outcomes
        assert store.status().dead_reasons == {"json-truncated": 2}

    def test_a_deletion_counts_when_no_dead_letter_of_it_is_left(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feed = Feeder(store)
        feed(dead=[dead_letter(1, b'{"id": "zqx77"')])
        gone = [tombstone("t:zqx77")]
        with monkeypatch.context() as patch:
            # as if the process was killed
            patch.setattr(DeadLetters, "forget", lambda *given: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                feed(tombstones=gone)
            with pytest.raises(ZeroDivisionError):
                store.delete(gone)
        assert store.ledger() == Ledger(received=1, dead=1)
        assert store.deleted_ids([Collected(post("t:zqx77"))]) == []
        feed(tombstones=gone)
        assert store.ledger() == Ledger(received=2, dead=1, deleted=1)
        with store.dead_letters() as kept:
            assert kept.entries() == []

    def test_what_became_a_dead_letter_goes_in_time_though_nothing_follows_it(
        self, store: Store, another: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = store.dead_letters().path
        feed = Feeder(store)
        with DeadLetters(file, days=0) as kept:
            kept.put([dead_letter(1, b"zqxrare"), dead_letter(2)])
        feed(post("t:1"))
        another().close()  # type: ignore[attr-defined]
        assert b"zqxrare" not in file.read_bytes()
        # … and while a process runs on, each day.
        with DeadLetters(file, days=0) as kept:
            kept.put([dead_letter(1, b"zqxrare")])
        feed(post("t:2"))
        assert b"zqxrare" in file.read_bytes()
        tomorrow = daily.today() + 1
        monkeypatch.setattr(daily, "today", lambda: tomorrow)
        feed(post("t:3"))
        assert b"zqxrare" not in file.read_bytes()

    def test_a_retried_letter_leaves_the_ledger_once(self, store: Store) -> None:
        feed = Feeder(store)
        feed(dead=[dead_letter(1), dead_letter(2)])
        feed(post("t:1"), retried=[dead_letter(1)])
        assert store.ledger() == Ledger(received=2, dead=1, pending=1)
        feed(post("t:1"), retried=[dead_letter(1)])  # the same retry, after a crash
        assert store.ledger() == Ledger(received=3, dead=1, pending=1, duplicate=1)
        assert store.status().dead_reasons == {"json-truncated": 1}

    def test_a_batch_from_another_place_than_the_last_is_refused_whole(self, store: Store) -> None:
        first, second = Feeder(store), Feeder(store)
        first(post("t:1"))
        stale = store.position("input")
        second(post("t:2"))
        assert stale is not None
        store_position, store.position = store.position, lambda key: stale  # type: ignore[method-assign]
        try:
            with pytest.raises(StoreBusy, match="a-file"):
                first(post("t:3"))
        finally:
            store.position = store_position  # type: ignore[method-assign]
        assert store.ledger().received == 2

    def test_a_position_moves_with_its_batch(self, store: Store) -> None:
        assert store.position("input") is None
        Feeder(store)(done=True)
        position = store.position("input")
        assert position is not None
        assert (position.name, position.cursor, position.done) == ("a-file", "1", True)
        assert store.position("another") is None

    def test_a_duplicate_of_another_watchlist_takes_over_text_and_entities(
        self, store: Store
    ) -> None:
        feed = Feeder(store)
        seen = post("t:1", "[user] coupe", watchlist="a", version=5, counts={"likes": 9})
        feed(seen)
        drain(store)
        again = msgspec.structs.replace(
            seen, text="@inwi coupe", watchlist="b", entities=("inwi",), version=4, counts={}
        )
        assert feed(again) == Ledger(received=1, duplicate=1)
        (waiting,) = store.pending(10)
        assert waiting.text == "@inwi coupe"
        assert waiting.entities == ("inwi",)
        assert (waiting.version, waiting.counts) == (5, {"likes": 9})
        drain(store)
        assert texts(store) == {"t:1": "@inwi coupe"}
        assert store.ledger() == Ledger(received=2, indexed=1, duplicate=1)

    def test_a_duplicate_without_a_watchlist_takes_nothing_over(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1", watchlist="a"))
        drain(store)
        feed(post("t:1"))
        assert store.pending(10) == []

    def test_an_edit_after_a_duplicate_of_another_watchlist_wins(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1", "un", watchlist="a", version=1))
        feed(
            post("t:1", "un", watchlist="b", version=1),
            post("t:1", "deux", watchlist="b", version=2),
        )
        assert [p.text for p in store.pending(9)] == ["deux"]
        assert store.ledger() == Ledger(received=3, duplicate=1, pending=2)


class Rotation:
    """Names under older keys mean the same post and the same author."""

    def test_an_alias_is_recognised_and_the_stored_id_stays(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("b:old", "un", version=1))
        drain(store)
        assert feed(Collected(post("b:new", "un", version=1), ("b:old",))).duplicate == 1
        feed(Collected(post("b:new", "deux", version=2), ("b:older", "b:old")))
        assert [p.id for p in store.pending(9)] == ["b:old"]
        drain(store)
        assert texts(store) == {"b:old": "deux"}

    def test_an_alias_is_recognised_while_waiting_and_within_a_batch(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("b:old", "un"), Collected(post("b:new", "un"), ("b:old",)))
        feed(Collected(post("b:newer", "un"), ("b:new", "b:old")))
        assert store.ledger() == Ledger(received=3, pending=1, duplicate=2)

    @pytest.mark.parametrize("scored_before", [False, True])
    def test_a_deletion_reaches_a_post_stored_under_an_older_key(
        self, store: Store, scored_before: bool
    ) -> None:
        Feeder(store)(post("b:old"), post("b:x", author="u_old"))
        if scored_before:
            drain(store)
        deletion = store.delete([tombstone("b:new", aliases=["b:old"])])
        assert (deletion.posts, deletion.tombstones) == (1, 1)
        deletion = store.delete([tombstone(author="u_new", aliases=["u_old"])])
        assert (deletion.posts, deletion.tombstones) == (1, 1)
        drain(store)
        assert texts(store) == {}

    def test_a_post_under_a_new_key_does_not_outlive_its_deletion(self, store: Store) -> None:
        store.delete([tombstone("b:old"), tombstone(author="u_old")])
        outcomes = Feeder(store)(
            Collected(post("b:new"), ("b:old",)),
            Collected(post("b:2", author="u_new"), (), ("u_old",)),
        )
        assert outcomes == Ledger(received=2, deleted=2)


class Deleting:
    """A tombstone beats every version of what it names, in any order."""

    @pytest.mark.parametrize("order", list(itertools.permutations(["post", "edit", "tombstone"])))
    @pytest.mark.parametrize("by_author", [False, True])
    @pytest.mark.parametrize("scoring", [False, True])
    def test_in_any_order_nothing_is_left(
        self, store: Store, order: tuple[str, ...], by_author: bool, scoring: bool
    ) -> None:
        feed = Feeder(store)
        for step in order:
            if step == "post":
                feed(post("t:1", "un", version=1))
            elif step == "edit":
                feed(post("t:1", "deux", version=2))
            else:
                deletion = tombstone(author="u_somebody") if by_author else tombstone("t:1")
                feed(post("t:2", author="u_other"), tombstones=[deletion])
            if scoring:
                drain(store)
        drain(store)
        assert list(texts(store)) == ["t:2"]
        ledger = balance(store.ledger())
        assert ledger.received == 4
        assert ledger.deleted >= 1

    def test_a_tombstone_of_the_same_batch_comes_first(self, store: Store) -> None:
        outcomes = Feeder(store)(post("t:1"), tombstones=[tombstone("t:1")])
        assert outcomes == Ledger(received=2, deleted=2)
        assert store.pending(9) == []

    def test_a_waiting_post_that_is_deleted_counts_as_deleted(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1", "un", version=1), post("t:1", "deux", version=2))
        feed(tombstones=[tombstone("t:1")])
        assert store.ledger() == Ledger(received=3, deleted=3)

    def test_a_post_deleted_while_it_is_scored_is_not_indexed(self, store: Store) -> None:
        Feeder(store)(post("t:1"), post("t:2"))
        documents = [document(scored(p)) for p in store.pending(9)]
        store.delete([tombstone("t:1")])
        store.index(documents)
        assert list(texts(store)) == ["t:2"]
        assert store.ledger() == Ledger(received=3, indexed=1, deleted=2)

    def test_a_post_edited_while_it_is_scored_waits_on(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1", "un", version=1))
        documents = [document(scored(p)) for p in store.pending(9)]
        feed(post("t:1", "deux", version=2))
        store.index(documents)
        assert [p.text for p in store.pending(9)] == ["deux"]
        assert store.ledger() == Ledger(received=2, pending=2)

    def test_an_author_is_deleted_with_all_posts_now_and_later(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1", author="u_a"), post("t:2", author="u_a"), post("t:3", author="u_b"))
        drain(store)
        deletion = store.delete([tombstone(author="u_a")])
        assert (deletion.posts, deletion.tombstones) == (2, 1)
        assert feed(post("t:4", author="u_a")).deleted == 1
        assert list(texts(store)) == ["t:3"]

    def test_a_deletion_that_names_nobody_deletes_no_post_without_an_author(
        self, store: Store
    ) -> None:
        feed = Feeder(store)
        feed(post("t:1", author=""), post("t:2", author=""))
        drain(store)
        feed(post("t:3", author=""), tombstones=[tombstone()])
        drain(store)
        deletion = store.delete([tombstone()])
        assert (deletion.posts, deletion.tombstones) == (0, 0)
        assert store.write_tombstones([tombstone()]) == set()
        assert set(texts(store)) == {"t:1", "t:2", "t:3"}

    def test_an_author_who_is_condemned_is_taken_no_more_and_removed_by_the_deletion(
        self, store: Store
    ) -> None:
        feed = Feeder(store)
        long = f"t:{'5' * 600}"
        feed(post("t:1", author="u_a"), post(long, author="u_a"), post("t:3", author="u_b"))
        drain(store)
        feed(post("t:4", author="u_a"))  # waits to be scored
        deletions = [tombstone(author="u_a"), tombstone("t:3")]
        assert store.write_tombstones(deletions) == {"t:1", long, "t:4"}
        assert store.write_tombstones(deletions) == {"t:1", long, "t:4"}  # until it is done
        assert feed(post("t:6", author="u_a"), post("t:3", version=9)).deleted == 2
        assert store.delete(deletions).posts == 4
        assert store.write_tombstones(deletions) == set()
        assert texts(store) == {}
        balance(store.ledger())

    @pytest.mark.parametrize("scoring", [False, True])
    def test_an_author_kept_in_plain_is_deleted_by_name_in_any_spelling(
        self, store: Store, scoring: bool
    ) -> None:
        plain = [post("t:1", author="Karim_A"), post("t:2", author="@karim_a")]
        others = [post("v:3", author="karim_a"), post("t:4", author="karim_ab"), post("t:5")]
        feed = Feeder(store)
        feed(*plain, *others)
        if scoring:
            drain(store)
        deletion = store.delete([tombstone(author="u_karim", raw_name="KARIM_A")])
        assert (deletion.posts, deletion.tombstones) == (2, 1)
        later = Collected(post("t:6", author="Karim_A"), (), ("u_karim",))
        assert feed(later).deleted == 1
        drain(store)
        assert list(texts(store)) == ["t:4", "t:5", "v:3"]
        balance(store.ledger())

    def test_a_raw_name_is_looked_for_but_not_kept_as_a_tombstone(self, store: Store) -> None:
        by_id = tombstone("t:u_karim/1", raw_name="karim/1")
        store.delete([tombstone(author="u_karim", raw_name="karim"), by_id])
        feed = Feeder(store)
        # Somebody else, under a key that knows nothing of the deleted account.
        assert feed(post("t:karim/1", author="karim")).deleted == 0
        assert store.delete([by_id]).posts == 1

    def test_posts_without_an_author_share_none(self, store: Store) -> None:
        Feeder(store)(post("t:1", author=""), post("t:2", author=""))
        store.delete([tombstone("t:1")])
        drain(store)
        assert list(texts(store)) == ["t:2"]

    def test_an_unknown_id_gets_a_tombstone_once(self, store: Store) -> None:
        deletion = store.delete([tombstone("t:1")])
        assert (deletion.posts, deletion.tombstones) == (0, 1)
        deletion = store.delete([tombstone("t:1"), tombstone("t:2")])
        assert (deletion.posts, deletion.tombstones) == (0, 1)
        assert store.ledger() == Ledger(received=3, deleted=3)

    def test_nothing_of_a_deleted_post_is_counted_or_found(self, store: Store) -> None:
        fill(store)
        store.delete([tombstone("twitter:01")])
        assert "twitter:01" not in ids(store)
        assert "twitter:01" not in ids(store, "honte")
        assert "twitter:01" not in ids(store, "entity:inwi")
        assert store.count(parse("entity:inwi")) == (2, 0)
        assert sum(s.posts for s in store.sums(parse("entity:inwi"), "day", "")) == 2


class Keys:
    """A store knows the keys it was written with."""

    OWN, LATER, STRANGE = frozenset({"a1"}), frozenset({"a1", "b2"}), frozenset({"c3"})

    def test_a_new_store__takes_the_keys_it_is_written_with(
        self, store: Store, another: Callable[..., Store]
    ) -> None:
        store.require_keys(Path("ring"), self.OWN)
        other = another()
        other.require_keys(Path("ring"), self.OWN)
        other.close()  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("own", "why"), [(STRANGE, "has other keys"), (frozenset(), "no keys")]
    )
    def test_a_store__refuses_a_keyring_with_none_of_its_keys(
        self, store: Store, own: frozenset[str], why: str
    ) -> None:
        store.require_keys(Path("ring"), self.OWN)
        with pytest.raises(StoreError, match=f"not elsewhere.*{why}.*MARSAD_KEYS"):
            store.require_keys(Path("elsewhere"), own)
        store.require_keys(Path("ring"), self.OWN)

    def test_a_store__keeps_the_keys_of_before_and_those_added(self, store: Store) -> None:
        for own in (self.OWN, self.LATER, frozenset({"b2"}), self.OWN):
            store.require_keys(Path("ring"), own)
        with pytest.raises(StoreError):
            store.require_keys(Path("ring"), self.STRANGE)


class Queue:
    """What waits is handed out until it is indexed."""

    def test_the_oldest_come_first_and_no_more_than_asked_for(self, store: Store) -> None:
        Feeder(store)(*(post(f"t:{n}") for n in (3, 1, 2)))
        assert [p.id for p in store.pending(2)] == ["t:3", "t:1"]
        assert [p.id for p in store.pending(2)] == ["t:3", "t:1"]

    def test_indexing_twice_is_indexing_once(self, store: Store) -> None:
        Feeder(store)(post("t:1"))
        documents = [document(scored(p)) for p in store.pending(9)]
        store.index(documents)
        store.index(documents)
        assert store.ledger() == Ledger(received=1, indexed=1)
        assert ids(store, "texte") == ["t:1"]

    def test_requeued_posts_are_scored_again_without_a_ledger_entry(self, store: Store) -> None:
        fill(store)
        before = store.ledger()
        stored = [hit.post for hit in store.scan(parse("lang:fr"))]
        store.requeue(msgspec.structs.replace(p, watchlist="new") for p in stored)
        assert store.ledger() == before
        assert {p.watchlist for p in store.pending(99)} == {"new"}
        assert ids(store, "honte") != []  # still found as it was
        drain(store, language="en", label="positive")
        assert store.ledger() == before
        assert ids(store, "lang:fr") == []
        assert store.count(parse("lang:en sentiment:positive"))[0] == len(stored)

    def test_requeueing_what_was_deleted_or_edited_meanwhile_does_nothing(
        self, store: Store
    ) -> None:
        feed = Feeder(store)
        feed(post("t:1", "un"), post("t:2", "un"))
        drain(store)
        old = [hit.post for hit in store.scan(All())]
        store.delete([tombstone("t:1")])
        feed(post("t:2", "deux", version=7))
        store.requeue(old)
        assert [(p.id, p.text) for p in store.pending(9)] == [("t:2", "deux")]
        drain(store)
        assert texts(store) == {"t:2": "deux"}
        balance(store.ledger())

    def test_what_cannot_be_scored_becomes_a_dead_letter_and_can_be_tried_again(
        self, store: Store
    ) -> None:
        feed = Feeder(store)
        feed(post("t:1"), post("t:2"), post("t:3"), post("t:3", version=2))
        waiting = {p.id: p for p in store.pending(9)}
        feed(post("t:2", "deux", version=7))  # edited meanwhile: it is another post now
        lost = [waiting[name] for name in ("t:1", "t:2", "t:3")]
        dead_letters = [dead_letter(n, reason="score-failed") for n in (1, 2, 3)]
        for _ in range(2):  # as after a crash
            store.reject(lost, dead_letters)
        assert store.ledger() == Ledger(received=5, dead=3, pending=2)
        assert [(p.id, p.text) for p in store.pending(9)] == [("t:2", "deux")]
        with store.dead_letters() as kept:
            assert kept.reasons() == {"score-failed": 3}
        drain(store)
        balance(store.ledger())
        assert texts(store) == {"t:2": "deux"}
        again = Feeder(store, "again")(post("t:1"), retried=dead_letters[:1])
        assert again.pending == 1
        drain(store)
        assert set(texts(store)) == {"t:1", "t:2"}

    def test_what_cannot_be_scored_and_was_deleted_meanwhile_leaves_no_dead_letter(
        self, store: Store
    ) -> None:
        Feeder(store)(post("t:1"), post("t:2"))
        waiting = sorted(store.pending(9), key=lambda one: one.id)
        store.delete([tombstone("t:1")])
        store.reject(waiting, [dead_letter(n, reason="score-failed") for n in (1, 2)])
        assert store.ledger() == Ledger(received=3, deleted=2, dead=1)
        with store.dead_letters() as kept:
            assert [one.line for one in kept.entries()] == [2]

    def test_what_was_deleted_before_it_is_rejected_leaves_no_dead_letter_after_a_crash(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Feeder(store)(post("t:1"), post("t:2"))
        waiting = sorted(store.pending(9), key=lambda one: one.id)
        store.delete([tombstone("t:1")])
        with monkeypatch.context() as patch:
            # as if the process was killed
            patch.setattr(DeadLetters, "remove", lambda *given: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                store.reject(waiting, [dead_letter(n, reason="score-failed") for n in (1, 2)])
        assert store.ledger() == Ledger(received=3, deleted=2, dead=1)
        with store.dead_letters() as kept:
            assert [one.line for one in kept.entries()] == [2]

    def test_what_is_rejected_and_deleted_at_once_leaves_no_dead_letter(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Feeder(store)(post("t:1"))
        put = DeadLetters.put

        def late(letters: DeadLetters, given: Sequence[DeadLetter]) -> None:
            store.delete([tombstone("t:1")])  # after it was asked for what is deleted
            put(letters, given)

        waiting = store.pending(9)
        with monkeypatch.context() as patch:
            patch.setattr(DeadLetters, "put", late)
            store.reject(waiting, [dead_letter(1, reason="score-failed")])
        assert store.ledger() == Ledger(received=2, deleted=2)
        with store.dead_letters() as kept:
            assert kept.entries() == []

    def test_what_is_indexed_and_cannot_be_scored_once_more_stays_as_it_was(
        self, store: Store
    ) -> None:
        Feeder(store)(post("t:1"))
        drain(store)
        before = store.ledger()
        store.requeue([hit.post for hit in store.scan(All())])
        store.reject(store.pending(9), [dead_letter(1, reason="score-failed")])
        assert store.pending(9) == []
        assert store.ledger() == before
        assert set(texts(store)) == {"t:1"}


#: Query and the ids it must find, newest first.
QUERIES = {
    "": "rss:11 archive:set:08 archive:set:07 youtube:06 youtube:05 youtube:04 twitter:03 "
    "twitter:02 twitter:01 rss:12 archive:set:09 archive:set:10",
    "honte": "archive:set:08 twitter:01",
    "HONTE coupure": "archive:set:08",
    "inwi thank": "youtube:04",
    "watsap": "archive:set:07 twitter:03 twitter:02",
    "واتساب": "archive:set:07 twitter:03 twitter:02",
    "=watsap": "archive:set:07 twitter:03",
    "=واتساب": "twitter:02",
    '"quelle honte"': "twitter:01",
    '"honte quelle"': "archive:set:08",
    '"coupe l\'appel"': "twitter:01",
    "wi-fi": "youtube:05",
    "wifi": "youtube:05",
    "#wifi": "",
    "wif*": "youtube:05",
    "Wi‑Fi": "youtube:05",
    '"اتصالات المغرب"': "youtube:06",
    '"المغرب اتصالات"': "",
    "coup*": "archive:set:08 archive:set:07 twitter:01 rss:12 archive:set:09",
    "#opeunlike": "twitter:01",
    "opeunlike": "twitter:01",
    "=opeunlike": "twitter:01",
    "#ope*": "twitter:01",
    "#inwi": "",
    "@inwi": "",
    "😡": "archive:set:08",
    "honte OR merci": "archive:set:08 youtube:05 twitter:01",
    "honte -coupure": "twitter:01",
    "honte NOT (coupure OR inwi)": "",
    "(honte OR merci) sentiment:negative": "archive:set:08 twitter:01",
    "lang:ary": "twitter:02",
    "lang:ary,ary-Latn": "twitter:03 twitter:02",
    "-lang:fr,ar,en,mixed": "twitter:03 twitter:02",
    "sentiment:positive": "youtube:05",
    "entity:whatsapp": "archive:set:07 twitter:03 twitter:02",
    "entity:inwi entity:whatsapp": "archive:set:07",
    "target:inwi=negative": "archive:set:07 youtube:04 twitter:01",
    "target:whatsapp=positive,anrt=neutral": "rss:11 archive:set:07 youtube:06",
    "target:whatsapp=negative": "",
    "platform:rss": "rss:11 rss:12",
    "source:tweets": "twitter:03 twitter:02 twitter:01",
    'source:"old set, part 2"': "archive:set:07",
    "source:press": "rss:11",
    "source:archive:press": "rss:11",
    "platform:Twitter,YT -inwi": "youtube:06 youtube:05 twitter:03 twitter:02",
    "(inwi OR (honte " * 12 + "merci" + "))" * 12: "archive:set:07 youtube:04 twitter:01",
    "id:archive:set:08,rss:11,nobody:0": "rss:11 archive:set:08",
    "author:u_sara": "youtube:04 rss:12",
    "day:2016-02-20": "twitter:02 twitter:01",
    "since:2016-02-28": "rss:11 archive:set:08",
    "until:2016-02-20": "rss:12",
    "since:2016-02-20 until:2016-02-22": "youtube:04 twitter:03 twitter:02 twitter:01",
    "date:unknown": "archive:set:09 archive:set:10",
    "coupure -date:unknown": "archive:set:08",
    "flag:date-implausible": "archive:set:10",
    "flag:zone-assumed,date-unknown": "archive:set:08 archive:set:09",
    "scored:provisional": "",
    "scored:final honte": "archive:set:08 twitter:01",
    "-scored:final": "",
    "likes>100": "youtube:04 twitter:01",
    "likes>=100": "youtube:04 twitter:02 twitter:01",
    "likes<100": "twitter:03",
    "likes<=100": "twitter:03 twitter:02",
    "likes:100..120": "twitter:02 twitter:01",
    "likes:0,120": "twitter:03 twitter:01",
    "likes<1": "twitter:03",
    "reposts>10": "twitter:01",
    "reposts:..39": "twitter:02",
    "replies:7 views:1000000..": "youtube:04",
    "inwi likes<1000": "twitter:01",
    "inwi OR likes:0": "archive:set:07 youtube:04 twitter:03 twitter:01",
    "-likes>100 platform:twitter,youtube": "youtube:06 youtube:05 twitter:03 twitter:02",
    "likes:unknown platform:twitter,youtube": "youtube:06 youtube:05",
    "reposts:unknown,0 platform:twitter": "twitter:03 twitter:02",
    "-likes:unknown since:2016-02-21": "youtube:04 twitter:03",
    "nothing-like-it": "",
}


class Searching:
    """A query finds the same posts in every store."""

    @pytest.fixture
    def filled(self, store: Store) -> Store:
        fill(store)
        return store

    def test_each_query_finds_its_posts_newest_first(self, filled: Store) -> None:
        found = {query: " ".join(ids(filled, query)) for query in QUERIES}
        assert found == QUERIES

    def test_scan_and_count_agree_with_search(self, filled: Store) -> None:
        for query in QUERIES:
            node = parse(query)
            scanned = [hit.post.id for hit in filled.scan(node)]
            page = filled.search(node, 100)
            assert scanned == sorted(hit.post.id for hit in page.hits)
            undated = sum(hit.day == "" for hit in page.hits)
            assert filled.count(node) == (page.total, undated) == (len(scanned), undated)

    def test_search__finds_the_newest_count_of_a_post(self, store: Store) -> None:
        feed = Feeder(store)
        for version, counts in enumerate([{}, {"likes": 5}, {"likes": 500}, {"views": 3}]):
            feed(post("t:1", version=version, counts=counts))
            drain(store)
            likes = counts.get("likes")
            assert ids(store, "likes>100") == (["t:1"] if likes == 500 else [])
            assert ids(store, "likes<=100") == (["t:1"] if likes == 5 else [])
            assert ids(store, "likes:unknown") == (["t:1"] if likes is None else [])

    def test_a_word_is_highlighted_exactly_where_it_is_found(self, filled: Store) -> None:
        everything = {hit.post.id: hit.post.text for hit in filled.scan(All())}
        words = {word for text in everything.values() for word in text.split() if tokenize(word)}
        queries = [
            *(f'"{word}"' for word in words),
            *(word for word in words if word.isalnum()),
            *(f"{word[:2]}*" for word in words if word[:2].isalnum()),
        ]
        for query in queries:
            node = parse(query)
            marked = {name for name, text in everything.items() if highlight(node, text)}
            assert marked == set(ids(filled, query)), query

    def test_a_page_is_a_part_of_the_whole(self, filled: Store) -> None:
        whole = ids(filled)
        page = filled.search(All(), limit=3, offset=4)
        assert [hit.post.id for hit in page.hits] == whole[4:7]
        assert page.total == len(whole)

    def test_a_hit_is_the_post_as_it_was_indexed(self, filled: Store) -> None:
        by_id = {p.id: p for p in corpus()}
        hits = filled.search(All(), 100).hits
        assert {hit.post.id: hit.post for hit in hits} == by_id
        assert {hit.day for hit in hits if hit.post.id == "twitter:01"} == {"2016-02-20"}

    def test_long_queries_are_answered(self, filled: Store) -> None:
        assert ids(filled, " OR ".join(["honte"] * 500)) == ids(filled, "honte")
        assert ids(filled, " ".join(["honte"] * 500)) == ids(filled, "honte")
        assert ids(filled, "-" * 23 + "honte") == ids(filled, "-honte")
        many = ",".join(f"nobody:{n}" for n in range(5000))
        assert ids(filled, f"id:{many},rss:11") == ["rss:11"]

    def test_letters_that_engines_treat_specially_are_only_letters(self, store: Store) -> None:
        odd = ["l'an", 'il dit "oui"', "a*b", "NEAR AND", "50% _x_", "tokens:x", "(y)", "\\z"]
        Feeder(store)(*(post(f"t:{n}", text, digest=str(n)) for n, text in enumerate(odd)))
        drain(store)
        for number, text in enumerate(odd):
            quoted = text.replace('"', '""')
            assert f"t:{number}" in ids(store, f'"{quoted}"'), text


class Summing:
    """Trends are computed from these sums alone."""

    def test_a_post_counts_once_with_its_sentiment(self, store: Store) -> None:
        fill(store)
        rows = store.sums(All(), "day", "")
        assert sum(r.posts for r in rows) == 10  # two have no usable date
        (row,) = (r for r in rows if r.bucket == "2016-02-20" and r.language == "fr")
        assert (row.group, row.label, row.posts) == ("", "negative", 1)
        assert (row.negative, row.neutral, row.positive) == pytest.approx((0.75, 0.125, 0.125))

    def test_split_by_entity_it_counts_for_each_with_its_attitude(self, store: Store) -> None:
        fill(store)
        rows = store.sums(parse("id:archive:set:07"), "day", "entity")
        assert [(r.group, r.label, r.posts) for r in rows] == [
            ("inwi", "negative", 1),
            ("whatsapp", "positive", 1),
        ]
        assert sum(r.posts for r in store.sums(All(), "day", "entity")) == 9

    def test_facets_count_every_post_that_matches(self, store: Store) -> None:
        fill(store)
        for query in QUERIES:
            node = parse(query)
            hits = list(store.scan(node))
            facets = store.facets(node)
            assert facets.days == Tally(hit.day for hit in hits if hit.day), query
            assert facets.languages == Tally(hit.post.language for hit in hits)
            assert facets.platforms == Tally(hit.post.platform for hit in hits)
            scores = [hit.post.sentiment for hit in hits]
            assert facets.labels == Tally(score.label for score in scores if score)
            assert facets.entities == Tally(e for hit in hits for e in hit.post.entities)
            targets = [t for hit in hits for t in hit.post.targets]
            assert facets.targets == Tally(f"{t.entity}={t.label}" for t in targets)

    def test_splits_by_language_and_platform_and_buckets_of_hours(self, store: Store) -> None:
        fill(store)
        by_platform = store.sums(parse("platform:rss,twitter"), "day", "platform")
        assert {r.group for r in by_platform} == {"rss", "twitter"}
        by_language = store.sums(All(), "day", "language")
        assert all(r.group == r.language for r in by_language)
        hours = store.sums(parse("day:2016-02-20"), "hour", "")
        assert [r.bucket for r in hours] == ["2016-02-20T10", "2016-02-20T11"]

    def test_rows_are_ordered_and_distinct(self, store: Store) -> None:
        fill(store)
        places = [(r.bucket, r.group, r.language, r.label) for r in store.sums(All(), "day", "")]
        assert places == sorted(set(places))

    def test_sums__are_those_that_counting_the_posts_gives(self, store: Store) -> None:
        fill(store)
        for split in get_args(Split):
            own = store.sums(All(), "day", split)
            read = count(store.scan(All()), "day", (split,), zone=ZoneInfo("UTC"), once=False).sums
            assert len(own) > 2
            assert [one[:5] for one in map(msgspec.structs.astuple, read)] == [
                one[:5] for one in map(msgspec.structs.astuple, own)
            ]
            for counted, stored in zip(read, own, strict=True):
                assert counted.negative == pytest.approx(stored.negative, abs=1e-3)


class Reporting:
    def test_status__tells_how_long_scoring_takes_at_the_pace_measured_last(
        self, store: Store
    ) -> None:
        Feeder(store)(post("t:1"), post("t:2"))
        assert store.status().seconds_left is None
        store.put_pace(8.0)
        store.put_pace(0.5)
        status = store.status()
        assert (status.posts_a_second, status.seconds_left) == (0.5, 4.0)
        drain(store)
        assert store.status().seconds_left is None

    def test_study__is_the_one_recorded_last(self, store: Store) -> None:
        assert store.study() is None
        first = Study(fingerprint="a@1", watchlist='title = "كلمة"', events="date,label\n")
        store.put_study(first)
        assert store.study() == first
        second = Study(fingerprint="b@2", watchlist="")
        store.put_study(second)
        assert store.study() == second

    def test_an_empty_store_has_empty_answers(self, store: Store) -> None:
        assert store.ledger() == Ledger()
        assert store.search(All(), 10).hits == []
        assert list(store.scan(All())) == []
        assert store.sums(All(), "day", "entity") == []
        assert store.count(All()) == (0, 0)
        assert store.pending(10) == []
        status = store.status()
        assert (status.posts, status.first_day, status.languages) == (0, "", {})

    def test_status_tells_what_is_there(self, store: Store) -> None:
        fill(store)
        gap = Gap(source="stream", start=NOW, end=NOW + timedelta(hours=1), cause="no network")
        Feeder(store)(notices=[gap, Heartbeat(source="stream", at=NOW)], done=True)
        status = store.status()
        assert status.posts == 12
        assert (status.first_day, status.last_day) == ("2015-12-31", "2016-03-01")
        assert status.unknown_date == 2
        assert status.languages["fr"] == 7
        assert status.platforms == {"archive": 4, "twitter": 3, "youtube": 3, "rss": 2}
        assert status.models == {"test-1": 12}
        assert [(p.key, p.done) for p in status.inputs] == [("corpus", False), ("input", True)]
        assert status.gaps == [gap]
        assert status.ledger == store.ledger()


class Counting:
    """Readings of pages' counters are kept with all that was known about them."""

    def reading(self, value: int = 2_400_000, **fields: object) -> Counter:
        given: dict[str, object] = {
            "source": "pages/test:a",
            "page": "a",
            "metric": "likes",
            "value": value,
            "at": NOW,
            "granularity": 100_000,
        }
        return msgspec.convert({**given, **fields}, Counter)

    def test_a_store_without_readings_has_none(self, store: Store) -> None:
        fill(store)
        Feeder(store)(notices=[Heartbeat(source="stream", at=NOW)])
        assert store.counters() == []

    def test_a_reading_comes_back_as_it_was(self, store: Store) -> None:
        published = self.reading(
            27_000,
            metric="likes_lost",
            granularity=1_000,
            note="about",
            span=86_400,
            since=NOW - timedelta(days=2),
            since_span=86_400,
            bound="least",
        )
        Feeder(store)(notices=[published, self.reading()])
        assert store.counters() == [self.reading(), published]

    def test_readings_are_ordered_by_time_and_can_be_asked_for_by_page(self, store: Store) -> None:
        late = self.reading(at=NOW + timedelta(microseconds=1))
        latest = self.reading(at=NOW + timedelta(seconds=1), page="b")
        Feeder(store)(notices=[latest, late, self.reading()])
        assert store.counters() == [self.reading(), late, latest]
        assert store.counters("b") == [latest]
        assert store.counters("c") == []

    def test_of_the_same_source_page_metric_and_time_the_first_reading_stays(
        self, store: Store
    ) -> None:
        first = self.reading()
        elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
        feed = Feeder(store)
        feed(notices=[first, self.reading(1)])
        feed(notices=[self.reading(2, at=elsewhere)])
        assert store.counters() == [first]

    def test_other_sources_pages_metrics_and_times_are_other_readings(self, store: Store) -> None:
        others = [
            self.reading(),
            self.reading(source="pages/test:b"),
            self.reading(page="b"),
            self.reading(metric="followers"),
            self.reading(at=NOW + timedelta(seconds=1)),
        ]
        Feeder(store)(notices=others)
        assert len(store.counters()) == len(others)

    def test_readings_enter_no_ledger(self, store: Store) -> None:
        assert Feeder(store)(notices=[self.reading()]) == Ledger() == store.ledger()

"""A deletion reaches what repeats the deleted post, in any order, on every store."""

from __future__ import annotations

import itertools

import pytest

from pipelines.records import Collected, Ledger
from pipelines.stores.protocols import Store
from tests.conformance.corpus import Feeder, dead_letter, document, drain, post, scored, tombstone
from tests.conformance.store_suite import balance, texts

SECRET = "une phrase que personne ne doit plus lire"
OTHER = "autre chose"


def original() -> Collected:
    return Collected(post("t:1", SECRET, author="u_a"))


def repost(name: str = "t:2", **fields: str) -> Collected:
    """A post that repeats ``t:1`` of ``u_a``."""
    given = {"author": "u_b", "repost_of": "t:1", "repost_author": "u_a", **fields}
    return Collected(post(name, SECRET, **given))


class Reposts:
    """Who repeats a post repeats its words: they go with it."""

    @pytest.mark.parametrize("order", list(itertools.permutations(["tombstone", "repost", "post"])))
    @pytest.mark.parametrize("by_author", [False, True])
    @pytest.mark.parametrize("scoring", [False, True])
    def test_a_deletion__reaches_reposts_in_any_order(
        self, store: Store, order: tuple[str, ...], by_author: bool, scoring: bool
    ) -> None:
        feed = Feeder(store)
        feed(post("t:9", OTHER, author="u_b"))
        for step in order:
            if step == "post":
                feed(original())
            elif step == "repost":
                feed(repost())
            else:
                feed(tombstones=[tombstone(author="u_a") if by_author else tombstone("t:1")])
            if scoring:
                drain(store)
        drain(store)
        assert list(texts(store)) == ["t:9"]
        assert balance(store.ledger()).received == 4

    def test_a_deletion__removes_reposts_and_what_repeats_these(self, store: Store) -> None:
        Feeder(store)(
            original(),
            repost("t:2"),
            repost("t:3", repost_of="t:2", repost_author="u_b"),
            post("t:4", OTHER, author="u_b"),
        )
        drain(store)
        assert store.reached([tombstone("t:1")]) == {"t:1", "t:2", "t:3"}
        assert store.delete([tombstone("t:1")]).posts == 3
        assert list(texts(store)) == ["t:4"]
        assert store.delete([tombstone("t:1")]).posts == 0

    @pytest.mark.parametrize(
        "order", list(itertools.permutations(["tombstone", "post", "repost", "repost of repost"]))
    )
    @pytest.mark.parametrize("scoring", [False, True])
    def test_a_deletion__reaches_a_chain_of_reposts_in_any_order(
        self, store: Store, order: tuple[str, ...], scoring: bool
    ) -> None:
        feed = Feeder(store)
        first, second, third = (f"twitter:69000000000000000{n}" for n in range(3))
        for step in order:
            if step == "post":
                feed(post(first, SECRET, author="u_a"))
            elif step == "repost":
                feed(repost(second, repost_of=first))
            elif step == "repost of repost":
                feed(repost(third, author="u_c", repost_of=second, repost_author="u_b"))
            else:
                feed(tombstones=[tombstone(first)])
            if scoring:
                drain(store)
        drain(store)
        assert texts(store) == {}
        assert balance(store.ledger()).received == 4

    def test_a_deletion__reaches_a_chain_of_reposts_of_one_batch(self, store: Store) -> None:
        names = [f"twitter:69000000000000000{n}" for n in range(4)]
        store.delete([tombstone(names[0])])
        chain = [repost(b, repost_of=a, repost_author="") for a, b in itertools.pairwise(names)]
        assert Feeder(store)(*reversed(chain)) == Ledger(received=3, deleted=3)

    def test_a_refused_repost__takes_no_post_that_has_its_id_in_another_file(
        self, store: Store
    ) -> None:
        store.delete([tombstone(author="u_a")])
        feed = Feeder(store)
        assert feed(repost("forum:2")).deleted == 1
        feed(post("forum:2", OTHER, author="u_d"))
        drain(store)
        assert list(texts(store)) == ["forum:2"]

    def test_a_deletion__reaches_a_repost_that_names_the_author_alone(self, store: Store) -> None:
        feed = Feeder(store)
        by_name = repost("t:2", repost_of="u_a", repost_author="")
        feed(by_name)
        drain(store)
        assert store.delete([tombstone(author="u_a")]).posts == 1
        assert feed(repost("t:3", repost_of="u_a", repost_author="")).deleted == 1
        assert texts(store) == {}

    def test_a_deletion_of_an_author__reaches_reposts_of_unknown_posts(self, store: Store) -> None:
        feed = Feeder(store)
        feed(repost("t:2", repost_of="t:77"), repost("t:3", repost_of="", repost_author="u_c"))
        drain(store)
        assert store.delete([tombstone(author="u_a")]).posts == 1
        assert list(texts(store)) == ["t:3"]

    def test_a_deletion_of_a_post__refuses_its_reposts_of_any_account(self, store: Store) -> None:
        store.delete([tombstone("t:1")])
        outcomes = Feeder(store)(repost("t:2", repost_author=""), repost("t:3", author="u_c"))
        assert outcomes == Ledger(received=2, deleted=2)

    def test_a_deletion_of_a_repost__leaves_the_original(self, store: Store) -> None:
        Feeder(store)(original(), repost())
        drain(store)
        store.delete([tombstone("t:2")])
        assert list(texts(store)) == ["t:1"]

    def test_a_deletion_of_who_repeats__leaves_the_original(self, store: Store) -> None:
        Feeder(store)(original(), repost())
        drain(store)
        assert store.delete([tombstone(author="u_b")]).posts == 1
        assert list(texts(store)) == ["t:1"]

    def test_a_deletion__reaches_a_repost_that_is_being_scored(self, store: Store) -> None:
        feed = Feeder(store)
        feed(original(), repost())
        documents = [document(scored(one)) for one in store.pending(9)]
        assert feed(tombstones=[tombstone("t:1")]).deleted == 1
        store.index(documents)
        assert texts(store) == {}
        assert store.pending(9) == []
        assert store.ledger() == Ledger(received=3, deleted=3)

    def test_a_deletion__reaches_reposts_under_an_older_key(self, store: Store) -> None:
        feed = Feeder(store)
        new = Collected(
            post("t:3", SECRET, repost_of="t:new", repost_author="u_new"),
            repost_aliases=("t:old", "u_old"),
        )
        feed(post("t:2", SECRET, repost_of="t:old", repost_author="u_old"))
        store.delete([tombstone("t:new", aliases=["t:old"])])
        assert texts(store) == {}
        store.delete([tombstone(author="u_old")])
        assert feed(new).deleted == 1

    def test_a_deletion__reaches_the_repost_of_an_edited_post(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:2", SECRET, version=1, repost_of="t:1", author="u_b"))
        drain(store)
        feed(post("t:2", OTHER, version=2, repost_of="t:1", author="u_b"))
        drain(store)
        assert store.delete([tombstone("t:1")]).posts == 1

    def test_written_tombstones__of_a_refused_repost_leave_its_removal_to_the_batch(
        self, store: Store
    ) -> None:
        first, second, third = (f"twitter:69000000000000000{n}" for n in range(3))
        feed = Feeder(store)
        feed(repost(third, repost_of=second, repost_author="u_b"))
        drain(store)
        assert store.write_tombstones([tombstone(first)]) == set()
        assert store.write_tombstones([tombstone(second)]) == {third}
        assert feed(repost(second, repost_of=first)) == Ledger(received=1, deleted=1)
        assert texts(store) == {}

    def test_written_tombstones__tell_the_reposts_that_they_reach(self, store: Store) -> None:
        Feeder(store)(original(), repost())
        drain(store)
        assert store.write_tombstones([tombstone("t:1")]) == {"t:2"}
        assert store.write_tombstones([tombstone(author="u_a")]) >= {"t:1", "t:2"}

    @pytest.mark.parametrize("scoring", [False, True])
    def test_a_deletion_by_a_raw_name__removes_what_repeats_the_posts_it_finds(
        self, store: Store, scoring: bool
    ) -> None:
        feed = Feeder(store)
        feed(
            post("t:karim/1", SECRET, author="karim"),
            post("t:karim/2", SECRET, author="karim", repost_of="t:karim/1"),
            repost("t:3", repost_of="t:karim/1", repost_author=""),
            repost("t:4", repost_of="t:3", repost_author=""),
            post("t:9", OTHER),
        )
        if scoring:
            drain(store)
        deletions = [tombstone(author="u_karim", raw_name="karim")]
        assert store.reached(deletions) == {"t:karim/1", "t:karim/2", "t:3", "t:4"}
        assert store.delete(deletions).posts == 4
        # which leaves no tombstone under the raw name: this may be somebody else by now
        assert feed(post("t:karim/2", OTHER, author="karim")).deleted == 0
        drain(store)
        assert list(texts(store)) == ["t:9", "t:karim/2"]

    def test_a_preview__counts_what_is_deleted_where_a_repost_could_not_be_scored(
        self, store: Store
    ) -> None:
        Feeder(store)(original(), repost())
        unfit = [one for one in store.pending(9) if one.id == "t:2"]
        store.reject(unfit, [dead_letter(1)])
        drain(store)
        preview = store.reached([tombstone("t:1")])
        assert len(preview) == store.delete([tombstone("t:1")]).posts

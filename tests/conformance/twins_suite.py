"""A deleted post does not come back under the id of a file that names no platform."""

from __future__ import annotations

import itertools
from datetime import timedelta

import msgspec
import pytest

from ingest.records import Post
from pipelines.records import Collected, Ledger
from pipelines.stores.protocols import Store
from tests.conformance.corpus import NOW, Feeder, drain, post, tombstone
from tests.conformance.store_suite import balance, texts

SECRET = "une phrase que personne ne doit plus lire, dit @inwi"
OTHER = "autre chose"
PLATFORM, FILE = "twitter:690000000000000001", "archive:set:690000000000000001"


def of_platform(**fields: object) -> Post:
    return msgspec.structs.replace(post(PLATFORM, SECRET, author="u_a"), **fields)


def of_file(**fields: object) -> Post:
    """The same post, from a file without a platform: its author has another pseudonym there."""
    return msgspec.structs.replace(post(FILE, SECRET, author="u_x"), **fields)


#: Another author's post of a platform, with the same words in the same second.
SAME_SLOGAN = of_platform(id="twitter:690000000000000002", author="u_b")


class Twins:
    """One post under two ids: a deletion of one reaches the other."""

    @pytest.mark.parametrize("order", list(itertools.permutations(["tombstone", "post", "twin"])))
    @pytest.mark.parametrize("named", [PLATFORM, FILE])
    @pytest.mark.parametrize("scoring", [False, True])
    def test_a_deletion__reaches_the_same_post_without_its_platform_in_any_order(
        self, store: Store, order: tuple[str, ...], named: str, scoring: bool
    ) -> None:
        feed = Feeder(store)
        given = {"post": of_platform(), "twin": of_file()}
        feed(post("t:9", OTHER))
        for step in order:
            if step == "tombstone":
                feed(tombstones=[tombstone(named)])
            else:
                feed(given[step])
            if scoring:
                drain(store)
        drain(store)
        assert list(texts(store)) == ["t:9"]
        assert balance(store.ledger()).received == 4

    def test_a_deletion__reaches_a_twin_of_the_same_batch(self, store: Store) -> None:
        feed = Feeder(store)
        outcomes = feed(of_file(), of_platform(), tombstones=[tombstone(PLATFORM)])
        drain(store)
        assert texts(store) == {}
        assert outcomes.deleted + outcomes.pending == 3
        assert balance(store.ledger()) == Ledger(received=3, deleted=3)

    def test_a_deletion_of_an_author__reaches_twins_of_the_stored_posts(self, store: Store) -> None:
        feed = Feeder(store)
        feed(of_platform())
        drain(store)
        assert store.delete([tombstone(author="u_a")]).posts == 1
        assert feed(of_file()) == Ledger(received=1, deleted=1)
        assert store.deleted_ids([Collected(of_file())]) == [FILE]

    def test_a_deletion__tells_the_twins_that_it_would_remove(self, store: Store) -> None:
        Feeder(store)(of_platform(), of_file())
        drain(store)
        assert store.reached([tombstone(PLATFORM)]) == {PLATFORM, FILE}
        assert store.write_tombstones([tombstone(PLATFORM)]) == {FILE}
        assert store.delete([tombstone(PLATFORM)]).posts == 2

    def test_written_tombstones__tell_the_twins_of_posts_that_are_refused(
        self, store: Store
    ) -> None:
        feed = Feeder(store)
        feed(of_file())
        drain(store)
        assert store.write_tombstones([tombstone(PLATFORM)]) == set()
        assert store.write_tombstones([], [of_platform()]) == {FILE}
        assert feed(of_platform()) == Ledger(received=1, deleted=1)
        assert texts(store) == {}

    def test_a_twin__is_known_whatever_differs_between_readers(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post(PLATFORM, "l’été  & @inwi", created_at=NOW + timedelta(microseconds=5)))
        store.delete([tombstone(PLATFORM)])
        assert feed(post(FILE, "l’e\u0301te\u0301 &amp; [user]\n")).deleted == 1

    def test_an_edited_post__leaves_no_version_to_come_back(self, store: Store) -> None:
        feed = Feeder(store)
        feed(of_platform())
        drain(store)
        feed(of_platform(text=OTHER, version=2))
        store.delete([tombstone(PLATFORM)])
        assert feed(of_file(), of_file(text=OTHER)).deleted == 2

    def test_a_repost_of_a_twin__is_refused(self, store: Store) -> None:
        feed = Feeder(store)
        feed(of_file())
        store.delete([tombstone(FILE)])
        assert feed(of_platform()).deleted == 1
        assert feed(post("twitter:690000000000000002", "RT", repost_of=PLATFORM)).deleted == 1

    def test_the_twin_of_a_repost__goes_with_it(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("twitter:690000000000000002", SECRET, repost_of=PLATFORM))
        feed(of_file())
        store.delete([tombstone(PLATFORM)])
        assert texts(store) == {}
        assert store.pending(9) == []

    @pytest.mark.parametrize(
        "other",
        [
            of_file(text=OTHER),
            of_file(created_at=NOW + timedelta(seconds=1)),
            of_file(created_at=None, flags=("date-unknown",)),
            of_file(id="twitter:690000000000000002", platform="twitter"),
            of_file(id="facebook:690000000000000001", platform="facebook"),
        ],
        ids=["words", "second", "no date", "platform", "another platform"],
    )
    def test_what_differs_in_words_or_second__stays(self, store: Store, other: Post) -> None:
        feed = Feeder(store)
        feed(other)
        feed(of_platform())
        assert store.delete([tombstone(PLATFORM)]).posts == 1
        feed(other)
        drain(store)
        assert list(texts(store)) == [other.id]

    @pytest.mark.parametrize("scoring", [False, True])
    def test_a_slogan_of_the_same_second__stays_where_another_author_wrote_it_on_a_platform(
        self, store: Store, scoring: bool
    ) -> None:
        feed = Feeder(store)
        feed(of_platform(), SAME_SLOGAN, of_file())
        if scoring:
            drain(store)
        assert store.reached([tombstone(PLATFORM)]) == {PLATFORM, FILE}
        assert store.delete([tombstone(PLATFORM)]).posts == 2
        feed(msgspec.structs.replace(SAME_SLOGAN, id="twitter:690000000000000003"))
        drain(store)
        assert sorted(texts(store)) == [SAME_SLOGAN.id, "twitter:690000000000000003"]

    def test_a_slogan_of_the_same_second__stays_when_a_twin_is_refused_later(
        self, store: Store
    ) -> None:
        feed = Feeder(store)
        feed(of_platform(), SAME_SLOGAN)
        store.delete([tombstone(PLATFORM)])
        for _ in range(2):
            assert feed(of_file()).deleted == 1
            assert store.write_tombstones([], [of_file()]) == set()
        assert feed(SAME_SLOGAN).duplicate == 1
        drain(store)
        assert list(texts(store)) == [SAME_SLOGAN.id]

    def test_a_slogan_of_the_same_second__goes_with_a_file_that_was_named_however_often(
        self, store: Store
    ) -> None:
        feed = Feeder(store)
        feed(of_file())
        drain(store)
        for _ in range(2):
            assert store.write_tombstones([tombstone(FILE)]) == set()
        feed(tombstones=[tombstone(FILE)])
        feed(of_platform(), SAME_SLOGAN)
        assert texts(store) == {}
        assert store.deleted_ids([Collected(SAME_SLOGAN)]) == [SAME_SLOGAN.id]

    def test_written_tombstones__tell_the_same_twins_of_a_file_again(self, store: Store) -> None:
        feed = Feeder(store)
        feed(of_file(), of_platform())
        drain(store)
        for _ in range(2):
            assert store.write_tombstones([tombstone(FILE)]) == {PLATFORM}
        feed(tombstones=[tombstone(FILE)])
        assert texts(store) == {}

    def test_two_files_without_a_platform__share_a_deletion_by_their_author(
        self, store: Store
    ) -> None:
        feed = Feeder(store)
        feed(of_file())
        store.delete([tombstone(FILE)])
        again = of_file(id="archive:renamed:690000000000000001")
        assert feed(again, of_file(id="archive:renamed:2", author="u_y")) == Ledger(
            received=2, deleted=1, pending=1
        )

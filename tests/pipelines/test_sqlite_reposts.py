"""A deletion reaches what repeats the deleted post, in any order: the SQLite store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.records import Ledger
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import Feeder, document, drain, post, scored, tombstone
from tests.conformance.store_suite import texts

SECRET = "une phrase que personne ne doit plus lire"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "test.db") as opened:
        yield opened


def ids(store: SqliteStore) -> set[str]:
    return set(texts(store))


def test_a_deletion__removes_the_reposts_of_a_post(store: SqliteStore, tmp_path: Path) -> None:
    feed = Feeder(store)
    feed(
        post("t:1", SECRET, author="u_a"),
        post("t:2", SECRET, author="u_b", repost_of="t:1"),
        post("t:3", SECRET, author="u_c", repost_of="t:2"),
        post("t:4", "autre chose", author="u_b"),
    )
    drain(store)
    assert store.delete([tombstone("t:1")]).posts == 3
    assert ids(store) == {"t:4"}
    store.close()
    assert SECRET.encode() not in (tmp_path / "test.db").read_bytes()


def test_a_deletion__refuses_reposts_that_come_later(store: SqliteStore) -> None:
    feed = Feeder(store)
    store.delete([tombstone("t:1")])
    outcomes = feed(post("t:2", SECRET, repost_of="t:1"))
    assert outcomes == Ledger(received=1, deleted=1)


def test_a_deletion_of_a_repost__leaves_the_original(store: SqliteStore) -> None:
    Feeder(store)(post("t:1", SECRET), post("t:2", SECRET, repost_of="t:1"))
    drain(store)
    store.delete([tombstone("t:2")])
    assert ids(store) == {"t:1"}


def test_a_deletion_of_an_author__reaches_reposts_of_all_their_posts(store: SqliteStore) -> None:
    feed = Feeder(store)
    feed(post("t:1", SECRET, author="u_a"), post("t:2", SECRET, author="u_b", repost_of="t:1"))
    drain(store)
    assert store.delete([tombstone(author="u_a")]).posts == 2
    assert ids(store) == set()
    assert feed(post("t:3", SECRET, author="u_c", repost_of="t:1")).deleted == 1


def test_a_deletion__reaches_a_repost_that_waits_or_is_scored(store: SqliteStore) -> None:
    feed = Feeder(store)
    feed(post("t:1", SECRET), post("t:2", SECRET, repost_of="t:1"))
    documents = [document(scored(one)) for one in store.pending(9)]
    outcomes = feed(tombstones=[tombstone("t:1")])
    store.index(documents)
    assert outcomes.deleted == 1
    assert ids(store) == set()
    assert store.pending(9) == []
    assert store.ledger() == Ledger(received=3, deleted=3)

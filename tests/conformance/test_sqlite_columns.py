"""A store that answers from columns in memory passes the suite of all stores.

Its answers are those of the plain store, to the last digit, while others write and delete.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import NoReturn, get_args

import pytest

from pipelines.errors import StoreBusy
from pipelines.query import Node, parse
from pipelines.query.ranking import Clause
from pipelines.records import Split
from pipelines.stores.protocols import Store
from pipelines.stores.sqlite import SqliteStore, columns, resident
from pipelines.stores.sqlite.changes import State
from pipelines.stores.sqlite.column_store import ColumnStore
from pipelines.stores.sqlite.masks import Masks
from pipelines.stores.sqlite.resident import ResidentColumns
from pipelines.stores.sqlite_file import Connection
from tests.conformance import labels_suite
from tests.conformance import store_suite as suite
from tests.conformance.corpus import NOW, Feeder, corpus, drain, fill, post, scored, tombstone


class Prompt(ResidentColumns):
    """Columns that are there when they are asked for; counts how often they were."""

    used = 0

    def masks(self) -> tuple[State, Masks] | None:
        self._took = 0.0  # the file need not be left alone first
        if super().masks() is None:
            self.wait()
        found = super().masks()
        self.used += found is not None
        return found


@pytest.fixture
def prompt(tmp_path: Path) -> Iterator[Prompt]:
    with closing(Prompt(tmp_path / "test.db")) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path, prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(columns, "CHUNK", 3)
    with ColumnStore(tmp_path / "test.db", prompt) as opened:
        yield opened


@pytest.fixture
def plain(tmp_path: Path, store: Store) -> Iterator[Store]:
    """The same file without columns."""
    with SqliteStore(tmp_path / "test.db", readonly=True) as opened:
        yield opened


class TestDeleting(suite.Deleting):
    pass


class TestSearching(suite.Searching):
    pass


class TestSumming(suite.Summing):
    pass


class TestRanking(labels_suite.Ranking):
    pass


def answers(store: Store, node: Node) -> list[object]:
    """Everything that columns may answer."""
    facets = store.facets(node)
    return [
        store.count(node),
        [list(getattr(facets, name).items()) for name in facets.__struct_fields__],
        *(store.search(node, limit, offset) for limit, offset in ((0, 0), (2, 0), (3, 2), (9, 9))),
        *(store.sums(node, by, split) for by in ("day", "hour") for split in get_args(Split)),
        *(store.best(node, [Clause(node, 3), Clause(parse("inwi"), 2)], most) for most in (1, 4)),
    ]


def require_same(store: Store, plain: Store) -> None:
    for query in suite.QUERIES:
        assert answers(store, parse(query)) == answers(plain, parse(query)), query


def test_columns__answer_as_the_file_does_after_each_change(
    store: Store, plain: Store, prompt: Prompt
) -> None:
    require_same(store, plain)  # nothing there
    fill(store)
    require_same(store, plain)
    store.delete([tombstone("twitter:01"), tombstone(author="u_sara")])
    require_same(store, plain)
    edited = scored(
        post("twitter:02", "honte à inwi", version=9, created_at=NOW, counts={"likes": 7}),
        "fr",
        "positive",
    )
    fill(store, [edited, scored(post("weibo:1", "honte", created_at=NOW + timedelta(1)))])
    require_same(store, plain)
    assert prompt.used > 1_000


def test_columns__page_through_posts_that_share_a_second(store: Store, plain: Store) -> None:
    fill(store, corpus())
    many = [post(f"t:{n:03}", "honte", created_at=NOW, digest=str(n)) for n in range(60)]
    Feeder(store)(*many, post("t:later", "honte", created_at=NOW + timedelta(seconds=1)))
    drain(store)
    for offset in range(0, 70, 7):
        node = parse("honte")
        assert store.search(node, 7, offset) == plain.search(node, 7, offset)
    assert store.best(node, [Clause(node, 1)], 20) == plain.best(node, [Clause(node, 1)], 20)


def test_columns__of_another_state_than_is_read_are_not_used(
    store: Store, plain: Store, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    old = prompt.masks()
    assert old is not None
    store.delete([tombstone("twitter:01")])
    monkeypatch.setattr(prompt, "masks", lambda: old)
    require_same(store, plain)


def test_columns__are_not_used_for_the_file_that_was_here_before(
    tmp_path: Path, store: Store, prompt: Prompt
) -> None:
    fill(store)
    with SqliteStore(tmp_path / "other.db") as other:
        fill(other, [scored(post("weibo:1", "honte"))])
    for name in ("test.db-wal", "test.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "other.db").replace(tmp_path / "test.db")
    with SqliteStore(tmp_path / "test.db", readonly=True) as now:
        assert now.count(parse("honte"))[0] == 1
    assert prompt.masks() is not None
    assert store.count(parse("honte"))[0] == 2  # the file that this store holds open


def test_columns__of_too_many_posts_are_not_loaded(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "test.db") as opened:
        fill(opened)
    with closing(Prompt(tmp_path / "test.db", most_posts=11)) as prompt:
        assert prompt.masks() is None
        assert prompt._thread is not None
        thread = prompt._thread
        assert prompt.masks() is None
        assert prompt._thread is thread  # it does not try again and again


def test_columns__for_which_there_is_no_memory_are_not_tried_again(
    store: Store, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    tries: list[None] = []

    def load(_: object) -> NoReturn:
        tries.append(None)
        raise MemoryError

    monkeypatch.setattr(resident, "load", load)
    assert store.count(parse("honte"))[0] == store.count(parse("honte"))[0] > 0
    assert len(tries) == 1


def test_columns__of_a_store_that_was_busy_are_tried_again(
    store: Store, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    failures = [StoreBusy("in use")]

    def load(connection: Connection) -> columns.Columns:
        if failures:
            raise failures.pop()
        return columns.load(connection)

    monkeypatch.setattr(resident, "load", load)
    prompt.masks()
    assert not failures
    assert prompt.masks() is not None


def test_columns__of_a_state_that_has_passed_are_not_waited_for(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    answered = threading.Event()
    in_time: list[bool] = []

    def load(connection: Connection) -> columns.Columns:
        with SqliteStore(tmp_path / "test.db") as other:
            other.put_pace(1.0)
        in_time.append(answered.wait(3))
        return columns.load(connection)

    monkeypatch.setattr(resident, "load", load)
    with closing(ResidentColumns(tmp_path / "test.db")) as made:
        assert made.masks() is None
        answered.set()
        made.wait()
        assert in_time == [True]
        assert made._loaded is None


def test_columns__keep_nothing_of_who_was_looked_for(store: Store, prompt: Prompt) -> None:
    fill(store)
    for query in ("author:u_sara", "honte -author:u_sara", "inwi OR id:rss:11"):
        answers(store, parse(query))
    loaded = prompt.masks()
    assert loaded is not None
    assert not [one for one in loaded[1]._known if "u_sara" in str(one) or "rss:11" in str(one)]


def test_columns__ask_the_index_for_a_word_once(
    store: Store, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    asked: list[Node] = []
    found = Masks._found
    monkeypatch.setattr(
        Masks, "_found", lambda self, c, node: asked.append(node) or found(self, c, node)
    )
    for word, rest in itertools.product(("honte", "inwi coupe"), ("", "lang:fr", "-entity:inwi")):
        answers(store, parse(f"{word} {rest}"))
    assert sorted(map(str, asked)) == ["honte", "inwi", "inwi coupe"]

"""Reading every post that matches: the order, and the memory that finding them takes."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from pipelines.query import final, parse
from pipelines.stores.sqlite import SqliteStore, read
from pipelines.stores.sqlite.compile import Selection, select
from tests.pipelines.stored_posts import fill, post

QUERIES = (
    "", "whatsapp", "lang:fr", "whatsapp -lang:fr", "author:u_aaaaaaaaaaaaaaad",
    "since:2016-02-28", "likes:0..", "id:twitter:690000000000000003 OR whatsapp",
)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store whose posts are in another order by id than by date."""
    start = datetime(2016, 2, 27, tzinfo=UTC)
    posts = [
        post(
            n,
            "whatsapp" if n % 3 else "skype",
            None if n == 7 else start + timedelta(hours=n * 29 % 60),
            language="fr" if n % 4 else "ary",
            counts={"likes": n} if n % 2 else {},
        )
        for n in range(60)
    ]
    return fill(tmp_path_factory.mktemp("scan") / "t.db", posts)


@pytest.mark.parametrize("query", QUERIES)
def test_scan__gives_the_same_posts_in_the_order_of_their_ids_however_many_match(
    path: Path, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = final(parse(query))
    with SqliteStore(path, readonly=True) as store:
        found = [hit.post.id for hit in store.scan(node)]
        assert found == sorted(hit.post.id for hit in store.search(node, 100).hits)
        assert found
        monkeypatch.setattr(read, "_SORTED", 0)
        monkeypatch.setattr(read, "_SORTED_PART", 0)
        assert [hit.post.id for hit in store.scan(node)] == found


@pytest.mark.parametrize(("most", "query", "whole"), [
    (9, "id:twitter:690000000000000003", False),  # 1 of 60
    (9, "whatsapp", True),  # 40 of 60
    (0, "id:twitter:690000000000000003", True),
])  # fmt: skip
def test_scan__goes_through_all_ids_only_where_many_of_all_posts_match(
    path: Path, monkeypatch: pytest.MonkeyPatch, most: int, query: str, whole: bool
) -> None:
    monkeypatch.setattr(read, "_SORTED", 0)
    monkeypatch.setattr(read, "_SORTED_MOST", most)
    asked: list[str] = []

    def traced(cursor: object, sql: str, values: object) -> bool:
        asked.append(sql)
        return True

    with closing(apsw.Connection(str(path))) as connection:
        selection = select(connection, final(parse(query)))
        connection.exec_trace = traced
        assert list(read._by_id(connection, selection))
    assert ("SELECT number FROM posts ORDER BY id" in asked) is whole


def test_scan__finds_many_posts_with_few_bytes_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sorted by id in memory they took 56 bytes each."""
    monkeypatch.setattr(read, "_SORTED", 1_000)
    few, many = (_most(tmp_path / f"{count}.db", count) for count in (10_000, 40_000))
    assert (many - few) / 30_000 < 16


def _most(path: Path, count: int) -> int:
    """Return the most bytes of SQLite and Python while all posts of a table are found."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -200")
        connection.execute("CREATE TABLE posts (number INTEGER PRIMARY KEY, id TEXT UNIQUE)")
        with connection:
            connection.executemany(
                "INSERT INTO posts VALUES (?, ?)",
                ((n, f"twitter:{n * 7919 % 1_000_003:018}") for n in range(count)),
            )
        everything = Selection("p.number", "posts p", "", (), None)
        apsw.memory_high_water(True)
        before = apsw.memory_used()
        tracemalloc.start()
        try:
            assert sum(1 for _ in read._by_id(connection, everything)) == count
            return apsw.memory_high_water() - before + tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

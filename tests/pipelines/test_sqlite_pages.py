"""Pages of matches and how many there are: each short way gives what the long one gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import msgspec
import pytest

from pipelines.query import final, parse
from pipelines.stores.sqlite import SqliteStore, read, tally
from pipelines.stores.sqlite.compile import select
from tests.pipelines.stored_posts import fill, post

#: Queries that the running totals answer, and others.
TOTALLED = (
    "", "lang:fr", "lang:fr,mixed", "lang:zgh", "platform:reddit", "sentiment:negative",
    "sentiment:positive,neutral", "day:2016-02-28", "since:2016-02-28", "until:2016-02-28",
    "since:2016-02-28 until:2016-02-29", "since:2016-02-28 sentiment:positive platform:twitter",
    "since:0001-01-01", "until:9999-12-31", "scored:provisional", "scored:final lang:fr",
)  # fmt: skip
OTHERS = (
    "whatsapp", "skype", "whatsapp skype", "since:2016-02-28 whatsapp", "-lang:fr",
    "lang:fr OR lang:mixed", "date:unknown", "author:u_aaaaaaaaaaaaaaad", "lang:fr likes:3..",
    "entity:inwi", "flag:date-unknown", "until:2016-02-28 OR date:unknown",
)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with posts of four days, without date, and with provisional scores."""
    start = datetime(2016, 2, 27, tzinfo=UTC)
    posts = [
        msgspec.structs.replace(
            post(
                n,
                "skype" if n % 11 == 1 else "whatsapp",
                None if n % 13 == 7 else start + timedelta(hours=n * 29 % 90),
                ("negative", "neutral", "positive")[n % 3],
                platform="reddit" if n % 5 == 2 else "twitter",
                language=("fr", "ary", "mixed")[n % 7 % 3],
                towards={"inwi": "negative"} if n % 4 == 0 else {},
                counts={"likes": n} if n % 2 else {},
            ),
            scored="provisional" if n % 6 == 5 else "",
        )
        for n in range(80)
    ]
    return fill(tmp_path_factory.mktemp("pages") / "t.db", posts)


@pytest.mark.parametrize("query", TOTALLED + OTHERS)
def test_count__is_the_same_by_running_totals_and_by_counting(path: Path, query: str) -> None:
    with SqliteStore(path, readonly=True) as store:
        for node in (parse(query), final(parse(query))):
            counted = len(list(store.scan(node)))
            told = tally.count(store._connection, node)
            assert told == (counted if query in TOTALLED else None)
            assert store.count(node)[0] == store.search(node, 3).total == counted


@pytest.mark.parametrize("query", TOTALLED + OTHERS)
def test_search__gives_the_same_pages_however_few_match(
    path: Path, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pages(store: SqliteStore) -> list[object]:
        return [store.search(parse(query), *one) for one in product((0, 1, 7, 200), (0, 1, 79, 80))]

    with SqliteStore(path, readonly=True) as store:
        found = pages(store)
        monkeypatch.setattr(read, "_FEW", 0)
        monkeypatch.setattr(tally, "count", lambda connection, query: None)
        assert found == pages(store)


@pytest.mark.parametrize("query", TOTALLED + OTHERS)
def test_sums__are_the_same_by_running_totals_and_by_counting(
    path: Path, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sums(store: SqliteStore) -> list[object]:
        nodes, splits = (parse(query), final(parse(query))), ("", "entity", "language", "platform")
        return [store.sums(node, "day", split) for node, split in product(nodes, splits)]

    with SqliteStore(path, readonly=True) as store:
        found = sums(store)
        monkeypatch.setattr(tally, "condition", lambda query, entities=False: None)
        assert found == sums(store)


def test_selection__has_one_bound_to_each_side(path: Path) -> None:
    """The full-text index reads on to the end of the other where it is given two."""
    with SqliteStore(path, readonly=True) as store:
        found = select(store._connection, parse("whatsapp since:2016-02-28 until:2016-02-29"))
    narrow = found.above(found.first + 5).below(found.last - 5).above(3)
    assert narrow.where == "w.words MATCH ? AND w.rowid >= ? AND w.rowid <= ?"
    assert narrow.values == (found.match, found.first + 5, found.last - 6)

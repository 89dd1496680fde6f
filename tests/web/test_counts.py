"""Counts of facets: kept while the store is as it was, and counted anew when it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipelines.query import parse
from pipelines.records import Facets
from pipelines.stores.sqlite import SqliteStore
from pipelines.web.counts import FacetCounts
from tests.web.conftest import POSTS, Site, a_post, fill


class Counting:
    """A store that tells how often it counted."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.asked = 0

    def facets(self, node: object) -> Facets:
        self.asked += 1
        return self.store.facets(node)  # type: ignore[arg-type]


def test_counts__are_made_once_for_each_state_and_query(tmp_path: Path) -> None:
    state: list[object] = [1]
    counts = FacetCounts(lambda: state[0])  # type: ignore[arg-type, return-value]
    with SqliteStore(fill(tmp_path / "s.db", POSTS), readonly=True) as opened:
        store = Counting(opened)
        for query in ("inwi", "inwi", "skype", "inwi"):
            counts(store, parse(query))  # type: ignore[arg-type]
        assert store.asked == 2
        assert counts(store, parse("inwi")) == opened.facets(parse("inwi"))  # type: ignore[arg-type]
        state[0] = 2
        counts(store, parse("inwi"))  # type: ignore[arg-type]
        assert store.asked == 3
        state[0] = None  # it is not known whether the store changed
        counts(store, parse("inwi"))  # type: ignore[arg-type]
        assert store.asked == 4


def test_counts__keep_nothing_of_an_author(tmp_path: Path) -> None:
    counts = FacetCounts(lambda: 1)
    with SqliteStore(fill(tmp_path / "s.db", POSTS), readonly=True) as opened:
        store = Counting(opened)
        for _ in range(2):
            counts(store, parse("inwi author:u_aaaaaaaaaaaaaaaa"))  # type: ignore[arg-type]
        assert store.asked == 2


def test_search__counts_posts_that_came_since(serve: Callable[..., Site]) -> None:
    site = serve()
    assert site.get("/api/v1/search?q=inwi").json()["facets"]["platform"] == {"twitter": 3}
    fill(Path(site.options.store), [a_post(9, "inwi", platform="youtube", id="youtube:9")], "1")
    facets = site.get("/api/v1/search?q=inwi").json()["facets"]["platform"]
    assert facets == {"twitter": 3, "youtube": 1}

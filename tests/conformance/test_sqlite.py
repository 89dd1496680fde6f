"""The SQLite store passes the suite of all stores."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.stores.protocols import Store
from pipelines.stores.sqlite import SqliteStore, reindex
from tests.conformance import (
    days_suite,
    labels_suite,
    reindex_suite,
    reposts_suite,
    scored_suite,
    twins_suite,
)
from tests.conformance import store_suite as suite


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with SqliteStore(tmp_path / "test.db") as opened:
        yield opened


@pytest.fixture
def another(tmp_path: Path) -> Callable[..., Store]:
    """Opens the same store once more, as another process does."""
    return functools.partial(SqliteStore, tmp_path / "test.db")


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "BATCH", 2)


class TestAccepting(suite.Accepting):
    pass


class TestRotation(suite.Rotation):
    pass


class TestDeleting(suite.Deleting):
    pass


class TestReposts(reposts_suite.Reposts):
    pass


class TestTwins(twins_suite.Twins):
    pass


class TestKeys(suite.Keys):
    pass


class TestQueue(suite.Queue):
    pass


class TestSearching(suite.Searching):
    pass


class TestSumming(suite.Summing):
    pass


class TestReporting(suite.Reporting):
    pass


class TestCounting(suite.Counting):
    pass


class TestScored(scored_suite.Scored):
    pass


class TestReindexing(reindex_suite.Reindexing):
    pass


class TestDays(days_suite.Days):
    pass


class TestLabelling(labels_suite.Labelling):
    pass


class TestRanking(labels_suite.Ranking):
    pass

"""The Elasticsearch store passes the suite of all stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch, helpers

from pipelines.stores.base import Store
from pipelines.stores.elasticsearch import ElasticsearchStore, server
from tests.conformance import store_suite as suite
from tests.conformance.corpus import NOW
from tests.servers import Elastic


@pytest.fixture
def store(
    elasticsearch: Elastic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if not elasticsearch.real:
        monkeypatch.setattr(server, "MAJOR", 8)  # what the stand-in says it is
    empty(elasticsearch, "suite")
    with ElasticsearchStore(f"{elasticsearch.url}/suite") as opened:
        yield opened


def empty(elasticsearch: Elastic, prefix: str) -> None:
    """Empty a store; indices stay where they can, since making them takes longer than all else.

    A server refuses an older version of what it deleted within the last minute, so a month with
    other versions than 0 goes whole, and so does the one that most tests write to.
    """
    found = [name for name in elasticsearch.ask("GET", "_alias") if name.startswith(f"{prefix}-")]
    if not found:
        return
    with Elasticsearch(elasticsearch.url) as client:
        client.indices.refresh(index=found)
        query = {"query": {"match_all": {}}, "_source": False, "version": True}
        hits = list(helpers.scan(client, index=found, query=query))
        gone = {h["_index"] for h in hits if "-posts-" in h["_index"] and h["_version"]}
        gone |= {f"{prefix}-posts-{NOW:%Y-%m}"}.intersection(found)
        if gone:
            client.indices.delete(index=sorted(gone))
        left = [h for h in hits if h["_index"] not in gone]
        helpers.bulk(client, map(_deletion, left), refresh=True)


def _deletion(hit: dict) -> dict:
    of_a_post = "-posts-" in hit["_index"]
    version = {"version": 0, "version_type": "external_gte"} if of_a_post else {}
    return {"_op_type": "delete", "_index": hit["_index"], "_id": hit["_id"], **version}


class TestAccepting(suite.Accepting):
    pass


class TestRotation(suite.Rotation):
    pass


class TestDeleting(suite.Deleting):
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

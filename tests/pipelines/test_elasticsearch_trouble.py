"""A server that has too much to do, or an index that is not as it was: nothing is lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from elasticsearch import Elasticsearch

from pipelines.errors import StoreError
from pipelines.records import Ledger
from pipelines.stores.elasticsearch import ElasticsearchStore, server
from pipelines.stores.elasticsearch.address import address
from tests.conformance.corpus import post
from tests.pipelines.an_elasticsearch import Proxy, asking, contents, remove, stored
from tests.pipelines.test_elasticsearch_faults import LEDGER_SCORED, bring, run_scored
from tests.servers import Elastic

#: The most memory that a server may use before it refuses requests with 429; it has more.
MEMORY = "indices.breaker.total.limit"


@contextmanager
def without_memory(client: Elasticsearch) -> Iterator[None]:
    """A server that refuses nearly everything, as one does whose heap is full."""
    client.cluster.put_settings(persistent={MEMORY: "1mb"})
    try:
        yield
    finally:
        client.cluster.put_settings(persistent={MEMORY: None})


@pytest.fixture
def whole(url: str) -> Iterator[str]:
    """What a store holds that nothing came in the way of."""
    calm = f"{url}-calm"
    with ElasticsearchStore(calm) as store:
        run_scored(store)
    yield contents(calm)
    with asking(address(calm).url) as client:
        remove(client, address(calm).prefix)


def test_a_server_whose_memory_is_full_is_waited_for(
    url: str,
    whole: str,
    real_elasticsearch: Elastic,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if real_elasticsearch.process is None:
        pytest.skip("the server of MARSAD_TEST_ELASTICSEARCH is not ours to limit")
    monkeypatch.setattr(server, "_TELL", 0.0)
    with ElasticsearchStore(url) as store, asking(address(url).url) as client:
        full = without_memory(client)
        full.__enter__()
        timer = threading.Timer(3, full.__exit__, (None, None, None))
        timer.start()
        try:
            with caplog.at_level(logging.WARNING):
                run_scored(store)
        finally:
            timer.join()
        assert store.ledger() == LEDGER_SCORED
    assert "is too busy or not ready ([parent] Data too large" in caplog.text
    assert contents(url) == whole


def test_a_server_that_is_too_busy_again_and_again_is_waited_for_until_it_is_not(
    url: str, real_elasticsearch: Elastic, monkeypatch: pytest.MonkeyPatch
) -> None:
    if real_elasticsearch.process is None:
        pytest.skip("the server of MARSAD_TEST_ELASTICSEARCH is not ours to limit")
    with monkeypatch.context() as hurried, asking(address(url).url) as client:
        hurried.setattr(server, "RETRY_SECONDS", 0.5)
        with (
            ElasticsearchStore(url) as store,
            without_memory(client),
            pytest.raises(StoreError, match="when it has recovered"),
        ):
            run_scored(store)
    with ElasticsearchStore(url) as store:
        run_scored(store)
        assert store.ledger() == LEDGER_SCORED


@pytest.mark.parametrize("share", [2, 1], ids=["every second write", "all writes"])
def test_writes_that_a_bulk_request_had_no_room_for_are_sent_again_and_the_others_are_not(
    url: str, whole: str, proxy: Proxy, share: int
) -> None:
    with ElasticsearchStore(f"{proxy.url}/{address(url).prefix}") as store:
        proxy.rejects = lambda number: number <= 40 and number % share == 0
        run_scored(store)
        assert proxy.rejected >= 40 // share - 1
        assert store.ledger() == LEDGER_SCORED
    assert contents(url) == whole


def test_an_index_that_lacks_a_field_is_no_fault_of_the_posts(url: str) -> None:
    """As after the restore of a snapshot from before an upgrade, under a worker that runs."""
    names = address(url)
    with ElasticsearchStore(url) as store, asking(names.url) as client:
        bring(store, 0, posts=[post("t:1")])
        index = names.version(1)
        found = client.indices.get(index=index)[index]
        fields = dict(found["mappings"]["properties"])
        del fields["label"]
        client.indices.delete(index=index)
        # else they give the field to the new index
        client.indices.delete_index_template(name=f"{names.posts},{index}")
        older = {**found["mappings"], "properties": fields}
        client.indices.create(index=index, mappings=older, aliases={names.posts: {}})
        with pytest.raises(StoreError, match=r"lacks a field that this Marsad writes.*label"):
            bring(store, 1, posts=[post("t:2")])
        with store.dead_letters() as letters:
            assert letters.entries() == []
        client.indices.put_mapping(index=index, properties={"label": {"type": "keyword"}})
        assert bring(store, 1, posts=[post("t:2")]) == Ledger(received=1, indexed=1)
        assert sorted(stored(url)) == ["t:2"]

"""What is particular to the Elasticsearch store: documents, replays, writers, wrong servers."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import NotFoundError

from pipelines.errors import StoreBusy, StoreError, StoreVersion
from pipelines.query import All, parse
from pipelines.records import Ledger
from pipelines.stores import analysis
from pipelines.stores.elasticsearch import (
    ElasticsearchStore,
    documents,
    inputs,
    lease,
    purge,
    server,
    state,
    tombstones,
    twins,
)
from pipelines.stores.elasticsearch.address import address
from tests.conformance.corpus import (
    Feeder,
    document,
    drain,
    fill,
    post,
    scored,
    tombstone,
)
from tests.conformance.labels_suite import label
from tests.pipelines.an_elasticsearch import (
    Proxy,
    asking,
    contents,
    stored,
)
from tests.servers import ROOT, free_port, small_elastic


class TestDocuments:
    def test_each_post_has_one_document_with_its_version_record(self, url: str) -> None:
        with ElasticsearchStore(url) as store:
            feed = Feeder(store)
            feed(post("t:1", "avant", version=1))
            assert source(url, "t:1")["state"] == "pending"
            drain(store)
            assert source(url, "t:1")["state"] == "indexed"
            feed(post("t:1", "après", version=2))
            edited = source(url, "t:1")
            assert (edited["state"], edited["post"]["text"]) == ("edited", "avant")
            assert edited["waiting"]["text"] == "après"
            drain(store)
            assert stored(url) == {"t:1": ["v1"]}
            assert store.ledger() == Ledger(received=2, indexed=2)

    @pytest.mark.parametrize("scoring", [False, True])
    def test_a_deleted_post_is_a_stub_without_text_author_or_digest(
        self, url: str, scoring: bool
    ) -> None:
        with ElasticsearchStore(url) as store:
            Feeder(store)(post("t:1", "zqxrare", author="u_somebody", digest="d1gest"))
            if scoring:
                drain(store)
            assert store.delete([tombstone("t:1")]).posts == 1
        stub = json.dumps(source(url, "t:1"))
        assert '"state": "deleted"' in stub
        for word in ("zqxrare", "u_somebody", "d1gest"):
            assert word not in stub
        assert stored(url) == {}

    def test_an_edit_that_the_server_refuses_leaves_what_was_indexed(self, url: str) -> None:
        with ElasticsearchStore(url) as store:
            feed = Feeder(store)
            feed(post("t:1", "avant", version=1))
            drain(store)
            feed(post("t:1", "après", version=2, entities=["x" * 40_000]))
            drain(store)
            assert source(url, "t:1")["post"]["text"] == "avant"
            assert store.ledger() == Ledger(received=2, indexed=1, dead=1)
            feed(post("t:1", "après", version=3))
            drain(store)
            assert source(url, "t:1")["post"]["text"] == "après"
            assert store.ledger() == Ledger(received=3, indexed=2, dead=1)


def source(url: str, name: str) -> dict:
    """A post's document as it is."""
    names = address(url)
    with asking(names.url) as client:
        return client.get(index=names.posts, id=name)["_source"]


class TestReplay:
    def test_a_replay_leaves_the_index_bit_for_bit_the_same(self, url: str) -> None:
        with ElasticsearchStore(url) as store:
            fill(store)
            Feeder(store)(post("t:1", "un", version=3), post("t:1", "deux", version=3))
            drain(store)
        before = contents(url)
        with ElasticsearchStore(url) as store:
            for again in range(2):
                key = f"replay {again}"
                Feeder(store, key)(post("t:1", "deux", version=3), post("t:1", "un", version=3))
                drain(store)
            from tests.conformance.corpus import corpus

            Feeder(store, "the corpus again")(*reversed(corpus()))
            drain(store)
            before_and_after = store.ledger()
            assert before_and_after.indexed + before_and_after.duplicate == 12 + 6 + 12
        assert contents(url) == before

    def test_what_was_deleted_stays_deleted_after_the_server_forgot_it(self, url: str) -> None:
        with ElasticsearchStore(url) as store:
            feed = Feeder(store)
            feed(post("t:1", version=2), post("t:2"), post("t:3", author="u_a"))
            documents = [document(scored(p)) for p in store.pending(9)]
            store.index(documents)
            names = address(url)
            with asking(names.url) as client:
                client.indices.put_settings(index=names.posts, settings={"index.gc_deletes": "1s"})
                store.delete([tombstone("t:1"), tombstone(author="u_a")])
                time.sleep(1.5)
                client.indices.refresh(index=names.posts)
            replayed = feed(
                post("t:1", version=2), post("t:1", version=9), post("t:3", author="u_a")
            )
            assert replayed == Ledger(received=3, deleted=3)
            store.index(documents)  # a late delivery of what was scored before
            drain(store)
            assert [hit.post.id for hit in store.scan(All())] == ["t:2"]
            assert store.search(parse("texte"), 9).total == 1

    def test_what_was_deleted_stays_deleted_however_many_posts_come(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tombstones, "_REMEMBERED", 1)
        with ElasticsearchStore(url) as store:
            store.delete([tombstone("t:1")])
            feed = Feeder(store)
            assert feed(post("t:1")) == Ledger(received=1, deleted=1)
            assert feed(post("t:1"), post("t:2")) == Ledger(received=2, deleted=1, pending=1)


class TestRefusedPosts:
    """A post that comes after its deletion deletes its twin, which is stored already."""

    def test_the_twin_leaves_no_label(self, url: str) -> None:
        with ElasticsearchStore(url) as store:
            feed = Feeder(store)
            feed(post("archive:f:1", "un slogan"))
            drain(store)
            assert store.put_labels([label("archive:f:1")]) == 1
            store.write_tombstones([tombstone("twitter:1")])
            assert feed(post("twitter:1", "un slogan")).deleted == 1
            assert stored(url) == {}
            store.indices.refresh(store.indices.state)
            assert list(inputs.notices(store.indices, "label")) == []

    def test_no_post_of_a_platform_is_read_in_search_of_the_twin(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with ElasticsearchStore(url) as store:
            feed = Feeder(store)
            feed(post("twitter:2", "un"), post("twitter:3", "un"))
            drain(store)
            feed(post("twitter:3", "deux", version=2), post("twitter:4", "un"))
            feed(post("archive:f:1", "un slogan"))
            store.write_tombstones([tombstone("twitter:1")])
            read: list[str] = []
            contents = twins.contents
            monkeypatch.setattr(
                twins, "contents", lambda one: [read.append(one.id), *contents(one)][1:]
            )
            assert feed(post("twitter:1", "un slogan")).deleted == 1
            assert set(read) == {"archive:f:1"}

    def test_the_bytes_of_the_twin_are_noted_before_it_goes(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with ElasticsearchStore(url) as store:
            feed = Feeder(store)
            feed(post("archive:f:1", "un slogan"))
            store.write_tombstones([tombstone("twitter:1")])
            assert purge.purge(store.indices), "nothing is deleted yet"
            change = documents.change

            def killed(*given: Any) -> None:
                if change(*given):
                    raise KeyboardInterrupt

            monkeypatch.setattr(documents, "change", killed)
            with pytest.raises(KeyboardInterrupt):
                feed(post("twitter:1", "un slogan"))
            assert not purge.purge(store.indices)


class TestTwoWriters:
    def test_a_second_import_on_this_machine_is_refused_by_name(self, url: str) -> None:
        with (
            ElasticsearchStore(url) as one,
            ElasticsearchStore(url) as other,
            one.writer("ingest archive"),
            pytest.raises(StoreBusy, match="ingest archive"),
            other.writer("rescore"),
        ):
            pass

    def test_a_second_import_on_another_machine_is_refused_until_the_first_fell_silent(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = address(url)
        with ElasticsearchStore(url) as store, asking(names.url) as client:
            holder = {
                "host": "elsewhere",
                "pid": 1,
                "command": "rescore",
                "until": time.time() + 60,
            }
            client.index(
                index=names.state, id="writer", document={"kind": "writer", "body": holder}
            )
            with pytest.raises(StoreBusy, match="`rescore` on elsewhere"), store.writer("ingest"):
                pass
            holder["until"] = time.time() - 1
            client.index(
                index=names.state, id="writer", document={"kind": "writer", "body": holder}
            )
            with store.writer("ingest"):
                assert store.position("x") is None

    def test_a_renewal_under_way_does_not_take_the_place_once_more_after_its_release(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        renewing: list[threading.Thread] = []
        begun, released = threading.Event(), threading.Event()
        read, hold = state.read, lease._hold

        def slow(*given: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                renewing.append(threading.current_thread())
                begun.set()
                released.wait(0.2)
            return read(*given)

        def noted(*given: Any) -> Any:
            done = hold(*given)
            if given[-1] == 0.0:
                released.set()
            return done

        with ElasticsearchStore(url) as store:
            with store.writer("ingest"):
                pass  # makes what a first writer makes
            released.clear()
            monkeypatch.setattr(lease, "RENEWAL", 0.0)
            monkeypatch.setattr(state, "read", slow)
            monkeypatch.setattr(lease, "_hold", noted)
            with store.writer("ingest"):
                assert begun.wait(30)
            renewing[0].join()
            known, _ = read(store.indices, "writer", lease.Holder)
            assert known is not None
            assert known.until <= time.time()

    def test_the_days_of_a_store_belong_to_one_time_zone(self, url: str) -> None:
        with ElasticsearchStore(url, timezone="Asia/Beirut") as store, store.writer("one"):
            assert store.status().timezone == "Asia/Beirut"
        with (
            ElasticsearchStore(url, timezone="UTC") as store,
            pytest.raises(StoreError, match="Asia/Beirut"),
            store.writer("two"),
        ):
            pass
        with ElasticsearchStore(url, new_timezone="UTC") as store, store.writer("three"):
            assert store.timezone() == "Asia/Beirut"


class TestToldAtStart:
    def test_no_server(self) -> None:
        with pytest.raises(StoreError, match=r"No Elasticsearch server answers.*start it"):
            ElasticsearchStore(f"http://127.0.0.1:{free_port()}")

    def test_no_store_for_a_reader(self, url: str) -> None:
        with pytest.raises(StoreError, match="marsad ingest"):
            ElasticsearchStore(url, readonly=True)

    def test_a_wrong_password_and_then_the_right_one(
        self, url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proxy.password = "an invented one"
        through = f"{proxy.url}/{address(url).prefix}"
        monkeypatch.setenv(server.USERNAME, "reader")
        monkeypatch.setenv(server.PASSWORD, "another")
        with pytest.raises(StoreError, match=server.PASSWORD):
            ElasticsearchStore(through)
        monkeypatch.setenv(server.PASSWORD, proxy.password)
        ElasticsearchStore(through).close()

    @pytest.mark.parametrize("wrong", ["http://", "http://a/B", "http://a/b?c", "http://a:x/b"])
    def test_an_address_that_is_none(self, wrong: str) -> None:
        with pytest.raises(StoreError, match="http://host:9200/name"):
            ElasticsearchStore(wrong)

    def test_another_major_version(self, tmp_path: Path) -> None:
        older = small_elastic(tmp_path)
        if older is None or older.process is None:
            pytest.skip("needs the package noida-db, which calls itself version 8")
        older.process.start()
        try:
            with pytest.raises(StoreVersion, match="version 9"):
                ElasticsearchStore(older.url)
        finally:
            older.process.stop()

    def test_an_index_that_somebody_else_made(self, url: str) -> None:
        names = address(url)
        with asking(names.url) as client:
            client.indices.create(index=names.version(1))
            with pytest.raises(StoreError, match="was not made by Marsad"):
                ElasticsearchStore(url)

    def test_an_index_of_another_schema_or_with_a_changed_field(self, url: str) -> None:
        names = address(url)
        mark = {"marsad": {"schema": 2, "holds": "posts", "analysis": analysis.VERSION}}
        with asking(names.url) as client:
            for month in ("heads", "books", "posts-2016-02"):
                index = f"{names.prefix}-{month}"  # as the Marsad before this one named them
                older = {"_meta": {"marsad": {"schema": 1, "holds": "posts"}}}
                client.indices.create(index=index, mappings=older)
                with pytest.raises(StoreVersion, match="schema 1"):
                    ElasticsearchStore(url)
                client.indices.delete(index=index)
            ElasticsearchStore(url).close()
            client.indices.delete(index=names.version(1))
            client.indices.delete_index_template(name=names.posts)
            fields = {"day": {"type": "date"}}
            client.indices.create(
                index=names.version(1),
                mappings={"_meta": mark, "properties": fields},
                aliases={names.posts: {}},
            )
            with pytest.raises(StoreError, match="The field"):
                ElasticsearchStore(url)

    def test_an_alias_that_is_missing_after_a_restore_is_made_again(self, url: str) -> None:
        names = address(url)
        with ElasticsearchStore(url) as store:
            fill(store)
        with asking(names.url) as client:
            client.indices.delete_alias(index=names.version(1), name=names.posts)
        with ElasticsearchStore(url) as store:
            assert store.search(All(), 99).total == 12

    def test_a_field_that_is_not_foreseen_is_refused_by_the_server(self, url: str) -> None:
        names = address(url)
        ElasticsearchStore(url).close()
        with asking(names.url) as client, pytest.raises(Exception, match="strict"):
            client.index(index=names.posts, document={"unforeseen": 1})

    def test_an_index_version_that_is_gone_is_not_made_again_by_a_late_writer(
        self, url: str
    ) -> None:
        names = address(url)
        ElasticsearchStore(url).close()
        with asking(names.url) as client, pytest.raises(NotFoundError):
            client.index(index=names.version(9), document={"state": "indexed"})


def test_every_variable_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    names = (server.API_KEY, server.USERNAME, server.PASSWORD, server.AUTHORITY, server.FINGERPRINT)
    for name in names:
        assert f"`{name}`" in text, name

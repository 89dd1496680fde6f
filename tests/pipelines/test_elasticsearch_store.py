"""What is particular to the Elasticsearch store: months, replays, writers, wrong servers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipelines.errors import StoreBusy, StoreError, StoreVersion
from pipelines.query import All, parse
from pipelines.records import Ledger
from pipelines.stores.elasticsearch import ElasticsearchStore, server, setup
from pipelines.stores.elasticsearch.names import address
from tests.conformance.corpus import (
    Feeder,
    document,
    drain,
    fill,
    post,
    scored,
    stone,
)
from tests.pipelines.an_elasticsearch import (
    Proxy,
    asking,
    contents,
    in_month,
    stored,
)
from tests.servers import ROOT, free_port, small_elastic


class TestPlaces:
    def test_posts_rest_in_the_month_they_were_written_in(self, url: str) -> None:
        with ElasticsearchStore(url) as store:
            fill(store)
        assert stored(url)["twitter:01"] == ["2016-02"]
        assert stored(url)["rss:12"] == ["2015-12"]
        assert stored(url)["archive:set:09"] == stored(url)["archive:set:10"] == ["unknown"]

    def test_a_post_whose_month_an_edit_changes_is_in_one_month_only(self, url: str) -> None:
        with ElasticsearchStore(url) as store:
            feed = Feeder(store)
            for version, month in enumerate([1, 2, 1, 3, 3]):
                feed(in_month(month, text=f"nummer {version}", version=version))
                if version != 2:  # once also an edit of what still waits
                    drain(store)
                    assert stored(url) == {"t:1": [f"2016-0{month}"]}
            assert store.ledger() == Ledger(received=5, indexed=5)

    def test_a_tie_of_versions_may_move_a_post_back_and_forth(self, url: str) -> None:
        with ElasticsearchStore(url) as store:
            feed = Feeder(store)
            for likes, month in enumerate([1, 2, 1]):
                feed(in_month(month, version=7, counts={"likes": likes}))
                drain(store)
                assert stored(url) == {"t:1": [f"2016-0{month}"]}

    def test_a_deletion_reaches_every_month_a_post_may_be_in(self, url: str) -> None:
        with ElasticsearchStore(url) as store:
            feed = Feeder(store)
            feed(in_month(1, version=1))
            drain(store)
            feed(in_month(2, version=2))
            assert store.delete([stone("t:1")]).posts == 1
            drain(store)
            assert stored(url) == {}
            assert store.ledger() == Ledger(received=3, indexed=1, deleted=2)


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
                store.delete([stone("t:1"), stone(author="u_a")])
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
                index=names.books, id="writer", document={"kind": "writer", "body": holder}
            )
            with pytest.raises(StoreBusy, match="`rescore` on elsewhere"), store.writer("ingest"):
                pass
            holder["until"] = time.time() - 1
            client.index(
                index=names.books, id="writer", document={"kind": "writer", "body": holder}
            )
            with store.writer("ingest"):
                assert store.position("x") is None

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
            client.indices.create(index=names.month("2016-02"))
            with pytest.raises(StoreError, match="was not made by Marsad"):
                ElasticsearchStore(url)

    def test_an_index_of_another_schema_or_with_a_changed_field(self, url: str) -> None:
        names = address(url)
        ElasticsearchStore(url).close()
        with asking(names.url) as client:
            month = names.month("2016-02")
            mark = {"marsad": {"schema": 99, "holds": "posts"}}
            client.indices.create(index=month)
            client.indices.put_mapping(index=month, meta=mark)
            with pytest.raises(StoreVersion, match="schema 99"):
                ElasticsearchStore(url)
            client.indices.delete(index=month)
            client.indices.delete_index_template(name=names.posts)
            mark["marsad"]["schema"] = 1
            fields = {"day": {"type": "date"}}
            client.indices.create(index=month, mappings={"_meta": mark, "properties": fields})
            with pytest.raises(StoreError, match="The field"):
                ElasticsearchStore(url)

    def test_a_field_that_is_not_foreseen_is_refused_by_the_server(self, url: str) -> None:
        names = address(url)
        ElasticsearchStore(url).close()
        with asking(names.url) as client, pytest.raises(Exception, match="strict"):
            client.index(index=names.month("2016-02"), document={"unforeseen": 1})


def test_every_variable_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    names = (server.API_KEY, server.USERNAME, server.PASSWORD, server.AUTHORITY, server.FINGERPRINT)
    for name in names:
        assert f"`{name}`" in text, name


def test_no_lifecycle_deletes_posts_by_age() -> None:
    """Event time says nothing about when a post came: posts of 2016 may be of today."""
    policy = setup.definition("lifecycle", address("http://127.0.0.1:9200/any"))["policy"]
    assert "delete" not in policy["phases"]
    actions = {name for phase in policy["phases"].values() for name in phase["actions"]}
    assert "delete" not in actions

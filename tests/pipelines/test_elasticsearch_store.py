"""What is particular to the Elasticsearch store: crashes, lost answers, replays, wrong servers."""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import elastic_transport
import pytest
from elasticsearch import Elasticsearch, helpers

from ingest.records import Post
from pipelines.errors import StoreBusy, StoreError, StoreFull, StoreVersion
from pipelines.query import All, parse
from pipelines.stores.base import Batch, Collected, Ledger, Position, Store
from pipelines.stores.elasticsearch import ElasticsearchStore, server
from pipelines.stores.elasticsearch.names import address
from tests.conformance.corpus import (
    Feeder,
    document,
    drain,
    fill,
    letter,
    post,
    scored,
    stone,
)
from tests.servers import ROOT, Elastic, free_port, small_elastic

PREFIXES = itertools.count()
#: Long forms are run as well (`MARSAD_TEST_FAULTS=1`); read before tests hide the variable.
FAULTS = bool(os.environ.get("MARSAD_TEST_FAULTS"))


@pytest.fixture
def url(
    real_elasticsearch: Elastic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a store of its own, removed afterwards."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    prefix = f"own{os.getpid()}-{next(PREFIXES)}"
    yield f"{real_elasticsearch.url}/{prefix}"
    with Elasticsearch(real_elasticsearch.url) as client:
        remove(client, prefix)


def remove(client: Elasticsearch, prefix: str) -> None:
    there = [name for name in client.indices.get_alias() if name.startswith(f"{prefix}-")]
    if there:
        client.indices.put_settings(
            index=there, settings={"index.blocks.read_only_allow_delete": None}
        )
        client.indices.delete(index=there)


def contents(url: str) -> str:
    """A hash over ids, versions and sources of all documents of posts."""
    names = address(url)
    digest = hashlib.sha256()
    with Elasticsearch(names.url) as client:
        client.indices.refresh(index=names.posts)
        query = {"query": {"match_all": {}}, "version": True, "sort": ["id"]}
        for hit in helpers.scan(client, index=names.posts, query=query, preserve_order=True):
            place = [hit["_index"], hit["_id"], hit["_version"], hit["_source"]]
            digest.update(json.dumps(place, sort_keys=True).encode())
    return digest.hexdigest()


def stored(url: str) -> dict[str, list[str]]:
    """The months in which each post has a document."""
    names = address(url)
    found: dict[str, list[str]] = {}
    with Elasticsearch(names.url) as client:
        client.indices.refresh(index=names.posts)
        for hit in helpers.scan(client, index=names.posts):
            found.setdefault(hit["_id"], []).append(hit["_index"].partition("-posts-")[2])
    return found


def in_month(month: int, **more: object) -> Post:
    return post("t:1", created_at=datetime(2016, month, 3, tzinfo=UTC), **more)


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
            with Elasticsearch(names.url) as client:
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


BATCHES: list[dict] = [
    {"posts": [post("t:1", "un", version=1), post("t:2"), post("t:3")], "filtered": 2,
     "dead": [letter(1), letter(2)]},
    {"posts": [in_month(1, text="deux", version=2), post("t:2"), post("t:4", author="u_a")],
     "tombstones": [stone("t:3")]},
    {"posts": [post("t:5"), post("t:5", "et puis", version=4)], "retried": [letter(1)],
     "tombstones": [stone(author="u_a")]},
]  # fmt: skip


def run(store: Store) -> None:
    """Read an input from where it was left to its end, as a runner does."""
    position = store.position("input")
    start = int(position.cursor) if position else 0
    if start != 2:
        drain(store)  # a waiting post that is deleted counts otherwise than an indexed one
    for number in range(start, len(BATCHES)):
        given = dict(BATCHES[number])
        posts = [Collected(one) for one in given.pop("posts")]
        place = Position(key="input", name="a-file", cursor=str(number + 1))
        store.accept(Batch(position=place, previous_cursor=str(number or ""), posts=posts, **given))
        if number != 1:
            drain(store)
    drain(store)


def killed_after(requests: int, url: str) -> bool:
    """Run in a process that is killed right after so many requests; tell whether it was."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    try:
        left = itertools.count(requests, -1)
        perform = elastic_transport.Transport.perform_request

        def counted(self, *arguments, **options):  # type: ignore[no-untyped-def]
            answer = perform(self, *arguments, **options)
            if next(left) <= 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        elastic_transport.Transport.perform_request = counted
        run(ElasticsearchStore(url))
        os._exit(0)
    except BaseException:
        os._exit(1)


MOMENTS = range(8, 300) if FAULTS else (19, 21, 26, 41)


class TestCrashes:
    def test_killed_between_any_two_requests_nothing_is_lost_or_doubled(
        self, real_elasticsearch: Elastic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tests.conformance.test_elasticsearch import empty

        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        prefix = f"crash{os.getpid()}"
        url = f"{real_elasticsearch.url}/{prefix}"
        try:
            with ElasticsearchStore(url) as store:
                run(store)
                books, reasons = store.ledger(), store.status().dead_reasons
            whole = contents(url)
            assert books == Ledger(
                received=13, indexed=6, duplicate=1, filtered=2, deleted=3, dead=1
            )
            for moment in MOMENTS:
                empty(real_elasticsearch, prefix)
                killed = killed_after(moment, url)
                with ElasticsearchStore(url) as store:
                    with store.writer("again"):
                        run(store)
                    assert store.ledger() == books, moment
                    assert store.status().dead_reasons == reasons, moment
                assert contents(url) == whole, moment
                if not killed:
                    break
        finally:
            with Elasticsearch(real_elasticsearch.url) as client:
                remove(client, prefix)


class Proxy:
    """Stands before a server: loses some of its answers, or asks for a password."""

    def __init__(self, target: str) -> None:
        self.lose: Callable[[int], bool] = lambda number: False
        self.password = ""
        self.seen = 0
        self.lost = 0
        host, port = urlsplit(target).hostname or "", urlsplit(target).port
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                wanted = base64.b64encode(f"reader:{proxy.password}".encode()).decode()
                if proxy.password and self.headers.get("authorization") != f"Basic {wanted}":
                    self.reply(401, b'{"error":"who are you?"}', [])
                    return
                onward = http.client.HTTPConnection(host, port, timeout=60)
                onward.request(self.command, self.path, body, dict(self.headers))
                answer = onward.getresponse()
                data = answer.read()
                proxy.seen += 1
                if proxy.lose(proxy.seen):
                    proxy.lost += 1
                    self.close_connection = True
                    self.connection.close()
                    return
                skipped = {"transfer-encoding", "content-length", "content-encoding", "connection"}
                headers = [h for h in answer.getheaders() if h[0].lower() not in skipped]
                self.reply(answer.status, data, headers)

            def reply(self, status: int, data: bytes, headers: list[tuple[str, str]]) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def proxy(real_elasticsearch: Elastic) -> Iterator[Proxy]:
    one = Proxy(real_elasticsearch.url)
    yield one
    one.http.shutdown()
    one.http.server_close()


class TestFaults:
    def test_answers_that_are_lost_change_nothing(self, url: str, proxy: Proxy) -> None:
        prefix = address(url).prefix
        with ElasticsearchStore(f"{proxy.url}/{prefix}") as store:
            proxy.lose = lambda number: number % 3 == 0
            run(store)
            proxy.lose = lambda number: False
            assert proxy.lost > 10
            assert store.ledger() == Ledger(
                received=13, indexed=6, duplicate=1, filtered=2, deleted=3, dead=1
            )
            assert sorted(stored(url)) == ["t:1", "t:2", "t:5"]

    def test_a_paused_server_is_waited_for(
        self, url: str, real_elasticsearch: Elastic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if real_elasticsearch.process is None:
            pytest.skip("the server of MARSAD_TEST_ELASTICSEARCH is not ours to pause")
        monkeypatch.setattr(server, "REQUEST", 1.0)
        with ElasticsearchStore(url) as store:
            store.accept(
                Batch(position=Position(key="k", name="n", cursor="0"), previous_cursor="")
            )
            process = real_elasticsearch.process
            process.signal(signal.SIGSTOP)
            timer = threading.Timer(3, process.signal, (signal.SIGCONT,))
            timer.start()
            try:
                run(store)
            finally:
                timer.join()
            assert store.ledger().indexed == 6

    def test_a_server_that_is_killed_and_started_again_is_waited_for(
        self, url: str, real_elasticsearch: Elastic
    ) -> None:
        process = real_elasticsearch.process
        if process is None:
            pytest.skip("the server of MARSAD_TEST_ELASTICSEARCH is not ours to kill")
        with ElasticsearchStore(url) as store:
            fill(store)
            before = contents(url)
            process.kill()
            starting = threading.Thread(target=process.start)
            starting.start()
            try:
                run(store)
            finally:
                starting.join()
            store.delete([stone(p.id) for p in (post("t:1"), post("t:2"), post("t:5"))])
            assert store.ledger().indexed == 12 + 6
        assert contents(url) == before

    def test_a_document_that_the_server_refuses_is_kept_aside_and_the_rest_indexed(
        self, url: str
    ) -> None:
        with ElasticsearchStore(url) as store:
            # the tag stands in no text: 40,000 bytes are more than a keyword may have
            Feeder(store)(post("t:1"), post("t:2", entities=["x" * 40_000]), post("t:3"))
            drain(store)
            assert sorted(stored(url)) == ["t:1", "t:3"]
            assert store.ledger() == Ledger(received=3, indexed=2, dead=1)
            assert store.status().dead_reasons == {"store-refused": 1}
            with store.dead_letters() as letters:
                (entry,) = letters.entries()
                kept = letters.get(entry.number)
            assert entry.origin == "index:t:2"
            assert kept is not None
            assert json.loads(kept.raw)["id"] == "t:2"
            mode = store.dead_path.stat().st_mode
            assert mode & 0o077 == 0

    def test_a_server_without_room_ends_the_command_clearly_and_it_goes_on_later(
        self, url: str
    ) -> None:
        names = address(url)
        block = "index.blocks.read_only_allow_delete"
        with ElasticsearchStore(url) as store, Elasticsearch(names.url) as client:
            Feeder(store)(post("t:1"))
            client.indices.put_settings(index=f"{names.prefix}-*", settings={block: True})
            with pytest.raises(StoreFull, match="make room"):
                Feeder(store)(post("t:2"))
            with pytest.raises(StoreFull, match="make room"):
                drain(store)
            with pytest.raises(StoreFull, match="make room"):
                ElasticsearchStore(url)
            client.indices.put_settings(index=f"{names.prefix}-*", settings={block: None})
            Feeder(store)(post("t:2"))
            drain(store)
            assert sorted(stored(url)) == ["t:1", "t:2"]


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
        with ElasticsearchStore(url) as store, Elasticsearch(names.url) as client:
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

    def test_a_password_in_the_address_is_refused_and_not_repeated(self) -> None:
        with pytest.raises(StoreError, match=server.PASSWORD) as caught:
            ElasticsearchStore("http://reader:hunter2@127.0.0.1:9200")
        assert "hunter2" not in str(caught.value)

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
        with Elasticsearch(names.url) as client:
            client.indices.create(index=names.month("2016-02"))
            with pytest.raises(StoreError, match="was not made by Marsad"):
                ElasticsearchStore(url)

    def test_an_index_of_another_schema_or_with_a_changed_field(self, url: str) -> None:
        names = address(url)
        ElasticsearchStore(url).close()
        with Elasticsearch(names.url) as client:
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
        with Elasticsearch(names.url) as client, pytest.raises(Exception, match="strict"):
            client.index(index=names.month("2016-02"), document={"unforeseen": 1})


def test_every_variable_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in (server.API_KEY, server.USERNAME, server.PASSWORD, server.AUTHORITY):
        assert f"`{name}`" in text, name


if FAULTS:

    class TestLongForms:
        def test_deleted_texts_leave_the_servers_files_with_the_next_command_after_half_a_minute(
            self, url: str, real_elasticsearch: Elastic
        ) -> None:
            with ElasticsearchStore(url) as store:
                Feeder(store)(post("t:1"), post("t:2"))
                drain(store)
                store.delete([stone("t:1")])
                time.sleep(40)  # the server's own clock: it keeps what is deleted for 30 seconds
                with store.writer("next"):
                    pass
            names = address(url)
            for index in (names.posts, names.heads):
                stats = real_elasticsearch.ask("GET", f"{index}/_stats/docs")
                assert stats["_all"]["primaries"]["docs"]["deleted"] == 0, index

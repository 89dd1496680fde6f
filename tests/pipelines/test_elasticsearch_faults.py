"""Crashes, lost answers, pauses, restarts and full disks change nothing in the end."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import elastic_transport
import msgspec
import pytest
from elasticsearch import Elasticsearch

from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.records import Post
from pipelines.dead_letters.retry import retry
from pipelines.errors import StoreError, StoreFull
from pipelines.query import All
from pipelines.records import Batch, Collected, CollectedTombstone, Ledger, Position
from pipelines.stores.elasticsearch import (
    ElasticsearchStore,
    accept,
    documents,
    indices,
    purge,
    server,
)
from pipelines.stores.elasticsearch.address import address
from pipelines.stores.elasticsearch.indices import Indices
from pipelines.stores.elasticsearch.record import PostDocument
from pipelines.stores.elasticsearch.reindex import Reindexing
from pipelines.stores.protocols import Store
from tests.conformance.corpus import (
    Feeder,
    dead_letter,
    document,
    drain,
    fill,
    post,
    scored,
    tombstone,
)
from tests.pipelines.an_elasticsearch import (
    Proxy,
    asking,
    contents,
    ready,
    remove,
    stored,
)
from tests.servers import Elastic

#: Long forms are run as well (`MARSAD_TEST_FAULTS=1`); read before tests hide the variable.
FAULTS = bool(os.environ.get("MARSAD_TEST_FAULTS"))


BATCHES: list[dict] = [
    {"posts": [post("t:1", "un", version=1), post("t:2"), post("t:3")], "filtered": 2,
     "dead": [dead_letter(1), dead_letter(2)]},
    {"posts": [post("t:1", "deux", version=2), post("t:2"), post("t:4", author="u_a")],
     "tombstones": [tombstone("t:3")]},
    {"posts": [post("t:5"), post("t:5", "et puis", version=4)], "retried": [dead_letter(1)],
     "tombstones": [tombstone(author="u_a")]},
]  # fmt: skip


#: The same scored, with one more batch.
SCORED = [
    BATCHES[0],
    {"posts": [post("t:6"), post("t:1", "un et demi", version=1, counts={"likes": 1})]},
    *BATCHES[1:],
]


@contextmanager
def no_shards_left(server: Elastic, client: Elasticsearch) -> Iterator[None]:
    """A server on which no index can be made any more."""
    if server.process is None:
        pytest.skip("the server of MARSAD_TEST_ELASTICSEARCH is not ours to limit")
    limit = "cluster.max_shards_per_node"
    client.cluster.put_settings(persistent={limit: 1})
    try:
        yield
    finally:
        client.cluster.put_settings(persistent={limit: None})


_write = documents.write


def _short(*of: Any) -> indices.Write:
    one = _write(*of)
    assert isinstance(one.body, PostDocument)
    return one._replace(body=msgspec.structs.replace(one.body, entities=()))


def run(store: Store) -> None:
    """Read an input from where it was left to its end, as a runner does."""
    position = store.position("input")
    start = int(position.cursor) if position else 0
    if start != 2:
        # A waiting post that is deleted counts otherwise than an indexed one: t:4 has to wait,
        # which the second batch may have brought before it was killed.
        store.index([document(scored(p)) for p in store.pending(100) if p.id != "t:4"])
    for number in range(start, len(BATCHES)):
        given = dict(BATCHES[number])
        posts = [Collected(one) for one in given.pop("posts")]
        place = Position(key="input", name="a-file", cursor=str(number + 1))
        store.accept(Batch(position=place, previous_cursor=str(number or ""), posts=posts, **given))
        if number != 1:
            drain(store)
    drain(store)


def run_scored(store: Store) -> None:
    """Read one from the index stage's side: all comes scored, and nobody holds the store."""
    position = store.position("input")
    for number in range(int(position.cursor) if position else 0, len(SCORED)):
        bring(store, number, **SCORED[number])


def run_in_turns(store: Store) -> None:
    """Read two inputs, whose batches come in turns, from the index stage's side."""
    read = {}
    for name in ("even", "odd"):
        position = store.position(name)
        read[name] = int(position.cursor) if position else 0
    for number, given in enumerate(SCORED):
        name = ("even", "odd")[number % 2]
        if number >= read[name]:
            bring(store, number, name, read[name], **given)
            read[name] = number + 1


def bring(
    store: Store,
    number: int,
    key: str = "input",
    before: int | None = None,
    *,
    posts: Sequence[Post],
    **rest: Any,
) -> Ledger:
    """Bring one batch of scored posts."""
    done = [scored(one) for one in posts]
    batch = Batch(
        position=Position(key=key, name="a-file", cursor=str(number + 1)),
        previous_cursor=str((number if before is None else before) or ""),
        posts=[Collected(one) for one in done],
        **rest,
    )
    return store.accept_scored(batch, [document(one) for one in done])


def killed_after(requests: int, url: str, run: Callable[[Store], None]) -> bool:
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


#: After how many requests a process is killed: all moments, or some in the midst of a batch.
MOMENTS = range(8, 300) if FAULTS else (19, 21, 26, 41)
MOMENTS_SCORED = range(8, 300) if FAULTS else (22, 26, 28, 48)
LEDGER = Ledger(received=13, indexed=6, duplicate=1, filtered=2, deleted=3, dead=1)
#: A post of an author that the next batch deletes is indexed first.
LEDGER_SCORED = Ledger(received=15, indexed=9, duplicate=1, filtered=2, deleted=2, dead=1)


class TestCrashes:
    @pytest.mark.parametrize(
        ("run", "moments", "balance", "together"),
        [
            (run, MOMENTS, LEDGER, 250),
            (run_scored, MOMENTS_SCORED, LEDGER_SCORED, 250),
            (run_in_turns, MOMENTS_SCORED, LEDGER_SCORED, 250),
            # each document with a request of its own
            (run, MOMENTS_SCORED, LEDGER, 1),
            (run_scored, MOMENTS_SCORED, LEDGER_SCORED, 1),
        ],
    )
    def test_killed_between_any_two_requests_nothing_is_lost_or_doubled(
        self,
        real_elasticsearch: Elastic,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        run: Callable[[Store], None],
        moments: Sequence[int],
        balance: Ledger,
        together: int,
    ) -> None:
        from tests.conformance.test_elasticsearch import empty

        monkeypatch.setattr(indices, "_WRITE", together)
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        prefix = f"crash{os.getpid()}"
        url = f"{real_elasticsearch.url}/{prefix}"
        try:
            with ElasticsearchStore(url) as store:
                run(store)
                ledger, reasons = store.ledger(), store.status().dead_reasons
            whole = contents(url)
            assert ledger == balance
            for moment in moments:
                empty(real_elasticsearch, prefix)
                killed = killed_after(moment, url, run)
                with ElasticsearchStore(url) as store:
                    # several may bring scored posts at once: none of them holds the store
                    with store.writer("again") if balance is LEDGER else nullcontext():
                        run(store)
                    assert store.ledger() == ledger, moment
                    assert store.status().dead_reasons == reasons, moment
                assert contents(url) == whole, moment
                if not killed:
                    break
        finally:
            with asking(real_elasticsearch.url) as client:
                remove(client, prefix)


class TestFaults:
    def test_answers_that_are_lost_change_nothing(self, url: str, proxy: Proxy) -> None:
        prefix = address(url).prefix
        with ElasticsearchStore(f"{proxy.url}/{prefix}") as store:
            # at random: losing each third would always hit the same one of three that go round
            luck = random.Random(1)
            proxy.lose = lambda number: luck.random() < 1 / 3
            run(store)
            proxy.lose = lambda number: False
            assert proxy.lost > 10
            assert store.ledger() == LEDGER
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
            store.delete([tombstone(p.id) for p in (post("t:1"), post("t:2"), post("t:5"))])
            assert store.ledger().indexed == 12 + 6
        assert contents(url) == before

    def test_a_document_that_the_server_refuses_becomes_a_dead_letter_and_the_rest_indexed(
        self, url: str
    ) -> None:
        with ElasticsearchStore(url) as store:
            # the tag stands in no text: 40,000 bytes are more than a keyword may have
            Feeder(store)(post("t:1"), post("t:2", entities=["x" * 40_000]), post("t:3"))
            drain(store)
            assert sorted(stored(url)) == ["t:1", "t:3"]
            assert store.ledger() == Ledger(received=3, indexed=2, dead=1)
            assert store.status().dead_reasons == {"store-refused": 1}
            with store.dead_letters() as dead_letters:
                (entry,) = dead_letters.entries()
                kept = dead_letters.get(entry.number)
            assert entry.origin == "index:t:2"
            assert kept is not None
            assert json.loads(kept.raw)["id"] == "t:2"
            mode = store.dead_path.stat().st_mode
            assert mode & 0o077 == 0

    @pytest.mark.parametrize("way", ["waited", "came scored"])
    def test_a_writer_that_stood_still_brings_nothing_back_that_was_deleted_meanwhile(
        self, url: str, way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bulk = Indices.bulk

        def late(self: Indices, writes: Sequence[indices.Write], **more: Any) -> Any:
            if any("-posts-" in one.where for one in writes):
                monkeypatch.undo()
                with ElasticsearchStore(url) as other:
                    other.delete([tombstone("t:1"), tombstone(author="u_a")])
            return bulk(self, writes, **more)

        with ElasticsearchStore(url) as store:
            posts = [post("t:1"), post("t:2"), post("t:3", author="u_a")]
            if way == "waited":
                Feeder(store)(*posts)
            monkeypatch.setattr(Indices, "bulk", late)
            if way == "waited":
                drain(store)
            else:
                bring(store, 0, posts=posts)
            assert sorted(stored(url)) == ["t:2"]
            drain(store)
            assert sorted(stored(url)) == ["t:2"]

    def test_what_a_writer_left_that_was_killed_at_the_moment_of_a_deletion_is_deleted(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _killed_at_a_deletion(monkeypatch, url, tombstone("t:1"), tombstone(author="u_a"))
        with ElasticsearchStore(url) as store, pytest.raises(KeyboardInterrupt):
            bring(store, 0, posts=[post("t:1"), post("t:2"), post("t:3", author="u_a")])
        assert sorted(stored(url)) == ["t:1", "t:2", "t:3"]
        # and now without that input, half a minute later
        monkeypatch.setattr(purge, "_released", lambda *_: True)
        with ElasticsearchStore(url) as store, store.writer("another"):
            pass
        assert sorted(stored(url)) == ["t:2"]

    def test_a_twin_that_a_killed_writer_left_is_deleted_when_its_batch_comes_again(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with ElasticsearchStore(url) as store:
            Feeder(store)(post("twitter:1"))
        _killed_at_a_deletion(monkeypatch, url, tombstone("twitter:1"))
        posts = [post("archive:f:1"), post("archive:f:2", "autre")]
        with ElasticsearchStore(url) as store, pytest.raises(KeyboardInterrupt):
            bring(store, 0, "file", posts=posts)
        assert sorted(stored(url)) == ["archive:f:1", "archive:f:2"]
        with ElasticsearchStore(url) as store:
            bring(store, 0, "file", posts=posts)
        assert sorted(stored(url)) == ["archive:f:2"]

    def test_what_a_killed_writer_left_counts_once_also_if_it_comes_again_in_other_portions(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        posts = [post(f"t:{n}") for n in range(6)] + [post("t:0"), post("t:1", "neu", version=9)]
        with ElasticsearchStore(url) as store, monkeypatch.context() as then:
            then.setattr(accept.Accepting, "_commit", _interrupt)
            for _ in range(3):
                with pytest.raises(KeyboardInterrupt):
                    bring(store, 0, posts=posts)
        with ElasticsearchStore(url) as store:
            assert store.position("input") is None
            for number, portion in enumerate((posts[:1], posts[1:4], posts[4:7], posts[7:])):
                bring(store, number, posts=portion)
            assert store.ledger() == Ledger(received=8, indexed=7, duplicate=1)
            bring(store, 4, posts=posts)
            assert store.ledger() == Ledger(received=16, indexed=7, duplicate=9)

    def test_what_the_server_refuses_for_its_own_state_waits_until_that_has_passed(
        self, url: str, real_elasticsearch: Elastic
    ) -> None:
        names = address(url)
        with ElasticsearchStore(url) as store, asking(names.url) as client:
            Feeder(store)(post("t:1"), post("t:2"))
            waiting = [document(scored(one)) for one in store.pending(9)]
            client.indices.close(index=names.version(1))
            with pytest.raises(StoreError, match="index_closed_exception"):
                store.index(waiting)
            with pytest.raises(StoreError, match="index_closed_exception"):
                bring(store, 0, "scored", posts=[post("t:3")])
            client.indices.open(index=names.version(1))
            ready(client, names.posts)
            with no_shards_left(real_elasticsearch, client):
                with pytest.raises(StoreError, match="maximum normal shards open"):
                    ElasticsearchStore(f"{url}-another")
                with pytest.raises(StoreError, match="maximum normal shards open"):
                    store.reindex(ZoneInfo("UTC"))
            bring(store, 0, "scored", posts=[post("t:3")])
            drain(store)
            assert sorted(stored(url)) == ["t:1", "t:2", "t:3"]
            assert store.ledger() == Ledger(received=3, indexed=3)
            with store.dead_letters() as dead_letters:
                assert dead_letters.entries() == []

    def test_a_post_that_is_deleted_while_it_is_copied_stays_deleted(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = Reindexing._copy_page

        def slowly(self: Reindexing, hits: list[Any]) -> None:
            monkeypatch.undo()
            with ElasticsearchStore(url) as other:
                assert other.delete([tombstone("t:1")]).posts == 1
            copy(self, hits)  # as it was before the deletion

        with ElasticsearchStore(url) as store:
            Feeder(store)(post("t:1"), post("t:2"))
            drain(store)
            monkeypatch.setattr(Reindexing, "_copy_page", slowly)
            store.reindex(ZoneInfo("UTC"))
            assert sorted(stored(url)) == ["t:2"]

    def test_a_reindexing_interrupted_before_the_swap_lets_others_go_on_writing(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with ElasticsearchStore(url) as worker, ElasticsearchStore(url) as other:
            bring(worker, 0, posts=[post("t:1"), post("t:2")])
            with monkeypatch.context() as then:
                then.setattr(Reindexing, "_swap", _interrupt)
                with pytest.raises(KeyboardInterrupt):
                    other.reindex(ZoneInfo("UTC"))
            bring(worker, 1, posts=[post("t:3")], tombstones=[tombstone("t:1")])
            assert stored(url) == {"t:2": ["v1"], "t:3": ["v1"]}
            # a deletion reaches what was copied already
            monkeypatch.setattr(purge, "_released", lambda *_: True)
            monkeypatch.setattr(indices, "PAGE", 1)
            with worker.writer("another"):
                pass
            with asking(address(url).url) as client:
                copied = client.get(index=address(url).version(2), id="t:1")["_source"]
            assert copied["state"] == "deleted"
            assert "post" not in copied
            assert other.reindex(ZoneInfo("UTC")) >= 1
            assert stored(url) == {"t:2": ["v2"], "t:3": ["v2"]}
            bring(worker, 2, posts=[post("t:4"), post("t:2", "neu", version=9)])
            assert stored(url) == {name: ["v2"] for name in ("t:2", "t:3", "t:4")}
            assert worker.ledger() == Ledger(received=6, indexed=5, deleted=1)

    def test_writers_are_told_of_a_reindexing_killed_at_the_swap_and_the_command_ends_it(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = address(url)
        with ElasticsearchStore(url) as worker, ElasticsearchStore(url) as other:
            bring(worker, 0, posts=[post("t:1"), post("t:2")])
            with monkeypatch.context() as then:
                then.setattr(Reindexing, "_swap", _interrupt)
                with pytest.raises(KeyboardInterrupt):
                    other.reindex(ZoneInfo("UTC"))
            with asking(names.url) as client:
                client.indices.add_block(index=names.version(1), block="write")
            monkeypatch.setattr(worker._server, "retry_seconds", 0.5)
            with pytest.raises(StoreError, match="run marsad reindex"):
                bring(worker, 1, posts=[post("t:3")])
            other.reindex(ZoneInfo("UTC"))
            bring(worker, 1, posts=[post("t:3")])
            assert stored(url) == {name: ["v2"] for name in ("t:1", "t:2", "t:3")}
            assert worker.ledger() == Ledger(received=3, indexed=3)

    def test_writers_that_write_at_the_swap_lose_nothing(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        swap = Reindexing._swap
        refused = threading.Event()
        moved = Indices._moved

        def waits(self: Indices, index: str, reason: str) -> None:
            refused.set()
            moved(self, index, reason)

        def late(self: Reindexing) -> None:
            assert refused.wait(60)
            swap(self)

        def work() -> None:
            with ElasticsearchStore(url) as worker:
                for number in range(1, 200):
                    given = [post(f"t:{number}"), post("t:0", f"text {number}", version=number)]
                    bring(worker, number, before=number if number > 1 else 1, posts=given)
                    if refused.is_set() and number > 20:
                        written.append(number)
                        return

        written: list[int] = []
        with ElasticsearchStore(url) as store:
            bring(store, 0, posts=[post("t:0")])
            monkeypatch.setattr(Indices, "_moved", waits)
            monkeypatch.setattr(Reindexing, "_swap", late)
            working = threading.Thread(target=work)
            working.start()
            store.reindex(ZoneInfo("UTC"))
            working.join()
            (last,) = written
            assert stored(url) == {f"t:{n}": ["v2"] for n in range(last + 1)}
            found = {hit.post.id: hit.post.text for hit in store.scan(All())}
            assert found["t:0"] == f"text {last}"
            assert store.ledger() == Ledger(received=1 + 2 * last, indexed=1 + 2 * last)

    def test_a_reindexing_that_the_server_has_no_place_for_loses_no_post(
        self, url: str, real_elasticsearch: Elastic
    ) -> None:
        names = address(url)
        strange = {"index_patterns": [f"{names.posts}-v2"], "priority": 999,
                   "template": {"mappings": {"dynamic": "strict"}}}  # fmt: skip
        with ElasticsearchStore(url) as store, asking(names.url) as client:
            Feeder(store)(*(post(f"t:{n}") for n in range(13)))
            drain(store)
            before = store.ledger(), store.status()
            client.indices.put_index_template(name=f"{names.prefix}-strange", body=strange)
            try:
                with pytest.raises(StoreError, match="lacks a field that this Marsad writes"):
                    store.reindex(ZoneInfo("UTC"))
            finally:
                client.indices.delete_index_template(name=f"{names.prefix}-strange")
            assert (store.ledger(), store.status()) == before
            client.indices.delete(index=names.version(2))
            assert store.reindex(ZoneInfo("UTC")) == 13
            assert (store.ledger(), store.status()) == before
            assert len(stored(url)) == 13

    def test_a_post_that_the_server_refused_comes_in_again_by_its_letter_or_by_its_file(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        posts = [post(f"t:{n}", entities=["x" * 40_000]) for n in (1, 2)]

        def again(store: ElasticsearchStore) -> tuple[int, int]:
            with store.dead_letters() as kept:
                dead_letters = [kept.get(entry.number) for entry in kept.entries()]
            result = retry(store, [x for x in dead_letters if x], Protector(Keyring().use()), None)
            drain(store)
            return result.taken, result.left

        with ElasticsearchStore(url) as store:
            Feeder(store)(posts[0])
            drain(store)
            bring(store, 0, "scored", posts=[posts[1]])
            assert store.ledger() == Ledger(received=2, dead=2)
            for _ in range(2):  # the server is as it was
                assert again(store) == (2, 0)
                assert store.ledger() == Ledger(received=2, dead=2)
            # And now it takes them, as one with another limit would.
            for writing in (accept, documents):
                monkeypatch.setattr(writing, "write", _short)
            bring(store, 0, "file", posts=[posts[0]])
            assert store.ledger() == Ledger(received=3, indexed=1, dead=2)
            assert again(store) == (2, 0)
            assert store.ledger() == Ledger(received=3, indexed=2, duplicate=1)
            assert sorted(stored(url)) == ["t:1", "t:2"]
            with store.dead_letters() as kept:
                assert kept.entries() == []

    def test_a_server_without_room_ends_the_command_clearly_and_it_goes_on_later(
        self, url: str
    ) -> None:
        names = address(url)
        block = "index.blocks.read_only_allow_delete"
        with ElasticsearchStore(url) as store, asking(names.url) as client:
            Feeder(store)(post("t:1"))

            def fill_up() -> None:
                # before each step, since a server takes it off by itself when it finds room
                client.indices.put_settings(index=f"{names.prefix}-*", settings={block: True})

            fill_up()
            with pytest.raises(StoreFull, match="make room"):
                Feeder(store)(post("t:2"))
            fill_up()
            with pytest.raises(StoreFull, match="make room"):
                drain(store)
            fill_up()
            with pytest.raises(StoreFull, match="make room"):
                ElasticsearchStore(url)
            client.indices.put_settings(index=f"{names.prefix}-*", settings={block: None})
            Feeder(store)(post("t:2"))
            drain(store)
            assert sorted(stored(url)) == ["t:1", "t:2"]

    def test_a_batch_whose_documents_could_not_be_written_is_not_taken_and_comes_again(
        self, url: str
    ) -> None:
        names = address(url)
        block = "index.blocks.read_only_allow_delete"
        with ElasticsearchStore(url) as store, asking(names.url) as client:
            bring(store, 0, posts=[post("t:1")])
            client.indices.put_settings(index=names.posts, settings={block: True})
            with pytest.raises(StoreFull, match="make room"):
                bring(store, 1, posts=[post("t:2")])
            client.indices.put_settings(index=names.posts, settings={block: None})
            place = store.position("input")
            assert place is not None
            assert place.cursor == "1"
            assert bring(store, 1, posts=[post("t:2")]).indexed == 1
            assert sorted(stored(url)) == ["t:1", "t:2"]
            assert store.ledger() == Ledger(received=2, indexed=2)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _killed_at_a_deletion(
    monkeypatch: pytest.MonkeyPatch, url: str, *tombstones: CollectedTombstone
) -> None:
    """Let the next writer of posts be killed right after its posts, which others deleted before."""
    bulk = Indices.bulk

    def killed(self: Indices, writes: Sequence[indices.Write], **more: Any) -> Any:
        if any("-posts-" in one.where for one in writes):
            monkeypatch.undo()
            with ElasticsearchStore(url) as other:
                other.delete(tombstones)
            bulk(self, writes, **more)
            raise KeyboardInterrupt
        return bulk(self, writes, **more)

    monkeypatch.setattr(Indices, "bulk", killed)


if FAULTS:

    class TestLongForms:
        def test_the_bytes_of_deleted_texts_leave_the_server_within_two_minutes(
            self, url: str, real_elasticsearch: Elastic
        ) -> None:
            """The bound that docs/privacy.md states, for a store that somebody writes to."""
            secret = "ein erfundenes Wort"
            with ElasticsearchStore(url) as store:
                Feeder(store)(post("t:1", secret), post("t:2"), post("t:3"))
                drain(store)
                end = time.monotonic() + 120
                assert not store.delete([tombstone("t:1")]).clean
                for number in itertools.count():
                    # other deletions go on for a while and must not put it off
                    tombstones = [tombstone(f"t:{number}")] if number < 20 else []
                    Feeder(store)(post(f"t:new{number}"), tombstones=tombstones)
                    store.housekeeping()
                    if not marked(url):
                        break
                    assert time.monotonic() < end
                    time.sleep(1)
            names = address(url)
            stats = real_elasticsearch.ask("GET", f"{names.posts}/_stats/docs")
            assert stats["_all"]["primaries"]["docs"]["deleted"] == 0
            if real_elasticsearch.process is not None:
                folder = real_elasticsearch.process.log.parent / "data"
                files = [path for path in folder.rglob("*") if path.is_file()]
                assert any(b"un texte" in path.read_bytes() for path in files)
                assert [path for path in files if secret.encode() in path.read_bytes()] == []

    def marked(url: str) -> bool:
        """Whether bytes of deleted texts may be left."""
        names = address(url)
        with asking(names.url) as client:
            return bool(client.exists(index=names.state, id="unclean"))

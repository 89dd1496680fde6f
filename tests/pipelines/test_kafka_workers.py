"""Workers between topics: every message has one outcome, whatever it is and how often it comes."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import NoError
from kafka.structs import OffsetAndMetadata

from ingest.records import Post
from nlp.score import Scored
from pipelines import metrics
from pipelines.commands import delete, status, worker
from pipelines.errors import BrokerAway, BrokerError, ModelError
from pipelines.kafka import messages, store_identity, topics
from pipelines.kafka.connection import Brokers
from pipelines.kafka.index import IndexStage
from pipelines.kafka.lag import lag
from pipelines.kafka.loop import Claim, CommitMetadata, Stop, Worker
from pipelines.kafka.messages import HEADERS
from pipelines.kafka.score import ScoreStage
from pipelines.kafka.sink import KafkaSink
from pipelines.metrics.health import Health
from pipelines.query import parse
from pipelines.records import Collected, CollectedTombstone, Ledger, Position
from pipelines.stores.sqlite import SqliteStore
from tests.conftest import Marsad
from tests.pipelines.kafka_fixtures import (
    PATIENCE,
    ZONE,
    EchoScorer,
    batch,
    dead_letter,
    deletion,
    every_byte,
    indexing,
    pipeline,
    post,
    records,
    running,
    scored,
    scoring,
    send,
    until,
)
from tests.servers import Kafka


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store that is there, without posts."""
    made = tmp_path / "posts.db"
    SqliteStore(made, readonly=False, timezone=str(ZONE)).close()
    return made


def settled(path: Path, received: int) -> Ledger:
    """Wait until a store has had so many records, and return its ledger."""

    def ledger() -> Ledger | None:
        with SqliteStore(path, readonly=True) as reading:
            found = reading.ledger()
            return found if found.received >= received else None

    return until(ledger, f"{received} records are in the store")


def stored(path: Path) -> dict[str, str]:
    with SqliteStore(path, readonly=True) as reading:
        return {hit.post.id: hit.post.text for hit in reading.scan(parse(""))}


def inputs(path: Path) -> list[Position]:
    with SqliteStore(path, readonly=True) as reading:
        return reading.status().inputs


def set_back(where: Brokers, stage: str) -> None:
    """Set the group of a stage without workers to the beginning, as an operator does."""
    with closing(where.admin()) as admin:
        group = where.topic(stage)

        def done() -> bool:
            """A worker that could not say that it ended is in the group for a while."""
            beginning = OffsetAndMetadata(0, "", -1)
            offsets = dict.fromkeys(admin.list_group_offsets(group)[group], beginning)
            told = admin.alter_group_offsets(group, offsets) if offsets else {}
            return set(told.values()) <= {NoError}

        until(done, f"the group {stage} is set back")


def value(number: int, text: str = "no calls today") -> bytes:
    return messages.encode(messages.post_message(post(number, text)))


def test_what_is_collected_is_scored_and_indexed_once(where: Brokers, path: Path) -> None:
    with KafkaSink(where) as sink:
        sink.accept(
            batch("", "1", posts=[post(n) for n in range(300)], filtered=7, dead=[dead_letter(9)])
        )
    with pipeline(where, path):
        ledger = settled(path, 308)
    assert ledger == Ledger(received=308, indexed=300, filtered=7, dead=1)
    posts = stored(path)
    assert len(posts) == 300


def test_poison_goes_to_the_dead_letters_and_the_rest_of_its_batch_is_indexed(
    where: Brokers, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = [
        {"key": f"forum:{n}".encode(), "value": value(n), "headers": HEADERS} for n in range(494)
    ]
    poison = [
        {"key": b"a", "value": b'{"post": {"text": "hidden words', "headers": HEADERS},
        {"key": b"b", "value": value(990), "headers": [("marsad", b"7")]},
        {"key": b"c", "value": value(991), "headers": []},
        {"key": b"d", "value": value(992, "hidden words" * 420_000), "headers": HEADERS},
        {"key": b"forum:993", "value": value(993, "impossible hidden words"), "headers": HEADERS},
        {"key": b"e", "value": b"\xff\x00", "headers": HEADERS},
    ]
    places = [250, 10, 499, 400, 300, 20]
    produced = good[:]
    for place, bad in sorted(zip(places, poison, strict=True), key=lambda pair: pair[0]):
        produced.insert(place, bad)
    assert len(produced) == 500
    for message in produced:
        message["partition"] = 0
    producer = where.producer()
    sent = [producer.send(where.topic("posts"), **message) for message in produced]
    offsets = {
        message["key"]: future.get(PATIENCE).offset
        for message, future in zip(produced, sent, strict=True)
    }
    producer.close()
    with pipeline(where, path):
        ledger = settled(path, 500)
    assert ledger == Ledger(received=500, indexed=494, dead=6)
    with SqliteStore(path, readonly=True) as reading, reading.dead_letters() as dead_letters:
        kept = {entry.line: entry for entry in dead_letters.entries()}
        assert all(entry.origin == f"{where.topic('posts')}/0" for entry in kept.values())
        reasons = {
            key: kept[offsets[key]].reason for key in (b"a", b"b", b"c", b"d", b"forum:993", b"e")
        }
        oversized = kept[offsets[b"d"]]
    assert reasons == {
        b"a": "message-unreadable",
        b"b": "message-newer",
        b"c": "message-foreign",
        b"d": "message-too-large",
        b"forum:993": "score-failed",
        b"e": "message-unreadable",
    }
    assert (oversized.size, oversized.truncated) == (1_000_000, True)
    for record in records(where, "dead")["dead"]:
        assert record.headers == HEADERS  # nothing of the text in headers
        assert b"hidden" not in (record.key or b"")
    assert "the model fails on a post" in caplog.text
    assert "hidden" not in caplog.text  # though the model's error quotes it


def test_a_message_of_a_newer_schema_can_be_tried_again_after_an_upgrade(
    where: Brokers, path: Path, tmp_path: Path
) -> None:
    message = {"key": b"forum:1", "value": value(1), "headers": [("marsad", b"7")]}
    send(where, "posts", message)
    with pipeline(where, path):
        assert settled(path, 1).dead == 1
    marsad = Marsad(tmp_path)
    assert "1 taken in" in marsad("dead", "retry", "--store", path).stderr
    assert marsad.ledger("--store", path)["indexed"] == 1


def test_messages_that_come_again_are_neither_stored_nor_counted_again(
    where: Brokers, path: Path
) -> None:
    with KafkaSink(where) as sink:
        deletions = [deletion("forum:3")]
        sink.accept(batch("", "1", posts=[post(n) for n in range(50)], tombstones=deletions))
    with pipeline(where, path):
        before = settled(path, 51)
    posts = stored(path)
    assert "forum:3" not in posts
    set_back(where, "index")
    with pipeline(where, path):
        with KafkaSink(where) as sink:
            sink.accept(batch("1", "2", posts=[post(100)]))
        after = settled(path, 52)
    assert after.received == before.received + 1
    assert after.duplicate == before.duplicate == 0
    assert stored(path) == posts | {"forum:100": "no calls today"}


def test_posts_that_are_read_again_from_the_beginning_have_one_outcome_each(
    where: Brokers, path: Path
) -> None:
    """Also those that can't be used, which lie in another order in the worker's hands."""
    produced = [
        {"key": b"a", "value": value(1, "impossible"), "headers": HEADERS, "partition": 0},
        {"key": b"b", "value": value(2), "headers": HEADERS, "partition": 0},
        {"key": b"c", "value": b"{", "headers": HEADERS, "partition": 0},
        {"key": b"d", "value": value(4, "impossible"), "headers": HEADERS, "partition": 1},
        {"key": b"e", "value": b"{", "headers": [], "partition": 1},
    ]
    send(where, "posts", *produced)
    with pipeline(where, path):
        before = settled(path, 5)
    assert before == Ledger(received=5, indexed=1, dead=4)
    set_back(where, "score")
    with pipeline(where, path):
        send(where, "posts", {"key": b"f", "value": b"{", "headers": HEADERS, "partition": 0})
        after = settled(path, 6)
        until(lambda: len(records(where, "dead")["dead"]) == 9, "all were read again")
        until(lambda: lag(where, inputs(path)).ledger == Ledger(), "nothing is on its way")
        after = settled(path, 6)
    assert after == Ledger(received=6, indexed=1, dead=5)


def test_a_batch_that_another_worker_did_meanwhile_is_void(where: Brokers) -> None:
    """A worker that was stopped for a minute comes back with a batch in its hands."""
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=[post(1)]))
    slow = where.consumer("score")
    slow.subscribe(topics=[where.topic(topics.POSTS)])
    until(lambda: slow.poll(timeout_ms=200), "the slow worker has a record")
    member = slow.group_metadata()
    slow.close()
    stage = ScoreStage(where, EchoScorer(), "zombie")  # type: ignore[arg-type]
    (record,) = records(where, "posts")["posts"]
    place = TopicPartition(record.topic, record.partition)
    with pytest.raises(BrokerAway, match="Another worker"):
        stage.work({place: [record]}, Claim(member, CommitMetadata("zombie", 0.0, 0.0)))
    stage.close()
    assert records(where, "scored")["scored"] == []


def test_a_model_that_fails_on_everything_ends_the_worker_and_not_the_posts(
    where: Brokers,
) -> None:
    class Broken(EchoScorer):
        def score(self, texts: object, mentions: object) -> list[Scored]:
            raise MemoryError

    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=[post(1), post(2)]))
    some = records(where, "posts")["posts"]
    stage = ScoreStage(where, Broken(), "broken")  # type: ignore[arg-type]
    place = TopicPartition(some[0].topic, some[0].partition)
    with pytest.raises(ModelError, match="every text"):
        stage.work({place: some}, Claim(None, CommitMetadata("broken", 0.0, 0.0)))
    stage.close()
    assert records(where, "dead", "scored") == {"dead": [], "scored": []}


def test_a_second_process_of_one_instance_ends_what_the_first_left_open(where: Brokers) -> None:
    first = where.producer(where.topic("score-one"))
    first.init_transactions()
    first.begin_transaction()
    first.send(where.topic("scored"), key=b"forum:1", value=value(1), headers=HEADERS).get(30)
    stage = ScoreStage(where, EchoScorer(), "one", marker_seconds=0.0)  # type: ignore[arg-type]
    place = TopicPartition(where.topic("posts"), 0)
    stage.begin(place)
    stage.rest([place])
    # Nothing of the first is there, and nobody has to wait for its end.
    assert [record.value for record in records(where, "scored")["scored"]] == [None]
    stage.close()
    with pytest.raises(Exception, match=r"Fenced|Epoch"):
        first.commit_transaction()


def test_an_index_worker_goes_on_where_the_store_is_and_not_where_the_group_is(
    where: Brokers, path: Path
) -> None:
    produced = [
        {"key": f"forum:{n}".encode(), "headers": HEADERS, "partition": 0,
         "value": messages.encode(messages.post_message(scored(post(n))))}
        for n in range(10)
    ]  # fmt: skip
    send(where, "scored", *produced)
    # The group says that all is done, as after a reset by hand; the store knows better.
    consumer = where.consumer("index")
    place = TopicPartition(where.topic("scored"), 0)
    consumer.assign([place])
    consumer.commit({place: OffsetAndMetadata(10, "", -1)})
    consumer.close()
    with running(indexing(where, path)):
        settled(path, 10)
    assert len(stored(path)) == 10


def test_what_was_deleted_by_its_age_before_it_was_read_is_told(
    where: Brokers, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    produced = [
        {"key": b"k", "value": messages.encode(messages.post_message(scored(post(n)))),
         "headers": HEADERS, "partition": 0}
        for n in range(5)
    ]  # fmt: skip
    send(where, "scored", *produced)
    admin = where.admin()
    admin.delete_records({TopicPartition(where.topic("scored"), 0): 3})
    admin.close()
    with running(indexing(where, path)):
        settled(path, 2)
    assert "3 records at most are lost" in caplog.text
    assert sorted(stored(path)) == ["forum:3", "forum:4"]


def test_what_is_on_its_way_counts_as_pending(
    where: Brokers, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARSAD_KAFKA_PREFIX", where.prefix)
    with KafkaSink(where) as sink:
        some = [post(n) for n in range(20)]
        sink.accept(batch("", "1", posts=some, filtered=4, dead=[dead_letter(1)]))
    moving = lag(where, inputs(path))
    assert moving.ledger == Ledger(received=25, pending=20, filtered=4, dead=1)
    waiting = {stage.stage: (stage.waiting, stage.exact) for stage in moving.stages}
    assert waiting == {"collect": (0, True), "score": (20, True), "index": (0, True)}
    places = ["--store", str(path), "--brokers", where.addresses]
    shown = CliRunner().invoke(status.command, places).output
    assert re.search("pending +20 +waiting to be scored or indexed, on topics too", shown)
    with pipeline(where, path):
        settled(path, 25)
        until(
            lambda: (
                {s.stage for s in lag(where, inputs(path)).stages if s.per_second and s.workers}
                == {"score", "index"}
            ),
            "workers tell how fast they are",
        )
    assert lag(where, inputs(path)).ledger == Ledger()


def test_a_deleted_text_leaves_topics_within_the_time_that_they_are_set_to(
    where: Brokers, path: Path
) -> None:
    """The hours of the definition as tenths of seconds, on a broker that cleans at once."""
    soon = {
        "min.compaction.lag.ms": "0",
        "max.compaction.lag.ms": "1000",
        "segment.ms": "500",
        "delete.retention.ms": "100",
    }
    admin = where.admin()
    admin.alter_configs(
        [
            ConfigResource(ConfigResourceType.TOPIC, where.topic(name), soon)
            for name in ("posts", "scored")
        ]
    )
    with pipeline(where, path, marker_seconds=0.5), KafkaSink(where) as sink:
        leaver = [post(n, f"bitter words {n}", author="u_leaver") for n in (1, 2)]
        others = [post(3, "bitter words three"), post(4, "a recipe for soup")]
        sink.accept(batch("", "1", posts=[*leaver, *others]))
        settled(path, 4)
        assert b"bitter words" in every_byte(where)
        sink.accept(
            batch(
                "1",
                "2",
                tombstones=[deletion("forum:3"), deletion(author="u_leaver", raw_name="Leaver")],
            )
        )
        settled(path, 6)
        # What was on its way meanwhile, and what is collected once more.
        late = [post(5, "bitter words five", author="u_leaver"), post(3, "bitter words again")]
        sink.accept(batch("2", "3", posts=late))
        assert settled(path, 8).deleted == 4
        until(lambda: b"bitter words" not in every_byte(where), "the texts are off the topics")
    admin.close()
    assert b"a recipe for soup" in every_byte(where)
    assert stored(path) == {"forum:4": "a recipe for soup"}


def test_a_post_that_is_stored_while_its_author_is_deleted_leaves_the_topics_as_well(
    where: Brokers, path: Path
) -> None:
    class Late(SqliteStore):
        """Where another worker brings one more post in the moment before the tombstone."""

        def write_tombstones(
            self, tombstones: Sequence[CollectedTombstone], refused: Sequence[Post] = ()
        ) -> set[str]:
            with SqliteStore(path) as other:
                other.accept(batch("1", "2", key="other", posts=[post(2, author="u_leaver")]))
            return super().write_tombstones(tombstones, refused)

    with SqliteStore(path) as store:
        store.accept(batch("", "1", key="other", posts=[post(1, author="u_leaver")]))
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", tombstones=[deletion(author="u_leaver", raw_name="Leaver")]))
    with running(indexing(where, path, Late)):
        settled(path, 3)
    erased = {record.key for record in records(where, "posts")["posts"] if record.value is None}
    assert erased == {b"forum:1", b"forum:2"}
    assert stored(path) == {}


def test_what_a_deletion_did_is_told_although_an_index_worker_was_quicker(
    where: Brokers, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARSAD_KAFKA_PREFIX", where.prefix)
    put_on_topics = delete._leave_topics

    def and_wait(*given: Any) -> int:
        """Let the worker win the race that it wins most of the time."""
        quarantine = put_on_topics(*given)
        until(lambda: stored(path).keys() == {"forum:4"}, "the worker has deleted them")
        return quarantine

    monkeypatch.setattr(delete, "_leave_topics", and_wait)
    with KafkaSink(where) as sink:
        mine = [post(n, author="u_leaverleaverleav") for n in (2, 3)]
        sink.accept(batch("", "1", posts=[post(1), *mine, post(4)]))
    with pipeline(where, path):
        settled(path, 4)
        arguments = ["--yes", "--author", "u_leaverleaverleav", "--platform", "forum", "forum:1"]
        places = ["--store", str(path), "--brokers", where.addresses]
        told = CliRunner().invoke(delete.command, [*arguments, *places])
        again = CliRunner().invoke(delete.command, [*arguments, *places])
    assert "3 posts deleted, 0 dead letters removed, 2 tombstones written." in told.output
    assert "0 posts deleted, 0 dead letters removed, 0 tombstones written." in again.output


def test_a_text_that_was_deleted_while_it_waited_is_not_indexed_and_not_left_scored(
    where: Brokers, path: Path
) -> None:
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=[post(1), post(2)]))
        sink.accept(batch("1", "2", tombstones=[deletion("forum:1")]))
    with running(indexing(where, path)):
        settled(path, 1)  # the deletion is there before the post is scored
        with running(scoring(where)):
            ledger = settled(path, 3)
    assert (ledger.indexed, ledger.deleted) == (1, 2)
    ordered = [r.value is None for r in records(where, "scored")["scored"] if r.key == b"forum:1"]
    assert ordered[-1] is True  # what compaction keeps is that it is gone


def test_a_deletion__reaches_reposts_on_the_topics_in_any_order(where: Brokers, path: Path) -> None:
    words = "bitter words"
    repeats = {"repost_of": "forum:1", "repost_author": "u_leaver"}
    with KafkaSink(where) as sink:
        early = [post(2, words, author="u_b", **repeats), post(9, "a recipe for soup")]
        sink.accept(batch("", "1", posts=early))
        with pipeline(where, path):
            settled(path, 2)
        sink.accept(batch("1", "2", posts=[post(3, words, author="u_c", **repeats)]))
        sink.accept(batch("2", "3", tombstones=[deletion(author="u_leaver")]))
        sink.accept(batch("3", "4", posts=[post(4, words, author="u_d", repost_of="u_leaver")]))
    with pipeline(where, path):
        ledger = settled(path, 5)
    assert (ledger.received, ledger.indexed, ledger.deleted) == (5, 2, 3)
    assert stored(path) == {"forum:9": "a recipe for soup"}
    erased = {record.key for record in records(where, "posts")["posts"] if record.value is None}
    assert erased == {b"forum:2", b"forum:3", b"forum:4"}


def renamed(collected: Collected, name: str) -> Collected:
    changed = msgspec.structs.replace(collected.post, id=name, platform=name.partition(":")[0])
    return msgspec.structs.replace(collected, post=changed)


def test_a_refused_post__erases_its_reposts_and_its_twin_from_the_topics(
    where: Brokers, path: Path
) -> None:
    first, second, third = (f"twitter:69000000000000000{n}" for n in range(3))
    twin = "archive:table:690000000000000000"
    chain = [
        renamed(post(3, "bitter", author="u_c", repost_of=second), third),
        renamed(post(1, "bitter words", author="u_x"), twin),
    ]
    refused = [
        renamed(post(2, "bitter", author="u_b", repost_of=first), second),
        renamed(post(1, "bitter words", author="u_a"), first),
    ]
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=chain))
        with pipeline(where, path):
            settled(path, 2)
        sink.accept(batch("1", "2", tombstones=[deletion(first)]))
        with pipeline(where, path):
            settled(path, 3)
        sink.accept(batch("2", "3", posts=refused))
    with pipeline(where, path):
        assert settled(path, 5).deleted == 3
    assert stored(path) == {}
    erased = {record.key for record in records(where, "posts")["posts"] if record.value is None}
    assert erased == {name.encode() for name in (first, second, third, twin)}


def test_a_worker_of_another_store_is_refused_until_those_of_the_first_are_gone(
    where: Brokers, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "second.db"
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=[post(n) for n in range(40)]))
    with pipeline(where, path):
        settled(path, 1)
        with (
            SqliteStore(second, readonly=False, timezone=str(ZONE)) as store,
            monkeypatch.context() as impatient,
        ):
            impatient.setattr(store_identity, "GONE", 0.0)
            with pytest.raises(BrokerError, match="another store") as told:
                IndexStage(where, store, ZONE)
            # … and leaves nothing behind where it would have begun.
            impatient.setenv("MARSAD_KAFKA_PREFIX", where.prefix)
            third = tmp_path / "third.db"
            given = ["index", "--brokers", where.addresses, "--store", str(third)]
            refused = CliRunner().invoke(worker.command, given)
            assert "another store" in str(refused.exception)
            assert not third.exists()
        with running(indexing(where, path)):  # a second worker of the same store
            settled(path, 40)
    assert "docs/kafka.md" in str(told.value)
    with running(indexing(where, second)):
        settled(second, 40)
    assert stored(second) == stored(path)


def test_workers_of_two_stores_that_begin_at_once_do_not_share_the_posts(
    where: Brokers, path: Path, tmp_path: Path
) -> None:
    both_are_free_to_begin = threading.Barrier(2)
    told: list[str] = []

    def beginning(path: Path) -> Callable[[Stop], None]:
        def run(stop: Stop) -> None:
            with SqliteStore(path, readonly=False, timezone=str(ZONE)) as store:
                stage = IndexStage(where, store, ZONE)
                both_are_free_to_begin.wait(PATIENCE)
                try:
                    Worker(where, stage, stop).run()
                except BrokerError as error:
                    told.append(str(error))
                finally:
                    stage.close()

        return run

    with running(beginning(path), beginning(tmp_path / "second.db")):
        until(lambda: told, "one of them ends")
    assert "another store" in told[0]


def test_a_worker_is_ready_while_brokers_answer(
    where: Brokers, path: Path, real_kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = Health()  # without what workers of other tests missed in the end
    monkeypatch.setattr(metrics, "_health", health)
    proxy = real_kafka.proxy
    if proxy is None:
        pytest.skip("no proxy before the broker of MARSAD_TEST_KAFKA")
    behind = msgspec.structs.replace(where, addresses=proxy.address)
    message = messages.encode(messages.post_message(scored(post(1))))
    send(where, "scored", {"key": b"forum:1", "value": message, "headers": HEADERS})

    def misses_brokers() -> bool:
        is_ready, told = health.ready()
        return not is_ready and "brokers" in told

    try:
        with running(indexing(behind, path)):
            settled(path, 1)
            until(lambda: health.ready()[0], "the worker is ready")
            proxy.lose = lambda kind, number: True
            proxy.cut()
            until(misses_brokers, "it misses the brokers")
            proxy.reset()
            until(lambda: health.ready()[0], "the worker is ready again")
    finally:
        proxy.reset()


def test_posts_of_2016_outlive_the_retention_of_their_topics(where: Brokers) -> None:
    assert all(
        int(definition.config["retention.ms"]) in {-1, 7 * 24 * 3_600_000}
        for name, definition in topics.definitions().items()
        if name != topics.LEASES
    )
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=[post(1)]))
    (record,) = records(where, "posts")["posts"]
    message = json.loads(record.value)
    assert message["post"]["created_at"].startswith("2016")
    assert record.timestamp_type == 1  # LogAppendTime
    assert record.timestamp > 1_700_000_000_000

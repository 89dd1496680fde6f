"""What collectors write into the topics: all of a batch or nothing, and nobody's name."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipelines.commands._shared.collecting import Reading
from pipelines.dead_letters.queue import DeadLetters
from pipelines.errors import BrokerAway, BrokerError, StoreBusy, StoreError
from pipelines.kafka import producer as producers
from pipelines.kafka.connection import MESSAGE_LIMIT, Brokers
from pipelines.kafka.messages import HEADERS, LedgerMessage, PostMessage, Reader
from pipelines.kafka.sink import KafkaSink, dead_path
from pipelines.live.choose import Wanted
from pipelines.records import Ledger
from pipelines.stop import Stop
from tests.conftest import Marsad
from tests.pipelines.kafka_fixtures import (
    batch,
    cursor,
    dead_letter,
    deletion,
    every_byte,
    post,
    records,
    send,
)
from tests.servers import Kafka
from tests.servers.proxy import END_TRANSACTION
from tests.simulators import base
from tests.simulators.jetstream import START, jetstream


def test_a_batch_becomes_durable_with_its_cursor_and_its_counts(where: Brokers) -> None:
    with KafkaSink(where) as sink:
        assert sink.position("input") is None
        outcomes = sink.accept(
            batch("", "7", posts=[post(1), post(2)], filtered=3, dead=[dead_letter(5)])
        )
        assert outcomes == Ledger(received=6, pending=2, filtered=3, dead=1)
        found = sink.position("input")
    assert found is not None
    assert found.cursor == "7"
    there = records(where)
    read = Reader(PostMessage)
    assert sorted(read(one).post.id for one in there["posts"]) == ["forum:1", "forum:2"]
    assert {one.key for one in there["posts"]} == {b"forum:1", b"forum:2"}
    (counted,) = map(Reader(LedgerMessage), there["ledger"])
    assert (counted.filtered, [place.reason for place in counted.dead]) == (3, ["json-truncated"])


def test_an_operator_or_a_stranger_writes_to_the_positions_and_inputs_go_on(
    where: Brokers, caplog: pytest.LogCaptureFixture
) -> None:
    with KafkaSink(where) as sink:
        for key in ("input", "other"):
            sink.accept(batch("", "7", key=key))
    send(
        where,
        "positions",
        {"key": b"input", "value": None},  # forgets it
        {"key": b"other", "value": b"{", "headers": HEADERS},
        {"key": b"\xff", "value": b"of another program"},
        {"key": b"\xff", "value": None},
    )
    with KafkaSink(where) as sink:
        assert sink.position("input") is None
        found = sink.position("other")
        assert found is not None
        assert found.cursor == "7"
    assert "positions/0, offset" in caplog.text
    assert "message-foreign" in caplog.text
    send(where, "positions", {"key": b"input", "value": b"{}", "headers": [("marsad", b"2")]})
    with KafkaSink(where) as sink:
        for _ in range(2):
            with pytest.raises(BrokerError, match="upgrade this one"):
                sink.position("other")


def test_a_record_has_the_time_of_its_collection_and_not_of_its_post(where: Brokers) -> None:
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=[post(1)]))
    (record,) = records(where, "posts")["posts"]
    assert record.timestamp > 1_700_000_000_000  # the post is of 2016


def test_a_batch_that_does_not_begin_where_the_input_stands_is_refused(where: Brokers) -> None:
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=[post(1)]))
    with KafkaSink(where) as sink, pytest.raises(StoreBusy, match="input"):
        sink.accept(batch("", "1", posts=[post(1)]))
    assert len(records(where, "posts")["posts"]) == 1


def test_who_opens_an_input_shuts_out_who_read_it_before(where: Brokers) -> None:
    with KafkaSink(where) as first, KafkaSink(where) as second:
        first.accept(batch("", "1", posts=[post(1)]))
        found = second.position("input")
        assert found is not None
        second.accept(batch(found.cursor, "2", posts=[post(2)]))
        with pytest.raises(StoreBusy):
            first.accept(batch("1", "2", posts=[post(2)]))
    assert len(records(where, "posts")["posts"]) == 2
    assert cursor(where) == "2"


def test_two_inputs_do_not_disturb_each_other(where: Brokers) -> None:
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", key="one", posts=[post(1)]))
        sink.accept(batch("", "5", key="other", posts=[post(2)]))
        sink.accept(batch("1", "2", key="one", posts=[post(3)], done=True))
    assert (cursor(where, "one"), cursor(where, "other")) == ("2", "5")


def test_a_collector_killed_in_the_middle_of_a_batch_leaves_nothing_of_it(where: Brokers) -> None:
    script = (
        "import sys, os\n"
        "from pipelines.kafka.connection import brokers\n"
        "from pipelines.kafka.sink import KafkaSink\n"
        "from pipelines.settings import KafkaSettings\n"
        "from tests.pipelines.kafka_fixtures import batch, post\n"
        "where = brokers(sys.argv[1], KafkaSettings(prefix=sys.argv[2]))\n"
        "intake = KafkaSink(where)\n"
        "intake.accept(batch('', '1', posts=[post(1)]))\n"
        "producer = intake._producers['input']\n"
        "def killed():\n"
        "    producer.flush()\n"
        "    print('sent', flush=True)\n"
        "    sys.stdin.read()\n"
        "producer.commit_transaction = killed\n"
        "intake.accept(batch('1', '2', posts=[post(2), post(3)]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, where.addresses, where.prefix],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"sent\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    with KafkaSink(where) as sink:
        found = sink.position("input")
        assert found is not None
        assert found.cursor == "1"
        sink.accept(batch("1", "2", posts=[post(2), post(3)]))
    assert len(records(where, "posts")["posts"]) == 3


def test_a_batch_whose_answer_was_lost_is_neither_lost_nor_doubled(where: Brokers) -> None:
    slept: list[float] = []
    with KafkaSink(where, sleep=slept.append) as sink:
        sink.accept(batch("", "1", posts=[post(1)]))
        producer = sink._producers["input"]
        commit = producer.commit_transaction

        def lose_the_answer() -> None:
            from kafka.errors import KafkaTimeoutError

            commit()
            raise KafkaTimeoutError

        producer.commit_transaction = lose_the_answer
        outcomes = sink.accept(batch("1", "2", posts=[post(2)]))
    assert outcomes.pending == 1
    assert slept == [1.0]
    assert len(records(where, "posts")["posts"]) == 2
    assert cursor(where) == "2"


def test_brokers_that_never_say_how_a_transaction_ended_are_given_up(
    where: Brokers, real_kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens the input next finds out whether the batch counts."""
    if real_kafka.proxy is None:
        pytest.skip("no proxy before the broker of MARSAD_TEST_KAFKA")
    behind = msgspec.structs.replace(where, addresses=real_kafka.proxy.address)
    with KafkaSink(behind, seconds=0.0) as sink:
        sink.accept(batch("", "1", posts=[post(1)]))
        real_kafka.proxy.lose = lambda kind, number: kind == END_TRANSACTION
        try:
            with monkeypatch.context() as impatient:
                # Long enough for a busy broker to hear of the end of the transaction.
                impatient.setattr(producers, "PATIENCE", 6.0)
                with pytest.raises(BrokerAway, match="No broker answers"):
                    sink.accept(batch("1", "2", posts=[post(2)]))
        finally:
            real_kafka.proxy.reset()
        found = sink.position("input")
        assert found is not None
        sink.accept(batch(found.cursor, "3", posts=[post(3)]))
    assert found.cursor == "2"  # the brokers had heard of its end
    assert len(records(where, "posts")["posts"]) == 3


def test_a_deletion_erases_the_text_under_every_id_it_had(where: Brokers) -> None:
    received_tombstone = msgspec.structs.replace(deletion("forum:1"), aliases=("forum:old",))
    with KafkaSink(where) as sink:
        outcomes = sink.accept(batch("", "1", posts=[post(1)], tombstones=[received_tombstone]))
    assert outcomes == Ledger(received=2, pending=1, deleted=1)
    there = records(where)
    erased = [record.key for record in there["posts"] if record.value is None]
    assert sorted(erased) == [b"forum:1", b"forum:old"]
    assert [record.key for record in there["tombstones"]] == [b"forum:1"]


@pytest.mark.parametrize(
    "large",
    [{"text": "x" * (MESSAGE_LIMIT + 1)}, {"hashtags": ("x" * 100,) * (MESSAGE_LIMIT // 50)}],
    ids=["text", "hashtags"],
)
def test_a_post_that_is_too_large_becomes_a_dead_letter_and_the_others_go_on(
    where: Brokers, large: dict[str, Any]
) -> None:
    oversized = post(2, **large)
    with KafkaSink(where) as sink:
        outcomes = sink.accept(batch("", "3", posts=[post(1), oversized, post(3)]))
        with sink.dead_letters() as dead_letters:
            (entry,) = dead_letters.entries()
    assert outcomes == Ledger(received=3, pending=2, dead=1)
    assert (entry.reason, entry.origin, entry.truncated) == (
        "message-too-large",
        "collect:forum:2",
        True,
    )
    assert len(records(where, "posts")["posts"]) == 2


def test_what_becomes_a_dead_letter_stays_on_this_machine_for_its_owner_alone(
    where: Brokers,
) -> None:
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", dead=[dead_letter(1, b'{"author": "Fatna Zahraoui", ')]))
        with sink.dead_letters() as dead_letters:
            kept = dead_letters.get(dead_letters.entries()[0].number)
        assert kept is not None
        assert b"Fatna" in kept.raw
        assert sink.dead_path.stat().st_mode & 0o077 == 0
        # … and a deletion of that account reaches it.
        sink.accept(batch("1", "2", tombstones=[deletion(author="u_q", raw_name="Fatna Zahraoui")]))
        with sink.dead_letters() as dead_letters:
            assert dead_letters.entries() == []
        # … and so does time, though nothing follows.
        with DeadLetters(sink.dead_path, days=0) as dead_letters:
            dead_letters.put([dead_letter(2, b"Fatna")])
    with KafkaSink(where) as sink:
        assert b"Fatna" not in sink.dead_path.read_bytes()
    assert b"Fatna" not in every_byte(where)


def test_nobodys_name_is_on_any_topic(
    where: Brokers, real_kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marsad = Marsad(tmp_path, MARSAD_BROKERS=real_kafka.brokers, MARSAD_KAFKA_PREFIX=where.prefix)
    names = ["Fatna_Zahraoui", "brahim.k77", "نادية_ب", "0612345678", "fatna@example.org"]
    rows = [
        {
            "id": f"{number}",
            "platform": "twitter",
            "author": names[number % 3],
            "text": f"@{names[(number + 1) % 3]} 0612345678 ou fatna@example.org {number}",
            "url": f"https://twitter.com/{names[number % 3]}/status/{number}",
        }
        for number in range(30)
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    lines.append('{"id": "31", "author": "Fatna_Zahraoui", "text": ')
    marsad("ingest", "archive", marsad.write("posts.ndjson", "\n".join(lines)))
    seen = every_byte(where)
    assert b"twitter:7" in seen
    for name in names:
        assert name.encode() not in seen
        assert json.dumps(name).encode()[1:-1] not in seen


def test_names_are_refused_before_they_are_read(
    where: Brokers, real_kafka: Kafka, tmp_path: Path
) -> None:
    marsad = Marsad(tmp_path, MARSAD_KAFKA_PREFIX=where.prefix)
    file = marsad.write("posts.ndjson", [{"id": "1", "platform": "x", "text": "a", "author": "B"}])
    options = ("--brokers", real_kafka.brokers, "--keep-authors", "consent")
    assert "no name enters Kafka" in marsad("ingest", "archive", file, *options, code=2).stderr


def test_a_file_is_read_once_and_a_dead_letter_can_be_tried_again(
    where: Brokers, real_kafka: Kafka, tmp_path: Path
) -> None:
    marsad = Marsad(tmp_path, MARSAD_BROKERS=real_kafka.brokers, MARSAD_KAFKA_PREFIX=where.prefix)
    rows = [{"id": str(n), "platform": "forum", "text": f"line {n}"} for n in range(3)]
    lines = [*map(json.dumps, rows), json.dumps({"id": "3", "platform": "forum", "words": "oh"})]
    file = marsad.write("posts.ndjson", "\n".join(lines) + "\n")
    assert "4 received, 1 dead, 3 pending" in marsad("ingest", "archive", file).stderr
    assert "read to its end before" in marsad("ingest", "archive", file).stderr
    (kept,) = marsad.rows("dead", "list", "--json")
    assert kept["reason"] == "no-text"
    assert "1 taken in" in marsad("dead", "retry", "--map", "text=words").stderr
    assert len(records(where, "posts")["posts"]) == 4
    marsad("dead", "list", code=3)


def test_what_a_collector_keeps_as_a_dead_letter_says_what_it_is_and_a_deletion_finds_it(
    where: Brokers, real_kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marsad = Marsad(tmp_path, MARSAD_BROKERS=real_kafka.brokers, MARSAD_KAFKA_PREFIX=where.prefix)
    marsad("ingest", "archive", marsad.write("empty.ndjson", ""), "--store", "marsad.db")
    monkeypatch.chdir(tmp_path)
    with jetstream() as simulator:
        simulator.send_raw('{"did": "did:plc:amina", ', START + 1)
        simulator.publish(1)
        wanted = Wanted(source="bluesky", url=simulator.url, since=base.START, limit=1)
        Reading([wanted], None, where).some(frozenset({0}), Stop())
    said = marsad("dead", "retry", code=1).stderr
    assert "of a live source; what it still offers is read again by itself" in said
    with DeadLetters(dead_path(where)) as kept:
        kept.put_answer("bluesky", base.START, b"<p>did:plc:amina</p>", reason="x", detail="y")
    told = marsad("delete", "--yes", "--author", "did:plc:amina", "--platform", "bluesky").stderr
    assert "2 dead letters removed" in told
    with DeadLetters(dead_path(where)) as kept:
        assert not kept.reasons(kind=None)


def test_the_topics__refuse_a_keyring_with_none_of_their_keys(where: Brokers) -> None:
    own, later, strange = frozenset({"a1"}), frozenset({"a1", "b2"}), frozenset({"c3"})
    with KafkaSink(where) as sink, KafkaSink(where) as other:
        sink.require_keys(Path("ring"), own)
        other.require_keys(Path("ring"), later)
        with pytest.raises(StoreError, match=r"other keys.*MARSAD_KEYS.*kafka\.prefix"):
            sink.require_keys(Path("elsewhere"), strange)
        with pytest.raises(StoreError, match="has no keys"):
            other.require_keys(Path("elsewhere"), frozenset())
        sink.require_keys(Path("ring"), frozenset({"b2"}))
        assert sink.position("input") is None

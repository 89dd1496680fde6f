"""Messages between the stages: what goes in comes out, what can't be read is told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import crc32c
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka.record import util

from ingest.records import Counter, Gap, Heartbeat, Mention, Post, Sentiment, Target
from nlp.crossscript import Analysis, analyse
from pipelines import stages
from pipelines.errors import BrokerError
from pipelines.kafka import messages
from pipelines.kafka.batches import indexed, read_batch
from pipelines.kafka.connection import MESSAGE_LIMIT
from pipelines.kafka.cursor import Cursor
from pipelines.kafka.messages import (
    HEADERS,
    BadMessage,
    DeadMessage,
    DeadRecord,
    LedgerMessage,
    PositionMessage,
    PostMessage,
    Reader,
    TombstoneMessage,
)
from pipelines.records import Batch, Collected, CollectedTombstone, Position
from pipelines.stores.elasticsearch.record import claimed
from tests.pipelines.kafka_fixtures import deletion, post

#: A machine with better things to do is no reason to fail.
ANY_PACE = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
LETTERS = st.characters(exclude_categories=["Cs"])
WORDS = st.text(LETTERS, max_size=40)
NAMED = st.text(LETTERS, min_size=1, max_size=40)
MOMENTS = st.datetimes(timezones=st.just(UTC))
CHANCE = st.floats(0, 1)
POSTS = st.builds(
    Post,
    id=NAMED,
    platform=WORDS,
    text=WORDS,
    version=st.integers(-(2**62), 2**62),
    created_at=st.none() | MOMENTS,
    collected_at=st.none() | MOMENTS,
    author=WORDS,
    hashtags=st.lists(WORDS, max_size=3).map(tuple),
    counts=st.dictionaries(WORDS, st.integers(0, 2**62), max_size=3),
    entities=st.lists(WORDS, max_size=3).map(tuple),
    mentions=st.lists(
        st.builds(Mention, WORDS, WORDS, st.integers(0, 99), st.integers(0, 99)), max_size=2
    ).map(tuple),
    sentiment=st.none() | st.builds(Sentiment, st.just("neutral"), CHANCE, CHANCE, CHANCE),
    targets=st.lists(
        st.builds(Target, WORDS, st.just("negative"), CHANCE, CHANCE, CHANCE), max_size=2
    ).map(tuple),
)
NAMES = st.lists(WORDS, max_size=3).map(tuple)


def record(message: msgspec.Struct | bytes, headers: Any = None) -> Any:
    value = message if isinstance(message, bytes) else messages.encode(message)
    return SimpleNamespace(key=b"k", value=value, headers=HEADERS if headers is None else headers)


def dated(time: str) -> bytes:
    """A message of somebody else, who writes times otherwise."""
    fields = {"id": "forum:1", "platform": "forum", "text": "a secret word", "created_at": time}
    return msgspec.json.encode({"post": fields})


def came(name: str, message: msgspec.Struct | bytes, headers: Any = None, at: int = 0) -> Any:
    """A record as it is consumed from a topic."""
    place = {"topic": name, "partition": 0, "offset": 7, "timestamp": at}
    return SimpleNamespace(**vars(record(message, headers)), **place)


def batch_of(name: str, *records: Any) -> Batch:
    place = Position(key="kafka:t/0", name=f"{name}/0", cursor="")
    return read_batch(name, records, place, Cursor())[0]


@ANY_PACE
@given(st.builds(Collected, POSTS, NAMES, NAMES))
def test_a_post_arrives_as_it_was_sent(collected: Collected) -> None:
    message = Reader(PostMessage)(record(messages.post_message(collected)))
    assert messages.collected(message) == collected


@ANY_PACE
@given(NAMED, NAMES, WORDS)
def test_a_deletion_arrives_without_its_raw_name(
    name: str, aliases: tuple[str, ...], raw_name: str
) -> None:
    sent = msgspec.structs.replace(deletion(name), aliases=aliases, raw_name=raw_name)
    arrived = messages.received_tombstone(
        Reader(TombstoneMessage)(record(messages.tombstone_message(sent)))
    )
    assert arrived == CollectedTombstone(sent.tombstone, aliases, raw_name="")


def test_there_is_no_field_for_a_raw_name() -> None:
    fields = set(TombstoneMessage.__struct_fields__) & set(CollectedTombstone.__struct_fields__)
    assert fields == {"tombstone", "aliases"}


@ANY_PACE
@given(
    st.integers(0, 99), st.lists(st.builds(DeadRecord, WORDS, st.integers(0, 9), WORDS), max_size=3)
)
def test_counts_arrive_as_they_were_sent(filtered: int, places: list[DeadRecord]) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    sent = LedgerMessage(
        filtered=filtered,
        dead=tuple(places),
        gaps=(Gap(source="s", start=moment, cause="c"),),
        heartbeats=(Heartbeat(source="s", at=moment),),
        counters=(Counter(source="s", page="p", metric="likes", value=3, at=moment),),
    )
    assert Reader(LedgerMessage)(record(sent)) == sent


@ANY_PACE
@given(st.binary(max_size=50))
def test_bytes_that_are_no_message_are_told_so(value: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        Reader(PostMessage)(record(value))
    assert caught.value.reason == messages.UNREADABLE


def test_the_form_of_schema_1_is_the_one_that_older_workers_know() -> None:
    """If this fails, either undo the change or raise the schema's number."""
    assert messages.SCHEMA == 1
    assert HEADERS == [("marsad", b"1")]
    assert messages.encode(messages.post_message(post(1))) == (
        b'{"post":{"id":"forum:1","platform":"forum","text":"no calls today","version":1,'
        b'"created_at":"2016-02-27T12:00:00Z","author":"u_abcdefghijklmnop","digest":"1"}}'
    )
    assert messages.encode(messages.tombstone_message(deletion("forum:1", raw_name="x"))) == (
        b'{"tombstone":{"platform":"forum","id":"forum:1"}}'
    )
    assert messages.encode(LedgerMessage(filtered=2, dead=(DeadRecord("o", 1, "r"),))) == (
        b'{"filtered":2,"dead":[["o",1,"r"]]}'
    )
    assert messages.encode(DeadMessage(origin="posts/0", line=7, reason="r", raw=b"{")) == (
        b'{"origin":"posts/0","line":7,"reason":"r","raw":"ew=="}'
    )
    assert messages.encode(PositionMessage(Position(key="k", name="n", cursor="c"), "t")) == (
        b'{"position":{"key":"k","name":"n","cursor":"c","done":false,"details":""},"token":"t"}'
    )


def test_a_field_that_a_later_version_added_is_passed_over() -> None:
    value = messages.encode(messages.post_message(post(1)))
    later = value[:-1] + b',"mood":"new"}'
    assert Reader(PostMessage)(record(later)).post.id == "forum:1"


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b"{}", [("marsad", b"2")], messages.NEWER),
        (b"{}", [], messages.FOREIGN),
        (b"{}", [("marsad", b"one")], messages.FOREIGN),
        (b"{}", [("marsad", None)], messages.FOREIGN),
        (b"{}", [("marsad", b"9" * 5_000)], messages.FOREIGN),
        (b"{}", None, messages.UNREADABLE),
        (b'{"post": {"id": "forum:1", "text": "a secret word"', None, messages.UNREADABLE),
        (b'{"post": {"id": "forum:1", "platform": 4, "text": "a secret word"}}', None,
         messages.UNREADABLE),
        (b'{"post": {"id": "", "platform": "forum", "text": "a secret word"}}', None,
         messages.UNREADABLE),
        (dated("2016-02-27T12:00:00"), None, messages.UNREADABLE),
        (dated("9999-12-31T23:59:59-10:00"), None, messages.UNREADABLE),
        (b"\xff\xfe", None, messages.UNREADABLE),
        (b"[" * 100_000, None, messages.UNREADABLE),
        (b"x" * (MESSAGE_LIMIT + 200_000), None, messages.TOO_LARGE),
    ],
)  # fmt: skip
def test_why_a_message_can_not_be_used_is_told_without_its_words(
    value: bytes, headers: Any, reason: str
) -> None:
    with pytest.raises(BadMessage) as caught:
        Reader(PostMessage)(record(value, headers))
    assert caught.value.reason == reason
    assert "secret" not in caught.value.detail
    if headers is None:
        assert messages.reread(value) is None  # nor when it is tried again


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tombstones", b'{"tombstone": {"platform": "forum"}}'),
        ("ledger", b'{"filtered": -1}'),
        ("ledger", b'{"filtered": 99999999999999999999}'),
        ("ledger", b'{"dead": [["a-file", 99999999999999999999, "r"]]}'),
        ("ledger", b'{"gaps": [{"source": "s", "start": "2016-02-27T12:00:00"}]}'),
        ("ledger", b'{"heartbeats": [{"source": "s", "at": "0001-01-01T00:00:00+10:00"}]}'),
        ("dead", b'{"origin": "o", "line": 99999999999999999999, "reason": "r"}'),
    ],
)
def test_what_no_store_can_count_is_a_dead_letter_of_a_batch_that_goes_on(
    name: str, value: bytes
) -> None:
    sound = {
        "tombstones": messages.tombstone_message(deletion("forum:1")),
        "ledger": LedgerMessage(),
        "dead": DeadMessage(origin="o", line=1, reason="r"),
    }
    found = batch_of(name, came(name, value), came(name, sound[name]))
    assert found.dead[0].reason == messages.UNREADABLE
    assert len(found.tombstones) + len(found.dead) == (1 if name == "ledger" else 2)


def test_a_record_whose_time_is_none_is_taken_as_of_now() -> None:
    nanoseconds = 1_700_000_000_000_000_000
    (dead,) = batch_of("scored", came("scored", b"{", at=nanoseconds)).dead
    assert dead.at.year >= 2026


@pytest.mark.parametrize("name", ["tombstones", "ledger"])
def test_a_deletion_that_this_version_can_not_read_is_never_passed_over(name: str) -> None:
    with pytest.raises(BrokerError, match=f"{name}/0 at offset 7: upgrade this one"):
        batch_of(name, came(name, b"{}", [("marsad", b"2")]))
    (dead,) = batch_of("scored", came("scored", b"{}", [("marsad", b"2")])).dead
    assert dead.reason == messages.NEWER  # but a post can be tried again


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Lima"])
def test_a_post_at_the_end_of_the_calendar_has_a_day_or_none(time: str, zone: str) -> None:
    batch = batch_of("scored", came("scored", dated(time)))
    batch, (document,) = indexed(batch, ZoneInfo(zone))
    assert batch.dead == []
    assert document.day in {"", time[:10]}
    assert msgspec.json.encode(claimed(None, document, 1, ()))


def test_a_post_that_can_not_be_indexed_is_dead_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(text: str) -> Analysis:
        if "secret" in text:
            raise ZeroDivisionError(text)
        return analyse(text)

    monkeypatch.setattr(stages, "analyse", fails)
    sent = [messages.post_message(post(1)), messages.post_message(post(2, "a secret word"))]
    batch, documents = indexed(
        batch_of("scored", *(came("scored", one) for one in sent)), ZoneInfo("UTC")
    )
    assert [one.post.id for one in batch.posts] == ["forum:1"]
    assert [one.post.id for one in documents] == ["forum:1"]
    (dead,) = batch.dead
    assert (dead.origin, dead.reason) == ("index:forum:2", messages.UNREADABLE)
    assert "secret" not in dead.detail
    monkeypatch.undo()
    assert messages.reread(dead.raw) == post(2, "a secret word")


@pytest.mark.parametrize("before", [Cursor(), Cursor(7)])
def test_batch__begins_at_the_cursor_before_it_and_an_empty_one_at_the_beginning(
    before: Cursor,
) -> None:
    records = [came("ledger", LedgerMessage(filtered=2))]
    found, after = read_batch("ledger", records, Position(key="k", name="n", cursor=""), before)
    assert found.previous_cursor == (str(before) if before.offset else "")
    assert found.position.cursor == str(after)
    assert after.offset == records[-1].offset + 1


def test_checksums_of_batches__are_not_computed_in_python() -> None:
    # kafka-python takes the package if it finds it, and says nothing if it does not
    assert util.calc_crc32c.__defaults__ == (crc32c.crc32c,)

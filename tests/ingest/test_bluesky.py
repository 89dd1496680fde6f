"""What events of a Jetstream mean, and how its stream is followed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.errors import SourceError
from ingest.http.client import Client
from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.records import Gap, Heartbeat, Item, Post, Reject, Tombstone
from ingest.sources.base import Means, Order
from ingest.sources.bluesky.events import map_item
from ingest.sources.bluesky.live import REWIND, REWIND_ELSEWHERE, UNREADABLE, Bluesky, Place
from pipelines.stages import collected_tombstone
from tests.simulators.jetstream import MINUTE, START, Jetstream, fixture, jetstream

DID = "did:plc:000000000000000000000001"
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def mapped(event: dict[str, Any]) -> Post | Tombstone | Reject | None:
    return map_item(json.dumps(event).encode())


def a_post(event: dict[str, Any]) -> Post:
    found = mapped(event)
    assert isinstance(found, Post), found
    return found


def with_record(**fields: Any) -> dict[str, Any]:
    event = fixture("post")
    event["commit"]["record"] |= fields
    return event


# What an event says


def test_a_post_is_read_with_its_id_address_author_and_hashtags() -> None:
    assert a_post(fixture("post")) == Post(
        id=f"bluesky:at://{DID}/app.bsky.feed.post/3k00000000001",
        platform="bluesky",
        text="no network again since this morning #offline",
        version=1793491260000000,
        created_at=datetime(2026, 11, 1, 0, 0, 58, 123000, tzinfo=UTC),
        author=DID,
        url=f"https://bsky.app/profile/{DID}/post/3k00000000001",
        hashtags=("offline",),
        source="bluesky",
    )


def test_the_version_is_the_servers_clock_and_not_the_authors() -> None:
    lied = with_record(createdAt="2099-01-01T00:00:00Z")
    found = a_post(lied)
    assert found.version == lied["time_us"]
    assert found.created_at == datetime(2099, 1, 1, tzinfo=UTC)
    assert found.flags == ("date-implausible",)


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00Z", "1066-10-14T09:00:00Z"])
def test_a_date_that_can_not_be_true_is_kept_and_flagged(written: str) -> None:
    assert a_post(with_record(createdAt=written)).flags == ("date-implausible",)


@pytest.mark.parametrize("written", ["", "yesterday", None])
def test_a_date_that_can_not_be_read_is_unknown(written: str | None) -> None:
    found = a_post(with_record(createdAt=written))
    assert found.created_at is None
    assert found.flags == ("date-unknown",)


def test_a_date_is_judged_by_when_the_event_happened() -> None:
    old = with_record(createdAt="2016-03-01T12:00:00Z")
    old["time_us"] = int(datetime(2016, 3, 1, 12, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert a_post(old).flags == ()


@pytest.mark.parametrize("languages", [["ar"], [], ["no such language"], None, 7])
def test_the_languages_that_a_program_wrote_are_not_read(languages: object) -> None:
    assert a_post(with_record(langs=languages)) == a_post(fixture("post"))


def test_an_answer_names_what_it_answers_and_nobody_after_protection() -> None:
    found = a_post(fixture("reply"))
    assert found.reply_to == f"bluesky:at://{DID}/app.bsky.feed.post/3k00000000001"
    post = Protector(Keyring().use()).protect(found).post
    assert "did:plc" not in f"{post.id} {post.url} {post.author} {post.reply_to}"
    assert post.text == "chez moi aussi, [user]"
    assert post.author in post.id
    assert post.author in post.url


def test_a_deletion_names_the_post_as_it_is_stored() -> None:
    protector = Protector(Keyring().use())
    tombstone = mapped(fixture("delete"))
    assert isinstance(tombstone, Tombstone)
    assert tombstone.deleted_at == datetime(2026, 11, 1, 0, 2, tzinfo=UTC)
    stored = protector.protect(a_post(fixture("post"))).post
    assert collected_tombstone(protector, tombstone).tombstone.id == stored.id


def test_a_deleted_account_takes_its_posts_along() -> None:
    protector = Protector(Keyring().use())
    tombstone = mapped(fixture("account_deleted"))
    assert isinstance(tombstone, Tombstone)
    stored = protector.protect(a_post(fixture("post"))).post
    assert collected_tombstone(protector, tombstone).tombstone.author == stored.author


@pytest.mark.parametrize("status", ["deactivated", "suspended", "takendown", "throttled", ""])
def test_an_account_that_may_come_back_keeps_its_posts(status: str) -> None:
    event = fixture("account_deleted")
    event["account"]["status"] = status
    assert mapped(event) is None


def test_an_account_that_is_active_again_is_no_deletion() -> None:
    event = fixture("account_deleted")
    event["account"] = {"active": True, "did": DID, "seq": 2, "time": "2026-11-01T00:03:00.000Z"}
    assert mapped(event) is None


def test_what_is_not_about_posts_is_passed_over() -> None:
    like = fixture("post")
    like["commit"] |= {"collection": "app.bsky.feed.like", "record": {"subject": {"uri": "at://"}}}
    assert mapped(like) is None
    assert mapped(fixture("identity")) is None
    assert mapped(fixture("identity") | {"kind": "a new kind"}) is None


def test_a_changed_post_is_a_newer_version_of_the_same() -> None:
    changed = with_record(text="the network is back")
    changed["commit"]["operation"] = "update"
    changed["time_us"] += 1
    before, after = a_post(fixture("post")), a_post(changed)
    assert before.id == after.id
    assert before.version < after.version


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "json-invalid"),
        (b"\xff", "json-invalid"),
        (b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "json-invalid"),
        (b'{"did": "did:plc:1", "time_us": 1', "json-invalid"),
        (b"[1, 2]", "item-unknown"),
        (b'{"kind": "commit"}', "item-unknown"),
        (json.dumps(with_record(text=None)).encode(), "item-unknown"),
        (json.dumps(with_record(text=["a"])).encode(), "item-unknown"),
        (json.dumps(with_record(text="a\0b")).encode(), "nul"),
    ],
)
def test_what_is_no_event_becomes_a_dead_letter_with_its_reason(raw: bytes, reason: str) -> None:
    found = map_item(raw)
    assert isinstance(found, Reject)
    assert (found.reason, found.raw) == (reason, raw)


def test_facets_of_any_form_are_no_harm() -> None:
    for facets in (None, 3, "x", [None], [{"features": 1}], [{"features": [{"tag": 5}, 7]}]):
        assert a_post(with_record(facets=facets)).hashtags == ("offline",)


# How the stream is followed


@pytest.fixture
def simulator() -> Iterator[Jetstream]:
    with jetstream() as made:
        yield made


def following(simulator: Jetstream, **order: Any) -> Bluesky:
    given = {"until": NOW, **order}
    means = Means(
        client=Client(),
        now=lambda: NOW + timedelta(minutes=1),
        sleep=lambda seconds: None,
        stopped=lambda: False,
    )
    return Bluesky(Order(url=given.pop("url", simulator.url), **given), means)


def records(items: Iterator[Item] | list[Item], kind: type) -> list[Any]:
    return [item.record for item in items if isinstance(item.record, kind)]


def last(source: Bluesky, cursor: str = "") -> str:
    return list(source.open(cursor))[-1].cursor


SINCE = {"since": datetime(2026, 11, 1, tzinfo=UTC)}


def test_posts_alone_are_asked_for(simulator: Jetstream) -> None:
    list(following(simulator).open(""))
    assert simulator.asked == [{"wantedCollections": "app.bsky.feed.post"}]


def test_an_address_may_have_parameters_of_its_own(simulator: Jetstream) -> None:
    list(following(simulator, url=f"{simulator.url}?maxMessageSizeBytes=1000").open(""))
    assert simulator.asked[0]["maxMessageSizeBytes"] == "1000"


def test_a_cursor_is_set_back_by_seconds_when_a_connection_is_made_again(
    simulator: Jetstream,
) -> None:
    simulator.publish(3)
    cursor = last(following(simulator, **SINCE))
    list(following(simulator).open(cursor))
    assert int(simulator.asked[-1]["cursor"]) == START + 3 * MINUTE - REWIND // timedelta(
        microseconds=1
    )


def test_and_by_more_when_it_is_another_server(simulator: Jetstream) -> None:
    simulator.publish(3)
    cursor = last(following(simulator, **SINCE))
    with jetstream() as other:
        other.events = list(simulator.events)
        found = list(following(other).open(cursor))
        back = REWIND_ELSEWHERE // timedelta(microseconds=1)
        assert int(other.asked[-1]["cursor"]) == START + 3 * MINUTE - back
    assert records(found, Gap) == []


def test_a_server_that_takes_its_time_to_find_the_place_is_waited_for(simulator: Jetstream) -> None:
    simulator.publish(3)
    simulator.finds_after = 1.5
    items = list(following(simulator, **SINCE).open(""))
    assert len(records(items, Post)) == 3


def test_since_counts_where_it_is_later_than_the_saved_place(simulator: Jetstream) -> None:
    simulator.publish(9)
    cursor = last(following(simulator, **SINCE, until=datetime(2026, 11, 1, 0, 3, tzinfo=UTC)))
    later = datetime(2026, 11, 1, 0, 8, tzinfo=UTC)
    items = list(following(simulator, since=later).open(cursor))
    assert [post.text for post in records(items, Post)] == ["post number 8", "post number 9"]
    (gap,) = records(items, Gap)
    assert (gap.start, gap.end) == (datetime(2026, 11, 1, 0, 2, tzinfo=UTC), later)
    assert "--since" in gap.cause
    assert records(following(simulator, since=later).open(items[0].cursor), Gap) == []
    earlier = datetime(2026, 10, 1, tzinfo=UTC)
    list(following(simulator, since=earlier).open(cursor))
    assert int(simulator.asked[-1]["cursor"]) > START


def test_a_place_that_the_server_does_not_keep_any_more_is_a_gap(simulator: Jetstream) -> None:
    simulator.publish(10)
    cursor = last(following(simulator, **SINCE, until=datetime(2026, 11, 1, 0, 4, tzinfo=UTC)))
    simulator.keeps_from = START + 7 * MINUTE
    items = list(following(simulator).open(cursor))
    (gap,) = records(items, Gap)
    assert gap.start == datetime(2026, 11, 1, 0, 3, tzinfo=UTC)
    assert gap.end == datetime(2026, 11, 1, 0, 7, tzinfo=UTC)
    assert records(items, Post)[0].text == "post number 7"


def test_a_place_that_it_keeps_is_none_however_long_ago(simulator: Jetstream) -> None:
    simulator.publish(1)
    cursor = last(following(simulator, **SINCE))
    simulator.events.append((START + 9_000 * MINUTE, json.dumps(fixture("post"))))
    assert records(following(simulator).open(cursor), Gap) == []


def beginning(simulator: Jetstream, at: int, until: int | None = None) -> Bluesky:
    """A source that is made so many minutes after the start, without ``since``."""
    now = datetime(2026, 11, 1, 0, at, tzinfo=UTC)
    means = Means(
        client=Client(), now=lambda: now, sleep=lambda seconds: None, stopped=lambda: False
    )
    end = datetime(2026, 11, 1, 0, max(0, at - 1) if until is None else until, tzinfo=UTC)
    return Bluesky(Order(url=simulator.url, until=end), means)


def test_what_was_published_since_a_first_run_that_stored_nothing_comes(
    simulator: Jetstream,
) -> None:
    simulator.publish(3)
    place = beginning(simulator, at=4).present()
    simulator.publish(3)
    items = list(beginning(simulator, at=9).open(place))
    assert [post.text for post in records(items, Post)] == [f"post number {n}" for n in (4, 5, 6)]
    assert records(items, Gap) == []
    assert following(simulator, **SINCE).present() == ""


def test_what_is_listened_to_is_no_gap_however_late_the_first_event_is(
    simulator: Jetstream,
) -> None:
    simulator.publish(9)
    place = beginning(simulator, at=0).present()
    simulator.events = simulator.events[5:]
    items = list(beginning(simulator, at=0, until=8).open(place))
    assert [post.text for post in records(items, Post)] == ["post number 6", "post number 7"]
    assert records(items, Gap) == []


def test_what_is_no_post_is_a_sign_of_life_too() -> None:
    seconds = itertools.count()
    means = Means(
        client=Client(),
        now=lambda: NOW + timedelta(seconds=next(seconds)),
        sleep=lambda pause: None,
        stopped=lambda: False,
    )
    source = Bluesky(Order(url="wss://jetstream.example"), means)
    events = [json.dumps(fixture("identity")).encode()] * 30
    place = Place.read(source.present())
    assert place is not None
    items = list(source._read(iter(events), place, None, known=True))
    assert len(records(items, Heartbeat)) > 5
    assert len(items) == len(records(items, Heartbeat))


def test_a_gap_names_the_date_where_no_place_was_saved(simulator: Jetstream) -> None:
    simulator.publish(10)
    simulator.keeps_from = START + 7 * MINUTE
    (gap,) = records(following(simulator, **SINCE).open(""), Gap)
    assert (gap.start, gap.end) == (SINCE["since"], datetime(2026, 11, 1, 0, 7, tzinfo=UTC))
    assert "the date that was asked for" in gap.cause


def test_a_message_that_can_not_be_read_costs_itself_alone(simulator: Jetstream) -> None:
    simulator.publish(2)
    simulator.send_raw('{"did": "did:plc:1", "time_us"', START + 2 * MINUTE + 1)
    simulator.publish(2)
    items = list(following(simulator, **SINCE).open(""))
    assert len(records(items, Post)) == 4
    assert [bad.reason for bad in records(items, Reject)] == ["json-invalid"]


def test_many_in_a_row_are_another_stream(simulator: Jetstream) -> None:
    for number in range(UNREADABLE):
        simulator.send_raw("<html>", START + number)
    with pytest.raises(SourceError, match="unknown form"):
        list(following(simulator, since=datetime(2026, 10, 1, tzinfo=UTC)).open(""))


def test_an_event_of_the_future_is_no_place_to_go_on_from(simulator: Jetstream) -> None:
    simulator.publish(1)
    event = simulator.post(DID, "3kfuture", "from tomorrow")
    event["time_us"] = 4_102_444_800_000_000
    simulator.send_raw(json.dumps(event), START + MINUTE + 1)
    source = following(simulator, **SINCE)
    items = list(source.open(""))
    assert [bad.reason for bad in records(items, Reject)] == ["item-unknown"]
    assert items[-1].cursor.startswith(str(START + MINUTE))


def test_a_cursor_of_something_else_is_told(simulator: Jetstream) -> None:
    with pytest.raises(SourceError, match="can't be read"):
        list(following(simulator).open("12:34"))


def test_an_address_that_is_no_stream_is_told_before_anything_is_asked() -> None:
    means = Means(
        client=Client(), now=lambda: NOW, sleep=lambda seconds: None, stopped=lambda: False
    )
    with pytest.raises(SourceError, match="wss://"):
        Bluesky(Order(url="https://bsky.social"), means)

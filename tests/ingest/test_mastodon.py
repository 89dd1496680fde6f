"""What statuses of Mastodon mean, and how history and stream make one whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.errors import SourceBlocked, SourceError
from ingest.http.client import Client
from ingest.mapping.html import text_of
from ingest.mapping.items import Seen
from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.records import Gap, Heartbeat, Item, Post, Reject, Tombstone
from ingest.sources.base import Means, Order
from ingest.sources.mastodon.ids import LATE, Place
from ingest.sources.mastodon.live import Mastodon
from ingest.sources.mastodon.status import map_item
from tests.simulators.base import Fault, moment
from tests.simulators.mastodon import FIXTURES, Instance, mastodon

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SEEN = Seen(source="mastodon:social.example/#coupure", now=NOW, host="social.example")


def status(**fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((FIXTURES / "status.json").read_text(encoding="utf-8"))
    return made | fields


def a_post(**fields: Any) -> Post:
    found = map_item(json.dumps(status(**fields)).encode(), SEEN)
    assert isinstance(found, Post), found
    return found


# What a status says


def test_a_status_is_read_with_its_text_id_account_and_counts() -> None:
    assert a_post() == Post(
        id="mastodon:social.example/115470000000000000",
        platform="mastodon",
        text="Plus de réseau & plus d'appels #coupure\n\net vous, @voisine ?\non attend",
        version=1793491260000,
        created_at=datetime(2026, 11, 1, 0, 1, tzinfo=UTC),
        author="lecteur@social.example",
        url="https://social.example/@lecteur/115470000000000000",
        hashtags=("coupure",),
        counts={"likes": 3, "reposts": 2, "replies": 1, "quotes": 0},
        source="mastodon:social.example/#coupure",
    )


def test_nobody_is_named_after_protection() -> None:
    shown = Protector(Keyring().use()).protect(a_post()).post
    assert shown.id == "mastodon:social.example/115470000000000000"
    assert "lecteur" not in shown.url
    assert shown.author.startswith("u_")
    assert "voisine" not in shown.text


def test_an_account_called_like_the_instance_leaves_ids_as_deletions_name_them() -> None:
    account = status()["account"] | {"acct": "social", "username": "social"}
    shown = Protector(Keyring().use()).protect(a_post(account=account)).post
    assert shown.id == "mastodon:social.example/115470000000000000"


def test_an_edit_is_a_newer_version() -> None:
    edited = a_post(edited_at="2026-11-01T00:09:00.000Z")
    assert edited.version - a_post().version == 8 * 60_000
    assert edited.created_at == a_post().created_at


def test_a_content_warning_stands_before_the_text() -> None:
    assert a_post(spoiler_text="réseau", content="<p>rien</p>").text == "réseau\n\nrien"


def test_a_boost_has_the_text_of_what_it_boosts() -> None:
    other = status(id="115460000000000000", content="<p>avant</p>")
    boost = a_post(content="", reblog=other)
    assert boost.text == "avant"
    assert boost.repost_of == "mastodon:social.example/115460000000000000"
    assert boost.repost_author == f"{other['account']['acct']}@social.example"


def test_an_answer_names_what_it_answers() -> None:
    answer = a_post(in_reply_to_id="115460000000000000")
    assert answer.reply_to == "mastodon:social.example/115460000000000000"


@pytest.mark.parametrize("visibility", ["private", "direct"])
def test_what_was_not_meant_for_everybody_is_not_read(visibility: str) -> None:
    assert map_item(json.dumps(status(visibility=visibility)).encode(), SEEN) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "json-invalid"),
        (b'{"id": "1", "content', "json-invalid"),
        (b"[]", "item-unknown"),
        (json.dumps(status(content=None)).encode(), "item-unknown"),
        (json.dumps(status(account=None)).encode(), "item-unknown"),
        (json.dumps(status(id=5)).encode(), "item-unknown"),
    ],
)
def test_what_is_no_status_becomes_a_dead_letter_with_its_reason(raw: bytes, reason: str) -> None:
    found = map_item(raw, SEEN)
    assert isinstance(found, Reject)
    assert (found.reason, found.raw) == (reason, raw)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("no tags at all", "no tags at all"),
        ("<p>one</p><p>two<br/>three</p>", "one\n\ntwo\nthree"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("<p>واتساب ما خدامش</p>", "واتساب ما خدامش"),
        ('<a href="x"><span class="invisible">https://</span><span>e.example/a</span></a>',
         "https://e.example/a"),
        ("<p>unclosed <b>bold", "unclosed bold"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p>one <![x[ two> three", "one  three"),
        ("one <![ two", "one <![ two"),
        ("<script>x()</script><style>y</style>seen", "seen"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
    ],
)  # fmt: skip
def test_html_becomes_the_text_that_a_reader_sees(html: str, text: str) -> None:
    assert text_of(html) == text


# History and stream


@pytest.fixture
def simulator() -> Iterator[Instance]:
    with mastodon() as made:
        yield made


class Reading:
    """A source on a simulator, and its messages."""

    def __init__(self, simulator: Instance, *, token: bool = True, **order: Any) -> None:
        self.told: list[str] = []
        self.pauses: list[float] = []
        target = order.pop("target", simulator.target)
        means = Means(
            client=Client(sleep=self.pauses.append),
            now=lambda: NOW,
            sleep=lambda seconds: None,
            stopped=lambda: False,
            say=self.told.append,
        )
        secrets = simulator.secrets if token else {}
        self.source = Mastodon(
            Order(url=simulator.url, target=target, secrets=secrets, **order), means
        )

    def texts(self, cursor: str = "") -> list[str]:
        return [item.record.text for item in self.posts(cursor)]

    def posts(self, cursor: str = "") -> list[Any]:
        return [item for item in self.source.open(cursor) if isinstance(item.record, Post)]


PAST = {"until": NOW - timedelta(days=1)}


def names(count: int, first: int = 1) -> list[str]:
    return [f"post number {number}" for number in range(first, first + count)]


def test_history_comes_from_the_oldest_to_the_newest_over_all_pages(simulator: Instance) -> None:
    simulator.publish(95)
    assert Reading(simulator, **PAST).texts() == names(95)


def test_an_instance_that_pages_from_the_newest_is_read_whole_too(simulator: Instance) -> None:
    simulator.forward = False
    simulator.publish(95)
    reading = Reading(simulator, **PAST)
    assert sorted(reading.texts()) == sorted(names(95))
    items = list(reading.source.open(""))
    assert {item.cursor for item in items[:-1]} == {"0"}
    simulator.publish(2)
    assert sorted(reading.texts(items[-1].cursor)) == names(2, 96)


def test_a_tag_that_nobody_has_used_yet_has_no_posts(simulator: Instance) -> None:
    assert Reading(simulator, target="unheard", **PAST).texts() == []


def test_something_else_than_an_instance_is_told(simulator: Instance) -> None:
    simulator.fail(Fault.MISSING)
    with pytest.raises(SourceError, match="is it a Mastodon"):
        Reading(simulator, **PAST).texts()


@pytest.mark.parametrize("target", ["coupure", "#coupure", "＃coupure"])
def test_a_hashtag_may_be_written_with_its_sign(simulator: Instance, target: str) -> None:
    simulator.publish(1)
    assert Reading(simulator, target=target, **PAST).texts() == names(1)


def test_without_a_tag_the_public_timeline_begins_now(simulator: Instance) -> None:
    simulator.publish(3)
    assert Reading(simulator, target="", **PAST).texts() == []
    assert simulator.asked[0][0] == "/api/v1/timelines/public"


def test_what_was_published_since_a_first_run_that_stored_nothing_comes(
    simulator: Instance,
) -> None:
    place = Place.of(moment(2)).write()
    simulator.publish(4)
    reading = Reading(simulator, target="", **PAST)
    assert reading.texts(place) == names(3, 2)
    assert Place.read(reading.source.present()).moment == NOW
    assert Reading(simulator).source.present() == ""  # a hashtag begins with all that there is
    with pytest.raises(SourceError, match="can't be read"):
        reading.texts("@soon")


def test_since_and_until_hold_where_ids_are_no_times_too(simulator: Instance) -> None:
    for number in range(1, 9):
        simulator.write(f"post number {number}")["id"] = str(number)
    reading = Reading(simulator, since=moment(3), until=moment(6))
    assert reading.texts() == names(3, 3)


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("timed", [True, False])
def test_a_date_later_than_the_saved_place_is_a_gap_until_then(
    simulator: Instance, forward: bool, timed: bool
) -> None:
    simulator.forward = forward
    for number in range(1, 90):
        status = simulator.write(f"post number {number}")
        status["id"] = status["id"] if timed else str(number)
    first = list(Reading(simulator, since=moment(1), until=moment(10)).source.open(""))
    items = list(
        Reading(simulator, since=moment(80), until=moment(99)).source.open(first[-1].cursor)
    )
    (gap,) = [item.record for item in items if isinstance(item.record, Gap)]
    assert moment(9) <= gap.start <= moment(10)
    assert gap.end == moment(80)
    assert len([item for item in items if isinstance(item.record, Post)]) == 10
    later = Reading(simulator, since=moment(80), until=moment(99)).source.open(items[-1].cursor)
    assert not any(isinstance(item.record, Gap) for item in later)


def test_the_token_goes_into_a_header_and_into_no_address(simulator: Instance) -> None:
    simulator.publish(1)
    Reading(simulator, **PAST).texts()
    for _, query, headers in simulator.asked:
        assert headers["Authorization"] == "Bearer a-user-token"
        assert "a-user-token" not in str(query)


def test_a_used_up_limit_is_waited_for_before_the_next_page(simulator: Instance) -> None:
    simulator.publish(45)
    reset = (datetime.now(UTC) + timedelta(seconds=100)).isoformat().replace("+00:00", "Z")
    simulator.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    with pytest.raises(SourceBlocked) as caught:
        Reading(simulator, **PAST).texts()
    assert 90 < caught.value.wait <= 100


def test_without_a_token_history_is_all_and_that_is_said(simulator: Instance) -> None:
    simulator.publish(2)
    reading = Reading(simulator, token=False)
    assert reading.texts() == names(2)
    assert any("MARSAD_MASTODON_TOKEN" in message for message in reading.told)


def test_a_token_that_is_refused_is_an_error(simulator: Instance) -> None:
    simulator.secrets = {"MARSAD_MASTODON_TOKEN": "an old token"}
    with pytest.raises(SourceBlocked):
        list(Reading(simulator).source.open(""))


def listened(simulator: Instance, items: Iterator[Item]) -> list[Item]:
    """Read on until the stream is listened to: history, then the first sign of life there."""
    taken = []
    for item in items:
        taken.append(item)
        if simulator.listening and isinstance(item.record, Heartbeat):
            return taken
    raise AssertionError("it ended")


def test_after_history_what_is_published_comes_by_the_stream(simulator: Instance) -> None:
    simulator.publish(2)
    items = iter(Reading(simulator).source.open(""))
    before = listened(simulator, items)
    assert [i.record.text for i in before if isinstance(i.record, Post)] == names(2)
    simulator.publish(1)
    new = next(item for item in items if isinstance(item.record, Post))
    assert new.record.text == "post number 3"  # type: ignore[union-attr]
    assert new.cursor.startswith("~")


def test_edits_and_deletions_come_by_the_stream(simulator: Instance) -> None:
    written = simulator.write("before")
    items = iter(Reading(simulator).source.open(""))
    listened(simulator, items)
    simulator.edit(written, "after", "2026-11-01T01:00:00.000Z")
    edited = next(item.record for item in items if isinstance(item.record, Post))
    assert isinstance(edited, Post)
    assert (edited.text, edited.id) == ("after", simulator.id_of(written))
    simulator.delete(simulator.id_of(written))
    gone = next(item.record for item in items if isinstance(item.record, Tombstone))
    assert isinstance(gone, Tombstone)
    assert gone.id == simulator.id_of(written)


def test_events_that_are_not_about_posts_are_passed_over(simulator: Instance) -> None:
    items = iter(Reading(simulator).source.open(""))
    listened(simulator, items)
    simulator.stream("notification", '{"id": "1"}')
    simulator.stream("filters_changed", "undefined")
    simulator.publish(1)
    new = next(item.record for item in items if not isinstance(item.record, Heartbeat))
    assert isinstance(new, Post)


def test_an_update_that_breaks_off_in_the_middle_costs_itself_alone(simulator: Instance) -> None:
    items = iter(Reading(simulator).source.open(""))
    listened(simulator, items)
    simulator.stream("update", '{"id": "115470000000000001", "content": "<p>half')
    simulator.publish(1)
    new = (item.record for item in items if not isinstance(item.record, Heartbeat))
    assert [type(next(new)), type(next(new))] == [Reject, Post]


def test_a_stream_that_breaks_off_is_an_error_and_the_timeline_fills_the_gap(
    simulator: Instance,
) -> None:
    simulator.publish(1)
    reading = Reading(simulator)
    items = iter(reading.source.open(""))
    listened(simulator, items)
    simulator.publish(1)
    streamed = next(item for item in items if isinstance(item.record, Post))
    simulator.hang_up()
    with pytest.raises(SourceError):
        list(items)
    simulator.publish(3)
    again = Reading(simulator, **PAST).texts(streamed.cursor)
    assert set(again) >= set(names(3, 3))


def test_posts_of_other_instances_that_came_late_are_looked_for_again(simulator: Instance) -> None:
    simulator.publish(20)
    last = simulator.statuses[-1]["id"]
    late = simulator.write("written earlier elsewhere")
    at = moment(20) - LATE / 2
    late["id"] = str((int(at.timestamp() * 1000) << 16) + 1)
    simulator.statuses.sort(key=lambda one: int(one["id"]))
    assert "written earlier elsewhere" in Reading(simulator, **PAST).texts(f"~{last}")
    assert "written earlier elsewhere" not in Reading(simulator, **PAST).texts(last)

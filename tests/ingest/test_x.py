"""X by its own interface: what a post becomes, search, the stream, refusals."""

import itertools
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.errors import SourceBlocked, SourceChanged, SourceError
from ingest.records import Heartbeat, Item, Post
from ingest.sources.archive.source import ArchiveSource
from ingest.sources.base import Begins, LiveSource
from ingest.sources.x.tweets import first_id, time_of
from tests.simulators.base import START, moment
from tests.simulators.http import Answer, in_json
from tests.simulators.reading import Reading, at, gaps, ids, posts, reading, rejects
from tests.simulators.x import TOKEN, X, fixture, problem, x


@pytest.fixture
def simulator() -> Iterator[X]:
    with x() as simulator:
        yield simulator


@pytest.fixture
def read(simulator: X) -> Iterator[Reading]:
    with reading(simulator) as read:
        yield read


@pytest.fixture
def stream() -> Iterator[X]:
    with x("x-stream") as simulator:
        yield simulator


@pytest.fixture
def listen(stream: X) -> Iterator[Reading]:
    with reading(stream) as read:
        yield read


# What a post becomes


def test_posts_are_whole_and_say_what_they_repeat_or_answer(read: Reading, simulator: X) -> None:
    simulator.instead = lambda asked: in_json(fixture("kinds"))
    edited, long, repost, answer = read.posts()
    assert edited.text == "Les appels sont coupés depuis ce matin (corrigé)"
    assert long.text.endswith("entier #Fin")
    assert long.hashtags == ("Fin",)
    assert repost.text == "RT @nora_fictive: علاش قطعتو ليا المكالمات؟ بلا سبب"
    assert repost.repost_of == answer.reply_to == "twitter:2116666525086646277"
    assert repost.counts == {}  # they are the original's
    assert answer.author == "karim_exemple"
    assert edited.counts == {"likes": 1, "reposts": 0, "replies": 0, "quotes": 0, "views": 2}


def test_all_versions_of_a_post_are_one_post(read: Reading, simulator: X) -> None:
    versions = fixture("kinds")["data"][0]["edit_history_tweet_ids"]
    first = {
        **fixture("kinds")["data"][0],
        "id": versions[0],
        "text": "Les apels",
        "edit_history_tweet_ids": versions[:1],
        "created_at": "2026-11-01T00:03:00.000Z",
    }
    simulator.instead = lambda asked: in_json({"data": [first], "meta": {"result_count": 1}})
    (before,) = read.posts()
    simulator.instead = lambda asked: in_json(fixture("kinds"))
    after = read.posts()[0]
    assert before.id == after.id == f"twitter:{versions[0]}"
    assert before.version < after.version
    assert after.created_at == time_of(int(versions[0]))
    assert after.version == time_of(int(versions[1])).timestamp() * 1000


def test_an_archive_of_the_same_posts_gives_the_same_ids_and_versions(
    read: Reading, simulator: X, tmp_path: Path
) -> None:
    simulator.instead = lambda asked: in_json(fixture("kinds"))
    file = tmp_path / "page.json"
    file.write_text(json.dumps({**fixture("kinds"), "__twarc": {"version": "2.14.0"}}) + "\n")
    archived = posts(list(ArchiveSource(file).open("")))

    def known(found: list[Post]) -> set[tuple[str, int, str]]:
        return {(post.id, post.version, post.text) for post in found}

    assert known(archived) == known(read.posts())


def test_an_id_holds_the_time_of_its_post() -> None:
    # the example of https://docs.x.com/x-api/fundamentals/data-dictionary
    late = time_of(1_460_323_737_035_677_698) - at("2021-11-15T19:08:05Z")
    assert timedelta(0) <= late < timedelta(seconds=1)
    assert time_of(first_id(START)) == START


# Search


def test_a_question_is_asked_as_the_interface_wants_it(read: Reading, simulator: X) -> None:
    simulator.publish(25)
    read.items(since=moment(3), until=moment(20))
    first, second, *_ = simulator.asked
    assert first.query["max_results"] == "100"
    assert first.query["since_id"] == str(first_id(moment(3)) - 1)
    assert first.query["end_time"] == "2026-11-01T00:20:00Z"
    assert "note_tweet" in first.query["tweet.fields"]
    assert second.query["next_token"] == "10"
    assert first.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in str([asked.query for asked in simulator.asked])


def test_an_interrupted_walk_goes_on_below_what_it_has_read(read: Reading, simulator: X) -> None:
    simulator.publish(25)
    items = read.items()
    place = items[14].cursor
    simulator.asked.clear()
    read.items(place)
    assert simulator.asked[0].query["until_id"] == ids(items[:15])[-1]


def test_what_recent_search_does_not_reach_is_a_gap(read: Reading, simulator: X) -> None:
    simulator.publish(3)
    last = read.items()[-1].cursor
    read.now = START + timedelta(days=10)
    items = read.items(last)
    (gap,) = gaps(items)
    assert gap.start == time_of(int(simulator.posts[-1]["id"])) - timedelta(seconds=30)
    assert gap.end == read.now - timedelta(days=7) + timedelta(minutes=1)
    assert "seven days" in gap.cause


def test_a_walk_whose_rest_is_out_of_reach_ends_with_a_gap(read: Reading, simulator: X) -> None:
    simulator.publish(25)
    place = read.items(since=START)[14].cursor
    read.now = START + timedelta(days=8)
    items = read.items(place, since=START)
    assert gaps(items)[0].start == START
    assert gaps(read.items(items[-1].cursor, since=START)) == gaps(items)[1:]


def test_when_older_posts_are_wanted_later_the_walk_goes_on_below(
    read: Reading, simulator: X
) -> None:
    simulator.publish(25)
    items = read.items(since=moment(20))
    deeper = read.items(items[-1].cursor)
    assert {*ids(items), *ids(deeper)} == {post["id"] for post in simulator.posts}


def test_a_date_above_where_a_walk_was_left_asks_for_nothing_that_can_not_be(
    read: Reading, simulator: X
) -> None:
    simulator.publish(30)
    place = read.items()[10].cursor
    simulator.asked.clear()
    later = read.items(place, since=moment(25))
    bounds = [(one.query.get("since_id"), one.query.get("until_id")) for one in simulator.asked]
    assert all(not (low and high) or int(low) < int(high) for low, high in bounds)
    assert set(ids(read.items(later[-1].cursor))) >= {post["id"] for post in simulator.posts[:20]}


def test_a_query_that_finds_nothing_has_one_gap_and_finds_what_comes(
    read: Reading, simulator: X
) -> None:
    read.now = START + timedelta(days=8)
    items = read.items(since=START)
    assert len(gaps(items)) == 1
    simulator.start = read.now
    simulator.publish(1)
    read.now += timedelta(minutes=5)
    again = read.items(items[-1].cursor, since=START)
    assert gaps(again) == []
    assert len(ids(again)) == 1


def test_errors_beside_posts_cost_no_post(read: Reading, simulator: X) -> None:
    simulator.instead = lambda asked: in_json(fixture("kinds"))
    items = read.items()
    assert len(posts(items)) == 4
    assert rejects(items) == []


def test_a_post_without_words_becomes_a_dead_letter(read: Reading, simulator: X) -> None:
    simulator.publish(2)
    del simulator.posts[0]["text"]
    items = read.items()
    assert len(posts(items)) == 1
    assert [reject.reason for reject in rejects(items)] == ["no-text"]


@pytest.mark.parametrize("native", ["", "x", "9" * 30, str(first_id(START + timedelta(days=900)))])
def test_a_post_without_an_id_that_can_be_becomes_a_dead_letter_and_is_no_place(
    read: Reading, simulator: X, native: str
) -> None:
    simulator.publish(2)
    odd = {**simulator.posts[0], "id": native}
    simulator.instead = lambda asked: in_json({"data": [odd, simulator.posts[1]], "meta": {}})
    items = read.items()
    assert [bad.reason for bad in rejects(items)] == ["item-unknown"]
    assert ids(items) == [simulator.posts[1]["id"]]
    simulator.instead = lambda asked: None
    simulator.publish(1)
    assert simulator.posts[2]["id"] in ids(read.items(items[-1].cursor))


# Refusals


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (problem(401), SourceBlocked, "does not know the token"),
        (problem(402), SourceBlocked, "credits"),
        (problem(403), SourceBlocked, "attached to a project"),
        (problem(400), SourceChanged, "missing EOF"),
        (in_json({"errors": [{"title": "x", "detail": "Odd."}]}), SourceChanged, "Odd"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_x(
    read: Reading, simulator: X, answer: Answer, kind: type[SourceError], words: str
) -> None:
    simulator.instead = lambda asked: answer
    with pytest.raises(kind, match=words) as caught:
        read.items()
    assert caught.value.body
    assert TOKEN not in str(caught.value)


def test_a_used_up_limit_is_waited_for_until_it_is_reset(read: Reading, simulator: X) -> None:
    reset = str(int(time.time()) + 600)
    headers = {"x-rate-limit-limit": "60", "x-rate-limit-remaining": "0"}
    simulator.instead = lambda asked: problem(429, **headers, **{"x-rate-limit-reset": reset})
    with pytest.raises(SourceBlocked) as caught:
        read.items()
    assert 590 < caught.value.wait <= 600


# The stream


def taken(source: LiveSource, cursor: str, count: int) -> list[Item]:
    """So many posts, with all that came before the last of them."""
    items: list[Item] = []
    for item in source.open(cursor):
        items.append(item)
        if len(posts(items)) >= count:
            break
    return items


def heard(source: LiveSource, cursor: str, simulator: X, publish: int) -> list[Item]:
    """What comes of so many posts that are published once somebody listens."""
    items: list[Item] = []
    published = False
    for item in source.open(cursor):
        items.append(item)
        if not published and simulator.listening and isinstance(item.record, Heartbeat):
            published = True
            simulator.publish(publish)
        if len(posts(items)) >= publish:
            break
    return items


def test_what_is_published_while_somebody_listens_comes(listen: Reading, stream: X) -> None:
    listen.now = moment(3)
    stream.publish(3)
    found = heard(listen.source(), "", stream, 2)
    assert ids(found) == [post["id"] for post in stream.posts[3:]]
    assert found[-1].cursor == str(first_id(moment(4)))  # some posts come a little late


def test_what_was_published_since_a_first_run_that_stored_nothing_comes(
    listen: Reading, stream: X
) -> None:
    listen.now = moment(2)
    source = listen.source()
    assert isinstance(source, Begins)
    place = source.present()
    stream.publish(4)
    listen.now = moment(9)
    found = taken(source, place, 3)
    assert {"2", "3", "4"} <= {one.text.split()[-1] for one in posts(found)}


def while_time_passes(listen: Reading, cursor: str) -> Iterator[Item]:
    """What comes of a stream that gives a sign of life every twenty seconds."""
    for item in listen.source().open(cursor):
        yield item
        if isinstance(item.record, Heartbeat):
            listen.now += timedelta(seconds=20)


def test_a_first_start_asks_for_nothing_older_and_misses_nothing_while_the_stream_opens(
    listen: Reading, stream: X
) -> None:
    stream.now = lambda: listen.now
    listen.now = moment(3) - timedelta(seconds=1)
    source = listen.source()
    assert isinstance(source, Begins)
    place = source.present()
    stream.publish(3)
    listen.now = moment(3) + timedelta(seconds=1)
    items = list(itertools.islice(while_time_passes(listen, place), 12))
    assert ids(items) == [stream.posts[2]["id"]]
    asked = [one.query for one in stream.asked if one.path.endswith("/recent")]
    assert [query["since_id"] for query in asked] == [str(int(place) - 1)]
    assert int(items[-1].cursor) > int(place)


def test_a_stream_that_was_quiet_for_long_has_missed_nothing(listen: Reading, stream: X) -> None:
    place = str(first_id(listen.now))
    items = while_time_passes(listen, place)
    quiet = next(item for item in items if not item.cursor.startswith(place))
    listen.now += timedelta(days=30)
    quiet = next(items)
    listen.now += timedelta(days=6)
    again = list(itertools.islice(while_time_passes(listen, quiet.cursor), 8))
    assert gaps(again) == []


def test_a_query_that_search_does_not_take_is_listened_to_and_its_interruptions_are_gaps(
    listen: Reading, stream: X
) -> None:
    stream.instead = lambda asked: problem(400) if asked.path.endswith("/recent") else None
    place = str(first_id(listen.now - timedelta(hours=1)))
    items: list[Item] = []
    for item in while_time_passes(listen, place):
        items.append(item)
        if len(gaps(items)) == 2 and not stream.posts:
            stream.start = listen.now
            stream.publish(1)
        if posts(items):
            break
    opened = gaps(items)[0].end
    assert opened is not None
    assert gaps(items)[0].start == opened - timedelta(hours=1)
    assert [gap.end for gap in gaps(items)] == [opened, opened]
    assert "missing EOF" in gaps(items)[0].cause


def test_the_query_becomes_a_rule_once(listen: Reading, stream: X) -> None:
    heard(listen.source(), "", stream, 1)
    heard(listen.source(), "", stream, 1)
    assert [(rule["value"], rule["tag"]) for rule in stream.rules] == [(stream.target, "marsad")]
    assert listen.said == []


def test_posts_of_other_rules_are_passed_over_and_told_of(listen: Reading, stream: X) -> None:
    stream.rules.append({"id": "7", "value": "something else", "tag": "theirs"})
    source = listen.source()
    items: list[Item] = []
    for item in source.open(""):
        items.append(item)
        if len(items) == 1:
            theirs = {"data": fixture("post") | {"id": str(first_id(START))}}
            stream.send(json.dumps({**theirs, "matching_rules": [{"id": "7", "tag": "theirs"}]}))
            stream.publish(1)
        if posts(items):
            break
    assert ids(items) == [stream.posts[0]["id"]]
    assert "1 other rules" in listen.said[0]


def test_what_was_missed_is_fetched_by_search_after_the_stream_was_opened(
    listen: Reading, stream: X
) -> None:
    stream.publish(2)
    cursor = stream.posts[-1]["id"]
    stream.publish(3)
    stream.asked.clear()
    found = taken(listen.source(), cursor, 4)
    assert set(ids(found)) >= {post["id"] for post in stream.posts[2:]}
    assert [asked.path for asked in stream.asked][-2:] == [
        "/2/tweets/search/stream",
        "/2/tweets/search/recent",
    ]
    places = {item.cursor.partition("/")[0] for item in found}
    assert places == {cursor}  # until all of it was read
    assert {post.source for post in posts(found)} == {"x-stream"}


def test_a_date_later_than_the_saved_place_is_a_gap_until_then(listen: Reading, stream: X) -> None:
    stream.publish(9)
    listen.now = moment(30)
    items = taken(listen.source(since=moment(7)), str(first_id(moment(2))), 3)
    (gap,) = gaps(items)
    assert (gap.start, gap.end, gap.source) == (moment(2), moment(7), listen.source().name)
    assert ids(items) == [post["id"] for post in reversed(stream.posts[6:])]
    again = taken(listen.source(since=moment(7)), items[-2].cursor, 1)
    assert gaps(again) == []
    assert {item.cursor.partition("/")[0] for item in items} == {str(first_id(moment(7)))}


def test_what_a_date_began_goes_on_from_there_without_it(listen: Reading, stream: X) -> None:
    stream.publish(9)
    listen.now = moment(30)
    begun = taken(listen.source(since=moment(3)), "", 2)
    rest = taken(listen.source(), begun[-1].cursor, 5)
    assert {*ids(begun), *ids(rest)} == {post["id"] for post in stream.posts[2:]}


def test_a_long_absence_whose_fetching_is_interrupted_is_fetched_on_below(
    listen: Reading, stream: X
) -> None:
    stream.publish(25)
    first = taken(listen.source(), stream.posts[0]["id"], 15)
    stream.publish(2)
    stream.asked.clear()
    rest = taken(listen.source(), first[-1].cursor, 13)
    asked = [one.query for one in stream.asked if one.path.endswith("/recent")]
    assert asked[0]["until_id"] == ids(first)[-1]
    assert {*ids(first), *ids(rest)} >= {post["id"] for post in stream.posts[1:]}


def test_signs_of_life_are_heartbeats_and_half_a_line_becomes_a_dead_letter(
    listen: Reading, stream: X
) -> None:
    items: list[Item] = []
    for item in listen.source().open(""):
        items.append(item)
        if len(items) == 3:
            stream.send('{"data": {"id": "1')
        if rejects(items):
            break
    assert all(isinstance(item.record, Heartbeat) for item in items[:3])
    assert rejects(items)[0].reason == "json-invalid"


@pytest.mark.parametrize("native", ["9" * 30, str(first_id(START + timedelta(days=900)))])
def test_a_number_whose_time_can_not_be_neither_ends_the_stream_nor_is_a_place(
    listen: Reading, stream: X, native: str
) -> None:
    listen.now = START
    items: list[Item] = []
    for item in listen.source().open(""):
        items.append(item)
        if len(items) == 1:
            stream.send(json.dumps({"data": fixture("post") | {"id": native}}))
            stream.publish(1)
        if "post number 1" in {post.text for post in posts(items)}:
            break
    assert {item.cursor for item in items} == {str(first_id(START))}


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("disconnect", SourceError, "operational reasons"),
        ("connections", SourceBlocked, "maximum allowed connection"),
    ],
)
def test_a_message_that_ends_the_stream_is_an_error(
    listen: Reading, stream: X, name: str, kind: type[SourceError], words: str
) -> None:
    source = listen.source()
    items = source.open("")
    next(items)
    stream.send(json.dumps(fixture("problems")[name]))
    with pytest.raises(kind, match=words):
        for _ in items:
            pass


def test_one_stream_too_many_is_refused_in_the_words_of_x(listen: Reading, stream: X) -> None:
    full = in_json(fixture("problems")["connections"], 429)
    stream.instead = lambda asked: full if asked.path.endswith("/stream") else None
    with pytest.raises(SourceBlocked, match="maximum allowed connection") as caught:
        listen.items()
    assert caught.value.body


def test_a_stream_that_breaks_off_is_an_error_and_no_end(listen: Reading, stream: X) -> None:
    items = listen.source().open("")
    next(items)
    stream.closed = True
    with pytest.raises(SourceError):
        for _ in items:
            pass

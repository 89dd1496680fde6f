"""Comments by the Data API: threads, answers, edits, quotas."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

import pytest

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.mapping.items import Seen
from ingest.records import Post, encode
from ingest.sources.youtube.live import map_item
from tests.simulators.base import START
from tests.simulators.http import FIXTURES, Answer, in_json
from tests.simulators.reading import Reading, at, ids, reading, rejects
from tests.simulators.youtube import CHANNEL, KEY, VIDEO, Comment, YouTube, error, youtube


@pytest.fixture
def simulator() -> Iterator[YouTube]:
    with youtube() as simulator:
        yield simulator


@pytest.fixture
def read(simulator: YouTube) -> Iterator[Reading]:
    with reading(simulator) as read:
        yield read


def test_a_comment_becomes_a_post_under_its_video() -> None:
    raw = (FIXTURES / "youtube" / "comment.json").read_bytes()
    post = map_item(raw, Seen(source="youtube:x", now=START), VIDEO)
    assert isinstance(post, Post)
    assert post.id == "youtube:UgzFictifFictifFictif4AaABAg"
    assert post.text == "wa3lach 9at3ou l'appel ?? 😡 <3"
    assert post.author == "UCpersonnepersonneperso1"
    assert post.url.endswith(f"watch?v={VIDEO}&lc=UgzFictifFictifFictif4AaABAg")
    assert post.counts == {"likes": 3}
    assert post.created_at == at("2026-11-01T00:01:00Z")


@pytest.mark.parametrize("target", [CHANNEL, "@canal"])
def test_a_channel_that_is_asked_for_is_not_named_by_its_posts(
    read: Reading, simulator: YouTube, target: str
) -> None:
    simulator.publish(2)
    assert read.source(target=target).name == f"youtube:{target}"  # to its user
    for post in read.posts(target=target):
        assert not any(name in encode(post).decode() for name in (CHANNEL, "canal"))


def test_all_answers_come_also_those_that_a_thread_does_not_show(
    read: Reading, simulator: YouTube
) -> None:
    replies = [Comment(f"R{number}", "jawab") for number in range(25)]
    simulator.comments = [
        Comment("T", "so2al", replies=replies),
        Comment("U", "x", replies=replies[:2]),
    ]
    items = read.items()
    assert set(ids(items)) == {"T", "U", *(f"R{number}" for number in range(25))}
    assert {post.reply_to for post in read.posts() if post.id == "youtube:R24"} == {"youtube:T"}
    asked = [asked.query.get("parentId") for asked in simulator.asked if "parentId" in asked.query]
    assert "U" not in asked  # the thread shows both of its answers


def test_an_edit_is_a_newer_version_of_the_same_post(read: Reading, simulator: YouTube) -> None:
    simulator.publish(3)
    items = read.items()
    before = {post.id: post.version for post in read.posts()}
    simulator.comments[0].text, simulator.comments[0].updated = "corrigé", "2026-11-01T05:00:00Z"
    posts = {post.id: post for post in read.posts(items[-1].cursor)}
    assert posts["youtube:Ugz0001"].text == "corrigé"
    assert posts["youtube:Ugz0001"].version > before["youtube:Ugz0001"]


def test_a_late_answer_to_an_old_comment_is_found(read: Reading, simulator: YouTube) -> None:
    simulator.publish(30)
    last = read.items()[-1].cursor
    simulator.comments[2].replies.append(Comment("late", "?", "2026-11-03T00:00:00Z"))
    assert "late" in ids(read.items(last))


def test_what_was_read_long_before_is_not_read_again(read: Reading, simulator: YouTube) -> None:
    simulator.comments = [
        Comment(f"C{day:02}", "x", (START + timedelta(days=day)).isoformat()) for day in range(40)
    ]
    last = read.items()[-1].cursor
    simulator.asked.clear()
    assert ids(read.items(last)) == ["C39"]
    assert len(simulator.asked) == 2  # of four pages: a week back


def test_what_a_later_date_left_out_comes_when_it_is_wanted(
    read: Reading, simulator: YouTube
) -> None:
    days = [START + timedelta(days=day) for day in range(30)]
    comments = [Comment(f"C{day:02}", "x", moment.isoformat()) for day, moment in enumerate(days)]
    simulator.comments = comments[:10]
    whole = read.items(since=days[2])
    simulator.comments = comments[:20]
    part = read.items(whole[-1].cursor, since=days[17])
    assert ids(part) == ["C19", "C18", "C17"]
    simulator.comments = comments
    for place in (part[-1], part[2]):
        further = read.items(place.cursor, since=days[25])
        assert ids(read.items(further[-1].cursor, since=days[25])) == ["C29"]
        rest = read.items(further[-1].cursor, since=days[2])
        assert ids(rest) == [f"C{day:02}" for day in range(29, 8, -1)]
    assert len(ids(read.items(rest[-1].cursor))) == 30  # older ones than ever before are wanted


def test_a_limit_smaller_than_a_page_still_comes_to_the_end(
    read: Reading, simulator: YouTube
) -> None:
    simulator.publish(25)
    simulator.comments[20].replies = [Comment(f"R{number}", "x") for number in range(7)]
    cursor, found = "", []
    while len(found) < 32:
        items = list(islice(read.source().open(cursor), 4))
        assert items
        found += ids(items)
        cursor = items[-1].cursor
    assert len(set(found)) == 32


def test_a_page_token_that_is_not_known_any_more_begins_the_round_again(
    read: Reading, simulator: YouTube
) -> None:
    published = simulator.publish(25)
    place = read.items()[15].cursor
    del simulator.comments[-10]  # the comment that the token named
    assert set(ids(read.items(place))) <= {one.partition(":")[2] for one in published}
    assert "Ugz0001" in ids(read.items(place))


def test_pages_that_are_always_refused_are_an_error_and_no_endless_round(
    read: Reading, simulator: YouTube
) -> None:
    simulator.publish(25)
    place = read.items()[15].cursor
    simulator.forgets = True
    for cursor in ("", place):
        simulator.asked.clear()
        with pytest.raises(SourceChanged, match="token is not valid") as caught:
            list(islice(read.source().open(cursor), 100))
        assert b"processingFailure" in caught.value.body
        assert len(simulator.asked) <= 4


@pytest.mark.parametrize(
    "target",
    [
        VIDEO,
        f"https://www.youtube.com/watch?v={VIDEO}&t=3s",
        f"https://youtu.be/{VIDEO}?si=x",
        f"https://m.youtube.com/shorts/{VIDEO}",
        CHANNEL,
        f"https://www.youtube.com/channel/{CHANNEL}/videos",
        "@canal",
        "https://www.youtube.com/@canal/videos",
    ],
)
def test_videos_and_channels_are_named_in_any_way(
    read: Reading, simulator: YouTube, target: str
) -> None:
    simulator.publish(1)
    assert len(read.posts(target=target)) == 1


def test_a_channel_without_an_id_is_another_form(read: Reading, simulator: YouTube) -> None:
    found = in_json({"kind": "youtube#channelListResponse", "items": [{"id": {"odd": 1}}]})
    simulator.instead = lambda asked: found if asked.path.endswith("/channels") else None
    with pytest.raises(SourceChanged, match="no id") as caught:
        read.items(target="@canal")
    assert caught.value.body


def test_the_key_stands_in_no_address(read: Reading, simulator: YouTube) -> None:
    simulator.publish(1)
    read.items()
    assert all(KEY not in str((asked.path, asked.query)) for asked in simulator.asked)


# Refusals


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (error(403, "commentsDisabled"), SourceGone, "turned off"),
        (error(404, "videoNotFound"), SourceGone, "no such video"),
        (error(404, "channelNotFound"), SourceGone, "no such channel"),
        (error(403, "accessNotConfigured", "Enable the API."), SourceBlocked, "Enable the API"),
        (error(403, "rateLimitExceeded"), SourceBlocked, "403"),
        (error(400, "keyInvalid", "API key not valid."), SourceBlocked, "key not valid"),
        (error(400, "invalidFilter", "Bad filter."), SourceChanged, "Bad filter"),
        (in_json({"kind": "x", "items": [{"id": "1"}]}), SourceChanged, "known form"),
        (in_json({"items": []}), SourceChanged, "no list"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_platform(
    read: Reading, simulator: YouTube, answer: Answer, kind: type[SourceError], words: str
) -> None:
    simulator.instead = lambda asked: answer
    with pytest.raises(kind, match=words) as caught:
        read.items()
    assert caught.value.body


def test_a_used_up_quota_says_how_long_it_takes_until_the_next_one(
    read: Reading, simulator: YouTube
) -> None:
    read.now = at("2026-11-02T20:00:00Z")  # noon in California
    simulator.instead = lambda asked: error(403, "quotaExceeded")
    with pytest.raises(SourceBlocked, match="units") as caught:
        read.items()
    assert caught.value.wait == 12 * 3600


def test_a_date_without_a_zone_is_no_date_of_the_platform(
    read: Reading, simulator: YouTube
) -> None:
    simulator.publish(2)
    simulator.comments[0].published = "2026-11-01T00:01:00"
    assert [reject.reason for reject in rejects(read.items())] == ["item-unknown"]


def test_a_comment_of_an_unknown_form_becomes_a_dead_letter(
    read: Reading, simulator: YouTube
) -> None:
    simulator.publish(2)
    odd = {"kind": "youtube#commentThread", "id": "odd", "snippet": {"videoId": VIDEO}}
    whole = [comment.thread() for comment in simulator.comments]
    simulator.instead = lambda asked: in_json({"kind": "x", "items": [odd, *whole]})
    items = read.items()
    assert ids(items) == ["Ugz0001", "Ugz0002"]
    (reject,) = rejects(items)
    assert reject.reason == "item-unknown"
    assert b'"odd"' in reject.raw


@pytest.mark.parametrize("target", ["https://example.org/watch", "tooshort", "", "UCshort"])
def test_what_is_no_video_is_told_at_once(read: Reading, target: str) -> None:
    with pytest.raises(SourceError, match="neither a video nor a channel"):
        read.source(target=target)

"""What a timeline of Weibo says, and what is done where it says something else."""

from collections.abc import Iterator

import pytest

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.sources.weibo.live import id_time
from tests.simulators.base import moment
from tests.simulators.http import Answer, in_json
from tests.simulators.reading import Reading, at, ids, reading, rejects
from tests.simulators.weibo import NAME, USER, Weibo, fixture, number, weibo


@pytest.fixture
def simulator() -> Iterator[Weibo]:
    with weibo() as simulator:
        yield simulator


@pytest.fixture
def read(simulator: Weibo) -> Iterator[Reading]:
    with reading(simulator) as read:
        yield read


def test_the_words_are_plain_text_with_lines_and_emoji(read: Reading, simulator: Weibo) -> None:
    simulator.posts.append(simulator.mblog(moment(1)))
    (post,) = read.posts()
    assert post.text == "salam & bonjour #الانترنت#\nttaman tla3 bzaf [泪]"
    assert post.hashtags == ("الانترنت",)
    assert post.author == "观察者虚构"
    assert post.counts == {"likes": 3, "reposts": 1, "replies": 2}
    assert post.url.startswith("https://m.weibo.cn/status/")
    assert post.created_at == moment(1)


@pytest.mark.parametrize("written", ["3分钟前", "昨天 10:00", "03-02", "刚刚", ""])
def test_where_the_date_is_relative_the_time_in_the_id_counts(
    read: Reading, simulator: Weibo, written: str
) -> None:
    simulator.posts.append(simulator.mblog(moment(5), created_at=written))
    (post,) = read.posts()
    assert post.created_at == moment(5)
    assert post.version == moment(5).timestamp() * 1000


def test_the_time_in_an_id_agrees_with_a_published_post() -> None:
    assert id_time(5267301378036174) == at("2026-02-17T13:26:13+08:00")
    assert id_time(12345) is None


def test_a_repost_says_of_what_and_keeps_its_own_words(read: Reading, simulator: Weibo) -> None:
    original = simulator.mblog(moment(1))
    whole = simulator.mblog(moment(3), "转发微博", retweeted_status=original)
    gone = simulator.mblog(moment(4), "还在吗", user=None)
    simulator.posts += [whole, gone]
    second, first = read.posts()
    assert (first.text, first.repost_of) == ("转发微博", f"weibo:{number(moment(1))}")
    assert (second.text, second.author) == ("还在吗", "")


def test_a_repost__holds_no_words_of_those_who_passed_it_on(
    read: Reading, simulator: Weibo
) -> None:
    passed = "同意//@别人虚构:别人的话//@第三人:原来的话"
    simulator.posts.append(
        simulator.mblog(moment(3), passed, retweeted_status=simulator.mblog(moment(1)))
    )
    (post,) = read.posts()
    assert post.text == "同意"
    assert post.repost_author == "观察者虚构"


def test_a_pinned_post_ends_no_walk(read: Reading, simulator: Weibo) -> None:
    simulator.publish(25)
    simulator.pinned = [{**simulator.posts[2], "isTop": 1}]
    items = read.items()
    assert len(set(ids(items))) == 25
    simulator.publish(12)
    assert len(set(ids(read.items(items[-1].cursor)))) == 12


def test_when_older_posts_are_wanted_later_the_walk_goes_on_below(
    read: Reading, simulator: Weibo
) -> None:
    simulator.publish(25)
    items = read.items(since=moment(20))
    assert len(ids(items)) == 6
    simulator.publish(1)
    deeper = read.items(items[-1].cursor)
    assert len(ids(deeper)) == len(set(ids(deeper)) - set(ids(items))) == 20
    assert ids(read.items(deeper[-1].cursor)) == []


def test_a_name_is_looked_up_once(read: Reading, simulator: Weibo) -> None:
    published = simulator.publish(2)
    assert len(read.posts(target=NAME)) == len(published)
    assert [asked.path for asked in simulator.asked] == [
        f"/n/{NAME}",
        f"/u/{USER}",
        "/api/container/getIndex",
    ]


def test_a_card_that_can_not_be_read_becomes_a_dead_letter_and_the_others_come(
    read: Reading, simulator: Weibo
) -> None:
    simulator.publish(3)
    del simulator.posts[1]["bid"]
    items = read.items()
    assert ids(items) == [str(number(moment(3))), str(number(moment(1)))]
    (odd,) = rejects(items)
    assert odd.reason == "item-unknown"
    assert b"post number 2" in odd.raw
    assert rejects(read.items(items[-1].cursor)) == []


def test_one_that_has_no_number_becomes_a_dead_letter_too_and_hides_no_other(
    read: Reading, simulator: Weibo
) -> None:
    simulator.publish(4)
    simulator.posts[3]["id"] = "none"
    simulator.posts[2]["id"] = "none"
    del simulator.posts[0]["bid"]
    items = read.items()
    assert ids(items) == [str(number(moment(2)))]
    assert len(rejects(items)) == 3


def test_when_no_card_can_be_read_the_page_has_changed(read: Reading, simulator: Weibo) -> None:
    simulator.publish(3)
    for post in simulator.posts:
        del post["bid"]
    with pytest.raises(SourceChanged, match="known form"):
        read.items()


@pytest.mark.parametrize("answer", [Answer(fixture("login")), Answer(b"", 432), Answer(b"", 418)])
def test_who_is_not_logged_in_is_refused(read: Reading, simulator: Weibo, answer: Answer) -> None:
    simulator.publish(3)
    simulator.instead = lambda asked: answer
    with pytest.raises(SourceBlocked):
        read.items()


def test_a_redirect_to_the_visitor_system_is_a_login(read: Reading, simulator: Weibo) -> None:
    elsewhere = Answer(b"", 302, {"Location": "https://passport.weibo.com/visitor/visitor"})
    simulator.instead = lambda asked: elsewhere
    with pytest.raises(SourceBlocked, match="login"):
        read.items()


def test_an_empty_account_is_told_apart_from_a_refusal(read: Reading, simulator: Weibo) -> None:
    assert read.posts() == []
    simulator.publish(3)
    simulator.busy = True
    with pytest.raises(SourceBlocked, match="asked too often"):
        read.items()


def test_an_account_that_is_not_there_is_gone(read: Reading) -> None:
    for target in ("nobody", "999"):
        with pytest.raises(SourceGone, match="no account"):
            read.items(target=target)


def test_a_page_without_a_word_on_the_next_one_has_changed(read: Reading, simulator: Weibo) -> None:
    simulator.instead = lambda asked: in_json({"ok": 1, "data": {"cards": []}})
    with pytest.raises(SourceChanged, match="next page"):
        read.items()


def test_hashtags_and_searches_are_told_to_be_out_of_reach(read: Reading) -> None:
    with pytest.raises(SourceError, match="no scraper for them"):
        read.source(target="#标签#")

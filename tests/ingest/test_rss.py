"""Feeds: what an entry becomes, what is asked for again, and what is wrong with a feed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import SourceChanged, SourceError
from ingest.mapping.items import Seen
from ingest.records import Post
from ingest.sources.rss import feed as feeds
from ingest.sources.rss.feed import map_item
from ingest.sources.rss.feed import read as read_feed
from ingest.sources.rss.markup import LARGEST
from tests.simulators.base import moment
from tests.simulators.http import FIXTURES
from tests.simulators.reading import Reading, at, gaps, ids, reading, rejects
from tests.simulators.rss import PATH, Newspaper, newspaper

NOW = datetime(2016, 3, 1, tzinfo=UTC)


def rss(items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>a</title>{items}</channel></rss>".encode()


ATOM = (FIXTURES / "rss" / "atom.xml").read_bytes()


@pytest.fixture
def simulator() -> Iterator[Newspaper]:
    with newspaper() as simulator:
        yield simulator


@pytest.fixture
def read(simulator: Newspaper) -> Iterator[Reading]:
    with reading(simulator) as read:
        yield read


# What an entry becomes


def test_an_article_is_its_title_and_its_text_without_tags(
    read: Reading, simulator: Newspaper
) -> None:
    simulator.items.append(simulator.item(1, "Coupure &amp;amp; colère"))
    (post,) = read.posts()
    assert post.text == (
        "Coupure & colère\n\nLes appels par internet sont coupés\N{NO-BREAK SPACE}: "
        "«\N{NO-BREAK SPACE}Coupure &amp; colère\N{NO-BREAK SPACE}».\n\nVoIP\nforfaits"
    )
    assert post.id == "rss:127.0.0.1/journal-1"
    assert post.url == "https://journal.example/articles/1"
    assert post.author == "Nadia Fictive"
    assert post.created_at == moment(1)
    assert post.counts == {"replies": 4}


def test_a_comment_names_neither_its_author_nor_whom_it_answers() -> None:
    """WordPress's feeds of comments (wp-includes/feed-rss2-comments.php, comment_text)."""
    body = rss(
        "<item xmlns:dc='http://purl.org/dc/elements/1.1/'><title>Par : Nadia Fictive</title>"
        "<link>https://journal.example/a/#comment-7</link><dc:creator>Nadia Fictive</dc:creator>"
        "<description>En réponse à &lt;a href='#'&gt;Omar Fictif&lt;/a&gt;. bien dit"
        "</description></item>"
    )
    [entry] = read_feed(body, "text/xml", "https://journal.example/feed").entries
    post = map_item(entry, Seen(source="rss", now=NOW, host="journal.example"))
    assert isinstance(post, Post)
    assert post.text == "Par : [user]\n\nEn réponse à [user]. bien dit"


def test_an_article_does_not_name_its_feed_whose_address_may_be_a_persons(
    read: Reading, simulator: Newspaper
) -> None:
    simulator.publish(1)
    (post,) = read.posts()
    assert (post.source, read.source().name.partition("/")[2]) == ("rss", PATH[1:])


def test_an_entry_of_atom_has_the_version_of_its_update(
    read: Reading, simulator: Newspaper
) -> None:
    simulator.body, simulator.type = ATOM, "application/atom+xml"
    plain, html = read.posts()
    assert html.id == "rss:tag:blog.example,2026:1"
    assert html.text == "المكالمات مقطوعة\n\nالانترنت غالي.\n\n3lach ?"
    assert html.created_at == at("2026-11-01T09:00:00+01:00")
    assert html.version == at("2026-11-01T12:00:00+01:00").timestamp() * 1000
    assert plain.id == "rss:https://blog.example/2"
    assert plain.text == "1 < 2\n\nSans balises <ici>."


def test_an_entry_without_any_name_is_known_by_its_content(
    read: Reading, simulator: Newspaper
) -> None:
    simulator.body = b'<rss version="2.0"><channel><item><title>Rien</title></item></channel></rss>'
    items = read.items()
    assert [post.id for post in read.posts()] == ["rss:"]  # protection puts a hash there
    simulator.body += b" "  # another ETag
    assert ids(read.items(items[-1].cursor)) == []


@pytest.mark.parametrize("charset", ["windows-1256", "iso-8859-6", "utf-16"])
def test_letters_are_read_in_the_encoding_of_the_feed(
    read: Reading, simulator: Newspaper, charset: str
) -> None:
    simulator.type = "application/rss+xml"
    head = f'<?xml version="1.0" encoding="{charset}"?>'
    feed = (
        '<rss version="2.0"><channel><item><title>المكالمات مقطوعة</title></item></channel></rss>'
    )
    simulator.body = f"{head}{feed}".encode(charset)
    assert [post.text for post in read.posts()] == ["المكالمات مقطوعة"]


# What is asked for again


def test_a_feed_that_did_not_change_is_not_sent_again(read: Reading, simulator: Newspaper) -> None:
    simulator.publish(3)
    last = read.items()[-1].cursor
    again = read.items(last)
    assert ids(again) == []
    assert "If-None-Match" in simulator.asked[-1].headers
    simulator.publish(1)
    assert ids(read.items(again[-1].cursor)) == ["journal-4"]


def test_an_entry_that_changed_comes_once_more(read: Reading, simulator: Newspaper) -> None:
    simulator.publish(3)
    last = read.items()[-1].cursor
    simulator.items[1] = simulator.item(2, "corrigé")
    assert [post.text[:7] for post in read.posts(last)] == ["corrigé"]


def test_a_feed_that_forgot_all_that_was_read_has_a_gap(
    read: Reading, simulator: Newspaper
) -> None:
    simulator.shown = 3
    simulator.publish(3)
    last = read.items()[-1].cursor
    began, read.now = read.now, read.now + timedelta(hours=5)
    simulator.publish(2)
    assert gaps(read.items(last)) == []
    simulator.publish(3)
    (gap,) = gaps(read.items(last))
    assert (gap.start, gap.end) == (began, read.now)
    assert "none of the entries" in gap.cause


def test_a_feed_that_wants_to_be_left_alone_is_not_asked(
    read: Reading, simulator: Newspaper
) -> None:
    feed = simulator.feed().replace(b"<channel>", b"<channel><ttl>30</ttl>")
    simulator.body = feed
    last = read.items()[-1].cursor
    simulator.asked.clear()
    assert read.items(last) == []
    assert simulator.asked == []
    assert read.said == [
        f"rss:127.0.0.1:{simulator.url.rpartition(':')[2]}{PATH} asks to be read "
        "every 30 minutes at most."
    ]
    read.now += timedelta(minutes=31)
    assert read.items(last)
    assert simulator.asked


def test_two_entries_of_one_name_come_once_each(read: Reading, simulator: Newspaper) -> None:
    simulator.publish(2)
    simulator.items.append(simulator.item(1, "the same name"))
    items = read.items()
    assert ids(items) == ["journal-1", "journal-2", "journal-1"]
    simulator.publish(1)
    again = read.items(items[-1].cursor)
    assert ids(again) == ["journal-4"]
    simulator.items[2] = simulator.item(1, "the same name, corrected")
    assert ids(read.items(again[-1].cursor)) == ["journal-1"]


def test_of_a_feed_without_measure_the_newest_entries_are_read_and_the_others_are_a_gap(
    read: Reading, simulator: Newspaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST", 10)
    simulator.publish(30)
    simulator.items.reverse()  # a feed that shows the oldest first
    items = read.items()
    assert ids(items) == [f"journal-{number}" for number in range(21, 31)]
    (gap,) = gaps(items)
    assert (gap.start, gap.end) == (moment(1), moment(20))
    assert max(len(item.cursor) for item in items) < 10 * 60 + 200
    assert "20 older ones" in read.said[0]
    simulator.items.insert(0, simulator.item(31, "post number 31"))
    again = read.items(items[-1].cursor)
    assert (ids(again), gaps(again)) == (["journal-31"], [])


def test_entries_left_out_before_come_when_they_are_wanted(
    read: Reading, simulator: Newspaper
) -> None:
    simulator.publish(5)
    items = read.items(since=moment(4))
    assert ids(items) == ["journal-4", "journal-5"]
    assert ids(read.items(items[-1].cursor)) == ["journal-1", "journal-2", "journal-3"]


# What is wrong with a feed


def test_a_broken_feed_is_read_as_far_as_it_goes_and_becomes_one_dead_letter(
    read: Reading, simulator: Newspaper
) -> None:
    simulator.publish(3)
    whole = simulator.feed()
    simulator.body = whole[
        : whole.rindex(b"<content:encoded>") + 40
    ]  # in the middle of the last one
    items = read.items()
    assert ids(items) == ["journal-2", "journal-3"]
    (broken,) = rejects(items)
    assert broken.reason == "feed-broken"
    assert broken.raw == simulator.body
    again = read.items(items[-1].cursor)
    assert rejects(again) == []
    simulator.body = None
    assert ids(read.items(again[-1].cursor)) == ["journal-1"]


def test_an_entity_that_xml_does_not_know_costs_no_entry(
    read: Reading, simulator: Newspaper
) -> None:
    simulator.items.append(simulator.item(1, "Ras le bol & fini"))
    items = read.items()
    assert ids(items) == ["journal-1"]
    assert [reject.reason for reject in rejects(items)] == ["feed-broken"]


def test_a_letter_that_is_none_and_a_figure_without_end_cost_no_entry() -> None:
    body = (
        b'<rss version="2.0" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"><channel>'
        b"<ttl>%s</ttl><item><title>one &#x110000; two &#99999999999; &#233;</title>"
        b"<slash:comments>%s</slash:comments></item></channel></rss>"
    )
    feed = read_feed(body % (b"9" * 5_000, b"9" * 5_000), "", "http://news.example/")
    (entry,) = feed.entries
    assert entry.title == "one � two � é"
    assert (entry.comments, feed.ttl) == (None, 0)


@pytest.mark.parametrize("body", [b"", b"<html><body>x</body></html>", b'{"version": 1}'])
def test_what_is_no_feed_is_told(body: bytes) -> None:
    with pytest.raises(SourceChanged, match="no feed"):
        read_feed(body, "text/html", "https://journal.example/feed")


@pytest.mark.parametrize("target", ["journal.example/feed", "ftp://journal.example/feed", ""])
def test_what_is_no_address_is_told_at_once(read: Reading, target: str) -> None:
    with pytest.raises(SourceError, match="no address of a feed"):
        read.source(target=target, url="")


def test_another_base_address_takes_the_path_of_the_feed(
    read: Reading, simulator: Newspaper
) -> None:
    simulator.publish(1)
    assert len(read.posts(target=f"https://journal.example{PATH}")) == 1


# Feeds without end


def test_read__refuses_a_feed_whose_elements_never_close() -> None:
    for piece in (b"<p>", b"<a ", b"<div>"):
        with pytest.raises(SourceChanged, match="without end"):
            read_feed(
                b"<rss version='2.0'><channel><item>" + piece * 100_000, "", "https://a.example"
            )


def test_read__refuses_a_feed_that_is_too_large() -> None:
    with pytest.raises(SourceChanged, match="larger than 5 MB"):
        read_feed(b"<rss>" + b" " * LARGEST, "", "https://a.example")


def test_read__reads_html_without_end_inside_a_whole_feed() -> None:
    body = rss("<item><guid>1</guid><description>" + "&lt;!--" * 100_000 + "</description></item>")
    [entry] = read_feed(body, "", "https://a.example").entries
    assert entry.body.startswith("<!--")


def test_a_link_without_end__costs_the_link_and_not_the_article() -> None:
    link = "https://" + "a." * 200_000 + "example/1"
    body = rss(f"<item><title>salam</title><link>{link}</link></item>")
    [entry] = read_feed(body, "", "https://a.example").entries
    post = map_item(entry, Seen(source="rss", now=NOW, host="a.example"))
    assert isinstance(post, Post)
    assert len(post.id) < 100


@pytest.mark.parametrize("content_type", ["", "text/xml", "application/xml; charset=utf-8"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_read__knows_a_feed_of_wide_letters_by_its_bytes(encoding: str, content_type: str) -> None:
    body = rss("<item><title>سلام</title></item>").decode()
    wide = f'<?xml version="1.0" encoding="UTF-16"?>{body}'.encode(encoding)
    [entry] = read_feed(wide, content_type, "https://a.example").entries
    assert entry.title == "سلام"

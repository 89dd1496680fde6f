"""What a channel's preview says, and what is done where it says something else."""

from collections.abc import Iterator

import pytest

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.http.client import AGENT
from tests.simulators.http import page
from tests.simulators.reading import Reading, at, gaps, ids, posts, reading, rejects
from tests.simulators.telegram import NAME, Message, Telegram, markup, telegram


@pytest.fixture
def simulator() -> Iterator[Telegram]:
    with telegram() as simulator:
        yield simulator


@pytest.fixture
def read(simulator: Telegram) -> Iterator[Reading]:
    with reading(simulator) as read:
        yield read


# What a post becomes


def test_lines_stay_lines_and_emoji_stay_emoji(read: Reading, simulator: Telegram) -> None:
    simulator.messages.append(
        Message(
            2,
            "Salam a drari<br/>3lach l'appel ma khdamch ؟<br/><br/>الثمن <b>غالي</b> &amp; "
            '<i class="emoji" style="background-image:url(x)"><b>😡</b></i> '
            '<a href="?q=%23VoIP">#VoIP</a>',
        )
    )
    (post,) = read.posts()
    assert post.text == "Salam a drari\n3lach l'appel ma khdamch ؟\n\nالثمن غالي & 😡 #VoIP"
    assert post.hashtags == ("VoIP",)


def test_rounded_views_keep_the_step_in_which_they_move(read: Reading, simulator: Telegram) -> None:
    shown = {2: "2.4K", 3: "1.2M", 4: "396", 5: "12K", 6: "unknown"}
    simulator.messages += [Message(number, "x", views=views) for number, views in shown.items()]
    counts = {post.id.rpartition("/")[2]: post.counts for post in read.posts()}
    assert counts == {
        "2": {"views": 2_400, "views_granularity": 100},
        "3": {"views": 1_200_000, "views_granularity": 100_000},
        "4": {"views": 396},
        "5": {"views": 12_000, "views_granularity": 1_000},
        "6": {},
    }


def test_an_answer_has_its_own_words_and_says_what_it_answers(
    read: Reading, simulator: Telegram
) -> None:
    quote = (
        f'<a class="tgme_widget_message_reply user-color-default" href="https://t.me/{NAME}/7">'
        '<div class="tgme_widget_message_author"><span dir="auto">نشرة الحي</span></div>'
        '<div class="tgme_widget_message_text js-message_reply_text" dir="auto">cité</div></a>'
    )
    simulator.messages.append(Message(2, "Toujours rien ce soir", before=quote))
    (post,) = read.posts()
    assert post.text == "Toujours rien ce soir"
    assert post.reply_to == f"telegram:{NAME}/7"


def test_a_forwarded_post_says_from_where(read: Reading, simulator: Telegram) -> None:
    linked = (
        '<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from '
        '<a class="tgme_widget_message_forwarded_from_name" href="https://t.me/autre_fictive/12">'
        "<span>Autre</span></a></div>"
    )
    hidden = (
        '<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from '
        '<span class="tgme_widget_message_forwarded_from_name">Samir Fictif</span></div>'
    )
    simulator.messages += [Message(2, "a", before=linked), Message(3, "b", before=hidden)]
    by_person, by_channel = read.posts()
    assert by_channel.repost_of == "telegram:autre_fictive/12"
    assert by_channel.repost_author == "autre_fictive"
    assert by_person.repost_of == "Samir Fictif"


def test_a_picture_without_words_is_a_post(read: Reading, simulator: Telegram) -> None:
    photo = '<a class="tgme_widget_message_photo_wrap" href="https://t.me/x/2"></a>'
    simulator.messages.append(Message(2, before=photo))
    (post,) = read.posts()
    assert post.text == ""


def test_notes_of_telegram_are_no_posts(read: Reading, simulator: Telegram) -> None:
    simulator.messages += [Message(2, "un"), Message(3, service=True), Message(4, "deux")]
    items = read.items()
    assert ids(items) == ["4", "2"]
    assert rejects(items) == []


# How it is read


def test_requests_have_our_name_and_go_to_the_address_that_was_given(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(45)
    read.items()
    assert [(asked.path, asked.query.get("before")) for asked in simulator.asked] == [
        (f"/s/{NAME}", None),
        (f"/s/{NAME}", "27"),
        (f"/s/{NAME}", "7"),
    ]
    assert {asked.headers["User-Agent"] for asked in simulator.asked} == {AGENT}


def test_an_interrupted_walk_goes_on_where_it_was_and_then_reads_what_is_newer(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(45)
    place = read.items()[12].cursor
    simulator.publish(2)
    simulator.asked.clear()
    found = ids(read.items(place))
    assert found == [str(number) for number in [*range(34, 1, -1), 48, 47]]
    assert simulator.asked[0].query["before"] == "36"


def test_a_walk_stops_at_what_was_read_before(read: Reading, simulator: Telegram) -> None:
    simulator.publish(45)
    last = read.items()[-1].cursor
    simulator.asked.clear()
    simulator.publish(1)
    assert ids(read.items(last)) == ["47"]
    assert len(simulator.asked) == 1


def test_when_older_posts_are_wanted_later_the_walk_goes_on_below(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(45)
    items = read.items(since=at("2026-11-01T00:40:00Z"))
    assert ids(items) == ["46", "45", "44", "43", "42", "41"]
    deeper = read.items(items[-1].cursor, since=at("2026-11-01T00:30:00Z"))
    assert ids(deeper) == [str(number) for number in range(40, 30, -1)]
    whole = read.items(deeper[-1].cursor)
    assert ids(whole) == [str(number) for number in range(30, 1, -1)]
    assert ids(read.items(whole[-1].cursor)) == []


def test_where_the_place_of_a_walk_was_deleted_nothing_is_lost(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(3)
    place = read.items()[3].cursor
    del simulator.messages[:2]  # the note and the first post, which was read last
    simulator.publish(1)
    assert "5" in ids(read.items(place))


# What comes instead


def test_a_message_that_can_not_be_read_becomes_a_dead_letter_and_the_others_come(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(2)
    html = simulator.preview(None).replace(f'href="https://t.me/{NAME}/2"', "")
    simulator.instead = lambda asked: page(html)
    items = read.items()
    assert ids(items) == ["3"]
    (odd,) = rejects(items)
    assert odd.reason == "item-unknown"
    assert f'data-post="{NAME}/2"'.encode() in odd.raw
    simulator.asked.clear()
    assert rejects(read.items(items[-1].cursor)) == []


def test_one_that_has_no_number_becomes_a_dead_letter_too_and_hides_no_other(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(3)
    html = simulator.preview(None).replace(f'data-post="{NAME}/4"', f'data-post="{NAME}/four"')
    simulator.instead = lambda asked: page(html.replace(f'href="https://t.me/{NAME}/2"', ""))
    items = read.items()
    assert ids(items) == ["3"]
    assert [odd.raw.partition(b'data-post="')[2][: len(NAME) + 3] for odd in rejects(items)] == [
        f"{NAME}/fo".encode(),
        f'{NAME}/2"'.encode(),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<time", "<span"),
        ("tgme_widget_message_date", "date"),
        ("tgme_widget_message text_not", "message text_not"),
        ("tgme_channel_history", "history"),
        ("data-post", "data-id"),
    ],
)
def test_a_page_that_changed_its_form_is_told_with_its_body(
    read: Reading, simulator: Telegram, old: str, new: str
) -> None:
    simulator.publish(3)
    html = simulator.preview(None).replace(old, new)
    assert html != simulator.preview(None)
    simulator.instead = lambda asked: page(html)
    with pytest.raises(SourceChanged) as caught:
        read.items()
    assert caught.value.body


def test_a_later_page_without_messages_is_not_taken_for_the_end(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(45)
    empty = page(markup("page", channel=NAME, history=""))
    simulator.instead = lambda asked: empty if "before" in asked.query else None
    with pytest.raises(SourceChanged, match="no messages"):
        read.items()


def test_who_asks_too_often_is_told_that_there_are_no_posts(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(3)
    simulator.busy = True
    with pytest.raises(SourceBlocked, match="too often"):
        read.items()


@pytest.mark.parametrize("name", ["some_group", "closed_channel"])
def test_what_has_no_preview_is_refused_with_words(read: Reading, name: str) -> None:
    with pytest.raises(SourceBlocked, match="no public preview"):
        read.items(target=name)


def test_a_name_that_nobody_has_is_gone(read: Reading) -> None:
    with pytest.raises(SourceGone, match="no channel of this name"):
        read.items(target="nobody_here")


def test_a_page_that_leads_to_another_host_is_not_followed(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(45)
    html = simulator.preview(None).replace("/s/nashrat", "https://elsewhere.example/s/nashrat")
    simulator.instead = lambda asked: page(html)
    with pytest.raises(SourceChanged, match="elsewhere"):
        read.items()


@pytest.mark.parametrize(
    "target",
    [NAME, f"@{NAME}", f"https://t.me/{NAME}", f"https://t.me/s/{NAME}/", NAME.upper()],
)
def test_a_channel_is_named_in_any_way(read: Reading, target: str) -> None:
    assert read.source(target=target).name == f"telegram:{NAME}"


@pytest.mark.parametrize("target", ["https://t.me/+AbCdEf", "t.me/joinchat/x", "", "1abc", "a b"])
def test_what_is_no_public_channel_is_told_at_once(read: Reading, target: str) -> None:
    with pytest.raises(SourceError, match="no public channel"):
        read.source(target=target)


def test_there_are_no_gaps_in_a_history_that_can_be_read_again(
    read: Reading, simulator: Telegram
) -> None:
    simulator.publish(3)
    items = read.items()
    assert gaps(items) == []
    assert len(posts(items)) == 3

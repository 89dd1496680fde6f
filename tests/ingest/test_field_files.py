"""Files as they come from the field: tables of colleagues, joined dumps, captures of messengers.

All contents are invented here. The shapes are those of public tools and bug reports, named beside
each test.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import MappingError, SourceError
from ingest.mapping.addresses import post_at
from ingest.privacy.keyring import Key
from ingest.privacy.protector import Protector
from ingest.records import Post, Reject, Tombstone
from ingest.sources.archive.preview import PreviewOptions, preview
from ingest.sources.archive.source import ArchiveSource
from ingest.text import Span, readable, without_names
from ingest.watchlist.loader import load
from pipelines.commands._shared.import_report import preview_lines

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = Key("ktest", datetime(2016, 1, 1, tzinfo=UTC), "22" * 32)


def read(path: Path, content: str | bytes, **options: Any) -> list[Any]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [item.record for item in ArchiveSource(path, now=NOW, **options).open("")]


def posts(path: Path, content: str | bytes, **options: Any) -> list[Post]:
    found = read(path, content, **options)
    assert all(isinstance(record, Post) for record in found), found
    return found


# Identity.


def test_id__of_a_comment_is_its_own_and_not_that_of_the_post_it_answers(tmp_path: Path) -> None:
    found = posts(
        tmp_path / "f",
        "post_id,comment_id,text,created_at\n"
        "9_1,9_1_1,coupé ici,2016-02-27\n9_1,9_1_2,ici aussi,2016-02-27\n",
    )
    assert [post.id.rpartition(":")[2] for post in found] == ["9_1_1", "9_1_2"]
    assert {post.reply_to.rpartition(":")[2] for post in found} == {"9_1"}


def test_id__that_all_records_share_is_none(tmp_path: Path) -> None:
    found = posts(
        tmp_path / "f", "id,text\n7,coupé ici\n7,ici aussi\n7,plus rien\n7,toujours rien\n"
    )
    assert {post.id for post in found} == {"archive:f:"}  # the content says which they are


def test_id__that_two_platforms_share_names_two_posts(tmp_path: Path) -> None:
    table = "platform,id,text\ntwitter,7,coupé ici\nfacebook,7,ici aussi\n"
    assert [post.id for post in posts(tmp_path / "f", table)] == ["twitter:7", "facebook:7"]


@pytest.mark.parametrize(
    ("header", "native", "name"),
    [
        # Tutorials of snscrape write these columns; a survey may number its own rows.
        ("Datetime,Tweet Id,Text,Username", "703500000000000101", "twitter:703500000000000101"),
        ("created_at,tweet_id,text,user", "703500000000000101", "twitter:703500000000000101"),
        ("created_at,tweet_id,text,user", "7", "archive:f:7"),
        ("created_at,post_id,text,user", "703500000000000101", "archive:f:703500000000000101"),
    ],
)
def test_id__that_is_called_a_tweets_and_long_is_one(
    header: str, native: str, name: str, tmp_path: Path
) -> None:
    [post] = posts(tmp_path / "f", f"{header}\n2016-02-27T20:00:00Z,{native},coupé,fictif\n")
    assert post.id == name


def test_users_of_academictwitter__are_no_posts(tmp_path: Path) -> None:
    included = {
        "users": [{"id": "91", "username": "fictif", "description": "une biographie"}],
        "tweets": [{"id": "7", "text": "un tweet cité", "author_id": "93", "public_metrics": {}}],
    }
    assert read(tmp_path / "f", json.dumps(included)) == []


def test_stream_of_compliance__deletes(tmp_path: Path) -> None:
    """https://docs.x.com/x-api/compliance/streams: an event names the post that is gone."""
    gone = {"data": {"delete": {"tweet": {"id": "7", "author_id": "9"}, "event_at": "2021-07-06"}}}
    other = {"data": {"withheld": {"tweet": {"id": "8"}, "withheld_in_countries": ["FR"]}}}
    [found] = read(tmp_path / "f", json.dumps(gone) + "\n" + json.dumps(other) + "\n")
    assert isinstance(found, Tombstone)
    assert found.id == "twitter:7"


def test_edges_of_nodexl__are_one_post_whatever_the_order_of_its_dates(tmp_path: Path) -> None:
    native = (int(datetime(2016, 3, 2, 20, tzinfo=UTC).timestamp() * 1000) - 1288834974657) << 22
    table = "Vertex 1,Vertex 2,Relationship,Tweet,Tweet Date (UTC),Imported ID\n" + "".join(
        f"fictif,{other},Mentions,coupé,3/2/2016 20:00:00,{native}\n" for other in ("un", "deux")
    )
    first, second = posts(tmp_path / "f", table)
    assert first.id == second.id == f"twitter:{native}"
    assert first.created_at == datetime(2016, 3, 2, 20, tzinfo=UTC)


def test_advice__never_names_a_column_of_json(tmp_path: Path) -> None:
    tweet = json.dumps({"user": {"name": "Nomtest"}, "words": "coupé"}).replace('"', '""')
    with pytest.raises(MappingError) as caught:
        read(tmp_path / "f", f'key,note,data\n1,un mot,"{tweet}"\n')
    assert "text=data" not in str(caught.value)


@pytest.mark.parametrize(
    ("begin", "advice"),
    [
        ("<?xml version='1.0'?><rss><channel/></rss>", "marsad ingest rss"),
        ("<rss version='2.0'><channel/></rss>", "marsad ingest rss"),
        ("<!DOCTYPE html><html><body>Nomtest</body></html>", "HTML"),
        ("WARC/1.0\r\nWARC-Type: warcinfo\r\n\r\n", "WARC"),
    ],
)
def test_file__of_another_kind_says_what_to_do(begin: str, advice: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=advice) as caught:
        read(tmp_path / "f", begin)
    assert "--map" not in str(caught.value)


@pytest.mark.parametrize(
    "missing", ["NA", "N/A", "NULL", "\\N", "nan", "None", "<NA>", "#N/A", "undefined", "-"]
)
def test_id__that_is_a_word_for_nothing_is_none(missing: str, tmp_path: Path) -> None:
    found = posts(tmp_path / "f", f"id,text\n{missing},coupé ici\n{missing},ici aussi\n")
    assert {post.id for post in found} == {"archive:f:"}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://twitter.com/fictif/status/703500000000000101", "twitter:703500000000000101"),
        ("https://x.com/i/web/status/703500000000000101?s=20", "twitter:703500000000000101"),
        ("https://www.tiktok.com/@fictif/video/7000000000000000001", "tiktok:7000000000000000001"),
        ("https://t.me/s/fictif/12", "telegram:fictif/12"),
        ("https://t.me/c/1001/12", "telegram:channel1001/12"),
        ("https://www.youtube.com/watch?v=aaaaaaaaaa1&lc=UgxFictif12345", "youtube:UgxFictif12345"),
        ("https://youtu.be/aaaaaaaaaa1", "youtube:aaaaaaaaaa1"),
        ("https://www.instagram.com/fictif/reel/ZZaa11/", "instagram:ZZaa11"),
        ("https://old.reddit.com/r/essai/comments/zz9/plus/ab1/", "reddit:t1_ab1"),
        ("https://vk.com/feed?w=wall-12_34", ""),
        ("https://vk.com/wall-12_34", "vk:-12_34"),
        ("https://a.example/@fictif/113000000000000001", "mastodon:a.example/113000000000000001"),
        (
            "at://did:plc:abc/app.bsky.feed.post/3k1",
            "bluesky:at://did:plc:abc/app.bsky.feed.post/3k1",
        ),
        ("https://twitter.com/fictif", ""),
        ("https://presse.example/article/5", ""),
        ("http://[bad", ""),
    ],
)
def test_address__says_platform_and_id(url: str, name: str) -> None:
    found = post_at(url)
    assert (f"{found.platform}:{found.native}" if found else "") == name


def test_address__that_is_a_link_in_a_text_says_nothing(tmp_path: Path) -> None:
    rows = "".join(
        f"70350000000000010{n},texte {n},https://youtu.be/aaaaaaaaaa{n}\n" for n in range(5)
    )
    found = posts(tmp_path / "f", f"id,text,link\n{rows}")
    assert {post.platform for post in found} == {"archive"}


def test_file__of_two_tools_is_read_record_by_record(tmp_path: Path) -> None:
    reddit = {"id": "a1", "title": "Coupé", "selftext": "", "subreddit": "x", "created_utc": 1}
    vk = {"id": 5, "owner_id": -9, "from_id": 8, "date": 1456603200, "text": "coupé"}
    lines = json.dumps(reddit) + "\n" + json.dumps(vk) + "\n"
    assert [post.id for post in posts(tmp_path / "f", lines)] == ["reddit:t3_a1", "vk:-9_5"]


# Privacy.

CHATS = [
    # Android: French, English (US), German, Arabic, Dutch, Swedish, Turkish.
    "27/02/2016, 20:00 - Prénom Nom: salut\n27/02/2016, 20:01 - Autre: oui\n",
    "2/27/16, 8:00 PM - Some One: hi\n2/27/16, 8:01 PM - Other: yes\n",
    "27.02.16, 20:00 - Vor Name: hallo\n27.02.16, 20:01 - Anderer: ja\n",
    "\u200f27/2/2016، 8:00 م - اسم خيالي: سلام\n\u200f27/2/2016، 8:01 م - آخر: نعم\n",
    "٢٧\u200f/٢\u200f/٢٠١٦، ٨:٠٠ م - اسم خيالي: سلام\n٢٧\u200f/٢\u200f/٢٠١٦، ٨:٠١ م - آخر: نعم\n",
    "27-02-16 20:00 - Voor Naam: hallo\n27-02-16 20:01 - Ander: ja\n",
    "2016-02-27 20:00 - För Namn: hej\n2016-02-27 20:01 - Annan: ja\n",
    "27/02/2016 à 20:00 - Prénom Nom: salut\n27/02/2016 à 20:01 - Autre: oui\n",
    # iOS.
    "[27/02/2016 20:00:01] Prénom Nom: salut\n\u200e[27/02/2016 20:01:01] Autre: \u200eimage\n",
    "[2/27/16, 8:00:01 PM] Some One: hi\n[2/27/16, 8:01:01 PM] Other: yes\n",
    # A system's line first, a message of several lines.
    "27/02/2016, 20:00 - Messages chiffrés.\n27/02/2016, 20:01 - Nom: a\nsuite\nsuite\n",
]


@pytest.mark.parametrize("chat", CHATS)
def test_chat__of_a_messenger_is_refused_in_any_language(chat: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="private conversation") as caught:
        read(tmp_path / "f", chat)
    assert "--map" not in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        {"personal_information": {"phone_number": "+212600000001"}, "contacts": {"list": []}},
        {"about": "x", "chats": {"about": "y", "list": [{"type": "personal_chat"}]}},
        [{"dmConversation": {"conversationId": "1-2", "messages": []}}],
        {"participants": [{"name": "A"}], "messages": [{"sender_name": "A", "timestamp_ms": 1}]},
        {"guild": {}, "channel": {"type": "DirectTextChat"}, "messages": [{"content": "x"}]},
        # X's API, both versions (docs.x.com, dm_events); Bluesky's lexicon chat.bsky.convo.
        {"data": [{"event_type": "MessageCreate", "text": "x", "dm_conversation_id": "1-2"}]},
        {"events": [{"message_create": {"target": {"recipient_id": "9"}, "message_data": {}}}]},
        {"messages": [{"$type": "chat.bsky.convo.defs#messageView", "text": "x"}]},
        # VK's messages.getHistory, Signal's and Snapchat's exports, Slack's, TikTok's of a user.
        {"response": {"items": [{"peer_id": 9, "conversation_message_id": 1, "text": "x"}]}},
        {"conversationId": "a", "type": "incoming", "body": "x", "sent_at": 1456603200000},
        {"fictif": [{"From": "fictif", "Media Type": "TEXT", "Created": "2016", "Content": "x"}]},
        [{"type": "message", "user": "U1", "text": "x", "ts": "1456603200.000100"}],
        {"Direct Messages": {"Chat History": {"ChatHistory": {}}}, "Comment": {}},
        {"212600000001@s.whatsapp.net": {"name": "x", "messages": {}}},
    ],
)
def test_document__of_private_messages_is_refused(document: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="private conversation"):
        read(tmp_path / "f", json.dumps(document))


@pytest.mark.parametrize(
    "table",
    [
        # Reddit's own data, Viber's export, WhatsApp's database, a box of mails.
        "id,permalink,thread_id,date,ip,from,to,subject,body\nm1,x,m0,2016-02-27,192.0.2.7,a,b,c,d\n",
        "27/02/2016,20:00:00,Prénom Nom,+212600000001,salut\n27/02/2016,20:01:00,Moi,,oui\n",
        "_id,key_remote_jid,key_from_me,data,timestamp\n1,a,0,salut,1456603200000\n",
        "From: a@presse.example\nTo: b@presse.example\nSubject: x\n\nBonjour, toi\n",
    ],
)
def test_table__of_private_messages_is_refused(table: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="private conversation") as caught:
        read(tmp_path / "f", table)
    assert "--map" not in str(caught.value)


def test_note_of_the_fediverse__that_is_addressed_to_persons_is_not_stored(tmp_path: Path) -> None:
    def note(number: int, to: str) -> dict[str, Any]:
        who = "https://a.example/users/fictif"
        return {
            "id": f"{who}/statuses/{number}",
            "type": "Note",
            "attributedTo": who,
            "to": [to],
            "content": f"<p>texte {number}</p>",
        }

    public = "https://www.w3.org/ns/activitystreams#Public"
    notes = [note(1, public), note(2, "https://a.example/users/autre")]
    assert [post.text for post in posts(tmp_path / "f", json.dumps(notes))] == ["texte 1"]


def test_direct_messages__of_an_own_archive_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="private conversation"):
        read(tmp_path / "f", 'window.YTD.direct_messages.part0 = [{"dmConversation": {}}]')


def test_table__with_dates_before_dashes_is_no_chat(tmp_path: Path) -> None:
    table = "date;texte\n27/02/2016 20:00;coupé - encore\n28/02/2016 20:00;rien: plus rien\n"
    assert len(posts(tmp_path / "f", table)) == 2


@pytest.mark.parametrize(
    "marked",
    [
        "[id123|Prénom Nomtest], regarde",
        "@id123 (Prénom Nomtest) regarde",
        "@[123:0:Prénom Nomtest] regarde",
        "[Prénom Nomtest](tg://user?id=123) regarde",
        '<a href="tg://user?id=123">Prénom Nomtest</a> regarde',
        '<span class="proflink"><a class="proflink" href="x">Prénom Nomtest</a></span> regarde',
        '<a class="mention" href="https://a.example/@x">Prénom Nomtest</a> regarde',
        "@\u2068Prénom Nomtest\u2069 regarde",
    ],
)
def test_name__in_the_mark_up_of_a_platform_is_masked(marked: str) -> None:
    assert "Nomtest" not in readable(marked).text
    assert "[user]" in readable(marked).text


def test_name__is_found_by_its_place_in_units_of_utf_16() -> None:
    assert without_names("😀 Nora dit", [Span(3, 4)], units=True) == "😀 [user] dit"


@pytest.mark.parametrize(
    "reference",
    [
        "[{'screen_name': 'fictif_un', 'name': 'Nomtest Un', 'id': '9'}]",
        "Nomtest: un",
        "Nomtest/un",
        "fictif_un",
    ],
)
def test_reference__that_is_a_name_never_stays_plain(reference: str, tmp_path: Path) -> None:
    record = {"id": "1", "text": "coupé", "reply_to": reference}
    [post] = posts(tmp_path / "f", json.dumps(record), platform="twitter")
    kept = Protector([KEY]).protect(post).post
    assert "fictif" not in kept.reply_to
    assert "Nomtest" not in kept.reply_to


# Text.


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("inwi &lt;3 &amp; rien", "inwi <3 & rien"),
        ("inwi &amp;lt;3 &amp;amp; l&amp;#39;été", "inwi <3 & l'été"),  # escaped twice
        ("R&amp;D; &amp;rien;", "R&D; &rien;"),
        ("Ù‚Ø·Ø¹Øª Ø§Ù„Ù…ÙƒØ§Ù„Ù…Ø§Øª", "قطعت المكالمات"),
        ("coupÃ© Ã  midi", "coupé à midi"),
        ("Åäæí ÊÞØÚ ÇáãßÇáãÇÊ", "إنوي تقطع المكالمات"),
        ("<U+0625><U+0646><U+0648><U+064A> coupe", "إنوي coupe"),
        ("b'caf\\xc3\\xa9 coup\\xc3\\xa9'", "café coupé"),
        ("\\u0625\\u0646\\u0648\\u064a \\ud83d\\ude02", "إنوي 😂"),
        ("<f0><9f><98><82> mdr", "😂 mdr"),
        ("5 < 6 et 7 > 3", "5 < 6 et 7 > 3"),
        ("<3 inwi", "<3 inwi"),
        ("« Ça va ? »", "« Ça va ? »"),
        ("À côté d'Évry, où ça ?", "À côté d'Évry, où ça ?"),
        ("C:\\temp", "C:\\temp"),
    ],
)
def test_text__is_as_its_readers_saw_it(written: str, text: str) -> None:
    assert readable(written).text == text


def test_text__that_was_repaired_says_so() -> None:
    assert readable("coupÃ©").repaired
    assert not readable("coupé &amp; <p>rien</p>").repaired


@pytest.mark.parametrize("nothing", ["[deleted]", "[removed]", "NA", "#NAME?", "NULL", "nan"])
def test_text__that_stands_for_nothing_is_no_post(nothing: str, tmp_path: Path) -> None:
    found = read(tmp_path / "f", f"id,text\n1,coupé ici\n2,{nothing}\n")
    assert [type(record) for record in found] == [Post, Reject]
    assert found[1].reason == "text-missing"


def test_tables__with_other_columns_may_be_joined(tmp_path: Path) -> None:
    table = (
        "id,text,created_at\n1,coupé,2016-02-27T10:00:00Z\n"
        "created_at,id,likes,text\n2016-02-28T10:00:00Z,2,7,encore\n"
    )
    found = posts(tmp_path / "f", table)
    assert [(post.text, post.counts) for post in found] == [("coupé", {}), ("encore", {"likes": 7})]
    source = ArchiveSource(tmp_path / "f", now=NOW)
    everything = list(source.open(""))
    for place, item in enumerate(everything):
        assert list(source.open(item.cursor)) == everything[place + 1 :]


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("[{'text': 'OpeUnlike', 'indices': [12, 22]}]", ("OpeUnlike",)),
        ('[{"name": "voip"}, {"name": "maroc"}]', ("voip", "maroc")),
        ("['voip', 'maroc']", ("voip", "maroc")),
        ('c("voip", "maroc")', ("voip", "maroc")),
        ("voip|maroc", ("voip", "maroc")),
        ("#voip #maroc", ("voip", "maroc")),
        ("[]", ()),
    ],
)
def test_hashtags__out_of_a_list_that_was_written_as_text(
    cell: str, tags: tuple[str, ...], tmp_path: Path
) -> None:
    record = {"id": "1", "text": "rien", "hashtags": cell}
    assert posts(tmp_path / "f", json.dumps(record))[0].hashtags == tags


# Dates.


def test_date__may_have_its_time_in_another_column(tmp_path: Path) -> None:
    [post] = posts(tmp_path / "f", "Date;Heure;Texte\n27/02/2016;21h14;coupé\n")
    assert post.created_at == datetime(2016, 2, 27, 21, 14, tzinfo=UTC)


def test_date__is_known_by_its_values(tmp_path: Path) -> None:
    table = "id,text,author_joined,quand\n1,coupé,2010-01-01,2016-02-27 21:14\n"
    [post] = posts(tmp_path / "f", table)
    assert post.created_at == datetime(2016, 2, 27, 21, 14, tzinfo=UTC)


# Import shows its hand.


def test_preview__tells_columns_dates_and_posts_and_stores_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "Identifiant;Texte;Date;Heure;Nombre de j'aime;Couleur\n"
        "1;@quelquun coupé;27/02/2016;21:14;4;bleu\n2;rien;demain;;5;vert\n",
        "utf-8",
    )
    [found] = preview([path])
    assert found.columns["likes"] == ["Nombre de j'aime"]
    assert found.not_taken == ["Couleur"]
    assert (found.posts, found.dates_read, found.dates_unread) == (2, 1, 1)
    assert found.unread_date == "demain"
    assert found.shown[0].text == "[user] coupé"
    assert list(tmp_path.iterdir()) == [path]


def test_preview__counts_and_shows_what_the_watchlist_keeps(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("id,text\n1,il pleut\n2,inwi a coupé\n3,@inwi ?\n", "utf-8")
    [found] = preview([path], PreviewOptions(watchlist=load("morocco-2016")))
    assert (found.posts, found.filtered, found.watchlist) == (3, 1, "morocco-2016")
    assert [post.text for post in found.shown] == ["inwi a coupé", "@inwi ?"]
    assert "watchlist morocco-2016: 2 posts kept, 1 left out" in "\n".join(preview_lines(found))
    [every] = preview([path])
    assert (every.filtered, len(every.shown)) == (0, 3)


def test_preview__has_the_error_of_a_file_that_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text(CHATS[0], "utf-8")
    [found] = preview([path], PreviewOptions(mapping={"text": "#3"}))
    assert "private conversation" in found.error
    assert found.posts == 0


def test_advice__proposes_no_dates_numbers_and_contacts(tmp_path: Path) -> None:
    record = {"quand": "2016-02-27", "telephone": "+212600000001 bureau", "n": "12", "x": "a@b.ma"}
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "f", json.dumps(record))
    for name in record:
        assert f"text={name}" not in str(caught.value)


# What is live already, as files.


def test_search_dump__of_elasticsearch_is_read(tmp_path: Path) -> None:
    hit = {"_index": "posts", "_id": "5", "_score": 1, "_source": {"text": "coupé", "likes": 3}}
    for name, content in {"a": json.dumps(hit), "b": json.dumps({"hits": {"hits": [hit]}})}.items():
        [post] = posts(tmp_path / name, content)
        assert (post.id.rpartition(":")[2], post.text, post.counts) == ("5", "coupé", {"likes": 3})


def test_compliance_answer__deletes_posts_and_no_accounts(tmp_path: Path) -> None:
    tweet = {
        "id": "703500000000000201", "action": "delete", "reason": "deleted",
        "created_at": "2016-02-27T20:00:00.000Z", "redacted_at": "2021-08-17T17:26:15.788Z",
    }  # fmt: skip
    account = {**tweet, "id": "9000001", "created_at": "2015-02-27T20:00:00.000Z"}
    [found] = read(tmp_path / "f", json.dumps(tweet) + "\n" + json.dumps(account) + "\n")
    assert isinstance(found, Tombstone)
    assert found.id == "twitter:703500000000000201"


def test_arabic_of_windows__with_french_among_it_is_read(tmp_path: Path) -> None:
    words = ["صافي غادي نبدل الشركة، c'est déjà fait", "واتساب ما بقاش خدام", "L'été à Fès"]
    table = "date;texte\n" + "".join(f"27/02/2016 20:00;{text}\n" for text in words)
    assert [post.text for post in posts(tmp_path / "f", table.encode("cp1256"))] == words


def test_french_of_windows__is_not_taken_for_arabic(tmp_path: Path) -> None:
    words = ["L’opérateur a coupé l’accès", "Ça suffit, c’est dégoûtant"]
    table = "date;texte\n" + "".join(f"27/02/2016 20:00;{text}\n" for text in words)
    assert [post.text for post in posts(tmp_path / "f", table.encode("cp1252"))] == words


def test_entities__of_letters_are_undone(tmp_path: Path) -> None:
    [post] = posts(
        tmp_path / "f", "id,text\n1,&#1589;&#1575;&#1601;&#1610; l&#39;acc&egrave;s &hellip;\n"
    )
    assert post.text == "صافي l'accès …"


@pytest.mark.parametrize(
    "tags",
    [
        '["OpeUnlike", "Maroc"]',
        "['OpeUnlike', 'Maroc']",
        "['OpeUnlike' 'Maroc']",  # NumPy
        "array(['OpeUnlike', 'Maroc'], dtype=object)",
        "{'OpeUnlike'}|Maroc",
        '{"OpeUnlike","Maroc"}',  # PostgreSQL
        'c("OpeUnlike", "Maroc")',  # R
        "OpeUnlike|Maroc",
        "#OpeUnlike #Maroc",
        "[{'text': 'OpeUnlike', 'indices': [1, 2]}, {'text': 'Maroc', 'indices': [3, 4]}]",
        '[{"start": 1, "end": 2, "tag": "OpeUnlike"}, {"start": 3, "end": 4, "tag": "Maroc"}]',
    ],
)
def test_hashtags__are_read_however_a_program_prints_them(tags: str, tmp_path: Path) -> None:
    cell = tags.replace('"', '""')
    [post] = posts(tmp_path / "f", f'id,text,hashtags\n1,coupé,"{cell}"\n')
    assert post.hashtags == ("OpeUnlike", "Maroc")


@pytest.mark.parametrize("nothing", ["[]", "NaN", "None", "character(0)", "list()", "0", "{}", "-"])
def test_hashtags__of_a_word_for_nothing_are_none(nothing: str, tmp_path: Path) -> None:
    [post] = posts(tmp_path / "f", f"id,text,hashtags\n1,coupé,{nothing}\n")
    assert post.hashtags == ()


@pytest.mark.parametrize(
    "profile",
    [
        "{'id': '91', 'username': 'fictif_un', 'name': 'Nomtest Un'}",
        '{"id": "91", "username": "fictif_un", "name": "Nomtest Un", "followers": 8}',
        # snscrape's account as pandas writes it, with what only Python can read.
        "{'username': 'fictif_un', 'id': 91, 'created': datetime.datetime(2010, 1, 1)}",
    ],
)
def test_author__that_is_a_profile_in_a_cell_is_its_handle(profile: str, tmp_path: Path) -> None:
    cell = profile.replace('"', '""')
    [post] = posts(tmp_path / "f", f'id,text,author\n1,coupé,"{cell}"\n')
    assert post.author == "fictif_un"


def test_retweet__in_a_table_is_known_by_its_list_of_references(tmp_path: Path) -> None:
    references = "[{'type': 'retweeted', 'id': '703500000000000101'}]"
    [post] = posts(
        tmp_path / "f", f'tweet_id,text,referenced_tweets\n703500000000000102,RT,"{references}"\n'
    )
    assert post.repost_of == "twitter:703500000000000101"


@pytest.mark.parametrize("native", ["'703500000000000101", '"=""703500000000000101"""'])
def test_id__that_is_guarded_against_spreadsheets_is_the_number(
    native: str, tmp_path: Path
) -> None:
    [post] = posts(tmp_path / "f", f"tweet_id,text,date\n{native},coupé,'27/02/2016 20:00\n")
    assert post.id == "twitter:703500000000000101"
    assert post.created_at == datetime(2016, 2, 27, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("X (formerly Twitter)", "twitter"),
        ("Twitter/X", "twitter"),
        ("https://www.facebook.com/", "facebook"),
        ("Facebook Pages", "facebook"),
        ("YouTube Comments", "youtube"),
        ("bsky.social", "bluesky"),
        ("تويتر", "twitter"),
        ("فايسبوك", "facebook"),
        ("Hespress", "hespress"),
        ("forum.presse.example", "forum.presse.example"),
        ("facebook-instagram", "facebook-instagram"),
    ],
)
def test_platform__has_one_name_however_it_is_written(
    written: str, name: str, tmp_path: Path
) -> None:
    [post] = posts(tmp_path / "f", f"platform,id,text\n{written},7,coupé\n")
    assert post.platform == name


def test_comments__that_were_asked_for_with_a_post_of_facebook_are_read(tmp_path: Path) -> None:
    """https://developers.facebook.com/docs/graph-api/guides/field-expansion."""

    def thing(native: str, text: str, **more: Any) -> dict[str, Any]:
        day = "2016-02-27T20:00:00+0000"
        return {"id": native, "message": text, "created_time": day, **more}

    answer = thing("555_2", "réponse")
    comment = thing("555_1", "commentaire", comments={"data": [answer]})
    post = thing("9_555", "annonce", comments={"data": [comment], "summary": {"total_count": 1}})
    found = posts(tmp_path / "f", json.dumps({"data": [post], "paging": {}}))
    assert [(one.text, one.reply_to) for one in found] == [
        ("annonce", ""),
        ("commentaire", "facebook:9_555"),
        ("réponse", "facebook:555_1"),
    ]
    assert found[0].counts == {"replies": 1}


def test_preview__counts_posts_whose_platform_nobody_names(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("id,text\n1,coupé\n", "utf-8")
    [found] = preview([tmp_path / "f"])
    assert found.nameless == 1
    [found] = preview([tmp_path / "f"], PreviewOptions(platform="twitter"))
    assert found.nameless == 0


def test_tweets_that_a_user_liked__are_refused(tmp_path: Path) -> None:
    liked = '[{"like": {"tweetId": "7", "fullText": "le texte d\'une autre personne"}}]'
    with pytest.raises(SourceError, match="what its user liked") as caught:
        read(tmp_path / "f", f"window.YTD.like.part0 = {liked}")
    assert "--map" not in str(caught.value)


def test_crowdtangle__is_known_by_its_earlier_columns_too(tmp_path: Path) -> None:
    """Exports of 2016 to 2020 call the date ``Created``; its zone is New York's, as written."""
    [post] = posts(
        tmp_path / "f",
        "Page Name,User Name,Facebook Id,Likes at Posting,"
        "Created,Likes,Comments,Shares,URL,Message\n"
        'Une page,fictif_un,1234,1000,2018-02-27 15:00:00 EST,"1,203",1,2,'
        "https://www.facebook.com/fictif_un/posts/555,coupé\n",
    )
    assert post.id == "facebook:555"
    assert post.created_at == datetime(2018, 2, 27, 20, tzinfo=UTC)
    assert post.counts == {"likes": 1203, "replies": 1, "reposts": 2}


def test_name_in_a_message_of_discord__is_masked(tmp_path: Path) -> None:
    message = {
        "id": "9",
        "type": "Default",
        "timestamp": "2016-02-27T20:00:00+00:00",
        "timestampEdited": None,
        "content": "merci @Nora Nomtest pour hier",
        "author": {"id": "91", "name": "fictif_un"},
        "mentions": [{"id": "92", "name": "fictif_deux", "nickname": "Nora Nomtest"}],
    }
    [post] = posts(tmp_path / "f", json.dumps(message))
    assert post.text == "merci [user] pour hier"

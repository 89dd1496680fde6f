"""Which field of an archive becomes which field of a post."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import MappingError, SourceError
from ingest.mapping.fields import TARGETS, plain
from ingest.mapping.ids import platform_name
from ingest.records import Post, Reject, encode
from ingest.sources.archive.retried import parse_raw
from ingest.sources.archive.source import ArchiveSource

NOW = datetime(2024, 1, 1, tzinfo=UTC)
DOCS = Path(__file__).parents[2] / "docs" / "archives.md"


def source(path: Path, content: str | list[dict[str, Any]], **options: Any) -> ArchiveSource:
    if not isinstance(content, str):
        content = "\n".join(json.dumps(record) for record in content)
    path.write_text(content, encoding="utf-8")
    return ArchiveSource(path, dataset="set", now=NOW, **options)


def one(path: Path, record: dict[str, Any], **options: Any) -> Post:
    [item] = source(path, [record], **options).open("")
    assert isinstance(item.record, Post), item.record
    return item.record


def test_a_tweet_of_the_first_api_is_understood(tmp_path: Path) -> None:
    tweet = {
        "created_at": "Sat Feb 27 21:14:05 +0000 2016",
        "id": 703690000000000000,
        "id_str": "703693485203859382",
        "text": "cut…",
        "extended_tweet": {"full_text": "the whole text #VoIP"},
        "source": "<a>web</a>",
        "in_reply_to_status_id": None,
        "in_reply_to_status_id_str": "703693485203859000",
        "user": {"id_str": "12", "screen_name": "someone", "name": "Some One"},
        "favorite_count": 3,
        "retweet_count": 1,
        "entities": {"hashtags": [{"text": "VoIP"}, {"text": "Maroc"}]},
    }
    post = one(tmp_path / "f", tweet, platform="twitter")
    assert post == Post(
        id="twitter:703693485203859382",
        platform="twitter",
        text="the whole text #VoIP",
        version=1456607645000,
        created_at=datetime(2016, 2, 27, 21, 14, 5, tzinfo=UTC),
        collected_at=NOW,
        author="someone",
        url="https://twitter.com/i/web/status/703693485203859382",
        reply_to="twitter:703693485203859000",
        hashtags=("VoIP", "Maroc"),
        counts={"likes": 3, "reposts": 1},
        source="archive:set",
    )


def test_a_tweet_of_the_second_api_is_understood(tmp_path: Path) -> None:
    tweet = {
        "id": "703693485203859382",
        "text": "bonjour",
        "created_at": "2016-02-27T21:14:05.000Z",
        "author_id": "12",
        "author": {"id": "12", "username": "someone"},
        "referenced_tweets": [{"type": "replied_to", "id": "5"}, {"type": "quoted", "id": "6"}],
        "public_metrics": {"like_count": 4, "retweet_count": 0, "impression_count": 90},
        "edit_history_tweet_ids": ["703693485203859382"],
    }
    post = one(tmp_path / "f", tweet, platform="x")
    assert (post.author, post.reply_to, post.repost_of) == ("someone", "twitter:5", "")
    assert post.counts == {"likes": 4, "reposts": 0, "views": 90}


def test_names_of_columns_are_known_in_any_spelling(tmp_path: Path) -> None:
    table = (
        "Tweet Id,User Screen Name,Created At,Full-Text,retweetCount,Lien,Plateforme\n"
        '5,@quelqu1,2016-02-27T21:14Z,Ça va #réseau,"1,234",https://example.org/5,Twitter\n'
    )
    [item] = source(tmp_path / "f", table).open("")
    post = item.record
    assert isinstance(post, Post)
    assert (post.id, post.author, post.url) == ("twitter:5", "quelqu1", "https://example.org/5")
    assert (post.text, post.hashtags, post.counts) == (
        "Ça va #réseau",
        ("réseau",),
        {"reposts": 1234},
    )


def test_source_is_not_taken_for_a_platform(tmp_path: Path) -> None:
    post = one(tmp_path / "f", {"id": "a", "text": "b", "label": 1, "lang": "fr", "source": "x"})
    assert (post.id, post.platform, post.source) == ("archive:set:a", "archive", "archive:set")


def test_a_named_field_counts_more_than_a_known_one(tmp_path: Path) -> None:
    record = {"id": 1, "text": "no", "body": "yes", "user": {"name": {"full": "N"}, "list": ["L"]}}
    mapping = {"text": "body", "author": "user.name.full", "url": "user.list.0"}
    post = one(tmp_path / "f", record, mapping=mapping)
    assert (post.text, post.author, post.url) == ("yes", "N", "L")


def test_a_name_with_a_dot_may_be_one_field(tmp_path: Path) -> None:
    record = {"id": 1, "user.name": "flat", "message.text": "t"}
    mapping = {"author": "user.name", "text": "message.text"}
    assert one(tmp_path / "f", record, mapping=mapping).author == "flat"


def test_a_table_without_header_is_mapped_by_places(tmp_path: Path) -> None:
    rows = '"0","146","Sat Feb 27 21:14:05 UTC 2016","NO_QUERY","someone","bonjour"\n' * 2
    mapping = {"text": "#6", "id": "#2", "created_at": "#3", "author": "#5"}
    opened = source(tmp_path / "f", rows, mapping=mapping)
    posts = [item.record for item in opened.open("")]
    assert len(posts) == 2
    assert isinstance(posts[0], Post)
    assert (posts[0].id, posts[0].text, posts[0].author) == (
        "archive:set:146",
        "bonjour",
        "someone",
    )
    assert posts[0].created_at == datetime(2016, 2, 27, 21, 14, 5, tzinfo=UTC)
    assert not opened.details().header


@pytest.mark.parametrize(
    "table", ["id;title;words\n1;a;b\n", [{"id": 1, "title": "a", "words": "b"}]]
)
def test_without_a_text_field_the_error_lists_the_fields_and_shows_the_option(
    table: Any, tmp_path: Path
) -> None:
    with pytest.raises(MappingError, match=r"'id', 'title', 'words'.*--map 'text=words'"):
        list(source(tmp_path / "f", table).open(""))


@pytest.mark.parametrize("table", ["id,texts\n1,b\n", [{"id": 1, "text": "a"}]])
def test_a_named_field_that_the_file_lacks_is_told_before_reading(
    table: Any, tmp_path: Path
) -> None:
    with pytest.raises(MappingError, match=r"no field 'textes'.*Did you mean 'text"):
        source(tmp_path / "f", table, mapping={"text": "textes"}).open("")
    with pytest.raises(MappingError, match=r"no field '(texts|from.name)'"):
        source(tmp_path / "f", table, mapping={"text": "texts", "author": "from.name"}).open("")


def test_a_named_field_that_only_the_head_lacks_is_noted(tmp_path: Path) -> None:
    records = [{"id": n, "text": "a" * 200} for n in range(12_000)]
    records.append({"id": 12_000, "text": "b", "again": "5"})
    opened = source(tmp_path / "f", records, mapping={"repost_of": "again"})
    assert opened.details().unseen == ["again"]
    last = [item.record for item in opened.open("")][-1]
    assert isinstance(last, Post)
    assert last.repost_of == "archive:set:5"


def test_a_field_that_no_post_has_is_refused_with_the_list_of_those_it_has(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"no field 'texte'.*Did you mean text\?"):
        ArchiveSource(tmp_path, mapping={"texte": "body"})
    with pytest.raises(MappingError, match="name the field of the file"):
        ArchiveSource(tmp_path, mapping={"text": ""})


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="'Mars/Base' is not known: write Europe/Paris"):
        ArchiveSource(tmp_path, timezone="Mars/Base")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("X", "twitter"),
        (" Twitter ", "twitter"),
        ("www.twitter.com", "twitter"),
        ("FB", "facebook"),
        ("Bsky.app", "bluesky"),
        ("My Forum", "my-forum"),
        ("mastodon.social", "mastodon.social"),
        ("a:b", "a-b"),
        ("منتدى", "منتدى"),
        (":", ""),
    ],
)
def test_platforms_have_one_name_each(written: str, name: str) -> None:
    assert platform_name(written) == name


def test_the_platform_of_a_record_names_the_space_of_its_ids(tmp_path: Path) -> None:
    record = {"id": "9", "text": "a", "platform": "X", "reply_to": "8"}
    post = one(tmp_path / "f", record)
    assert (post.id, post.platform, post.reply_to) == ("twitter:9", "twitter", "twitter:8")
    assert one(tmp_path / "f", record, platform="forum").id == "forum:9"
    mapped = one(tmp_path / "f", record, platform="forum", mapping={"platform": "platform"})
    assert mapped.id == "twitter:9"


@pytest.mark.parametrize(
    ("field", "value", "reference"),
    [
        ("reply_to", "5", "twitter:5"),
        ("reply_to", 5, "twitter:5"),
        ("reply_to", "twitter:5", "twitter:5"),
        ("reply_to", "at://did:plc:abc/post/5", "twitter:at://did:plc:abc/post/5"),
        ("reply_to", "someone", "someone"),
        ("reply_to", "@someone", "@someone"),
        ("parent_id", "t3_abc", "t3_abc"),  # ids of tweets are numbers
        ("reply_to", "0", ""),
        ("parent_id", "NULL", ""),
        ("reply_to", "[{'screen_name': 'someone'}]", "someone"),  # as Python writes a list
        ("reply_to", "[]", ""),
        ("parent_id", "some one", "some one"),
        ("reply_to", "some: one", "some one"),
        ("parent_id", 6.9e17, ""),
        ("reply_to", [{"id": 5}], ""),
    ],
)
def test_a_reply_names_a_post_unless_it_may_be_the_name_of_an_account(
    field: str, value: Any, reference: str, tmp_path: Path
) -> None:
    # What has no platform before it is replaced by a pseudonym later.
    record = {"id": "9", "text": "a", field: value}
    assert one(tmp_path / "f", record, platform="x").reply_to == reference
    if isinstance(value, str):
        [item] = source(tmp_path / "g", f"id,text,{field}\n9,a,{value}\n", platform="x").open("")
        assert item.record.reply_to == reference  # type: ignore[union-attr]


@pytest.mark.parametrize("native", [None, "", " "])
def test_a_post_without_id_keeps_the_place_of_one_free(native: str | None, tmp_path: Path) -> None:
    record = {"id": native, "text": "a"}
    assert one(tmp_path / "f", record).id == "archive:set:"
    assert one(tmp_path / "f", record, platform="fb").id == "facebook:"


def test_what_marsad_exported_is_read_as_the_same_post(tmp_path: Path) -> None:
    post = one(tmp_path / "f", {"id": "9", "text": "a #b", "platform": "x", "likes": 2})
    path = tmp_path / "g"
    path.write_bytes(encode(post))
    [item] = ArchiveSource(path, dataset="set", now=NOW).open("")
    assert item.record == post


@pytest.mark.parametrize("path", [("_id", "$oid"), ("id", "$numberLong")])
def test_ids_and_dates_of_mongodb_are_unwrapped(path: tuple[str, str], tmp_path: Path) -> None:
    key, kind = path
    record = {key: {kind: "57"}, "text": "a", "created_at": {"$date": "2016-02-27T21:14:05Z"}}
    post = one(tmp_path / "f", record)
    assert post.id == "archive:set:57"
    assert post.created_at == datetime(2016, 2, 27, 21, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "tags"),
    [
        (["a", "#b", "a"], ("a", "b")),
        ([{"text": "a"}, {"tag": "b"}, {"name": "c"}, 5], ("a", "b", "c")),
        ("#a #b", ("a", "b")),
        ("a, b;c|d", ("a", "b", "c", "d")),
        ("['a', 'b']", ("a", "b")),
        ("[]", ()),
        ([], ()),
        (None, ("قاطعوا_الشركات", "Été")),
    ],
)
def test_hashtags_come_from_their_field_else_from_the_text(
    field: Any, tags: tuple[str, ...], tmp_path: Path
) -> None:
    text = "#قاطعوا_الشركات ##x a#b &#39; http://example.org/#part #1 #Été, #Été"
    assert one(tmp_path / "f", {"id": 1, "text": text, "hashtags": field}).hashtags == tags


@pytest.mark.parametrize(
    ("value", "count"),
    [(3, 3), ("3", 3), (3.0, 3), ("1,234", 1234), ("1.234.567", 1234567), ("12 345", 12345)]
    + [(value, None) for value in ("1.2K", -1, None, "", 1.5, True, [3], 10**30)],
)
def test_counters_are_whole_numbers_or_left_out(
    value: Any, count: int | None, tmp_path: Path
) -> None:
    counts = one(tmp_path / "f", {"id": 1, "text": "a", "likes": value}).counts
    assert counts == ({} if count is None else {"likes": count})


def test_dates_missing_impossible_and_without_zone_are_flagged_and_the_post_is_kept(
    tmp_path: Path,
) -> None:
    def flags(date: Any) -> tuple[str, ...]:
        return one(tmp_path / "f", {"id": 1, "text": "a", "date": date}).flags

    assert flags(None) == flags("hier") == flags("") == flags([1]) == ("date-unknown",)
    assert flags("0001-01-01T00:00:00Z") == flags("2099-01-01T00:00:00Z") == ("date-implausible",)
    assert flags("0000-00-00 00:00:00") == ("date-unknown", "date-implausible")
    assert flags("2016-02-27 21:14") == ("zone-assumed",)
    assert flags(1456607645) == flags("2016-02-27 21:14Z") == ()


def test_what_an_archive_calls_fictional_is_flagged_and_nothing_else(tmp_path: Path) -> None:
    def flags(**fields: Any) -> tuple[str, ...]:
        return one(tmp_path / "f", {"id": 1, "text": "a", "date": 1456607645, **fields}).flags

    assert flags(fictional=True) == flags(fictional="yes") == flags(fictional=1) == ("fictional",)
    assert flags(flags=["zone-assumed", "fictional"]) == ("fictional",)  # an export read again
    assert flags(fictional=False) == flags(fictional="no") == flags(flags=1) == flags() == ()
    mapped = one(tmp_path / "f", {"text": "a", "date": 1456607645, "made_up": True},
                 mapping={"fictional": "made_up"})  # fmt: skip
    assert mapped.flags == ("fictional",)


def test_the_version_is_the_edit_else_the_plausible_creation_else_nothing(tmp_path: Path) -> None:
    def version(created: Any, edited: Any) -> int:
        record = {"id": 1, "text": "a", "created_at": created, "edited_at": edited}
        return one(tmp_path / "f", record).version

    assert version("2016-02-27T21:14:05.123Z", None) == 1456607645123
    assert version("2016-02-27T21:14:05Z", 1456607700) == 1456607700000
    assert version("2016-02-27T21:14:05Z", "2099-01-01") == 1456607645000
    assert version("2099-01-01", None) == version(None, "?") == 0


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "UTC", "Africa/Casablanca", "Pacific/Kiritimati"])
def test_a_date_whose_zone_is_told_beats_the_same_one_with_an_assumed_zone(
    tmp_path: Path, zone: str
) -> None:
    record = {"id": 1, "text": "a", "created_at": "2016-02-27 21:14"}
    edited = {**record, "created_at": "2016-02-26T21:14:00Z", "edited_at": "2016-02-27 21:14"}
    for written in (record, edited):
        assumed = one(tmp_path / "f", written)
        told = one(tmp_path / "f", written, timezone=zone)
        assert assumed.rank() < told.rank()
        assert told.flags == ()
        assert assumed == one(tmp_path / "f", written)
    assert one(tmp_path / "f", record).flags == ("zone-assumed",)


def test_how_many_dates_had_an_assumed_zone_is_counted(tmp_path: Path) -> None:
    dates = ["2016-02-27 21:14", "2016-02-27 21:15", "2016-02-27T21:14:00Z", None]
    records = [{"id": n, "text": "a", "date": date} for n, date in enumerate(dates)]
    for zone, count in ((None, 2), ("UTC", 0)):
        archive = source(tmp_path / "f", records, timezone=zone)
        assert len(list(archive.open(""))) == 4
        assert archive.zones_assumed == count
        assert archive.details().timezone_told is (zone is not None)


def test_the_columns_way_of_writing_dates_is_used_for_all_its_rows(tmp_path: Path) -> None:
    table = "id,text,date\n1,a,03/04/2016\n2,b,02/27/2016\n"
    opened = source(tmp_path / "f", table)
    first = next(opened.open("")).record
    assert isinstance(first, Post)
    assert first.created_at == datetime(2016, 3, 4, tzinfo=UTC)
    assert not opened.details().day_first


def test_a_record_among_dead_letters_is_read_again_with_another_mapping(tmp_path: Path) -> None:
    opened = source(tmp_path / "f", [{"id": 1, "text": "a"}, {"id": 2, "words": "b"}], platform="x")
    dead = [item.record for item in opened.open("")][1]
    assert isinstance(dead, Reject)
    assert parse_raw(dead.raw, opened.context, now=NOW).record == dead
    again = parse_raw(dead.raw, opened.context, mapping={"text": "words"}, now=NOW).record
    assert isinstance(again, Post)
    assert (again.id, again.text) == ("twitter:2", "b")
    with pytest.raises(SourceError, match="import its file again"):
        parse_raw(dead.raw, "{}")


def test_a_row_among_dead_letters_is_read_again_with_its_columns(tmp_path: Path) -> None:
    opened = source(tmp_path / "f", "id;text;alt;date\n6.9E+17;a;17;03/27/2016\n")
    dead = next(opened.open("")).record
    assert isinstance(dead, Reject)
    again = parse_raw(dead.raw, opened.context, mapping={"id": "alt"}, now=NOW).record
    assert isinstance(again, Post)
    assert (again.id, again.text) == ("archive:set:17", "a")
    assert again.created_at == datetime(2016, 3, 27, tzinfo=UTC)
    for raw, reason in (
        (b"1;a;b;c;d", "extra-cells"),
        (b'1;"a', "csv-quote"),
        (b"1;\xff;;", "encoding-invalid"),
        (b"1;\0;;", "nul"),
        (b";;;", "row-empty"),
        (b"", "row-empty"),
    ):
        record = parse_raw(raw, opened.context).record
        assert isinstance(record, Reject)
        assert record.reason == reason


def test_every_target_and_every_known_name_is_documented() -> None:
    from ingest.mapping.fields import ALIASES

    text = DOCS.read_text(encoding="utf-8")
    for target in TARGETS:
        assert f"| `{target}` |" in text
        row = next(line for line in text.splitlines() if line.startswith(f"| `{target}` |"))
        for alias in ALIASES[target].split():
            assert f"`{alias}`" in row, (target, alias)


def test_names_are_compared_by_letters_and_digits() -> None:
    assert plain("Créé le") == plain("cree_le") == "creele"
    assert plain("userScreenName") == plain("user.screen_name")

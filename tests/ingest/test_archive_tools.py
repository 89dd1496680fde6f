"""Archives of other tools: every fixture becomes the posts that its folder expects.

Each folder of ``fixtures/archives`` holds files in the shape one tool writes, with invented
contents, the posts they hold (``expected.json``, written by hand) and where the shape is
published (``SOURCE.md``).
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import MappingError, SourceError
from ingest.mapping.ids import Number
from ingest.mapping.tool import Deletion
from ingest.privacy.keyring import Key
from ingest.privacy.protector import Protector, is_pseudonym
from ingest.records import Post, Reject, Tombstone, encode
from ingest.sources.archive.registry import _CANDIDATES, TOOLS, of_record
from ingest.sources.archive.retried import parse_raw
from ingest.sources.archive.source import ArchiveSource

NOW = datetime(2024, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parent / "fixtures" / "archives"
DOCS = Path(__file__).parents[2] / "docs" / "archives.md"
FOLDERS = sorted(folder for folder in ROOT.iterdir() if folder.is_dir())
EXPECTED = {
    folder.name: json.loads((folder / "expected.json").read_text("utf-8")) for folder in FOLDERS
}
FILES = [(folder, file) for folder, expected in EXPECTED.items() for file in expected["files"]]
KEY = Key("ktest", datetime(2016, 1, 1, tzinfo=UTC), "11" * 32)
#: Expected of every record but named in ``expected.json`` only where it holds something.
DEFAULTS: dict[str, Any] = {
    "author": "", "url": "", "reply_to": "", "repost_of": "",
    "hashtags": [], "counts": {}, "flags": [],
}  # fmt: skip


def source(path: Path, **options: Any) -> ArchiveSource:
    return ArchiveSource(path, dataset="set", now=NOW, **options)


def fixture(folder: str, file: str) -> Path:
    return ROOT / folder / file


def shown(record: object) -> dict[str, Any]:
    """Return what a record says, without what is the same for all of one import."""
    if isinstance(record, Tombstone):
        return json.loads(encode(record))  # type: ignore[no-any-return]
    assert isinstance(record, Post), record
    fields = {**DEFAULTS, **json.loads(encode(record))}
    assert fields.pop("source") == "archive:set"
    for name in ("version", "collected_at"):
        fields.pop(name, None)
    return fields


@pytest.mark.parametrize(("folder", "file"), FILES)
def test_every_file_holds_the_posts_that_are_expected(folder: str, file: str) -> None:
    expected = EXPECTED[folder]["files"][file]
    opened = source(fixture(folder, file))
    assert opened.details().tool == expected["tool"]
    found = [shown(item.record) for item in opened.open("")]
    assert found == [
        record if "deleted_at" in record else {**DEFAULTS, **record}
        for record in expected["records"]
    ]


@pytest.mark.parametrize(("folder", "file"), FILES)
def test_no_name_survives_the_protection_of_authors(folder: str, file: str) -> None:
    protector = Protector([KEY])
    names = EXPECTED[folder]["names"]
    assert names
    for item in source(fixture(folder, file)).open(""):
        record = item.record
        if isinstance(record, Tombstone):
            kept = encode(protector.protect_tombstone(record).tombstone).decode()
        else:
            assert isinstance(record, Post)
            post = protector.protect(record).post
            assert bool(post.author) == bool(record.author)
            assert not post.author or is_pseudonym(post.author)
            kept = encode(post).decode()
        for name in names:
            assert name.casefold() not in kept.casefold()


@pytest.mark.parametrize(("folder", "file"), FILES)
def test_no_post_is_there_twice(folder: str, file: str) -> None:
    ids = [
        item.record.id
        for item in source(fixture(folder, file)).open("")
        if isinstance(item.record, Post) and not item.record.id.endswith(":")
    ]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("folder", "file"), FILES)
def test_an_import_goes_on_after_every_post_also_within_a_page(folder: str, file: str) -> None:
    everything = list(source(fixture(folder, file)).open(""))
    for place, item in enumerate(everything):
        rest = list(source(fixture(folder, file)).open(item.cursor))
        assert rest == everything[place + 1 :]


@pytest.mark.parametrize(("folder", "file"), FILES)
def test_the_content_decides_not_the_name_of_the_file(
    folder: str, file: str, tmp_path: Path
) -> None:
    path = fixture(folder, file)
    expected = [item.record for item in source(path).open("")]
    shutil.copy(path, tmp_path / "nothing.csv")
    (tmp_path / "tweets.js").write_bytes(gzip.compress(path.read_bytes()))
    for name in ("nothing.csv", "tweets.js"):
        opened = source(tmp_path / name)
        assert opened.details().tool == EXPECTED[folder]["files"][file]["tool"]
        assert [item.record for item in opened.open("")] == expected


@pytest.mark.parametrize(("folder", "file"), FILES)
def test_what_is_known_about_a_file_goes_with_its_dead_letters(folder: str, file: str) -> None:
    opened = source(fixture(folder, file))
    assert json.loads(opened.context)["tool"] == EXPECTED[folder]["files"][file]["tool"]


@pytest.mark.parametrize(("folder", "file"), FILES)
def test_dates_become_versions(folder: str, file: str) -> None:
    for item in source(fixture(folder, file), timezone="UTC").open(""):
        if isinstance(item.record, Post):
            created = item.record.created_at
            assert created is not None
            assert item.record.version >= int(created.timestamp() * 1000) > 0


def test_one_account_and_one_post_are_the_same_whichever_tool_exported_them() -> None:
    protector = Protector([KEY])
    seen: dict[str, set[tuple[str, datetime | None, str]]] = defaultdict(set)
    tools: dict[str, set[str]] = defaultdict(set)
    for folder, file in FILES:
        for item in source(fixture(folder, file)).open(""):
            if isinstance(item.record, Post) and item.record.author:
                post = protector.protect(item.record).post
                seen[post.id].add((post.author, post.created_at, post.url))
                tools[post.id].add(folder)
    shared = {name: found for name, found in tools.items() if len(found) > 1}
    assert len(shared["twitter:703500000000000101"]) == 7
    assert len(shared["instagram:ZZaa11"]) == 4
    assert any(name.startswith("telegram:") for name in shared)
    for name in shared:
        # CrowdTangle gives Facebook's pages by number in addresses, by handle as author.
        by_number = name.startswith("facebook:")
        accounts = {author for author, _, _ in seen[name]}
        moments = {at.replace(microsecond=0) for _, at, _ in seen[name] if at}
        addresses = {url for _, _, url in seen[name] if url}
        assert (len(accounts), len(moments)) == (1, 1), (name, seen[name])
        assert by_number or len(addresses) <= 1, (name, addresses)


def test_every_edit_counts_as_a_version() -> None:
    for folder, file in (("telegram-desktop", "result.json"), ("4cat-csv", "telegram.csv")):
        [edited] = [
            item.record
            for item in source(fixture(folder, file)).open("")
            if isinstance(item.record, Post) and item.record.text == "merci"
        ]
        assert edited.version == 1456571400000


def test_the_time_of_capture_is_kept() -> None:
    [first, *_] = source(fixture("zeeschuimer", "capture")).open("")
    assert isinstance(first.record, Post)
    assert first.record.collected_at == datetime(2023, 11, 14, 22, 13, 20, 1000, tzinfo=UTC)
    [first, *_] = source(fixture("twarc-v2", "pages.jsonl")).open("")
    assert isinstance(first.record, Post)
    assert first.record.collected_at == datetime(2023, 1, 5, 10, tzinfo=UTC)


def test_a_record_of_another_tool_in_the_same_file_is_read_by_its_field_names(
    tmp_path: Path,
) -> None:
    content = fixture("twarc-v1", "a.jsonl").read_bytes()
    (tmp_path / "f").write_bytes(content + b'{"id": "5", "text": "autre", "author": "x"}\n')
    last = [item.record for item in source(tmp_path / "f").open("")][-1]
    assert isinstance(last, Post)
    assert (last.id, last.text, last.author) == ("archive:set:5", "autre", "x")


def test_with_a_mapping_of_the_user_no_tool_is_asked(tmp_path: Path) -> None:
    opened = source(fixture("twarc-v1", "a.jsonl"), mapping={"text": "lang"})
    assert opened.details().tool == ""
    assert next(opened.open("")).record.text == "fr"  # type: ignore[union-attr]


def test_the_platform_that_is_given_counts_more_than_the_tools() -> None:
    post = next(source(fixture("twarc-v1", "a.jsonl"), platform="forum").open("")).record
    assert post.id == "forum:703500000000000101"  # type: ignore[union-attr]


def test_a_bad_tweet_of_a_page_costs_only_itself_and_can_be_tried_again(tmp_path: Path) -> None:
    page = json.loads(fixture("twarc-v2", "one-page.json").read_text("utf-8"))
    page["data"][1]["id"] = 7.035e17
    page["data"][2]["text"] = None
    page["includes"]["tweets"] = []
    (tmp_path / "f").write_text(json.dumps(page), "utf-8")
    opened = source(tmp_path / "f")
    good, rounded, textless = (item.record for item in opened.open(""))
    assert isinstance(good, Post)
    assert isinstance(rounded, Reject)
    assert isinstance(textless, Reject)
    assert (rounded.reason, textless.reason) == ("id-rounded", "no-text")
    assert b"nora_fictive chez moi" in rounded.raw
    assert TEXT.encode() not in rounded.raw
    assert parse_raw(rounded.raw, opened.context, now=NOW).record == rounded
    again = parse_raw(rounded.raw.replace(b"7.035e+17", b"703500000000000102"), opened.context)
    assert isinstance(again.record, Post)
    assert (again.record.id, again.record.author) == ("twitter:703500000000000102", "karim_exemple")


TEXT = "Plus d'appels par internet depuis ce matin"


def test_a_page_longer_than_what_is_looked_at_first_is_read_with_its_accounts(
    tmp_path: Path,
) -> None:
    page = json.loads(fixture("twarc-v2", "one-page.json").read_text("utf-8"))
    first = page["data"][0]
    page["data"] = [
        {**first, "id": str(10**17 + n), "text": f"{n} " + "mot " * 400} for n in range(700)
    ]
    for form in (None, 1):
        (tmp_path / "f").write_text(json.dumps(page, indent=form), "utf-8")
        assert (tmp_path / "f").stat().st_size > 1_300_000
        found = [item.record for item in source(tmp_path / "f").open("")]
        assert len(found) == 700
        assert {record.author for record in found if isinstance(record, Post)} == {"nora_fictive"}


def test_a_platform_of_zeeschuimer_that_is_not_read_is_told_with_its_fields(
    tmp_path: Path,
) -> None:
    line = json.loads(fixture("zeeschuimer", "capture").read_text("utf-8").splitlines()[0])
    line = {**line, "source_platform": "example.org", "data": {"id": "1", "words": "a"}}
    (tmp_path / "f").write_text(json.dumps(line), "utf-8")
    with pytest.raises(MappingError, match=r"'words'.*--map"):
        source(tmp_path / "f").details()
    mapping = {"text": "data.words", "id": "data.id"}
    [item] = source(tmp_path / "f", mapping=mapping, platform="example").open("")
    assert isinstance(item.record, Post)
    assert (item.record.id, item.record.text) == ("example:1", "a")


def test_a_page_that_becomes_a_dead_letter_whole_is_not_tried_as_one_post() -> None:
    opened = source(fixture("twarc-v2", "pages.jsonl"))
    raw = fixture("twarc-v2", "one-page.json").read_bytes()
    with pytest.raises(SourceError, match="holds 3 posts; import its file again"):
        parse_raw(raw, opened.context)


@pytest.mark.parametrize("kind", ["personal_chat", "saved_messages", "bot_chat"])
def test_private_conversations_are_refused(kind: str, tmp_path: Path) -> None:
    export = json.loads(fixture("telegram-desktop", "result.json").read_text("utf-8"))
    (tmp_path / "f").write_text(json.dumps({**export, "type": kind}), "utf-8")
    with pytest.raises(SourceError, match="private conversation"):
        list(source(tmp_path / "f").open(""))


def test_a_message_among_dead_letters_keeps_the_chat_it_belongs_to(tmp_path: Path) -> None:
    export = json.loads(fixture("telegram-desktop", "result.json").read_text("utf-8"))
    export["messages"][1]["text"] = 5
    (tmp_path / "f").write_text(json.dumps(export), "utf-8")
    opened = source(tmp_path / "f")
    dead = next(opened.open("")).record
    assert isinstance(dead, Reject)
    assert dead.reason == "text-not-string"
    again = parse_raw(dead.raw.replace(b'"text": 5', b'"text": "cinq"'), opened.context).record
    assert isinstance(again, Post)
    assert (again.id, again.author) == ("telegram:channel901/77", "channel901")


def test_tweets_that_their_author_deleted_are_refused(tmp_path: Path) -> None:
    content = fixture("twitter-own-data", "tweets.js").read_bytes()
    (tmp_path / "f").write_bytes(content.replace(b"YTD.tweets.", b"YTD.deleted_tweets."))
    with pytest.raises(SourceError, match="deleted by their author"):
        list(source(tmp_path / "f").open(""))


@pytest.mark.parametrize("name", ["Actu: Radio/Imaginaire", "https://imaginaire", "4711", "a:b"])
def test_no_name_of_a_forwarded_chat_is_taken_for_an_id_or_an_address(
    name: str, tmp_path: Path
) -> None:
    export = json.loads(fixture("telegram-desktop", "result.json").read_text("utf-8"))
    export["messages"][3]["forwarded_from"] = name
    (tmp_path / "f").write_text(json.dumps(export), "utf-8")
    post = [item.record for item in source(tmp_path / "f").open("")][2]
    assert isinstance(post, Post)
    assert is_pseudonym(Protector([KEY]).protect(post).post.repost_of)


def test_tables_of_tabs_that_were_written_without_quoting_keep_their_quotation_marks(
    tmp_path: Path,
) -> None:
    # As the first versions of YouTube Data Tools did.
    header, *rows = fixture("youtube-data-tools", "comments.tab").read_text("utf-8").splitlines()
    texts = ['"Coupé" dit-il', '"', 'dit "rien"', '"tout entre guillemets"']
    cells = rows[1].split("\t")
    lines = ["\t".join([*cells[:5], text, *cells[6:]]) for text in texts]
    (tmp_path / "f").write_text("\n".join([header, *lines]), "utf-8")
    found = [item.record for item in source(tmp_path / "f").open("")]
    assert [record.text for record in found if isinstance(record, Post)] == texts
    (tmp_path / "g").write_text("\n".join([header, *lines[2:]]), "utf-8")
    found = [item.record for item in source(tmp_path / "g").open("")]
    assert [record.text for record in found if isinstance(record, Post)] == [
        'dit "rien"',
        "tout entre guillemets",
    ]


def test_an_incomplete_capture_of_instagram_becomes_a_dead_letter(tmp_path: Path) -> None:
    lines = fixture("zeeschuimer", "capture").read_text("utf-8").splitlines()
    partial = json.loads(lines[5])
    del partial["data"]["caption"]
    (tmp_path / "f").write_text(json.dumps(partial), "utf-8")
    [item] = source(tmp_path / "f").open("")
    assert isinstance(item.record, Reject)
    assert item.record.reason == "no-text"


SCALARS = st.none() | st.booleans() | st.text(max_size=8) | st.integers().map(Number)
NAMES = """
    user id_str text full_text created_at delete status data includes meta users tweets author_id
    id referenced_tweets type retweeted_status _type date legacy core result source_platform
    timestamp_collected __import_meta media string_map_data Comment value _chat message messages
    post timestamp tweet retweeted caption code desc createTime author uniqueId public_metrics
    extended_tweet note_tweet entities hashtags url content reply_to fwd_from from_id action
"""
KEYS = st.sampled_from(sorted(set(NAMES.split())))
VALUES = st.recursive(
    SCALARS | st.sampled_from(["message", "x.com", "tiktok.com", "snscrape.modules.twitter.Tweet"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


@given(st.sampled_from(sorted(TOOLS)), st.dictionaries(KEYS, VALUES, max_size=10))
def test_no_record_makes_a_tool_fail(name: str, record: dict[str, Any]) -> None:
    tool = TOOLS[name]
    if tool.table:
        record = {key: value for key, value in record.items() if isinstance(value, str)}
    tool.knows(record)
    for part in [record, *((tool.split(record) or []) if tool.split else [])]:
        mapped = tool.map_item(part, {})
        assert mapped is None or isinstance(mapped, dict | Deletion)


def test_every_folder_cites_its_source_and_every_tool_has_a_fixture_and_a_line_in_the_docs() -> (
    None
):
    for folder in FOLDERS:
        assert "https://" in (folder / "SOURCE.md").read_text("utf-8"), folder.name
    used = {file["tool"] for expected in EXPECTED.values() for file in expected["files"].values()}
    assert used == set(TOOLS)
    text = DOCS.read_text("utf-8")
    for name in TOOLS:
        assert f"| `{name}` |" in text


@pytest.mark.parametrize(("folder", "file"), FILES)
def test_of_record__is_right_after_another_record_with_the_same_keys(
    folder: str, file: str
) -> None:
    raw = fixture(folder, file).read_bytes()
    records = []
    for line in [raw, *raw.splitlines()]:
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    for record in (one for one in records if isinstance(one, dict)):
        asked = [tool for tool in TOOLS.values() if not tool.table]
        known = next((tool for tool in asked if tool.knows(record)), None)
        for value in (None, 0, "", {}, []):
            of_record(dict.fromkeys(record, value))  # the first with these keys
            assert of_record(record) is known
            _CANDIDATES.clear()

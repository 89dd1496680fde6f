"""Records inside of other records: answers of an API kept line by line, lists, pandas' tables.

The shapes are those that programs write who save each answer (``json.dumps(response)``), append
lists to one file, or call ``DataFrame.to_json`` (its ``orient`` values: ``columns``, ``split``,
``records``; https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_json.html).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.records import Post
from ingest.sources.archive.source import ArchiveSource

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, SECOND = "plus d'appels chez inwi", "صافي غادي نبدل الشركة"
DAY = "2016-02-27T20:00:00Z"
ONE, TWO = ({"id": number, "text": text, "date": DAY} for number, text in ((1, FIRST), (2, SECOND)))


def posts(path: Path, content: str, **options: Any) -> list[Post]:
    path.write_text(content, "utf-8")
    found = [item.record for item in ArchiveSource(path, now=NOW, **options).open("")]
    assert all(isinstance(record, Post) for record in found), found
    return [record for record in found if isinstance(record, Post)]


def bluesky(number: int, text: str) -> dict[str, Any]:
    did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"
    return {
        "uri": f"at://{did}/app.bsky.feed.post/3k{number}",
        "author": {"did": did, "handle": "fictif.example"},
        "record": {"text": text, "createdAt": DAY},
    }


PAGES = {
    "bluesky": lambda n, text: {"posts": [bluesky(n, text)], "cursor": "x"},
    "vk": lambda n, text: {
        "response": {
            "count": 1,
            "items": [{"id": n, "owner_id": -9, "from_id": -9, "date": 1456603200, "text": text}],
        }
    },
    "tiktok": lambda n, text: {
        "data": {
            "videos": [{"id": f"70{n}", "video_description": text, "create_time": 1456603200}]
        },
        "error": {"code": "ok", "message": ""},
    },
    "reddit": lambda n, text: {
        "kind": "Listing",
        "data": {
            "children": [
                {
                    "kind": "t1",
                    "data": {"id": f"a{n}", "body": text, "link_id": "t3_x", "subreddit": "x"},
                }
            ]
        },
    },
    "youtube": lambda n, text: {
        "kind": "youtube#commentThreadListResponse",
        "items": [
            {
                "kind": "youtube#commentThread",
                "snippet": {
                    "videoId": "aaaaaaaaaa1",
                    "topLevelComment": {"id": f"Ugx{n}", "snippet": {"textOriginal": text}},
                },
            }
        ],
    },
}


@pytest.mark.parametrize("platform", PAGES)
@pytest.mark.parametrize("form", ["lines", "pretty", "list"])
def test_answers_of_an_api__are_all_read(platform: str, form: str, tmp_path: Path) -> None:
    pages = [PAGES[platform](1, FIRST), PAGES[platform](2, SECOND)]
    content = {
        "lines": "\n".join(map(json.dumps, pages)),
        "pretty": "\n".join(json.dumps(page, indent=2) for page in pages),
        "list": json.dumps(pages),
    }[form]
    found = posts(tmp_path / "f", content)
    assert [post.text for post in found] == [FIRST, SECOND]
    assert {post.platform for post in found} == {platform}


@pytest.mark.parametrize(
    "content",
    [
        f"{json.dumps([ONE])}\n{json.dumps([TWO])}\n",
        json.dumps([ONE]) + json.dumps([TWO]),
        f"{json.dumps([ONE], indent=1)}\n{json.dumps(TWO)}\n",
        json.dumps([[ONE], [TWO]]),
        f"{json.dumps(json.dumps(ONE))}\n{json.dumps(json.dumps(TWO))}\n",
        json.dumps([json.dumps(ONE), json.dumps(TWO)]),
        f"{json.dumps(ONE)},\n{json.dumps(TWO)},\n",
        f"{ONE!r}\n{TWO!r}\n",
        json.dumps({"text": {"0": FIRST, "1": SECOND}, "date": {"0": DAY, "1": DAY}}),
        json.dumps(
            {"columns": ["text", "date"], "index": [0, 1], "data": [[FIRST, DAY], [SECOND, DAY]]}
        ),
        json.dumps({"7": {"text": FIRST, "date": DAY}, "8": {"text": SECOND, "date": DAY}}),
        json.dumps({"edges": [{"node": ONE}, {"node": TWO}]}),
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {"type": "Feature", "geometry": None, "properties": one} for one in (ONE, TWO)
                ],
            }
        ),
    ],
    ids=[
        *("lists-by-lines", "lists-joined", "list-and-object", "list-of-lists", "texts-by-lines"),
        *("list-of-texts", "commas", "python", "pandas-columns", "pandas-split", "by-id"),
        *("graphql", "geojson"),
    ],
)
def test_form__in_which_programs_write_records_loses_none(content: str, tmp_path: Path) -> None:
    found = posts(tmp_path / "f", content)
    assert [post.text for post in found] == [FIRST, SECOND]
    assert {post.created_at for post in found} == {datetime(2016, 2, 27, 20, tzinfo=UTC)}


def test_posts_under_their_ids__keep_them(tmp_path: Path) -> None:
    content = json.dumps({"7": {"text": FIRST}, "8": {"text": SECOND}})
    assert [post.id for post in posts(tmp_path / "f", content)] == ["archive:f:7", "archive:f:8"]


def test_reading__goes_on_inside_of_a_page(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text(json.dumps({"posts": [ONE, TWO]}) + "\n" + json.dumps({"posts": [ONE]}) + "\n")
    source = ArchiveSource(path, now=NOW)
    items = list(source.open(""))
    for taken, item in enumerate(items, start=1):
        rest = list(ArchiveSource(path, now=NOW).open(item.cursor))
        assert [one.record for one in rest] == [one.record for one in items[taken:]]


def test_message_of_a_list__may_be_named_by_hand(tmp_path: Path) -> None:
    page = json.dumps({"posts": [{"id": 1, "words": FIRST}], "cursor": "x"})
    found = posts(tmp_path / "f", f"{page}\n{page}\n", mapping={"text": "words"})
    assert [post.text for post in found] == [FIRST, FIRST]


def test_thread_of_bluesky__is_read_with_its_answers(tmp_path: Path) -> None:
    gone = {"$type": "app.bsky.feed.defs#notFoundPost", "uri": "at://x", "notFound": True}
    thread = {
        "post": bluesky(2, FIRST),
        "parent": {"post": bluesky(1, "au-dessus")},
        "replies": [
            {"post": bluesky(3, SECOND), "replies": [{"post": bluesky(4, "encore")}]},
            gone,
        ],
    }
    texts = {post.text for post in posts(tmp_path / "f", json.dumps({"thread": thread}))}
    assert texts == {"au-dessus", FIRST, SECOND, "encore"}


def test_conversation_of_mastodon__is_read_on_both_sides(tmp_path: Path) -> None:
    def status(number: int, text: str) -> dict[str, Any]:
        return {
            "id": str(number),
            "created_at": DAY,
            "content": f"<p>{text}</p>",
            "visibility": "public",
            "account": {"acct": "fictif", "url": "https://a.example/@fictif"},
        }

    content = json.dumps({"ancestors": [status(1, FIRST)], "descendants": [status(2, SECOND)]})
    assert [post.text for post in posts(tmp_path / "f", content)] == [FIRST, SECOND]


def test_two_exports_of_telegram__joined_into_one_file_are_two_chats(tmp_path: Path) -> None:
    def export(number: int, text: str) -> str:
        message = {"id": 7, "type": "message", "date": "2016-02-27T20:00:00", "text": text}
        whole = {"name": "x", "type": "public_channel", "id": number, "messages": [message]}
        return json.dumps(whole, indent=1)

    found = posts(tmp_path / "f", f"{export(1001, FIRST)}\n{export(1002, SECOND)}\n")
    assert len({post.id for post in found}) == 2
    assert [post.text for post in found] == [FIRST, SECOND]

"""Posts in a list that lies inside objects."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.records import Post
from ingest.sources.archive.source import ArchiveSource

NOW = datetime(2024, 1, 1, tzinfo=UTC)
POSTS = [{"id": str(n), "text": f"numéro {n}"} for n in range(3)]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    ("document", "under"),
    [
        ({"items": POSTS}, "items"),
        ({"data": {"items": POSTS}}, "data.items"),
        ({"status": "ok", "data": {"total": 3, "items": POSTS, "next": {"a": [{}]}}}, "data.items"),
        ({"response": {"data": {"posts": POSTS}}}, "response.data.posts"),
        ({"errors": [{"code": 1}], "data": {"items": POSTS}}, "data.items"),
        ({"data": {"items": [{"no": 1}]}, "posts": POSTS}, "posts"),
        ({"feed": POSTS, "page": {"about": [{"id": 1}]}}, "feed"),
    ],
)
def test_the_list_is_read_wherever_usual_names_lead_to_it(
    document: dict[str, Any], under: str, indent: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps(document, indent=indent), encoding="utf-8")
    source = ArchiveSource(path, now=NOW)
    assert source.details().under == under
    found = [item.record for item in source.open("")]
    assert [post.text for post in found if isinstance(post, Post)] == [
        post["text"] for post in POSTS
    ]
    assert len(found) == len(POSTS)


@pytest.mark.parametrize(
    "post",
    [
        {"id": "1", "message": "une", "comments": {"data": [{"id": "2", "text": "autre"}]}},
        {"id": "1", "words": "une", "comments": {"data": [{"id": "2", "text": "autre"}]}},
        {"data": {"text": "une", "items": [{"id": "2", "text": "autre"}]}},
    ],
)
def test_what_answers_one_post_is_not_taken_for_the_posts(
    post: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps(post), encoding="utf-8")
    field = "data.text" if "data" in post else "words" if "words" in post else "message"
    [item] = ArchiveSource(path, mapping={"text": field}, now=NOW).open("")
    assert isinstance(item.record, Post)
    assert item.record.text == "une"

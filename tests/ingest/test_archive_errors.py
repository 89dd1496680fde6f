"""What a user is told when a file or an option can't be used."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import SourceError
from ingest.sources.archive.source import ArchiveSource

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["a:b c/..", "a:b", "a b", "a/b", "..", "", "-", "a\n", "x" * 101, "a/"]
)
def test_a_data_set_whose_name_can_not_stand_in_an_id_is_refused(name: str) -> None:
    with pytest.raises(SourceError, match=r"becomes part of ids.* Try --dataset [\w-]+"):
        ArchiveSource("posts.csv", dataset=name)


@pytest.mark.parametrize("name", ["dump-2016", "été_2016", "v1.2+fix", "@radio", "مقاطعة"])
def test_other_names_of_data_sets_stay_as_they_are(name: str) -> None:
    assert ArchiveSource("posts.csv", dataset=name).dataset == name


def test_the_name_that_is_suggested_is_accepted() -> None:
    with pytest.raises(SourceError) as error:
        ArchiveSource("posts.csv", dataset="a:b c/..")
    suggested = str(error.value).rpartition(" ")[2]
    assert ArchiveSource("posts.csv", dataset=suggested).dataset == suggested


def told(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        list(ArchiveSource(path, now=NOW).open(""))
    return str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"id,title\n1,a\n",
        b'{"id": 1, "title": "a"}\n',
        b"PK\x03\x04 and more",
        gzip.compress(b"PK\x03\x04 and more", mtime=0),
        bytes(range(256)) * 40,
    ],
)
def test_an_error_leaves_the_name_of_the_file_to_its_caller(content: bytes, tmp_path: Path) -> None:
    assert "my-file" not in told(tmp_path / "my-file.csv", content)


def test_of_a_missing_file_and_a_folder_too(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(SourceError) as error:
            ArchiveSource(path).open("")
        assert str(tmp_path) not in str(error.value)


LONG = "on ne peut plus appeler personne depuis hier"
LINK = "https://example.org/" + "a" * 100


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"words": LONG, "link": LINK, "kind": "post"}, "words"),
        ({"post": {"body2": LONG, "kind": "post"}, "page": "x"}, "post.body2"),
        ({"a": {"b": {"c": LONG}}, "page": "x"}, "a.b.c"),
        ({"words": LONG, "number": 10**60, "page": "x"}, "words"),
        ({"words": LONG, "a": {"x.y": LONG * 2}, "page": "x"}, "words"),
    ],
)
def test_the_field_with_the_longest_texts_is_proposed(
    record: dict[str, Any], field: str, tmp_path: Path
) -> None:
    lines = b"".join(json.dumps({**record, "n": n}).encode() + b"\n" for n in range(3))
    assert told(tmp_path / "f", lines).endswith(f"--map 'text={field}'")
    proposed = ArchiveSource(tmp_path / "f", mapping={"text": field}, now=NOW)
    assert len(list(proposed.open(""))) == 3


def test_the_column_with_the_longest_texts_is_proposed(tmp_path: Path) -> None:
    table = f"key;words;link;kind\n1;{LONG};{LINK};post\n2;{LONG};;post\n".encode()
    assert told(tmp_path / "f", table).endswith("--map 'text=words'")


@pytest.mark.parametrize("first", ["690000000000000001", "2016-02-27 21:14:05", LINK])
def test_of_a_table_without_header_the_place_is_proposed_and_no_text_is_shown(
    first: str, tmp_path: Path
) -> None:
    table = f"{first},{LONG},nora_fictive\n{first},{LONG} encore,x\n".encode()
    text = told(tmp_path / "f", table)
    assert text.endswith("--map 'text=#2'")
    assert LONG not in text
    proposed = ArchiveSource(tmp_path / "f", mapping={"text": "#2"}, now=NOW)
    assert len(list(proposed.open(""))) == 2


def test_a_table_of_a_header_alone_is_told_too(tmp_path: Path) -> None:
    assert "'key', 'words'" in told(tmp_path / "f", b"key,words\n")

"""Every form an archive comes in gives the same posts."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import SourceError
from ingest.mapping.missing import is_gone, is_no_text
from ingest.records import Post, Reject
from ingest.sources.archive.source import ArchiveSource
from ingest.text import readable

NOW = datetime(2024, 1, 1, tzinfo=UTC)
TEXTS = ["coupé à midi, énervé", "الخدمة رديئة هذا اليوم", 'il dit "non";\nfin, | \t.', ""]
POSTS = [
    {"id": f"70123456789012345{n}", "created_at": f"2016-02-27T21:1{n}:00Z", "text": text}
    for n, text in enumerate(TEXTS)
]


def read(path: Path, **options: Any) -> list[Post | Reject]:
    source = ArchiveSource(path, dataset="set", now=NOW, **options)
    return [item.record for item in source.open("")]  # type: ignore[misc]


def ndjson(posts: list[dict[str, Any]], end: str = "\n") -> str:
    return "".join(json.dumps(post, ensure_ascii=False) + end for post in posts)


def table(posts: list[dict[str, Any]], **dialect: Any) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(posts[0]), **dialect)
    writer.writeheader()
    writer.writerows(posts)
    return out.getvalue()


@pytest.fixture
def expected(tmp_path: Path) -> list[Post | Reject]:
    path = tmp_path / "expected"
    path.write_text(ndjson(POSTS), encoding="utf-8")
    posts = read(path)
    assert [post.text for post in posts if isinstance(post, Post)] == [p["text"] for p in POSTS]
    return posts


FORMS = {
    "ndjson": ndjson(POSTS),
    "ndjson with \\r\\n": ndjson(POSTS, "\r\n"),
    "ndjson without the last line's end": ndjson(POSTS).rstrip(),
    "ndjson with blank lines": "\n\n" + ndjson(POSTS, "\n \n\n"),
    "ndjson in ASCII": "".join(json.dumps(post) + "\n" for post in POSTS),
    "array": json.dumps(POSTS, ensure_ascii=False),
    "array, indented": json.dumps(POSTS, ensure_ascii=False, indent=2),
    "array, one object a line": "[\n" + ndjson(POSTS, ",\n")[:-2] + "\n]\n",
    "array, comma first": "[" + ndjson(POSTS, "\n,")[:-1] + "]",
    "object with posts": json.dumps({"meta": {"n": [1]}, "posts": POSTS, "users": [{"id": 1}]}),
    "object with a list of another name": json.dumps({"x": 1, "fil": POSTS}, indent=1),
    "indented objects one after the other": "\n".join(json.dumps(p, indent=2) for p in POSTS),
    "csv": table(POSTS),
    "csv with \\n": table(POSTS, lineterminator="\n"),
    "semicolons": table(POSTS, delimiter=";"),
    "tabs": table(POSTS, delimiter="\t"),
    "bars": table(POSTS, delimiter="|"),
    "carets": table(POSTS, delimiter="^"),
    "unit separators": table(POSTS, delimiter="\x1f"),
    "all quoted": table(POSTS, quoting=csv.QUOTE_ALL),
    "backslash before quotes": table(POSTS, doublequote=False, escapechar="\\"),
    "a line that names the delimiter": "sep=;\r\n" + table(POSTS, delimiter=";"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_format_gives_the_same_posts(
    form: str, tmp_path: Path, expected: list[Post | Reject]
) -> None:
    path = tmp_path / "no-ending"
    path.write_bytes(FORMS[form].encode())
    assert read(path) == expected


@pytest.mark.parametrize("form", ["ndjson", "array, indented", "semicolons"])
@pytest.mark.parametrize(
    "encode",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        lambda text: text.encode("utf-32"),
        lambda text: text.encode("cp1256"),
        lambda text: gzip.compress(text.encode()),
        lambda text: gzip.compress(text[:100].encode()) + gzip.compress(text[100:].encode()),
        lambda text: gzip.compress(text.encode()) + bytes(512),
        lambda text: zstandard.compress(text.encode()),
        lambda text: b"".join(zstandard.compress(half.encode()) for half in (text[:9], text[9:])),
        lambda text: zstandard.compress(text.encode("utf-16")),
    ],
)  # fmt: skip
def test_every_encoding_and_compression_gives_the_same_posts(
    form: str, encode: Any, tmp_path: Path, expected: list[Post | Reject]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(encode(FORMS[form]))
    assert read(path) == expected


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp1252", "Où êtes-vous passés ? Ça ne marche pas : l’appel est coupé"),
        ("cp1256", "الخدمة رديئة هذا اليوم ولا نعرف لماذا"),
        ("iso8859_6", "الخدمة رديئة هذا اليوم ولا نعرف لماذا"),
        ("cp1251", "Почему сегодня не работает связь с родными"),
        ("shift_jis", "今日は電話がつながらないのでとても困ります"),
    ],
)
def test_an_encoding_is_recognised_by_its_letters(charset: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(f"id,text\n1,{text}\n2,{text}\n".encode(charset))
    assert [record.text for record in read(path)] == [text, text]  # type: ignore[union-attr]


def test_the_first_letter_that_tells_the_encoding_may_come_late(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    late = "Où êtes-vous passés ? Ça ne marche pas : l’été est gâché"
    plain = b"7," + b"plain words " * 100 + b"\n"
    path.write_bytes(b"id,text\n" + plain * 1_100 + f"8,{late}\n".encode("cp1252"))
    assert path.stat().st_size > 1_260_000
    source = ArchiveSource(path, now=NOW)
    assert source.details().encoding == "cp1252"
    last = [item.record for item in source.open("")][-1]
    assert isinstance(last, Post)
    assert last.text == late


def test_a_named_encoding_is_taken_without_a_guess(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("id,text\n1,źle się dzieje\n".encode("cp1250"))
    assert read(path, encoding="windows-1250")[0].text == "źle się dzieje"  # type: ignore[union-attr]
    with pytest.raises(SourceError, match="no encoding is called 'utf-99'"):
        read(path, encoding="utf-99")


def test_one_object_alone_is_one_post(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for indent in (None, 1):
        path.write_text(json.dumps({**POSTS[0], "comments": [{"text": "no"}]}, indent=indent))
        assert [post.text for post in read(path)] == [POSTS[0]["text"]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"[]", b" [ ] \n", b'{"posts": []}', b"\xef\xbb\xbf"]
)
def test_a_file_without_records_is_read_to_its_end(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (content, gzip.compress(content)):
        path.write_bytes(data)
        assert read(path) == []


def test_a_header_alone_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("id,text\n")
    assert read(path) == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a picture"),
        (b"PK\x03\x04" + bytes(100), "Excel workbook; unpack it, or save the sheet as CSV"),
        (b"SQLite format 3\0" + bytes(100), "SQLite database; export"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"BZh91AY&SY", "compressed with bzip2; unpack it"),
        (bytes(range(256)) * 40, "binary data"),
    ],
)
def test_what_holds_no_posts_is_named_with_what_to_do(
    content: bytes, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    for data in (content, gzip.compress(content)):
        path.write_bytes(data)
        with pytest.raises(SourceError, match=kind):
            read(path)


def test_a_missing_file_and_a_folder_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="can't be read: No such file"):
        read(tmp_path / "none")
    with pytest.raises(SourceError, match="is a folder"):
        read(tmp_path)


def test_standard_input_is_copied_so_that_it_has_an_identity(tmp_path: Path) -> None:
    data = gzip.compress(ndjson(POSTS).encode())
    path = tmp_path / "same"
    path.write_bytes(data)
    piped = ArchiveSource("-", now=NOW, stdin=io.BytesIO(data))
    assert piped.name == "archive:stdin"
    assert piped.key == ArchiveSource(path, dataset="stdin").key
    assert len(list(piped.open(""))) == len(POSTS)
    assert len(list(piped.open(""))) == len(POSTS)


def test_a_named_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(ndjson(POSTS),))
    writer.start()
    assert len(read(path)) == len(POSTS)
    writer.join()


def test_the_key_is_of_content_and_options_not_of_the_place(tmp_path: Path) -> None:
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    for path in (one, other):
        path.write_text("id,text,body\n1,a,b\n")
    key = ArchiveSource(one, dataset="d").key
    assert ArchiveSource(other, dataset="d").key == key
    different = [
        ArchiveSource(one, dataset="e"),
        ArchiveSource(one, dataset="d", platform="twitter"),
        ArchiveSource(one, dataset="d", mapping={"text": "body"}),
        ArchiveSource(one, dataset="d", timezone="Africa/Casablanca"),
        ArchiveSource(one, dataset="d", encoding="cp1252"),
    ]
    other.write_text("id,text,body\n1,a,c\n")
    different.append(ArchiveSource(other, dataset="d"))
    assert len({key, *(source.key for source in different)}) == len(different) + 1


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(ndjson(POSTS))
    source = ArchiveSource(path)
    assert source.key
    with path.open("a") as file:
        file.write(ndjson(POSTS))
    with pytest.raises(SourceError, match="changed while it was being read"):
        list(source.open(""))


def test_details_tell_what_was_detected_and_assumed(tmp_path: Path) -> None:
    path = tmp_path / "Réseau 2016.csv.gz"
    rows = "Tweet ID;Texte;Date de publication;Couleur\n1;bonjour à tous;13/02/2016 10:00;3\n"
    path.write_bytes(gzip.compress(rows.encode("cp1252")))
    details = ArchiveSource(path, timezone="Africa/Casablanca").details()
    assert details.dataset == "Réseau-2016"
    assert (details.format, details.compression, details.delimiter) == ("csv", "gzip", ";")
    assert details.encoding in {"cp1252", "cp1250"}
    assert details.mapping == {
        "id": ["Tweet ID"],
        "text": ["Texte"],
        "created_at": ["Date de publication"],
    }
    assert (details.timezone, details.day_first, details.serial_dates) == (
        "Africa/Casablanca",
        True,
        False,
    )


def test_progress_is_counted_in_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(ndjson(POSTS).encode()))
    source = ArchiveSource(path)
    size = path.stat().st_size
    assert source.progress == (0, size)
    list(source.open(""))
    assert source.progress == (size, size)


def printable() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"))


def is_a_text(text: str) -> bool:
    return not is_no_text(text) and not is_gone(text)


@st.composite
def archives(draw: st.DrawFn) -> list[dict[str, str]]:
    texts = draw(st.lists(printable().filter(is_a_text), min_size=1, max_size=6))
    return [{"id": str(place), "text": text} for place, text in enumerate(texts)]


def files(tmp_path: Path, posts: list[dict[str, str]]) -> Iterator[Path]:
    for name, text in (("n", ndjson(posts)), ("j", json.dumps(posts)), ("c", table(posts))):
        path = tmp_path / name
        path.write_bytes(text.encode())
        yield path


@given(posts=archives())
def test_csv_and_json_of_the_same_posts_give_the_same_posts(
    posts: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    results = [read(path) for path in files(tmp_path_factory.mktemp("same"), posts)]
    texts = [readable(post["text"]).text for post in posts]
    assert [post.text for post in results[0]] == texts  # type: ignore[union-attr]
    assert results[1] == results[0]
    assert results[2] == results[0]

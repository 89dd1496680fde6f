"""An import goes on exactly after the last record that was kept, wherever it was stopped."""

from __future__ import annotations

import codecs
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.errors import SourceError
from ingest.sources.archive.source import ArchiveSource

NOW = datetime(2024, 1, 1, tzinfo=UTC)
POSTS = [{"id": str(n), "text": f"texte numéro {n}\n«{'x' * n}»"} for n in range(12)]
NDJSON = "\n".join(json.dumps(post, ensure_ascii=False) for post in POSTS).encode()
BROKEN = NDJSON.replace(b"\n", b'\n\n{"id": \n\n\xff\n', 3)
TABLE = (
    'id,text\n1,é\n2,"two\nlines"\n\n3,"open\n4,d\n5\n6,"e ""f"""\n7,x,y,z\n8,"open\n9,g\n'.encode()
)
ARRAY = json.dumps(POSTS, indent=1).encode()
BAD_ARRAY = b'[\n{"id": 1, "text": "a"},\n{"id": 2, "te\n{"id": 3, "text": "c"},\n 5, ?, {"id"'
FILES = {
    "ndjson": NDJSON,
    "ndjson, broken": BROKEN,
    "a long line": NDJSON[:400] + b"\n" + b"z" * 12_000_000 + b"\n" + NDJSON,
    "gzip": gzip.compress(NDJSON[:300]) + gzip.compress(NDJSON[300:]),
    "gzip, truncated": gzip.compress(BROKEN)[:-30],
    "zstd": zstandard.compress(BROKEN),
    "utf-16": NDJSON.decode().encode("utf-16"),
    "utf-8 with a mark": codecs.BOM_UTF8 + NDJSON,
    "table": TABLE,
    "table, utf-16": TABLE.decode().encode("utf-16"),
    "table, gzip, truncated": gzip.compress(TABLE * 9)[:-20],
    "table of 100,000 columns": b"id,text" + b",x" * 100_000 + b"\n1,a\n2,b\n",
    "array": ARRAY,
    "array, truncated": ARRAY[:-40],
    "array, not closed": ARRAY[:-2],
    "array, broken": BAD_ARRAY,
    "array, gzip, truncated": gzip.compress(ARRAY)[:-9],
    "object with posts": b'{"posts": ' + ARRAY + b', "more": 1}',
    "indented objects": "\n".join(json.dumps(post, indent=2) for post in POSTS).encode(),
}


@pytest.mark.parametrize("form", FILES)
def test_every_cursor_gives_exactly_the_tail(form: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(FILES[form])
    everything = list(ArchiveSource(path, now=NOW).open(""))
    assert len(everything) > 2
    for place, item in enumerate(everything):
        # A new source each time, as after a kill.
        assert list(ArchiveSource(path, now=NOW).open(item.cursor)) == everything[place + 1 :]


LINE = st.sampled_from(
    [
        *(b'{"id": "1", "text": "a"}', b'{"id": "2", "text": "b"},', b"[", b"]", b"{", b"}"),
        *(b"1,a", b'2,"b', b'c",3', b'""', b",", b"", b"\xc3\xa9", b"\xff", b"\r", b" "),
        *(b"id,text", b'"', b"\\"),
    ]
)


@example(
    b'[{"id": "0", "text": "x"},\n', [b"]", b'{"id": "1", "text": "a"}'], b"\n"
)  # what follows a list that has ended
@given(
    st.sampled_from([b"id,text\n", b'{"id": "0", "text": "x"}\n', b'[{"id": "0", "text": "x"},\n']),
    st.lists(LINE, max_size=12),
    st.sampled_from([b"\n", b"\r\n", b""]),
)
def test_every_cursor_of_any_file_gives_exactly_the_tail(
    tmp_path_factory: pytest.TempPathFactory, first: bytes, lines: list[bytes], end: bytes
) -> None:
    path = tmp_path_factory.mktemp("resume") / "file"
    path.write_bytes(first + end.join(lines))
    source = ArchiveSource(path, now=NOW)
    everything = list(source.open(""))
    for place, item in enumerate(everything):
        assert list(source.open(item.cursor)) == everything[place + 1 :]


def test_two_readers_of_one_source_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(NDJSON)
    source = ArchiveSource(path, now=NOW)
    one, other = source.open(""), source.open("")
    assert [next(one) for _ in POSTS] == [next(other) for _ in POSTS]


def test_a_cursor_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(NDJSON)
    with pytest.raises(SourceError, match="no place in a file"):
        ArchiveSource(path).open("somewhere")

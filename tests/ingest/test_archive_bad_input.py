"""Bad input becomes a dead letter with its reason and its place, and costs no other record."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.mapping.reasons import REASONS
from ingest.records import RAW_LIMIT, Item, Post, Reject
from ingest.sources.archive.source import ArchiveSource
from ingest.text import readable

NOW = datetime(2024, 1, 1, tzinfo=UTC)
GOOD = b'{"id": "1", "text": "before"}', b'{"id": "2", "text": "after"}'
DOCS = Path(__file__).parents[2] / "docs" / "dead-letters.md"


def items(path: Path, data: bytes, **options: Any) -> list[Item]:
    path.write_bytes(data)
    return list(ArchiveSource(path, dataset="set", now=NOW, **options).open(""))


def outcome(item: Item) -> str:
    return item.record.reason if isinstance(item.record, Reject) else item.record.text  # type: ignore[union-attr]


def around(path: Path, bad: bytes) -> Item:
    """Return what becomes of a line between two good ones."""
    before, item, after = items(path, GOOD[0] + b"\n" + bad + b"\n" + GOOD[1] + b"\n")
    assert (outcome(before), outcome(after)) == ("before", "after")
    assert (before.line, item.line, after.line) == (1, 2, 3)
    return item


LINES = [
    ("json-truncated", b'{"id": "7", "text": "cut he'),
    ("json-truncated", b'{"id": "7"'),
    ("json-truncated", b'{"id": "7", "text":'),
    ("json-invalid", b"{'id': '7', text: 'script'}"),
    ("json-invalid", b'{"id": "7", "text": "two"} {"id": "8", "text": "values"}'),
    ("json-invalid", b"\x01\x02 garbage"),
    ("json-invalid", b'{"id": "7", "text": "a\tb"}'),
    ("json-nan", b'{"id": "7", "text": "a", "score": NaN}'),
    ("json-nan", b'{"id": "7", "text": "a", "score": -Infinity}'),
    ("json-not-object", b'["7", "a"]'),
    ("json-not-object", b'"text"'),
    ("json-not-object", b"17"),
    ("json-not-object", b"null"),
    ("json-too-deep", b'{"id": "7", "text": "a", "x": ' + b"[" * 90_000 + b"]" * 90_000 + b"}"),
    ("encoding-invalid", '{"id": "7", "text": "coupé"}'.encode("cp1252")),
    ("nul", b'{"id": "7", "text": "a\x00b"}'),
    ("nul", b'{"id": "7", "text": "a\\u0000b"}'),
    ("nul", b'{"id": "7", "text": "a", "author": "b\\u0000"}'),
    ("lone-surrogate", b'{"id": "7", "text": "a\\ud83d"}'),
    ("lone-surrogate", b'{"id": "7", "text": "a", "hashtags": ["\\ude00"]}'),
    ("no-text", b'{"id": "7"}'),
    ("no-text", b'{"id": "7", "text": null}'),
    ("text-not-string", b'{"id": "7", "text": 5}'),
    ("text-not-string", b'{"id": "7", "text": ["a"]}'),
    ("text-not-string", b'{"id": "7", "text": true}'),
    ("id-rounded", b'{"id": 6.9E+17, "text": "a"}'),
    ("id-rounded", b'{"id": "6.93485203859382E+17", "text": "a"}'),
    ("id-rounded", b'{"id": "6,9E+17", "text": "a"}'),
    ("id-rounded", b'{"id": 12.5, "text": "a"}'),
    ("id-rounded", b'{"id": "693485203859382272.0", "text": "a"}'),
    ("id-invalid", b'{"id": true, "text": "a"}'),
    ("id-invalid", b'{"id": [7], "text": "a"}'),
    ("id-invalid", b'{"id": "a\\nb", "text": "a"}'),
    ("id-invalid", b'{"id": ' + b"7" * 5000 + b', "text": "a"}'),
    (
        "too-many-columns",
        json.dumps({"id": "7", "text": "a", **{str(n): 0 for n in range(100_000)}}).encode(),
    ),
]


@pytest.mark.parametrize(
    ("reason", "line"), LINES, ids=lambda value: str(value)[:40] if value else ""
)
def test_a_bad_line_becomes_a_dead_letter_and_its_neighbours_arrive(
    reason: str, line: bytes, tmp_path: Path
) -> None:
    item = around(tmp_path / "file", line)
    assert isinstance(item.record, Reject)
    assert item.record.reason == reason
    assert item.record.raw == line[:RAW_LIMIT]
    assert item.record.detail


def test_a_line_of_20_mb_becomes_a_dead_letter_with_its_beginning(tmp_path: Path) -> None:
    record = around(tmp_path / "file", b'{"id": "7", "text": "' + b"x" * 20_000_000 + b'"}').record
    assert isinstance(record, Reject)
    assert (record.reason, record.truncated, len(record.raw)) == ("line-too-long", True, RAW_LIMIT)
    assert record.raw.startswith(b'{"id": "7"')


def test_a_long_line_at_the_end_or_alone_becomes_a_dead_letter(tmp_path: Path) -> None:
    path, long = tmp_path / "file", b'{"text": "' + b"x" * 11_000_000
    assert [outcome(i) for i in items(path, GOOD[0] + b"\n" + long)] == ["before", "line-too-long"]
    assert [outcome(i) for i in items(path, long)] == ["line-too-long"]
    assert [outcome(i) for i in items(path, b"[" + long)] == ["json-truncated"]


def test_an_exact_number_of_any_size_stays_exact(tmp_path: Path) -> None:
    digits = "9" * 400
    data = f'{{"id": {digits}, "text": "a", "reply_to": 701234567890123457, "n": {"8" * 5000}}}'
    [item] = items(tmp_path / "file", data.encode(), platform="X")
    assert isinstance(item.record, Post)
    assert item.record.id == f"twitter:{digits}"
    assert item.record.reply_to == "twitter:701234567890123457"


@pytest.mark.parametrize("line", [b'{"id": 701234567890123000, "text": "a"}'])
def test_an_id_that_ends_in_zeros_is_kept_but_suspect(line: bytes, tmp_path: Path) -> None:
    record = around(tmp_path / "file", line).record
    assert isinstance(record, Post)
    assert "id-suspect" in record.flags


@pytest.mark.parametrize("native", ["7.0", "7", '"7"', '" 7 "', '"7.0"'])
def test_a_small_whole_number_is_exact_however_it_is_written(native: str, tmp_path: Path) -> None:
    record = around(tmp_path / "file", f'{{"id": {native}, "text": "a"}}'.encode()).record
    assert isinstance(record, Post)
    assert record.id == "archive:set:7"


@pytest.mark.parametrize("native", ["7e12", "12E4", "1_2", "t3_abc", "2016.5", "0xFF"])
def test_an_id_of_letters_and_digits_is_no_rounded_number(native: str, tmp_path: Path) -> None:
    record = around(tmp_path / "file", f'{{"id": "{native}", "text": "a"}}'.encode()).record
    assert isinstance(record, Post)
    assert record.id == f"archive:set:{native}"


def test_of_two_equal_keys_the_last_counts(tmp_path: Path) -> None:
    assert outcome(around(tmp_path / "file", b'{"id": "7", "text": "a", "text": "b"}')) == "b"


def test_a_byte_order_mark_inside_joined_files_is_no_error(tmp_path: Path) -> None:
    assert outcome(around(tmp_path / "file", b'\xef\xbb\xbf{"id": "7", "text": "a"}')) == "a"


def rows(path: Path, *lines: str | bytes, **options: Any) -> list[str]:
    data = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    return [outcome(item) for item in items(path, data, **options)]


@pytest.mark.parametrize(
    ("row", "becomes"),
    [
        ("7,a,b,c", ["extra-cells"]),
        ("7,a,b,,,", ["a"]),
        ("7,a", ["a"]),
        ("7", ["no-text"]),
        (",,", ["row-empty"]),
        ("7,,", [""]),
        ("", []),
        ("   ", []),
        ("id,text,author", ["header-repeated"]),
        ('7,"open,b', ["csv-quote"]),
        ('7,"he said "no" twice",b', ["csv-quote"]),
        ('7,5" screen,b', ['5" screen']),
        ('7,"two\nlines",b', ["two\nlines"]),
        ('7,"say ""yes""",b', ['say "yes"']),
        (b"7,coup\xe9,b", ["encoding-invalid"]),
        (b'7,"coup\xe9\nagain",b', ["encoding-invalid"]),
        (b"7,a\x00b,c", ["nul"]),
        ("6.93485E+17,a,b", ["id-rounded"]),
        (",".join("x" * 100_000), ["too-many-columns"]),
        ("7," + "x" * 20_000_000, ["line-too-long"]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_row_becomes_a_dead_letter_and_its_neighbours_arrive(
    row: str | bytes, becomes: list[str], tmp_path: Path
) -> None:
    header, more = "id,text,author", "9,dernier à venir,z"
    found = rows(tmp_path / "file", header, "1,voilà,x", row, "2,encore là,y", more)
    assert found == ["voilà", *becomes, "encore là", "dernier à venir"]


@pytest.mark.parametrize("row", [",", ",,", ",,,,", '"","",""', ""])
def test_a_row_of_empty_cells_is_no_post_however_many_they_are(row: str, tmp_path: Path) -> None:
    found = rows(tmp_path / "file", "id,text", "1,a", row, "2,b")
    assert found == ["a", *(["row-empty"] if row else []), "b"]


def test_an_unclosed_quotation_mark_at_the_end_costs_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert rows(path, "id,text", "1,a", '2,"open', "3,c", "4,d") == ["a", "csv-quote", "c", "d"]
    assert rows(path, "id,text", '1,"open', "and on", "2,b") == ["csv-quote", "csv-torn", "b"]


def test_a_header_of_100_000_columns_becomes_a_dead_letter_and_short_rows_are_read(
    tmp_path: Path,
) -> None:
    header = "id,text," + ",".join(f"c{n}" for n in range(100_000))
    wide = "1,a" + ",x" * 100_000
    found = rows(tmp_path / "file", header, wide, "2,b")
    assert found == ["too-many-columns", "too-many-columns", "b"]


def test_an_empty_or_repeated_column_name_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    lines = ["id,,text,text", "1,x,first,second"]
    assert rows(path, *lines) == ["first"]
    assert rows(path, *lines, mapping={"text": "text#2"}) == ["second"]
    assert rows(path, *lines, mapping={"text": "#2"}) == ["x"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
@pytest.mark.parametrize("form", ["ndjson", "csv", "array"])
def test_of_a_truncated_file_all_that_is_readable_arrives(
    form: str, pack: Any, tmp_path: Path
) -> None:
    posts = [{"id": str(n), "text": f"{zlib.crc32(b'%d' % n):x}"} for n in range(20_000)]
    if form == "csv":
        out = io.StringIO()
        csv.writer(out).writerows([["id", "text"], *(post.values() for post in posts)])
        data = out.getvalue().encode()
    else:
        lines = "\n".join(json.dumps(post) for post in posts)
        data = (lines if form == "ndjson" else json.dumps(posts)).encode()
    packed = pack(data)
    found = items(tmp_path / "file", packed[: len(packed) // 2])
    read = [outcome(item) for item in found[:-1]]
    assert len(read) > 1000
    assert read == [post["text"] for post in posts[: len(read)]]
    assert outcome(found[-1]) == "file-truncated"


def test_of_a_damaged_file_what_comes_before_the_damage_arrives(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"\n".join(GOOD)))
    packed[-6] ^= 0xFF  # the checksum
    found = [outcome(item) for item in items(tmp_path / "file", bytes(packed))]
    assert found == ["before", "file-damaged"]
    junk = gzip.compress(b"\n".join(GOOD) + b"\n") + b"junk after the end"
    found = [outcome(item) for item in items(tmp_path / "file", junk)]
    assert found == ["before", "after", "file-damaged"]


@pytest.mark.parametrize(
    ("element", "becomes"),
    [
        (b'{"id": "7", "text": "a" "b"}', ["json-invalid"]),
        (b'{"id": "7", "text": "unclosed}', ["json-invalid"]),
        (b'{"id": "7", "text": "unclosed},', ["json-invalid"]),
        (b'{"id": "7", "text": "no brace"', ["json-invalid"]),
        (b'{"id": "7", "text": ["a"}', ["json-invalid"]),
        (b'{"id": "7", "text": "a\\\nb"}', ["json-invalid"]),
        (b"17", ["json-not-object"]),
        (b'"a, b]"', ["json-not-object"]),
        (b"null", ["json-not-object"]),
        (b"[1, [2]]", ["json-not-object"]),
        (b"???", ["json-invalid"]),
        (b'{"id": "7", "text": "\xe9"}', ["encoding-invalid"]),
        (b'{"id": "7", "text": "brackets ]} \\" {[ \\\\"}', ['brackets ]} " {[ \\']),
        (b'{"id": "7", "text": "' + b"x" * 20_000_000 + b'"}', ["line-too-long"]),
        (b'{"id": "7", "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", ["json-too-deep"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_value_in_an_array_becomes_a_dead_letter_and_its_neighbours_arrive(
    element: bytes, becomes: list[str], tmp_path: Path
) -> None:
    values = [GOOD[0], '{"id": "3", "text": "voilà"}'.encode(), element, *GOOD]
    data = b"[\n  " + b",\n  ".join(values) + b"\n]\n"
    found = [outcome(item) for item in items(tmp_path / "file", data)]
    assert found == ["before", "voilà", *becomes, "before", "after"]


def test_an_array_that_is_not_closed_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "file"
    whole = b"[" + GOOD[0] + b",\n" + GOOD[1]
    assert [outcome(i) for i in items(path, whole)] == ["before", "after", "file-truncated"]
    assert [outcome(i) for i in items(path, whole[:-5])] == ["before", "json-truncated"]


def test_values_of_a_document_are_counted_instead_of_lines(tmp_path: Path) -> None:
    found = items(tmp_path / "file", b"[\n\n" + GOOD[0] + b",\n17,\n\n" + GOOD[1] + b"]")
    assert [item.line for item in found] == [1, 2, 3]


def test_utf_16_with_broken_characters_costs_only_their_line(tmp_path: Path) -> None:
    lines = [*(good.decode() for good in GOOD), '{"id": "3", "text": "é"}', GOOD[0].decode()]
    data = "\n".join(lines).encode("utf-16").replace("é".encode("utf-16-le"), b"\x00\xd8")
    found = [outcome(item) for item in items(tmp_path / "file", data)]
    assert found == ["before", "after", "encoding-invalid", "before"]
    found = [outcome(item) for item in items(tmp_path / "file", data[:-1])]
    assert found == ["before", "after", "encoding-invalid", "encoding-invalid"]


def test_every_reason_is_explained_and_every_explained_reason_exists() -> None:
    _, _, rest = DOCS.read_text(encoding="utf-8").partition("## Reasons of the archive source")
    section, _, _ = rest.partition("\n## ")
    explained = re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    assert sorted(explained) == sorted(REASONS)
    assert sorted(set(explained)) == sorted(explained)


def test_no_detail_repeats_the_text_of_a_post(tmp_path: Path) -> None:
    for _, line in LINES:
        record = around(tmp_path / "file", line).record
        assert isinstance(record, Reject)
        assert record.detail == REASONS[record.reason]


# A word before each text, since a text such as "NIL" alone stands for none.
VALID = st.builds(
    lambda number, text: json.dumps(
        {"id": str(number), "text": f"salam {text}"}, ensure_ascii=False
    ).encode(),
    st.integers(0, 10**20),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)
# The first bytes of a file say what it is: garbage there may make it a picture.
GARBAGE = st.binary(max_size=60).map(lambda data: data.replace(b"\n", b""))


@given(st.lists(VALID | GARBAGE, max_size=12), VALID)
@example([b"[", b"{", b'{"id":'], GOOD[0])
@example([b"[1]", b"[{"], GOOD[0])
def test_random_bytes_between_lines_lose_no_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], first: bytes
) -> None:
    path = tmp_path_factory.mktemp("random") / "file"
    lines = [first, *lines]
    found = items(path, b"\n".join(lines))
    filled = [(number, line) for number, line in enumerate(lines, 1) if line and not line.isspace()]
    assert [item.line for item in found] == [number for number, _ in filled]
    for item, (_, line) in zip(found, filled, strict=True):
        try:
            text = json.loads(line)["text"]
        except Exception:
            assert isinstance(item.record, Reject)
            assert item.record.raw == line
        else:
            assert isinstance(item.record, Post)
            assert item.record.text == readable(text).text


@given(st.lists(GARBAGE, max_size=8))
def test_random_bytes_in_a_table_lose_no_whole_row(
    tmp_path_factory: pytest.TempPathFactory, garbage: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("random") / "file"
    lines = [b"id,text"]
    for number, data in enumerate(garbage):
        lines += [b"%d,valid" % number, data.replace(b'"', b"'").replace(b"\r", b"")]
    found = [
        outcome(item) for item in items(path, b"\n".join([*lines, b"99,valid"]), encoding="utf-8")
    ]
    assert found.count("valid") >= len(garbage) + 1

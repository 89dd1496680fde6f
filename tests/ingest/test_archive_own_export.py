"""What Marsad exported is read back as it was."""

from __future__ import annotations

import csv
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mapping.spreadsheets import guard, unguard
from ingest.privacy.keyring import Key
from ingest.privacy.protector import Protector
from ingest.records import Post
from ingest.sources.archive.source import ArchiveSource
from pipelines.export.columns import COLUMNS, exported
from pipelines.export.formats import FORMATS
from pipelines.export.options import CsvFor, Options

NOW = datetime(2024, 1, 1, tzinfo=UTC)
POST = Post(
    id="twitter:703693485203859382",
    platform="twitter",
    text="=pas une formule",
    version=1456607645123,
    created_at=datetime(2016, 2, 27, 21, 14, 5, tzinfo=UTC),
    collected_at=datetime(2016, 3, 1, tzinfo=UTC),
    author="u_abcdefghijklmnop",
    url="https://twitter.com/i/web/status/703693485203859382",
    reply_to="twitter:703693485203859000",
    hashtags=("-essai", "VoIP", "a|b", "%7C"),
    counts={"likes": 3, "reposts": 0, "quotes": 2},
)


def read_back(*posts: Post, form: str = "csv", csv_for: CsvFor = "en") -> list[object]:
    with tempfile.TemporaryDirectory() as folder:
        writer = FORMATS[form](Path(folder), Options(csv_for=csv_for, entities=("inwi",)))
        for post in posts:
            writer.write(exported(post, ""))
        writer.close()
        source = ArchiveSource(Path(folder) / f"posts.{form}", now=NOW)
        assert source.details().tool == f"marsad-{form}"
        records: list[object] = [item.record for item in source.open("")]
        source.close()
    return records


def with_text(text: str) -> Post:
    return msgspec.structs.replace(POST, text=text)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+212",
        "- un",
        "@radio",
        "'=1",
        "''@x",
        "'quoted'",
        "＝1",
        "\t=1",
        "a\r\nb",
        "",
        "#x",
    ],
)
def test_the_apostrophe_before_a_formula_is_taken_away(text: str) -> None:
    post = with_text(text)
    assert read_back(post) == [msgspec.structs.replace(post, source="archive:posts")]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_every_text_comes_back(text: str) -> None:
    [post] = read_back(with_text(text))
    assert isinstance(post, Post)
    assert post.text == text


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_export_is_no_change_of_its_posts(form: str) -> None:
    protector = Protector([Key("ktest", datetime(2016, 1, 1, tzinfo=UTC), "11" * 32)])
    posts = [
        msgspec.structs.replace(POST, id="twitter:1"),
        msgspec.structs.replace(POST, id="archive:set:2", platform="archive", text="#un mot"),
        Post(id="forum:3", platform="forum", text="-sans date", collected_at=NOW),
        # A Jetstream counts microseconds, and a tag in a text need not be one of the platform's.
        msgspec.structs.replace(
            POST, id="bluesky:4", platform="bluesky", text="#a", version=1793491200123456
        ),
        msgspec.structs.replace(POST, id="twitter:5", version=0, hashtags=(), text="#b"),
    ]
    kept = [protector.protect(post).post for post in posts]
    again = [
        protector.protect(post).post
        for post in read_back(*kept, form=form)
        if isinstance(post, Post)
    ]
    assert [post.rank() for post in again] == [post.rank() for post in kept]
    assert [post.id for post in again] == [post.id for post in kept]
    assert [post.author for post in again] == [post.author for post in kept]


def test_a_french_export_is_read_back_too() -> None:
    assert read_back(POST, csv_for="fr") == [msgspec.structs.replace(POST, source="archive:posts")]


def test_another_table_keeps_its_apostrophes(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("id,text\n1,'=1\n", encoding="utf-8")
    [item] = ArchiveSource(path, now=NOW).open("")
    assert isinstance(item.record, Post)
    assert item.record.text == "'=1"


def test_a_table_with_further_columns_and_broken_cells_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    cells = {"id": "twitter:1", "platform": "twitter", "text": "'-a", "version": "1.4E+12"}
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*(column.name for column in COLUMNS), "later"])
        row = {**cells, "hashtags": "[", "counts": "{"}  # cells of JSON, as they once were
        writer.writerow([row.get(column.name, "") for column in COLUMNS])
    [item] = ArchiveSource(path, now=NOW).open("")
    assert isinstance(item.record, Post)
    assert (item.record.id, item.record.text, item.record.version) == ("twitter:1", "-a", 0)


@given(st.text())
def test_what_guards_a_cell_can_be_undone(cell: str) -> None:
    assert unguard(guard(cell)) == cell

"""What stands in the cells of exported workbooks, and what writing them takes."""

import errno
import tempfile
import tracemalloc
from datetime import UTC, datetime

import pytest
import xlsxwriter.workbook
from openpyxl import load_workbook

from pipelines.errors import OutputError
from pipelines.export import Options, check, export
from pipelines.export.columns import exported
from pipelines.export.xlsx import Xlsx
from pipelines.records import Hit
from tests.pipelines.export_facts import FACTS
from tests.pipelines.stored_posts import post

LONGEST = 32_767


def written(folder, *posts):
    folder = folder / "export"
    folder.mkdir()
    writer = Xlsx(folder, Options(about=(("query", "inwi"),)))
    for one in posts:
        day = f"{one.created_at:%Y-%m-%d}" if one.created_at else ""
        writer.write(exported(one, day))
    writer.close()
    assert [path.name for path in folder.iterdir()] == ["posts.xlsx"]
    sheet = load_workbook(folder / "posts.xlsx")["posts"]
    heads = [cell.value for cell in sheet[1]]
    return [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=2)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *(
            (same, same)
            for same in (
                "=HYPERLINK(1)", "+212", "1e10", "0012", "https://example.org/a", "mailto:a@b.c",
                "{=1}", "<b>&amp;</b>", "<r>&</r>", "<r><t>x</t></r>", "<r></r>", " two  ",
                "حيد لايك 😡 \u200f\u202e", "a" * LONGEST,
            )
        ),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x00\ud800\uffff", "\ufffd\ufffd\ufffd"),
        ("a" * 40_000, "a" * LONGEST),
        ("<r>" + "😡" * 20_000 + "</r>", "<r>" + "😡" * 16_382),
        ("", None),
    ],
)  # fmt: skip
def test_text__stands_as_it_is_and_is_never_a_formula_a_link_or_a_number(tmp_path, text, shown):
    (row,) = written(tmp_path, post(1, text))
    cell = row["text"]
    assert cell.value == shown
    assert shown is None or (cell.data_type, cell.number_format) == ("s", "@")
    assert cell.hyperlink is None


@pytest.mark.parametrize(
    ("language", "side", "order"), [("ar", "right", 2), ("ary", "right", 2), ("fr", "left", 1)]
)
def test_text__begins_at_the_side_of_its_script(tmp_path, language, side, order):
    (row,) = written(tmp_path, post(1, language=language))
    alignment = row["text"].alignment
    assert (alignment.horizontal, alignment.readingOrder) == (side, order)
    assert (alignment.vertical, alignment.wrap_text) == ("top", True)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1900, 1, 1, 6, 30),  # Excel's day 1
        datetime(1900, 2, 28),
        datetime(1900, 3, 1),  # after a day that only Excel knows
        datetime(2016, 2, 27, 23, 59, 59),
    ],
)
def test_moments_and_days__are_dates(tmp_path, moment):
    (row,) = written(tmp_path, post(1, at=moment.replace(tzinfo=UTC)))
    assert row["created_at"].value == moment
    assert row["created_at"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert row["day"].value == datetime(moment.year, moment.month, moment.day)
    assert row["day"].number_format == "yyyy-mm-dd"


def test_moments_and_days__before_those_of_excel_are_text(tmp_path):
    early, unknown = written(
        tmp_path, post(1, at=datetime(1850, 2, 3, tzinfo=UTC)), post(2, at=None)
    )
    assert (early["created_at"].value, early["day"].value) == ("1850-02-03 00:00:00", "1850-02-03")
    assert (unknown["created_at"].value, unknown["day"].value) == (None, None)


def test_rows__lie_in_the_folder_of_the_export_until_it_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no folder of the system"))
    assert len(written(tmp_path, post(1), post(2))) == 2


def test_rows__that_are_written_leave_nothing_in_memory(tmp_path):
    writer = Xlsx(tmp_path, Options())
    posts = [exported(post(n, "one\ntwo"), "2016-02-27") for n in range(3_000)]
    for one in posts[:1_000]:
        writer.write(one)
    tracemalloc.start()
    for one in posts[1_000:]:
        writer.write(one)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    writer.close()
    assert grown < 40_000  # bytes, for 2,000 posts: XlsxWriter kept 390 of each
    sheet = load_workbook(tmp_path / "posts.xlsx")["posts"]
    assert {sheet.row_dimensions[row].height for row in range(2, 3_002)} == {30}


def test_a_full_disk__is_told_in_words_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(xlsxwriter.workbook.ZipFile, "write", full)
    with pytest.raises(OutputError, match="make room"):
        export([Hit(post(1), "2016-02-27")], tmp_path / "out", ["xlsx"], FACTS)
    assert not (tmp_path / "out").exists()


def test_ids__that_look_like_an_escape_are_read_back_as_they_are(tmp_path):
    ids = ("youtube:a_x0041_bcde", "youtube:_x005F_x0041_", "twitter:1")
    posts = [Hit(post(n).__class__(id=one, platform="twitter", text=""), "")
             for n, one in enumerate(ids)]  # fmt: skip
    export(posts, tmp_path, ["xlsx"], FACTS)
    assert list(check._ids_of_sheet(tmp_path / "posts.xlsx")) == list(ids)

"""Tables of posts, labels, events and readings are read by one reader: as spreadsheets write them.

Every table here says the same in the ways in which people and programs write tables. Contents are
invented.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ingest.records import Post
from ingest.sources.archive.source import ArchiveSource
from ingest.sources.counters.table import parse_readings, parse_when
from pipelines.annotations import Event
from pipelines.annotations import read as read_events
from pipelines.labels import sheets

MOROCCO = ZoneInfo("Africa/Casablanca")
NOW = datetime(2026, 11, 1, tzinfo=UTC)

#: How a table is written, from its plain form: commas, UTF-8, ISO dates.
WAYS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "byte order mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16 of a spreadsheet": lambda text: text.replace(",", "\t").encode("utf-16"),
    "Windows, in French": lambda text: text.replace(",", ";").encode("cp1252"),
    "carriage returns": lambda text: text.replace("\n", "\r\n").encode(),
    "old Macintosh": lambda text: text.replace("\n", "\r").encode(),
    "a sep= line": lambda text: ("sep=;\n" + text.replace(",", ";")).encode(),
    "a preamble": lambda text: ("Export du 1er mars\nrequête: inwi\n\n" + text).encode(),
    "a preamble with semicolons": lambda text: (
        "Suivi de pages;;\n01/02/2016 - 29/02/2016;;\n;;\n" + text.replace(",", ";")
    ).encode(),
    "days first": lambda text: text.replace("2016-02-27", "27/02/2016").encode(),
    "months first": lambda text: text.replace("2016-02-27", "2/27/2016").encode(),
    "in words": lambda text: text.replace("2016-02-27", "27 février 2016").encode(),
    "quoted": lambda text: "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.split("\n") if line
    ).encode(),
}
TEXT = "Inwi a coupé l'appel à Fès"


@pytest.fixture(params=WAYS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(WAYS[request.param](text))
        return path

    return write


def test_posts__of_a_table_are_read(written: Callable[[str], Path]) -> None:
    path = written(f"id,date,auteur,message\n7,2016-02-27,sara,{TEXT}\n")
    source = ArchiveSource(path, timezone="UTC")
    (found,) = [item.record for item in source.open("")]
    assert isinstance(found, Post)
    assert (found.text, found.author) == (TEXT, "sara")
    assert found.created_at == datetime(2016, 2, 27, tzinfo=UTC)


def test_events__of_a_table_are_read(written: Callable[[str], Path]) -> None:
    path = written(f"date,label,note\n2016-02-27,Appel,{TEXT}\n")
    assert read_events(path) == [Event(date(2016, 2, 27), label="Appel", note=TEXT)]


def test_readings__of_a_table_are_read(written: Callable[[str], Path]) -> None:
    path = written(f"date,page,value,note\n2016-02-27,inwi,1234,{TEXT}\n")
    found = parse_readings(path.read_bytes(), "notes.csv", zone=MOROCCO, now=NOW)
    (counter,) = found.counters
    assert (counter.page, counter.value, counter.note) == ("inwi", 1234, TEXT)
    assert counter.at == datetime(2016, 2, 27, tzinfo=UTC)
    assert counter.span == 24 * 3600
    assert not found.bad


def test_labels__of_a_table_are_read(written: Callable[[str], Path]) -> None:
    path = written(f"id,texte,sentiment\nt:1,{TEXT},négatif\n")
    (answer,) = sheets.read(path)
    assert (answer.id, answer.text, answer.labels) == ("t:1", TEXT, {"sentiment": "negative"})


def test_preamble__is_told_with_the_columns_that_follow(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("Export\n\ndate;message\n27/02/2016;bonjour\n", encoding="utf-8")
    source = ArchiveSource(path)
    (item,) = source.open("")
    assert item.line == 4
    (warning,) = source.warnings
    assert "first 2 lines are no records" in warning
    assert "date, message" in warning
    assert list(source.open(item.cursor)) == []


def test_preamble__is_not_searched_where_the_first_line_names_a_column(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("Titre,message\nbonjour,bonsoir\n", encoding="utf-8")
    source = ArchiveSource(path)
    (item,) = source.open("")
    assert item.line == 2
    assert source.warnings == []


def test_dates_of_readings__month_first_if_a_later_row_says_so() -> None:
    content = "date;page;value\n2/3/2016;a;1\n2/27/2016;a;2\n"
    found = parse_readings(content, "notes.csv", zone=UTC, now=NOW)
    assert [counter.at.month for counter in found.counters] == [2, 2]


@pytest.mark.parametrize("text", ["5", "201602", "27/02", "soon", "20:15", ""])
def test_dates_of_readings__are_days_or_moments(text: str) -> None:
    with pytest.raises(ValueError, match="no date"):
        parse_when(text, UTC)

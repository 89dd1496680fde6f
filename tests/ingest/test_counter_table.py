"""Readings kept by hand in a CSV file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import SourceError
from ingest.records import Counter
from ingest.sources.counters.table import Readings, parse_readings
from tests.conftest import CASE

BEIRUT = ZoneInfo("Asia/Beirut")
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def read(text: str | bytes, source: str = "") -> Readings:
    return parse_readings(text, "notes.csv", zone=BEIRUT, source=source, now=NOW)


def one(text: str | bytes) -> Counter:
    found = read(text)
    assert not found.bad
    (counter,) = found.counters
    return counter


def test_a_reading_has_page_time_value_and_source() -> None:
    assert one("time,page,value,source\n2019-10-17 20:15,alfa,2.4M,my notes\n") == Counter(
        source="my notes",
        page="alfa",
        metric="likes",
        value=2_400_000,
        granularity=100_000,
        at=datetime(2019, 10, 17, 17, 15, tzinfo=UTC),
    )


def test_day_and_hour_may_stand_in_two_columns_the_hour_may_be_missing() -> None:
    found = read("date,time,page,value\n2019-10-17,20:15,a,1\n2019-10-18,,a,2\n")
    assert [counter.at.hour for counter in found.counters] == [17, 21]
    assert [counter.span for counter in found.counters] == [0, 86_400]


def test_a_row_without_a_source_comes_from_the_file_or_from_what_is_said() -> None:
    text = "date,page,value\n2019-10-17,alfa,5\n"
    assert read(text).counters[0].source == "notes.csv"
    assert read(text, source="a friend").counters[0].source == "a friend"


def test_a_day_is_a_stretch_from_its_midnight_to_the_next_one() -> None:
    counter = one("date,page,value\n2019-10-17,alfa,5\n")
    assert counter.at == datetime(2019, 10, 16, 21, tzinfo=UTC)
    assert counter.span == 86_400
    longer = one("date,page,value\n2019-10-26,alfa,5\n")  # clocks are put back that night
    assert longer.span == 90_000


def test_times_that_name_their_zone_keep_it_and_others_are_counted() -> None:
    found = read("time,page,value\n2019-10-17T20:15+02:00,a,1\n2019-10-17T20:15,a,1\n")
    assert [counter.at.hour for counter in found.counters] == [18, 17]
    assert found.zone_assumed == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_found_by_name_in_any_order_with_any_delimiter(delimiter: str) -> None:
    header = ["Value", "ENTITY", "note", "Date", "metric"]
    row = ["7", "alfa", "seen twice", "2019-10-17", "followers"]
    counter = one("\n".join(delimiter.join(cells) for cells in (header, row)).encode("utf-8-sig"))
    assert (counter.page, counter.value, counter.metric) == ("alfa", 7, "followers")
    assert counter.note == "seen twice"


def test_an_approximate_figure_moves_in_the_step_it_was_rounded_to() -> None:
    header = "date,page,metric,value,approximate,granularity\n"
    assert one(header + "2019-10-17,a,likes_lost,18000,yes,\n").granularity == 1_000
    assert one(header + "2019-10-17,a,likes_lost,18000,no,\n").granularity == 1
    assert one(header + "2019-10-17,a,likes_lost,18000,yes,5000\n").granularity == 5_000


@pytest.mark.parametrize(
    ("words", "bound"), [("more than", "least"), ("Nearly", "most"), ("about", ""), ("no", "")]
)
def test_a_figure_may_be_rounded_to_one_side(words: str, bound: str) -> None:
    text = f"date,page,metric,value,approximate\n2019-10-17,a,likes_lost,18000,{words}\n"
    assert (one(text).bound, one(text).granularity) == (bound, 1 if words == "no" else 1_000)


def test_a_time_may_be_known_by_a_stretch_of_days_or_hours() -> None:
    counter = one(
        "date,since,page,value\n2019-10-17/2019-10-19,2019-10-16 18:00/2019-10-16 23:30,a,5\n"
    )
    assert (counter.at, counter.span) == (datetime(2019, 10, 16, 21, tzinfo=UTC), 3 * 86_400)
    assert counter.since == datetime(2019, 10, 16, 15, tzinfo=UTC)
    assert counter.since_span == 5.5 * 3600


def test_a_published_loss_may_say_since_when_it_is_counted() -> None:
    counter = one("date,since,page,metric,value\n2019-10-18,2019-10-17 20:00,a,likes_lost,9\n")
    assert counter.since == datetime(2019, 10, 17, 17, tzinfo=UTC)
    assert counter.since_span == 0


def test_a_percentage_is_kept_in_millionths_under_a_name_that_says_so() -> None:
    counter = one("date,page,metric,value\n2019-10-18,a,likes_lost_percent,5.62\n")
    assert (counter.metric, counter.value, counter.granularity) == ("likes_lost_ppm", 56_200, 100)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2019,a,5,,", "no date"),
        ("2019-10-17/2019-10-15,a,5,,", "ends before it begins"),
        ("2019-10-17/soon,a,5,,", "no date"),
        ("2019-13-01,a,5,,", "no date"),
        (",a,5,,", "no date"),
        ("2019-10-17,,5,,", "no page"),
        ("2019-10-17,a,,,", "no count"),
        ("2019-10-17,a,many,,", "no count"),
        ("2019-10-17,a,5,perhaps,", "approximate"),
        ("2019-10-17,a,5,,0", "granularity"),
        ("2099-01-01,a,5,,", "still to come"),
        ("2019-10-17", "no page"),
    ],
)
def test_a_bad_row_is_told_with_line_and_reason_and_the_rest_goes_on(row: str, reason: str) -> None:
    found = read(
        f"date,page,value,approximate,granularity\n2019-10-16,a,1,,\n{row}\n2019-10-18,a,3,,\n"
    )
    assert [counter.value for counter in found.counters] == [1, 3]
    ((line, words),) = [(bad.line, bad.reason) for bad in found.bad]
    assert line == 3
    assert reason in words


def test_the_same_reading_twice_is_one_and_a_contradiction_is_told() -> None:
    row = "2019-10-17,a,{}\n"
    found = read("date,page,value\n" + row.format(5) + row.format(5) + row.format(6))
    assert [counter.value for counter in found.counters] == [5]
    assert found.repeated == 1
    assert [bad.line for bad in found.bad] == [4]


def test_a_stray_quotation_mark_swallows_no_row_in_silence() -> None:
    header = "date,page,value,note\n"
    swallowed = read(header + '2019-10-16,"a,1,\n2019-10-17,b",2,\n2019-10-18,a,3,\n')
    assert [counter.value for counter in swallowed.counters] == [3]
    assert ["quotation mark" in bad.reason for bad in swallowed.bad] == [True]
    with pytest.raises(SourceError, match="quotation mark"):
        read(header + '2019-10-16,a,1,"never closed\n2019-10-17,a,2,\n')


def test_a_note_may_run_over_lines() -> None:
    counter = one('date,page,value,note\n2019-10-16,a,1,"two\nlines"\n')
    assert counter.note == "two lines"


@pytest.mark.parametrize("content", [b"", b"\n", b"name,likes\na,5\n", b"a,\x00b\n"])
def test_a_file_that_is_no_such_table_is_refused_with_what_it_needs(content: bytes) -> None:
    with pytest.raises(SourceError, match=r"notes\.csv"):
        read(content)


def test_the_readings_of_a_shipped_case_can_all_be_read() -> None:
    content = (CASE / "counters.csv").read_bytes()
    found = read(content)
    assert not found.bad
    assert not found.repeated
    assert len(found.counters) == content.count(b"\n") - 1


@given(st.text(max_size=200), st.text(max_size=30))
def test_every_row_is_a_reading_a_repetition_or_bad(body: str, cell: str) -> None:
    text = f"date,page,value\n2019-10-17,a,1\n2019-10-17,{cell},2\n{body}"
    try:
        found = read(text)
    except SourceError:
        return  # csv itself refuses it
    assert found.counters[0].value == 1
    keys = {(c.source, c.page, c.metric, c.at) for c in found.counters}
    assert len(keys) == len(found.counters)
    assert all(c.at <= NOW + timedelta(days=1) for c in found.counters)

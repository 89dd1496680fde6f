"""What dates in archives are read as."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import dates
from ingest.dates import DateStyle, learn, plausible, read

EVENING = datetime(2016, 2, 27, 21, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2016-02-27T21:14:00Z",
        "2016-02-27T21:14:00.000Z",
        "2016-02-27T22:14:00+01:00",
        "2016-02-27 22:14:00 +0100",
        "2016-02-27 21:14:00 UTC",
        "2016-02-27 22:14:00 CET",
        "20160227T211400Z",
        "Sat Feb 27 21:14:00 +0000 2016",
        "Sat, 27 Feb 2016 21:14:00 GMT",
        "Sat, 27 Feb 2016 16:14:00 EST",
        "27 Feb 2016 22:14 +0100",
        "Sat Feb 27 2016 22:14:00 GMT+0100 (heure normale)",
        "2016-02-27 22:14:00 +0100 CET",  # Go
        "1456607640",
        "1456607640.0",
        "1.45660764E9",  # Java, Spark
        "1.45660764E12",
        "1456607640000",
        "1456607640000000",
        "1456607640000000000",
    ],
)
def test_a_date_with_its_zone_names_one_moment(written: str) -> None:
    assert read(written, ZoneInfo("America/New_York")) == (EVENING, False, False)


@pytest.mark.parametrize(
    "written",
    [
        "2016-02-27 21:14",
        "2016-02-27T21:14:00",
        "2016/02/27 21:14",
        "27/02/2016 21:14",
        "27.02.2016 21:14:00",
        "27-02-2016, 21:14",
        "27/02/16 21:14",
        "02/27/2016 9:14 PM",
        "27 février 2016 à 21:14",
        "27 févr. 2016 21h14",
        "27-FEB-16 09.14.00.000000 PM",  # Oracle
        "27-FÉVR.-16 21.14.00,000000000",
        "27.02.2016 21.14",
        "February 27, 2016 9:14 PM",
        "Feb 27, 2016, 9:14 p.m.",
        "20160227211400",
        "201602272114",
        " 2016-02-27 21:14 ",
        "٢٧/٠٢/٢٠١٦ ٢١:١٤",
    ],
)
def test_a_date_without_zone_takes_the_assumption_and_says_so(written: str) -> None:
    assert read(written, UTC) == (EVENING, True, False)
    assert read(written, timezone(timedelta(hours=1))).moment == EVENING - timedelta(hours=1)


@pytest.mark.parametrize(
    "written",
    [
        # Month names of Egypt and the Gulf, the Levant, Tunisia and Algeria, Morocco.
        *("27 فبراير 2016 21:14", "27 شباط 2016 21:14", "27 فيفري 2016 21:14"),
        *("السبت، 27 فبراير 2016 - 21:14", "السبت 27 فبراير 2016 | 21:14"),
        *("27 شباط/فبراير 2016 21:14", "27 شباط (فبراير) 2016، 21:14"),
        *("27 فبراير 2016 الساعة 9:14 مساءً", "٢٧ فبراير ٢٠١٦ ٩:١٤ م"),
        # As phones write them, with direction marks inside.
        "\u200f27\u200f/2\u200f/2016، 9:14 م",
        *("27-févr.-16 21:14", "27-Feb-16 21:14", "27 de febrero de 2016 21:14"),
        *(
            "27. Februar 2016 21:14",
            "le 27 février 2016 à 21 h 14",
            "samedi 27 février 2016 - 21h14",
        ),
        *("Publié le 27/02/2016 à 21:14", "9:14 PM · Feb 27, 2016", "21:14 - 27 févr. 2016"),
        # Kibana's form.
        "Feb 27, 2016 @ 21:14:00.000",
        *("2016年2月27日 21:14", "2016/2/27 21:14:00"),
    ],
)
def test_a_date_of_any_language_is_read(written: str) -> None:
    assert read(written, UTC) == (EVENING, True, False)


@pytest.mark.parametrize(
    ("written", "month"),
    [
        *(("1 غشت 2016", 8), ("1 شتنبر 2016", 9), ("1 نونبر 2016", 11), ("1 دجنبر 2016", 12)),
        *(("1 يوليوز 2016", 7), ("1 ماي 2016", 5), ("1 أوت 2016", 8), ("1 جويلية 2016", 7)),
        *(
            ("1 كانون الثاني 2016", 1),
            ("1 كانون الأول 2016", 12),
            ("1 تشرين الأول/أكتوبر 2016", 10),
        ),
        *(("1 تشرين الثاني 2016", 11), ("1 آب 2016", 8), ("1 أيلول 2016", 9)),
    ],
)
def test_every_arabic_month_is_known(written: str, month: int) -> None:
    assert read(written, UTC).moment == datetime(2016, month, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        *(("Sat, 27 Feb 2016 21:14:00 CEST", 19), ("Sat, 27 Feb 2016 21:14:00 WEST", 20)),
        *(("2016-02-27 21:14 Europe/Paris", 20), ("2016-02-27T21:14:00+01:00[Europe/Paris]", 20)),
        ("Sat Feb 27 21:14:00 CET 2016", 20),
    ],
)
def test_the_name_of_a_zone_counts(written: str, hour: int) -> None:
    assert read(written, UTC) == (EVENING.replace(hour=hour), False, False)


def test_an_hour_alone_is_a_time_of_day() -> None:
    assert read("12 janvier 2016 à 20h", UTC).moment == datetime(2016, 1, 12, 20, tzinfo=UTC)
    assert dates.time_of_day("20h05")
    assert dates.time_of_day("9:14 PM")
    assert dates.time_of_day("21.14.05")
    assert not dates.time_of_day("27/02/2016")
    # a duration, a share of a day
    assert not any(map(dates.time_of_day, ["0.75", "10.95", "21.14"]))
    assert all(map(dates.day_alone, ["27/02/2016", "27.02.2016", "27. 02.16", "27 févr. 2016"]))
    dotted = ["27.02.2016 21.14", "27.02.2016, 9.14", "27 février 2016 à 21.14"]
    assert not any(map(dates.day_alone, dotted))
    assert not dates.day_alone("27/02/2016 21:14")


def test_the_assumed_zone_knows_summer_time() -> None:
    casablanca = ZoneInfo("Europe/Paris")
    assert read("2016-02-27 12:00", casablanca).moment == datetime(2016, 2, 27, 11, tzinfo=UTC)
    assert read("2016-07-27 12:00", casablanca).moment == datetime(2016, 7, 27, 10, tzinfo=UTC)


def test_a_day_alone_begins_at_midnight_of_the_assumed_zone() -> None:
    assert read("2016-02-27", UTC).moment == datetime(2016, 2, 27, tzinfo=UTC)
    assert read("20160227", UTC) == (datetime(2016, 2, 27, tzinfo=UTC), True, False)


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "-", "yesterday", "2 h", "NaN", "12:30", "2016-02", "x" * 1000, "1" * 30),
        *("2016-13-01", "31/02/2016", "27/02/2016 25:00", "2016-02-27 12:00 XYZ", "1.4566E+09"),
        *("27-FEB-16 9.1", "27/02/2016 12.75"),
    ],
)
def test_what_is_no_date_is_unknown(written: str) -> None:
    assert read(written, UTC) == (None, False, False)


@pytest.mark.parametrize(
    "written",
    [
        "27 فبراير 2016م",
        "27 فبراير 2016 م",
        "السبت 18 جمادى الأولى 1437 هـ الموافق 27 فبراير 2016",
        "18 جمادى الأولى 1437هـ، الموافق لـ 27 فبراير 2016م",
    ],
)
def test_a_year_of_the_christian_calendar_is_read_as_arabic_marks_it(written: str) -> None:
    assert read(written, UTC).moment == datetime(2016, 2, 27, tzinfo=UTC)


@pytest.mark.parametrize("written", ["18 جمادى الأولى 1437 هـ", "1.456608e+09", "1.4566E9 s"])
def test_a_date_that_can_not_be_known_is_unknown(written: str) -> None:
    assert read(written, UTC).moment is None


@pytest.mark.parametrize("written", ["2016", "0", "12345", "-5", "٣"])
def test_a_small_number_is_an_epoch_that_no_post_can_have(written: str) -> None:
    moment = read(written, UTC).moment
    assert moment is not None
    assert not plausible(moment, EVENING)


@pytest.mark.parametrize(
    "written", ["0000-00-00 00:00:00", "10000-01-01T00:00:00Z", "+12016-01-01"]
)
def test_a_year_that_no_calendar_has_is_impossible(written: str) -> None:
    assert read(written, UTC) == (None, False, True)


def test_a_moment_before_year_one_after_conversion_is_impossible() -> None:
    assert read("0001-01-01T00:00:00+05:00", UTC) == (None, False, True)
    assert read("-99999999999", UTC).impossible


def test_the_empty_dates_of_databases_are_kept_but_not_plausible() -> None:
    for written in ("0001-01-01T00:00:00Z", "-62135596800", "2099-12-31T00:00:00Z"):
        moment = read(written, UTC).moment
        assert moment is not None
        assert not plausible(moment, EVENING)


def test_a_post_may_be_at_most_two_days_ahead_of_its_collection() -> None:
    assert plausible(EVENING + timedelta(days=2), EVENING)
    assert not plausible(EVENING + timedelta(days=2, seconds=1), EVENING)


def test_day_or_month_first_is_decided_for_a_whole_column() -> None:
    assert learn(["03/04/2016", "27/02/2016"]).day_first
    assert not learn(["03/04/2016", "02/27/2016"]).day_first
    assert learn(["03/04/2016"]).day_first
    assert learn([]).day_first


def test_an_ambiguous_date_follows_its_column_and_a_clear_one_itself() -> None:
    american = DateStyle(day_first=False)
    assert read("03/04/2016", UTC, american).moment == datetime(2016, 3, 4, tzinfo=UTC)
    assert read("03/04/2016", UTC).moment == datetime(2016, 4, 3, tzinfo=UTC)
    assert read("27/02/2016", UTC, american).moment == datetime(2016, 2, 27, tzinfo=UTC)
    assert read("02/27/2016", UTC).moment == datetime(2016, 2, 27, tzinfo=UTC)


def test_day_numbers_of_spreadsheets_are_seen_by_the_whole_column() -> None:
    assert learn(["42427.885", "42428", "42430,25"]).serial
    assert not learn(["42427.885", "1456607640"]).serial
    assert not learn(["42427", "17"]).serial
    serial = DateStyle(serial=True)
    assert read("42427.885", UTC, serial) == (
        datetime(2016, 2, 27, 21, 14, 24, tzinfo=UTC),
        True,
        False,
    )
    assert read("42427,8847222", UTC, serial).moment == EVENING
    assert read("42427.885", UTC).moment == datetime(1970, 1, 1, 11, 47, 7, 885000, tzinfo=UTC)


def test_zones_are_named_by_region_or_offset() -> None:
    assert dates.zone_named("utc") is UTC
    assert dates.zone_named("Africa/Casablanca") == ZoneInfo("Africa/Casablanca")
    assert dates.zone_named("+01:00") == timezone(timedelta(hours=1))
    for wrong in ("Mars/Base", "+1h", "", "../etc/passwd", "+99:00"):
        with pytest.raises(ValueError, match=r"."):
            dates.zone_named(wrong)


@given(
    st.datetimes(min_value=datetime(1990, 1, 2), max_value=datetime(2035, 1, 1)),
    st.sampled_from([UTC, timezone(timedelta(hours=-9)), timezone(timedelta(hours=5, minutes=30))]),
)
def test_every_way_of_writing_a_moment_reads_as_that_moment(
    naive: datetime, zone: timezone
) -> None:
    moment = naive.replace(tzinfo=zone, microsecond=0)
    ways = [
        moment.isoformat(),
        moment.strftime("%a %b %d %H:%M:%S %z %Y"),
        moment.strftime("%a, %d %b %Y %H:%M:%S %z"),
        moment.strftime("%Y-%m-%d %H:%M:%S %z"),
        str(int(moment.timestamp())),
        str(int(moment.timestamp()) * 1000),
    ]
    for way in ways:
        assert read(way, ZoneInfo("Asia/Tokyo")) == (moment.astimezone(UTC), False, False), way
    local = moment.strftime("%d/%m/%Y %H:%M:%S")
    assert read(local, zone) == (moment.astimezone(UTC), True, False)


@given(st.text(max_size=90) | st.from_regex(r"[0-9 /.:+-]{1,25}"))
def test_no_text_at_all_makes_the_reader_fail(text: str) -> None:
    moment = read(text, UTC).moment
    assert moment is None or moment.tzinfo is UTC
    learn([text])

"""``marsad pages``, as users type it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest

from tests.conftest import CASE, Marsad
from tests.ingest import counter_fixtures as shape
from tests.platform_server import Platform, in_json, platform

READINGS = """time,page,value,source,metric,approximate,since
2019-10-17 20:00+03:00,alfa,2000000,my notes,likes,,
2019-10-17 22:00+03:00,alfa,1990000,my notes,likes,,
2019-10-18,alfa,12000,https://paper.example/a,likes_lost,yes,2019-10-17 20:00+03:00
2019-10-18,alfa,20000,https://other.example/b,likes_lost,no,2019-10-17 20:00+03:00
someday,alfa,1,my notes,likes,,
"""


@pytest.fixture
def server() -> Iterator[Platform]:
    with platform() as told:
        yield told


def test_the_shipped_case_is_reported_without_a_store(marsad: Marsad) -> None:
    rows = marsad.rows("pages", "report", "--readings", "morocco-2016", "--since", "2016-02-26",
                       "--json")  # fmt: skip
    found = {(row["page"], row["loss"]): row for row in rows}
    one, other = found["maroc-telecom", 137_500], found["maroc-telecom", 123_380]
    assert one["percent"] == 5.62
    assert one["differs"] == [other["source"]]
    assert other["differs"] == [one["source"]]
    assert one["per_hour_low"] < one["per_hour"] < one["per_hour_high"]
    assert (one["start"], one["start_span"], one["start_assumed"]) == (
        "2016-02-26T18:00:00Z", 6 * 3600, False)  # fmt: skip
    assert (other["end_span"], other["start_assumed"]) == (3 * 86_400, True)
    more_than = found["inwi", 100_000]
    assert (more_than["loss_low"], more_than["loss_high"]) == (100_000, 200_000)
    assert {row["page"] for row in rows} == {"maroc-telecom", "inwi", "meditel", "operators"}
    assert not (marsad.folder / "marsad.db").exists()


def test_the_report_for_people_tells_precision_and_disagreement(marsad: Marsad) -> None:
    done = marsad("pages", "report", "--readings", "morocco-2016", "--since", "2016-02-26")
    assert "137,500 ± 100" in done.stdout
    assert "Sources differ on maroc-telecom" in done.stdout
    assert "assumed" in done.stderr


def test_readings_by_hand_are_imported_once_and_bad_rows_are_told(marsad: Marsad) -> None:
    marsad.write("notes.csv", READINGS)
    first = marsad("pages", "import", "notes.csv", code=1)
    assert "4 readings added" in first.stderr
    assert "line 6" in first.stderr
    again = marsad("pages", "import", "notes.csv", code=1)
    assert "0 readings added, 4 known before" in again.stderr
    rows = marsad.rows("pages", "report", "--json")
    assert [(row["metric"], row["loss"]) for row in rows] == [
        ("likes", 10_000),
        ("likes_lost", 20_000),
        ("likes_lost", 12_000),
    ]
    assert rows[0]["per_hour"] == 5_000


def test_another_file_with_the_same_readings_adds_nothing(marsad: Marsad) -> None:
    marsad.write("notes.csv", READINGS)
    marsad("pages", "import", "notes.csv", code=1)
    done = marsad("pages", "import", "-", stdin=READINGS + "\n", code=1)
    assert "0 readings added" in done.stderr


def test_times_without_a_zone_are_those_of_the_case(marsad: Marsad) -> None:
    """The option's zone, else the configured one, the store's, the watchlist's, the default's."""
    text = (CASE / "watchlist.toml").read_text(encoding="utf-8")
    text = text.replace('"Africa/Casablanca"', '"Asia/Amman"')
    marsad.write("mine.toml", text.encode())
    marsad.write("likes.csv", "time,page,value\n2022-12-17 12:00,press,4.1K\n")

    def assumed(*options: str) -> str:
        told = marsad("pages", "import", "likes.csv", *options).stderr
        return told.partition("name no zone; ")[2].partition(" was assumed")[0]

    def shown(*options: str) -> str:
        """The zone that a report counts its days in, by the moment of the reading."""
        return marsad("pages", "report", "--readings", "likes.csv", "--json", *options).stdout

    assert assumed() == "UTC"
    assert '"2022-12-17T12:00:00Z"' in shown()
    marsad.write("marsad.toml", b'watchlist = "mine.toml"\n')
    assert assumed() == "Asia/Amman"
    assert '"2022-12-17T09:00:00Z"' in shown()
    assert "2022-12-17 12:00" in marsad("pages", "report", "--readings", "likes.csv").stdout
    marsad.write("none.ndjson", "")
    marsad.environment["MARSAD_TIMEZONE"] = "Asia/Tokyo"
    marsad("ingest", "archive", "none.ndjson", "--store", "tokyo.db")
    assert assumed("--store", "tokyo.db") == "Asia/Tokyo"
    del marsad.environment["MARSAD_TIMEZONE"]
    assert assumed("--store", "tokyo.db") == "Asia/Tokyo"
    assert '"2022-12-17T03:00:00Z"' in shown("--store", "tokyo.db")
    assert assumed("--store", "tokyo.db", "--timezone", "UTC") == "UTC"


def test_signs_and_small_rates_of_a_report_are_explained(marsad: Marsad) -> None:
    lines = ["2022-12-17T00:00Z,mine,1000", "2022-12-19T00:00Z,mine,980", "2022-12-19,one,5"]
    marsad.write("likes.csv", "time,page,value\n" + "\n".join(lines) + "\n")
    done = marsad("pages", "report", "--readings", "likes.csv")
    assert " 0.4 " in done.stdout
    assert "·: no figure follows" in done.stderr
    assert "≠" not in done.stderr
    case = marsad("pages", "report", "--readings", "morocco-2016", "--since", "2016-02-26")
    assert "≠: what these sources say" in case.stderr


def test_a_report_can_be_narrowed_and_written_as_csv(marsad: Marsad) -> None:
    marsad.write("notes.csv", READINGS)
    done = marsad("pages", "report", "--readings", "notes.csv", "--page", "alfa", "--metric",
                  "likes", "--csv")  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["loss"], row["state"], row["percent"]) == ("10000", "measured", "0.5")


def test_charts_are_the_same_each_time(marsad: Marsad) -> None:
    for name in ("a.svg", "b.svg", "c.png"):
        marsad("pages", "report", "--readings", "morocco-2016", "--chart", name)
    assert (marsad.folder / "a.svg").read_bytes() == (marsad.folder / "b.svg").read_bytes()
    assert (marsad.folder / "c.png").read_bytes().startswith(b"\x89PNG")


def test_no_reading_is_nothing_found(marsad: Marsad) -> None:
    done = marsad("pages", "report", "--readings", "morocco-2016", "--page", "nobody", code=3)
    assert "maroc-telecom" in done.stderr
    assert "likes_lost_percent" in done.stderr


def test_a_counter_is_named_as_it_is_shown(marsad: Marsad) -> None:
    rows = marsad.rows("pages", "report", "--readings", "morocco-2016", "--json", "--metric",
                       "likes_lost_percent")  # fmt: skip
    assert {row["percent"] for row in rows} == {5.62, 5.57, 4.84}


@pytest.mark.parametrize(
    "options",
    [("--since", "someday"), ("--json", "--csv"), ("--readings", "none.csv"),
     ("--chart", "chart.gif")],
)  # fmt: skip
def test_wrong_usage_is_explained(marsad: Marsad, options: tuple[str, ...]) -> None:
    done = marsad("pages", "report", "--readings", "morocco-2016", *options, code=None)
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    if "none.csv" in options:
        assert "morocco-2016" in done.stderr  # which cases come with readings


def test_pages_of_a_watchlist_are_followed_and_reported(marsad: Marsad, server: Platform) -> None:
    marsad.write(
        "mine.toml",
        """name = "mine"
title = "Mine"
country = "LB"
timezone = "Asia/Beirut"
languages = ["ar"]
[[entities]]
id = "alfa"
kind = "operator"
name = "Alfa"
aliases = { latin = ["alfa"] }
[[pages]]
entity = "alfa"
platform = "mastodon"
name = "Alfa"
url = "https://social.example/@operator"
[[pages]]
entity = "alfa"
platform = "facebook"
name = "Alfa"
""",
    )
    server.on(shape.MASTODON_PATH, shape.mastodon(900), shape.mastodon(850))
    done = marsad("pages", "watch", "--watchlist", "mine.toml", "--every", "1s", "--times", "2",
                  "--url", f"mastodon={server.url}")  # fmt: skip
    assert "no url" in done.stderr
    (row,) = marsad.rows("pages", "report", "--json")
    assert (row["page"], row["source"], row["loss"]) == (
        "alfa",
        "pages/mastodon:operator@social.example",
        50,
    )


def test_a_page_that_refuses_is_a_gap_in_status_and_report(
    marsad: Marsad, server: Platform
) -> None:
    marsad.write("marsad.toml", f'[urls]\nmastodon = "{server.url}"\n')
    server.on(shape.MASTODON_PATH, shape.mastodon(900), in_json({"error": "no"}, 401))
    watch = ("pages", "watch", "mastodon:operator@social.example", "--times", "1")
    marsad(*watch)
    done = marsad(*watch, code=1)
    assert "SourceBlocked" in done.stderr
    assert marsad("status").stdout.startswith("marsad.db  (no posts, and no time zone yet)")
    # People are shown gaps of a second and more, which need not lie between the two runs.
    (state,) = marsad.rows("status", "--json")
    assert [gap["cause"].partition(":")[0] for gap in state["gaps"]] == ["SourceBlocked"]
    assert "SourceBlocked" in marsad("pages", "report").stderr
    assert len(marsad.rows("dead", "list", "--kind", "answer", "--json")) == 1


def test_a_platform_that_needs_a_key_says_which(marsad: Marsad) -> None:
    done = marsad("pages", "watch", "youtube:@operator", "--times", "1", code=1)
    assert "MARSAD_YOUTUBE_KEY" in done.stderr


@pytest.mark.parametrize(
    "options", [("--every", "often"), ("--every", "10"), ("--every", "9s"), ("--url", "mastodon")]
)
def test_wrong_options_of_a_watch_are_explained(marsad: Marsad, options: tuple[str, ...]) -> None:
    marsad("pages", "watch", "telegram:operator", *options, code=2)

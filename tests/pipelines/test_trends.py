import csv
import io
import json
import math
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console

from ingest.records import Gap
from pipelines import trend_table
from pipelines.analysis.estimates import Estimate, Share, wilson
from pipelines.analysis.remarks import moved
from pipelines.commands.trends import command
from pipelines.records import Sum
from pipelines.trends import Row, apportion, buckets, groups, rows, week_of
from tests.conftest import CASE
from tests.pipelines.stored_posts import fill, post

CASABLANCA = ZoneInfo("Africa/Casablanca")
PARIS = ZoneInfo("Europe/Paris")
LABELS = ("negative", "neutral", "positive")


def one(
    bucket="2016-02-27", group="", language="fr", label="negative", posts=1, shares=(0.8, 0.1, 0.1)
):
    return Sum(bucket, group, language, label, posts, *(posts * share for share in shares))


def at(day, hour=0, minute=0):
    return datetime.fromisoformat(day).replace(hour=hour, minute=minute, tzinfo=UTC)


@st.composite
def sums(draw):
    """Sums as a store gives them: probabilities of each post add up to one."""
    found = []
    for _ in range(draw(st.integers(1, 12))):
        day = date(2016, 2, 1) + timedelta(days=draw(st.integers(0, 20)))
        posts = draw(st.integers(1, 50))
        negative = draw(st.floats(0, 1))
        neutral = draw(st.floats(0, 1)) * (1 - negative)
        shares = (negative, neutral, max(0.0, 1 - negative - neutral))
        group, language, label = (draw(st.sampled_from(names)) for names in ("ab", "xy", LABELS))
        found.append(one(day.isoformat(), group, language, label, posts, shares))
    return found


# Shares


def test_share__is_the_mean_of_probabilities_and_bars_are_that_share_of_the_posts():
    (row,) = rows([one(posts=30, shares=(0.6, 0.3, 0.1))], "day", zone=CASABLANCA)
    assert (row.negative, row.neutral, row.positive) == (0.6, 0.3, 0.1)
    assert (row.negative_posts, row.neutral_posts, row.positive_posts) == (18, 9, 3)
    assert row.balance == -0.5
    assert not row.corrected


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.integers(0, 10**7))
def test_apportion__numbers_add_up_and_are_within_one_of_their_share(shares, posts):
    assume(sum(shares) > 1e-6)
    counts = apportion(shares, posts)
    assert sum(counts) == posts
    for count, share in zip(counts, shares, strict=True):
        assert abs(count - share / sum(shares) * posts) < 1 + 1e-6


def test_row__of_too_few_posts_has_no_shares():
    few, enough = rows([one(posts=9), one("2016-02-28", posts=10)], "day", zone=CASABLANCA)
    assert (few.state, few.posts, few.negative, few.negative_posts) == ("few", 9, None, None)
    assert (enough.state, enough.negative) == ("ok", 0.8)


def test_row__takes_corrected_shares_where_there_are_some():
    share = Share(0.5, 0.4, 0.6)
    estimate = Estimate(share, Share(0.3, 0.2, 0.4), Share(0.2, 0.1, 0.3), Share(-0.3, -0.4, -0.2))
    sums = [one(posts=20), one("2016-02-28", posts=20)]
    first, second = rows(sums, "day", zone=CASABLANCA, corrected={("2016-02-27", ""): estimate})
    assert (first.corrected, first.negative, first.negative_low) == (True, 0.5, 0.4)
    assert (first.negative_posts, first.neutral_posts, first.positive_posts) == (10, 6, 4)
    assert (second.corrected, second.negative) == (False, 0.8)


def test_rows__reach_over_the_days_that_were_asked_for():
    found = rows([one(posts=20)], "day", zone=CASABLANCA, since="2016-02-25", until="2016-03-01")
    assert [row.bucket[5:] for row in found] == ["02-25", "02-26", "02-27", "02-28", "02-29"]
    (month,) = rows(
        [one(posts=20)], "month", zone=CASABLANCA, since="2016-02-03", until="2016-03-01"
    )
    assert (month.bucket, month.start) == ("2016-02", "2016-02-01")


def test_rows__of_months_reach_over_new_year():
    found = rows([one("2015-11-30"), one("2016-02-01")], "month", zone=CASABLANCA)
    assert [row.bucket for row in found] == ["2015-11", "2015-12", "2016-01", "2016-02"]


def test_row__tells_the_mix_of_languages():
    (row,) = rows([one(posts=15), one(language="ary", posts=5)], "day", zone=CASABLANCA)
    assert row.mix == {"ary": 0.25, "fr": 0.75}


def test_moved__says_languages_unless_rows_are_split_by_language():
    days = [(f"2016-02-{day}", "fr" if day < 23 else "ary") for day in range(20, 26)]
    whole = [one(day, language=language, posts=20) for day, language in days]
    found = moved(rows(whole, "day", zone=CASABLANCA))
    assert list(found) == [("ary", 0.0, 1.0), ("fr", 1.0, 0.0)]
    split = [one(day, language, language, posts=20) for day, language in days]
    assert list(moved(rows(split, "day", zone=CASABLANCA))) == []


def test_the_interval_is_wilsons():
    # 8 of 10, by hand from the formula with z = 1.96
    share = wilson(0.8, 10)
    assert (round(share.low, 3), round(share.high, 3)) == (0.490, 0.943)


def test_a_single_post_says_next_to_nothing():
    share = wilson(0.9, 1)
    assert share.low < 0.2
    assert share.high > 0.98


def test_a_unanimous_day_of_few_posts_is_not_certain():
    assert wilson(1.0, 5).low < 0.6
    assert wilson(0.0, 5).high > 0.4


@pytest.mark.parametrize("posts", [1, 3, 10, 60])
def test_the_interval_holds_the_share_of_all_such_posts_at_least_95_times_in_100(posts):
    draw = random.Random(1)
    held = 0
    for _ in range(1000):
        chances = [draw.betavariate(0.6, 0.4) for _ in range(posts)]  # 0.6 on average
        share = wilson(sum(chances) / posts, posts)
        held += share.low <= 0.6 <= share.high
    assert held >= 950


@given(st.floats(0, 1), st.integers(1, 10**9))
def test_an_interval_holds_its_share_and_stays_between_0_and_1(share, posts):
    found = wilson(share, posts)
    assert 0 <= found.low <= share <= found.high <= 1


# Sums add up however they are split


@given(sums())
def test_posts_add_up_however_they_are_split(found):
    whole = list(found)
    for by in ("day", "week"):
        split = rows(whole, by, zone=CASABLANCA)
        joined = rows([merged(one) for one in whole], by, zone=CASABLANCA)
        assert sum(row.posts for row in split) == sum(row.posts for row in joined)
        assert sum(row.posts for row in joined) == sum(one.posts for one in found)


@given(sums())
def test_the_share_of_all_is_the_mean_of_its_groups_weighted_by_posts(found):
    split = rows(found, "day", zone=CASABLANCA)
    for whole in rows([merged(one) for one in found], "day", zone=CASABLANCA):
        parts = [row for row in split if row.bucket == whole.bucket and row.posts]
        if parts and all(row.negative is not None for row in parts):
            mean = sum(row.posts * row.negative for row in parts) / whole.posts
            assert math.isclose(mean, whole.negative, abs_tol=2e-6)


@given(sums(), st.randoms())
def test_the_order_of_sums_does_not_matter(found, dice):
    shuffled = list(found)
    dice.shuffle(shuffled)
    assert rows(shuffled, "week", zone=CASABLANCA) == rows(found, "week", zone=CASABLANCA)


@given(sums())
def test_shares_add_up_to_one_and_the_balance_is_their_difference(found):
    for row in rows(found, "day", zone=CASABLANCA):
        if row.negative is not None:
            assert math.isclose(row.negative + row.neutral + row.positive, 1, abs_tol=3e-6)
            assert math.isclose(row.balance, row.positive - row.negative, abs_tol=3e-6)
            assert -1 <= row.balance_low <= row.balance <= row.balance_high <= 1


def merged(found):
    return Sum(found.bucket, "", *(getattr(found, n) for n in Sum.__struct_fields__[2:]))


# Buckets


def test_a_day_without_posts_between_two_others_is_zero_without_shares():
    found = rows([one("2016-02-26"), one("2016-02-28")], "day", zone=CASABLANCA)
    assert [(row.bucket, row.posts, row.state) for row in found] == [
        ("2016-02-26", 1, "few"),
        ("2016-02-27", 0, "zero"),
        ("2016-02-28", 1, "few"),
    ]
    assert found[1].negative is None


def test_every_group_has_every_bucket_and_the_largest_group_comes_first():
    found = rows([one(group="small"), one("2016-02-28", "large", posts=5)], "day", zone=CASABLANCA)
    assert [(row.bucket[-2:], row.group, row.posts) for row in found] == [
        ("27", "large", 0),
        ("27", "small", 1),
        ("28", "large", 5),
        ("28", "small", 0),
    ]
    assert groups([one(group="b"), one(group="a")]) == ["a", "b"]


@pytest.mark.parametrize(
    ("day", "week"),
    [("2016-01-03", "2015-W53"), ("2016-01-04", "2016-W01"), ("2018-12-31", "2019-W01")],
)
def test_weeks_are_iso_weeks_also_around_new_year(day, week):
    assert week_of(day) == week
    (row,) = rows([one(day)], "week", zone=CASABLANCA)
    assert row.bucket == week
    assert date.fromisoformat(row.start).isoweekday() == 1


def test_weeks_without_posts_are_counted_through_a_year_of_53():
    found = rows([one("2015-12-24"), one("2016-01-12")], "week", zone=CASABLANCA)
    assert [row.bucket for row in found] == ["2015-W52", "2015-W53", "2016-W01", "2016-W02"]


def test_an_hour_that_the_clock_skips_is_no_bucket():
    names = [span.bucket[-2:] for span in buckets("2016-03-27T01", "2016-03-27T04", "hour", PARIS)]
    assert names == ["01", "03", "04"]


def test_an_hour_that_comes_twice_is_one_bucket_of_two_hours():
    spans = buckets("2016-10-30T01", "2016-10-30T03", "hour", PARIS)
    assert [span.bucket[-2:] for span in spans] == ["01", "02", "03"]
    assert spans[1].ends - spans[1].begins == timedelta(hours=2)


def test_nothing_gives_no_rows():
    assert rows([], "day", zone=CASABLANCA) == []


# Gaps


def test_an_empty_day_in_a_gap_is_unknown_and_has_no_figures_at_all():
    gap = Gap(source="s", start=at("2016-02-26", 20), end=at("2016-02-28", 2))
    found = rows([one("2016-02-26"), one("2016-02-28")], "day", zone=CASABLANCA, gaps=[gap])
    assert [row.state for row in found] == ["few", "unknown", "few"]
    assert found[1].posts is None
    assert [row.gap for row in found] == [0.166667, 1, 0.083333]


def test_a_reconnect_of_seconds_does_not_make_a_silent_day_unknown():
    start = at("2016-02-27", 9)
    gap = Gap(source="s", start=start, end=start + timedelta(seconds=20))
    found = rows([one("2016-02-26"), one("2016-02-28")], "day", zone=CASABLANCA, gaps=[gap])
    assert found[1].state == "zero"


def test_a_gap_that_has_not_ended_reaches_to_the_last_bucket():
    gap = Gap(source="s", start=at("2016-02-27"))
    found = rows([one("2016-02-26"), one("2016-02-29")], "day", zone=CASABLANCA, gaps=[gap])
    assert [row.gap for row in found] == [0, 1, 1, 1]


def test_a_gap_of_a_page_s_counter_says_nothing_about_posts():
    gap = Gap(source="pages/telegram:x", start=at("2016-02-27"), end=at("2016-02-28"))
    found = rows([one("2016-02-26"), one("2016-02-28")], "day", zone=CASABLANCA, gaps=[gap])
    assert [row.state for row in found] == ["few", "zero", "few"]


def test_gaps_of_two_sources_at_one_time_count_once():
    gaps = [
        Gap(source="a", start=at("2016-02-27", 6), end=at("2016-02-27", 12)),
        Gap(source="b", start=at("2016-02-27", 9), end=at("2016-02-27", 12)),
        Gap(source="c", start=at("2016-02-27", 7), end=at("2016-02-27", 8)),
    ]
    assert rows([one()], "day", zone=CASABLANCA, gaps=gaps)[0].gap == 0.25


# The table


def shown(found, width, by="day"):
    console = Console(width=width, file=io.StringIO())
    trend_table.show(found, by, {"inwi": "Inwi"}, console)
    return console.file.getvalue()


def test_the_table_has_a_line_for_a_day_and_group_and_one_for_all_silent_days():
    found = rows([one(group="inwi", posts=31), one("2016-03-02", "inwi")], "day", zone=CASABLANCA)
    lines = shown(found, 100).splitlines()
    assert len(lines) == 4
    assert "2016-02-27" in lines[1]
    assert "Inwi" in lines[1]
    assert "31" in lines[1]
    assert lines[2].split() == ["·", "3", "days", "0"]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_silence_of_years_is_told_uncut(width):
    found = rows([one("2022-12-17"), one("2026-11-23")], "day", zone=CASABLANCA)
    lines = shown(found, width).splitlines()
    assert lines[2].split() == ["·", "1,436", "days", "0"]
    assert max(map(len, lines)) <= width


def test_the_table_tells_unknown_from_zero():
    gap = Gap(source="s", start=at("2016-02-27"), end=at("2016-02-28"))
    found = rows([one("2016-02-26"), one("2016-02-28")], "day", zone=CASABLANCA, gaps=[gap])
    assert shown(found, 100).splitlines()[2].split() == ["·", "1", "day", "?"]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_table_fits_narrow_terminals_with_its_main_figures(width):
    found = rows([one(group="a-rather-long-name", posts=1234)], "day", zone=CASABLANCA)
    text = shown(found, width)
    assert max(map(len, text.splitlines())) <= width
    assert "2016-02-27" in text
    assert "1,234" in text
    assert "80" in text


def test_every_field_of_a_row_is_documented():
    text = (Path(__file__).parents[2] / "docs/trends.md").read_text()
    for name in Row.__struct_fields__:
        assert f"`{name}`" in text


# The command, on a real store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    posts = [
        post(1, at=at("2016-02-27", 23, 30), towards={"inwi": "negative", "voip": "positive"}),
        post(2, at=at("2016-02-29", 9), label="positive", towards={"inwi": "positive"}),
        post(3, at=at("2016-02-29", 9), label="neutral", platform="youtube", language="fr"),
        post(4, at=None),
    ]
    gap = Gap(source="s", start=at("2016-02-28"), end=at("2016-02-29"))
    return fill(tmp_path / "t.db", posts, unscored=[post(5)], gaps=[gap])


def run(store, *arguments):
    return CliRunner().invoke(command, ["--store", str(store), *map(str, arguments)])


def test_json_is_one_row_a_line_and_remarks_go_elsewhere(store):
    result = run(store, "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["bucket"], row["posts"], row["state"]) for row in found] == [
        ("2016-02-27", 1, "few"),
        ("2016-02-28", None, "unknown"),
        ("2016-02-29", 2, "few"),
    ]
    assert set(found[0]) == set(Row.__struct_fields__)
    assert "1 of 4 posts have no usable date" in result.stderr
    assert "1 post waits to be scored and is left out." in result.stderr


def test_csv_has_the_same_rows_as_json(store):
    table = list(csv.DictReader(io.StringIO(run(store, "--csv", "--split", "platform").stdout)))
    lines = run(store, "--json", "--split", "platform").stdout.splitlines()
    for cells, row in zip(table, map(json.loads, lines), strict=True):
        mix = cells.pop("mix")
        assert dict(part.split(":") for part in mix.split()) == {
            name: str(part) for name, part in row.pop("mix").items()
        }
        assert cells == {k: "" if v is None else str(v) for k, v in row.items()}


def test_with_entities_a_post_counts_for_each_by_its_attitude_to_it(store):
    lines = run(store, "--json", "--split", "entity", "--until", "2016-02-28").stdout.splitlines()
    found = {row["group"]: row for row in map(json.loads, lines)}
    assert {name: row["posts"] for name, row in found.items()} == {"inwi": 1, "voip": 1}
    assert found["inwi"]["state"] == "few"


def test_an_entity_asked_for_is_the_only_one_shown(store):
    lines = run(store, "--json", "--split", "entity", "--entity", "inwi").stdout.splitlines()
    assert {json.loads(line)["group"] for line in lines} == {"inwi"}


def test_the_table_is_for_people(store):
    result = run(store, "--split", "language")
    assert result.exit_code == 0
    assert "Darija (Latin" in result.stdout


def test_nothing_found_is_exit_code_3_with_nothing_on_stdout(store):
    result = run(store, "nosuchword", "--json")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "No post matches" in result.stderr


def test_posts_without_any_date_give_no_rows_but_are_told(store):
    result = run(store, "flag:date-unknown")
    assert result.exit_code == 3
    assert "none with a date" in result.stderr


def test_a_chart_of_another_kind_is_refused_before_anything_is_computed(store, tmp_path):
    result = run(store, "--chart", tmp_path / "chart.jpg")
    assert result.exit_code == 1
    assert "a .png or a .pdf" in str(result.exception)


def test_charts_are_drawn_beside_the_table(store, tmp_path):
    files = tmp_path / "a.svg", tmp_path / "b.png"
    result = run(store, "--split", "entity", "--chart", files[0], "--chart", files[1])
    assert result.exit_code == 0
    assert files[0].read_bytes().startswith(b"<?xml")
    assert files[1].read_bytes().startswith(b"\x89PNG")


def test_entities_have_the_names_of_the_watchlist_they_were_matched_with(tmp_path, monkeypatch):
    named = post(1, towards={"maroc-telecom": "negative"}, watchlist="morocco-2016@00000000")
    store = fill(tmp_path / "m.db", [named])
    assert "Maroc Telecom" in run(store, "--split", "entity").stdout
    assert '"group":"maroc-telecom"' in run(store, "--split", "entity", "--json").stdout
    chart = tmp_path / "a.svg"
    sizes = []
    for options in ((), ("--annotations", "none")):
        assert run(store, "--chart", chart, *options).exit_code == 0
        sizes.append(chart.stat().st_size)
    assert sizes[0] > sizes[1]  # the event of that day is marked
    other = post(1, towards={"maroc-telecom": "negative"}, watchlist="mine@00000000")
    store = fill(tmp_path / "o.db", [other])
    told = run(store, "--split", "entity")
    assert "maroc-telecom" in told.stdout
    assert "watchlist 'mine', which is not at hand: entities stand by their ids." in told.stderr
    assert "not at hand" not in run(store, "--split", "language").stderr
    drawn = run(store, "--split", "language", "--chart", chart).stderr
    assert "not at hand: events are not marked." in drawn
    drawn = run(store, "--split", "language", "--chart", chart, "--annotations", "none").stderr
    assert "not at hand" not in drawn
    file = tmp_path / "mine.toml"
    text = (CASE / "watchlist.toml").read_text(encoding="utf-8")
    file.write_text(text.replace('name = "morocco-2016"', 'name = "mine"'), encoding="utf-8")
    monkeypatch.setenv("MARSAD_WATCHLIST", str(file))
    assert "Maroc Telecom" in run(store, "--split", "entity").stdout


def test_posts_that_are_invented_are_told_beside_the_figures(tmp_path):
    invented = msgspec.structs.replace(post(1), flags=("fictional",))
    store = fill(tmp_path / "f.db", [invented, post(2)])
    assert "1 of 2 posts are fictional" in run(store, "--json").stderr
    assert "All of these posts are fictional" in run(store, "flag:fictional").stderr
    assert "fictional" not in run(store, "-flag:fictional").stderr

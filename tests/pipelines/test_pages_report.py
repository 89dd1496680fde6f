"""Likes lost, source by source: what is measured, flagged, unknown or contradicted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.records import Counter, Gap
from pipelines.pages.flags import FEWEST, flags
from pipelines.pages.report import Moment, Row, differences, rows
from pipelines.pages.series import series, silences
from pipelines.pages.summary import latest, sentences
from pipelines.pages.table import bounded, disagreement, moment

START = datetime(2016, 2, 27, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
HOUR = timedelta(hours=1)


def reading(hour: float, value: int, **fields: object) -> Counter:
    given: dict[str, object] = {
        "source": "a",
        "page": "p",
        "metric": "likes",
        "value": value,
        "at": START + hour * HOUR,
    }
    return msgspec.convert({**given, **fields}, Counter)


def curve(*values: int, every: float = 1, **fields: object) -> list[Counter]:
    return [reading(place * every, value, **fields) for place, value in enumerate(values)]


def only(counters: Sequence[Counter], **options: object) -> Row:
    (row,) = rows(series(counters), **options)  # type: ignore[arg-type]
    return row


def published(hour: float, value: int, source: str = "press", **fields: object) -> Counter:
    return reading(hour, value, source=source, metric="likes_lost", **fields)


# Readings of the counter itself


def test_a_loss_is_told_in_all_per_hour_and_in_per_cent() -> None:
    row = only(curve(200_000, 199_000, 198_000))
    assert (row.state, row.loss, row.hours) == ("measured", 2_000, 2)
    assert (row.per_hour, row.percent) == (1_000, 1)
    assert (row.start, row.end) == (START, START + 2 * HOUR)


def test_a_page_that_grew_has_a_loss_below_zero() -> None:
    assert only(curve(1_000, 1_010)).loss == -10


def test_a_loss_below_the_step_is_not_measurable_and_says_its_bounds() -> None:
    row = only(curve(2_400_000, 2_400_000, granularity=100_000))
    assert row.state == "not-measurable"
    assert (row.loss, row.per_hour, row.percent) == (None, None, None)
    assert (row.loss_low, row.loss_high) == (-100_000, 100_000)
    assert (row.per_hour_low, row.per_hour_high) == (-100_000, 100_000)


def test_the_step_is_carried_into_loss_rate_and_percentage() -> None:
    row = only(curve(2_400_000, 2_300_000, granularity=100_000, every=2))
    assert (row.loss, row.loss_low, row.loss_high) == (100_000, 0, 200_000)
    assert (row.per_hour, row.per_hour_low, row.per_hour_high) == (50_000, 0, 100_000)
    assert row.percent is not None
    assert row.percent_high is not None
    assert row.percent_high > row.percent


def test_one_reading_alone_tells_no_loss() -> None:
    row = only(curve(2_000))
    assert (row.state, row.loss, row.change) == ("single", None, None)


def test_days_without_a_time_make_the_rate_vague_not_the_loss() -> None:
    row = only(curve(5_000, 4_000, every=48, span=86_400))
    assert (row.loss_low, row.loss_high) == (1_000, 1_000)
    assert (row.per_hour_low, row.per_hour_high) == (round(1_000 / 72, 2), round(1_000 / 24, 2))


def test_nothing_before_since_and_nothing_from_until_on_is_counted() -> None:
    counters = curve(1_000, 900, 800, 700, 600)
    found = series(counters, since=START + HOUR, until=START + 3 * HOUR)
    assert [r.value for one in found for r in one.readings] == [900, 800]


# Sources


def test_sources_stand_side_by_side_and_are_never_averaged() -> None:
    counters = [*curve(1_000, 900), *curve(1_000, 700, source="b")]
    assert [(row.source, row.loss) for row in rows(series(counters))] == [("a", 100), ("b", 300)]


def test_sources_that_contradict_one_another_name_one_another() -> None:
    counters = [*curve(1_000, 900), *curve(1_000, 700, source="b")]
    one, other = rows(series(counters))
    assert (one.differs, other.differs) == (["b"], ["a"])
    (pair,) = differences(series(counters))
    assert {pair.early.value, pair.late.value} == {900, 700}


def test_figures_of_one_day_are_compared_and_those_of_the_next_are_not() -> None:
    first = published(0, 100, span=86_400)
    same = published(0, 200, "other", span=86_400)
    later = published(24, 300, "third", span=86_400)
    pairs = differences(series([first, same, later]))
    assert [(pair.early.value, pair.late.value) for pair in pairs] == [(200, 100)]


def test_a_figure_whose_day_is_uncertain_is_compared_on_its_middle_day_and_says_so() -> None:
    uncertain = published(0, 123_380, span=3 * 86_400)
    found = [published(h, 137_500, f"hour {h}", span=7_200) for h in (12, 36, 60)]
    (pair,) = differences(series([uncertain, *found]))
    assert {pair.early.source, pair.late.source} == {"press", "hour 36"}
    assert disagreement(pair, UTC_ZONE) == (
        "Sources differ on p, likes_lost: 123,380 (press, 2016-02-27 to 29) and 137,500 (hour 36, "
        "2016-02-28 12:00 to 14:00); as a day is uncertain, both may be right."
    )


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ((4.17, 0.0, 8.6957), "4.17 (0.00 to 8.70)"),
        ((5.62, 5.61, 5.63), "5.62 ± 0.01"),
        ((100.0, 100.0, 200.0), "100.00 (to 200.00)"),
        ((200.0, 100.0, 200.0), "200.00 (from 100.00)"),
        ((5.0, 5.0, 5.0), "5.00"),
    ],
)
def test_bounds_stand_as_plus_and_minus_only_where_they_are_alike(
    figures: tuple[float, float, float], words: str
) -> None:
    assert bounded(*figures, "{:.2f}".format) == words


@pytest.mark.parametrize(
    ("hour", "span", "words"),
    [
        (20.25, 0, "2016-02-27 20:15"),
        (0, 24, "2016-02-27"),
        (0, 72, "2016-02-27 to 29"),
        (24, 72, "2016-02-28 to 03-01"),
        (11, 2, "2016-02-27 11:00 to 13:00"),
        (18, 6, "2016-02-27 18:00 to 24:00"),
        (18, 12, "2016-02-27 18:00 to 28 06:00"),
    ],
)
def test_a_time_is_told_as_precisely_as_it_is_known(hour: float, span: int, words: str) -> None:
    assert moment(START + hour * HOUR, span * 3600, UTC_ZONE) == words


def test_a_rounded_figure_does_not_contradict_an_exact_one() -> None:
    counters = [*curve(2_412_345), *curve(2_400_000, source="b", granularity=100_000)]
    assert differences(series(counters)) == []


# Losses as they were published


def test_a_published_loss_stands_as_it_was_published() -> None:
    row = only([published(24, 27_000, granularity=1_000)])
    assert (row.state, row.loss, row.loss_low, row.loss_high) == (
        "published",
        27_000,
        26_000,
        28_000,
    )
    assert (row.start, row.hours, row.per_hour) == (None, None, None)


def test_a_published_loss_that_says_its_start_has_a_rate() -> None:
    row = only([published(24, 24_000, since=START)])
    assert (row.start, row.start_assumed, row.per_hour) == (START, False, 1_000)


def test_one_that_does_not_say_it_is_taken_as_counted_from_since_and_says_so() -> None:
    counters = [published(24, 24_000)]
    row = only(counters, everything=counters, since=Moment(START))
    assert (row.start, row.start_assumed, row.per_hour) == (START, True, 1_000)


def test_but_not_if_its_page_had_lost_likes_before() -> None:
    counters = [published(0, 5_000, "older"), published(24, 24_000)]
    since = Moment(START + HOUR)
    found = series(counters, since=since.at)
    (row,) = rows(found, everything=counters, since=since)
    assert (row.state, row.loss, row.start_assumed) == ("single", None, False)


def test_two_published_losses_tell_what_was_lost_between_them() -> None:
    counters = [published(h, value, since=START) for h, value in ((10, 1_000), (20, 4_000))]
    since = Moment(START + 5 * HOUR)
    (row,) = rows(series(counters, since=since.at), everything=counters, since=since)
    assert (row.state, row.loss, row.per_hour) == ("measured", 3_000, 300)


def test_a_percentage_stands_beside_the_loss_of_the_same_source_and_time() -> None:
    share = reading(24, 56_200, source="press", metric="likes_lost_ppm", granularity=100)
    (row,) = rows(series([published(24, 137_500), share]))
    assert (row.loss, row.percent, row.percent_low, row.percent_high) == (137_500, 5.62, 5.61, 5.63)


def test_a_percentage_of_another_source_stands_alone() -> None:
    share = reading(24, 56_200, source="other", metric="likes_lost_ppm", granularity=100)
    found = {row.source: row for row in rows(series([published(24, 137_500), share]))}
    assert (found["press"].percent, found["other"].percent) == (None, 5.62)
    assert found["other"].loss is None


def test_a_published_speed_is_told_per_hour() -> None:
    row = only([reading(0, 132, metric="likes_lost_per_minute")])
    assert (row.per_hour, row.loss) == (7_920, None)


def test_metrics_that_are_not_about_people_are_reported_when_asked_for() -> None:
    counters = [reading(0, 4_000, metric="petition_signatures")]
    assert series(counters) == []
    assert len(series(counters, metrics=["petition_signatures"])) == 1


# Flags


def kinds(counters: Sequence[Counter]) -> list[tuple[str, int]]:
    return [(flag.kind, flag.change) for flag in flags(counters)]


def test_a_sudden_rise_is_flagged_and_left_out_of_the_loss() -> None:
    row = only(curve(2_000_000, 1_999_000, 2_019_000, 2_018_000))
    assert [(flag.kind, flag.change) for flag in row.flags] == [("rise", 20_000)]
    assert (row.loss, row.change, row.hours, row.per_hour) == (2_000, 18_000, 2, 1_000)


def test_a_rise_spread_over_many_readings_is_one_flag() -> None:
    steps = [2_000_000 + 500 * place for place in range(60)]
    assert kinds(curve(*steps, every=0.2)) == [("rise", 29_500)]


def test_people_who_leave_after_a_rise_are_lost_all_the_same() -> None:
    row = only(curve(2_000_000, 2_030_000, 2_029_000, 2_028_000, 2_027_000))
    assert [flag.change for flag in row.flags] == [30_000]
    assert row.loss == 3_000


def test_slow_growth_is_not_flagged() -> None:
    assert kinds(curve(*[2_000_000 + 100 * place for place in range(200)])) == []


def test_a_small_page_may_gain_some_hundred() -> None:
    assert kinds(curve(300, 300 + FEWEST - 1)) == []


def test_a_rise_within_the_step_of_the_figures_is_not_flagged() -> None:
    assert kinds(curve(2_400_000, 2_500_000, granularity=100_000)) == []


def test_a_fall_to_next_to_nothing_is_a_reset_and_no_loss() -> None:
    row = only(curve(2_000_000, 1_999_000, 12, 11))
    assert [(flag.kind, flag.change) for flag in row.flags] == [("reset", -1_998_988)]
    assert row.loss == 1_001


def test_a_page_that_doubles_between_two_readings_jumped() -> None:
    assert kinds(curve(10_000, 25_000, 24_900)) == [("jump", 15_000)]


def test_if_every_step_is_odd_no_loss_is_told() -> None:
    row = only(curve(2_000_000, 5))
    assert (row.state, row.loss, row.change) == ("flagged", None, -1_999_995)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=40), st.sampled_from([0.1, 1, 30]))
def test_loss_and_flagged_changes_add_up_to_the_whole_change(
    values: list[int], every: float
) -> None:
    row = only(curve(*values, every=every))
    places = [(flag.first, flag.last) for flag in row.flags]
    assert all(first < last for first, last in places)
    assert all(one[1] <= other[0] for one, other in pairwise(places))
    if row.change is not None:
        assert row.change == sum(flag.change for flag in row.flags) - (row.loss or 0)


@given(st.lists(st.integers(-1_000, 0), min_size=1, max_size=40))
def test_a_page_that_only_loses_some_is_never_flagged(steps: list[int]) -> None:
    values = [10**6 + sum(steps[:place]) for place in range(len(steps) + 1)]
    row = only(curve(*values))
    assert row.flags == []
    assert row.loss == values[0] - values[-1]


# What is not known


def test_readings_at_their_usual_interval_leave_nothing_unknown() -> None:
    assert silences(curve(5, 5, 5, 5, 5, 5), []) == []


def test_a_long_silence_is_unknown_not_flat() -> None:
    counters = [*curve(9, 9, 9, 9, 9), reading(10, 8)]
    assert silences(counters, []) == [(START + 4 * HOUR, START + 10 * HOUR)]
    assert only(counters).unknown_hours == 6


def test_too_few_readings_have_no_baseline_and_all_between_them_is_unknown() -> None:
    assert silences(curve(9, 8), []) == [(START, START + HOUR)]


def test_a_recorded_gap_makes_its_interval_unknown_and_only_for_its_source() -> None:
    counters = curve(9, 9, 9, 9, 9, 9)
    gap = Gap(source="a", start=START + 2.2 * HOUR, end=START + 2.8 * HOUR, cause="429")
    assert silences(counters, [gap]) == [(START + 2 * HOUR, START + 3 * HOUR)]
    other = msgspec.structs.replace(gap, source="b")
    assert silences(counters, [other]) == []


# One figure for a page


def test_latest__is_the_figure_that_reaches_furthest_and_mixes_no_times() -> None:
    counters = [
        published(1, 20_000, granularity=10_000),
        published(40, 170_000, "later", granularity=10_000),
        published(20, 123_380, "exact"),
    ]
    row = latest(rows(series(counters)))["p"]
    assert (row.source, row.loss_low, row.loss_high) == ("later", 160_000, 180_000)


def test_latest__of_two_figures_of_one_time_is_the_finer_one() -> None:
    counters = [published(2, 100_000, granularity=100_000), published(2, 123_000, "fine")]
    assert latest(rows(series(counters)))["p"].source == "fine"


def test_latest__leaves_out_pages_whose_loss_nobody_knows() -> None:
    assert latest(rows(series(curve(2_000)))) == {}


# Sentences


def told(*counters: Counter, **options: object) -> list[str]:
    found = series(counters)
    made = rows(found, everything=counters, **options)  # type: ignore[arg-type]
    return list(sentences(made, differences(found), {"a": "Page A"}, ZoneInfo("UTC")))


def test_sentence__tells_one_figure_of_a_page_with_its_time_and_source() -> None:
    (words,) = told(published(40, 137_500, granularity=100, since=START, page="a"))
    assert words == (
        "Page A lost 137,400 to 137,600 likes in about 40 hours, as of "
        f"{moment(published(40, 1).at, 0, ZoneInfo('UTC'))} (press)."
    )


def test_sentence__takes_figures_of_different_hours_for_no_contradiction() -> None:
    (words,) = told(published(10, 90_000, "early"), published(40, 137_500, "late"))
    assert "137,500 likes" in words
    assert "contradict" not in words


def test_sentence__says_when_a_source_contradicts_the_figure_for_the_same_time() -> None:
    (words,) = told(published(40, 123_000, "one"), published(40, 137_500, "other"))
    assert words.endswith("one source contradicts it).")


def test_sentence__does_not_call_figures_of_an_uncertain_day_a_contradiction() -> None:
    vague = published(24, 123_000, "vague", span=3 * 86_400)
    (words,) = told(vague, published(60, 137_500, "other"))
    assert "contradict" not in words


def test_sentence__of_a_page_without_any_loss_is_left_out() -> None:
    assert told(reading(0, 1000)) == []

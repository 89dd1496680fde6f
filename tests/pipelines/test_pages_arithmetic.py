"""What can be said of a loss when figures are rounded and times are vague."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.records import Counter
from pipelines.pages.arithmetic import Range, differ, fall, figure, hours, measurable, per

NOW = datetime(2026, 3, 1, tzinfo=UTC)
people = st.integers(0, 10**8)
steps = st.sampled_from([1, 10, 100, 1_000, 10_000, 100_000])


def reading(value: int, granularity: int = 1) -> Counter:
    return Counter(
        source="s", page="p", metric="likes", value=value, at=NOW, granularity=granularity
    )


def cut(value: int, step: int) -> Counter:
    return reading(value // step * step, step)


def nearest(value: int, step: int) -> Counter:
    return reading((value + step // 2) // step * step, step)


def within(truth: float, bounds: Range) -> bool:
    return bounds.low <= truth <= bounds.high


@given(people, people, steps, steps, st.sampled_from([cut, nearest]))
def test_the_true_loss_lies_within_the_bounds_however_a_source_rounds(
    before: int, after: int, one: int, other: int, rounded: type
) -> None:
    loss = fall(rounded(before, one), rounded(after, other))
    assert within(before - after, loss)


@given(people, people, steps, st.sampled_from([cut, nearest]))
def test_a_measurable_loss_has_the_sign_of_the_true_one(
    before: int, after: int, step: int, rounded: type
) -> None:
    loss = fall(rounded(before, step), rounded(after, step))
    if measurable(loss) and loss.value:
        assert (loss.value > 0) == (before > after)


@given(people, steps, st.sampled_from(["least", "most"]))
def test_more_than_and_nearly_are_off_to_one_side_alone(value: int, step: int, bound: str) -> None:
    said = msgspec.structs.replace(reading(value, step), bound=bound)
    bounds = figure(said)
    assert (bounds.low if bound == "least" else bounds.high) == value
    assert bounds.high - bounds.low <= step
    plain = fall(reading(value + 10**9, step), said)
    assert within(10**9 + (0 if step == 1 else step // 2 * (-1 if bound == "least" else 1)), plain)


def test_more_than_a_figure_does_not_contradict_a_larger_one() -> None:
    said = msgspec.structs.replace(reading(100_000, 100_000), bound="least")
    assert not differ(said, reading(123_380))
    assert differ(said, reading(99_000))


@given(people, people)
def test_figures_that_count_each_one_give_the_loss_itself(before: int, after: int) -> None:
    loss = fall(reading(before), reading(after))
    assert loss == Range(before - after, before - after, before - after)
    assert measurable(loss)


def test_a_loss_below_the_step_is_not_measurable_and_not_zero() -> None:
    loss = fall(reading(2_400_000, 100_000), reading(2_400_000, 100_000))
    assert not measurable(loss)
    assert (loss.low, loss.high) == (-100_000, 100_000)


def test_a_loss_of_one_step_is_measurable() -> None:
    assert measurable(fall(reading(2_400_000, 100_000), reading(2_300_000, 100_000)))


def test_no_loss_at_all_is_measurable_where_each_one_is_counted() -> None:
    assert measurable(fall(reading(5), reading(5)))


def test_a_figure_is_never_below_zero() -> None:
    assert figure(reading(100_000, 1_000_000)).low == 0


moments = st.tuples(st.integers(0, 10**6), st.integers(0, 86_400))


@given(moments, moments, st.floats(0, 1), st.floats(0, 1))
def test_the_true_hours_lie_within_the_bounds(
    first: tuple[int, int], last: tuple[int, int], early: float, late: float
) -> None:
    start, end = first[0] + early * first[1], last[0] + late * last[1]
    found = hours(*first, *last)
    assert 0 <= found.low <= found.value <= found.high
    assert found.low - 1e-6 <= max(0.0, end - start) / 3600 <= found.high + 1e-6


@given(
    st.floats(-1e6, 1e6),
    st.floats(0, 1e5),
    st.floats(0.5, 1e4),
    st.floats(0, 0.49),
    st.floats(-1, 1),
    st.floats(-1, 1),
)
def test_the_true_rate_lies_within_the_bounds(
    value: float, off: float, time: float, vague: float, one: float, other: float
) -> None:
    rate = per(Range(value, value - off, value + off), Range(time, time - vague, time + vague))
    assert rate is not None
    truth = (value + one * off) / (time + other * vague)
    slack = 1e-9 * max(1.0, abs(truth))
    assert rate.low - slack <= truth <= rate.high + slack


def test_a_rate_over_a_time_that_may_be_nothing_has_no_bound_above() -> None:
    rate = per(Range(10, 10, 10), Range(24, 0, 48))
    assert rate is not None
    assert (rate.value, rate.low, rate.high) == (10 / 24, 10 / 48, float("inf"))


def test_there_is_no_rate_over_no_time() -> None:
    assert per(Range(10, 10, 10), Range(0, 0, 0)) is None


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (reading(137_500, 100), reading(123_380), True),
        (reading(100_000, 100_000), reading(123_380), False),
        (reading(2_400_000, 100_000), reading(2_310_000, 10_000), False),
        (reading(5), reading(5), False),
        (reading(5), reading(6), True),
    ],
)
def test_figures_differ_only_beyond_what_rounding_explains(
    one: Counter, other: Counter, differs: bool
) -> None:
    assert differ(one, other) is differs
    assert differ(other, one) is differs

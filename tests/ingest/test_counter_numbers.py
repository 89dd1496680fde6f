"""Counts as pages and people write them, and the steps in which they move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.counters.numbers import (
    Count,
    parse_count,
    parse_percent,
    round_step,
    significant,
)


@pytest.mark.parametrize(
    ("text", "value", "granularity"),
    [
        ("0", 0, 1),
        ("27000", 27_000, 1),
        ("27 000", 27_000, 1),
        ("27\u202f000", 27_000, 1),
        ("1,234,567", 1_234_567, 1),
        ("1.234.567", 1_234_567, 1),
        ("12K", 12_000, 1_000),
        ("137.5K", 137_500, 100),
        ("137,5 k", 137_500, 100),
        ("2.4M", 2_400_000, 100_000),
        ("1.23M", 1_230_000, 10_000),
        ("2M", 2_000_000, 1_000_000),
        ("1.5B", 1_500_000_000, 100_000_000),
        ("٢٧٠٠٠", 27_000, 1),
    ],
)
def test_a_count_is_read_with_its_step(text: str, value: int, granularity: int) -> None:
    assert parse_count(text) == Count(value, granularity)


@pytest.mark.parametrize(
    "text", ["", "-3", "many", "2.4", "1.2.3", "12,34", "1.2345K", "2.4 M likes", "9" * 50, "1e6"]
)
def test_anything_else_is_no_count(text: str) -> None:
    with pytest.raises(ValueError, match="count"):
        parse_count(text)


@pytest.mark.parametrize(
    ("text", "ppm", "step"),
    [("5.62", 56_200, 100), ("5,62 %", 56_200, 100), ("7", 70_000, 10_000), ("0.0001", 1, 1)],
)
def test_a_percentage_is_kept_in_millionths(text: str, ppm: int, step: int) -> None:
    assert parse_percent(text) == Count(ppm, step)


@pytest.mark.parametrize("text", ["", "-1", "5.62 of 100", "0.00001", "5..6"])
def test_anything_else_is_no_percentage(text: str) -> None:
    with pytest.raises(ValueError, match="percentage"):
        parse_percent(text)


@given(st.integers(0, 10**12), st.sampled_from(["{}", "{:,}", " {} "]))
def test_a_whole_number_is_itself_however_it_is_grouped(value: int, form: str) -> None:
    assert parse_count(form.format(value)) == Count(value, 1)


@given(st.integers(0, 10**12), st.sampled_from("KMB"), st.integers(0, 3))
def test_an_abbreviated_count_is_off_by_less_than_its_step(
    value: int, letter: str, decimals: int
) -> None:
    factor = {"K": 10**3, "M": 10**6, "B": 10**9}[letter]
    step = factor // 10**decimals
    cut = value // step
    text = f"{cut // 10**decimals}"
    if decimals:
        text += f".{cut % 10**decimals:0{decimals}}"
    read = parse_count(text + letter)
    assert read == Count(cut * step, step)
    assert 0 <= value - read.value < read.granularity


@given(st.integers(1, 10**12))
def test_a_figure_cut_to_three_digits_moves_in_a_step_that_divides_it(value: int) -> None:
    step = significant(value, 3)
    cut = value // step * step
    assert value - cut < step
    assert len(str(cut).rstrip("0")) <= 3
    assert significant(cut, 3) == step


@given(st.integers(1, 10**6), st.integers(0, 6))
def test_a_rounded_figure_moves_in_the_power_of_ten_it_is_a_multiple_of(
    head: int, zeros: int
) -> None:
    value = head * 10**zeros
    step = round_step(value)
    assert value % step == 0
    assert value % (step * 10) != 0

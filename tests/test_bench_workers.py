"""Which time counts when score workers are measured side by side."""

from __future__ import annotations

import pytest

from tests.bench_workers import Round, summary, together


def test_together__counts_only_while_all_workers_score() -> None:
    # Batches of ten. The second worker begins later and ends earlier than the first one.
    first = [float(moment) for moment in (0, 1, 2, 3, 4, 5, 6) for _ in range(10)]
    second = [2.0] * 10 + [4.0] * 10
    assert together([first, second]) == (2.0, 4.0, 20 + 10)
    assert together([first]) == (0.0, 6.0, 60)


def test_together__of_a_batch_that_is_cut_counts_its_part() -> None:
    assert together([[0.0] * 4 + [4.0] * 8, [1.0, 2.0]]) == (1.0, 2.0, 2 + 1)


def test_together__without_a_common_span_is_told() -> None:
    with pytest.raises(ValueError, match="take more --posts"):
        together([[0.0, 1.0], [1.0, 2.0]])


def test_summary__takes_ratios_within_rounds() -> None:
    def speed(rate: float) -> Round:
        return Round(rate, 1.0, 10_000.0, (6,))

    found = summary({1: [speed(10), speed(40), speed(20)], 2: [speed(18), speed(60), speed(38)]})
    assert found["times_2_of_each_round"] == [1.8, 1.5, 1.9]
    assert found["times_2"] == 1.8
    assert found["posts_a_second_1"] == 20

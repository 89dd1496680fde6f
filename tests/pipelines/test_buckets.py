"""The length of a series' buckets, chosen from how many posts there are."""

from collections.abc import Iterable
from datetime import date, timedelta

from pipelines.analysis.buckets import choose_bucket
from pipelines.records import Sum


def test_choose_bucket__takes_days_where_most_days_have_ten_posts():
    assert choose_bucket(_daily([10] * 20)) == "day"


def test_choose_bucket__takes_weeks_where_days_have_three_posts():
    assert choose_bucket(_daily([3] * 28)) == "week"


def test_choose_bucket__takes_months_where_weeks_have_seven_posts():
    assert choose_bucket(_daily([1] * 120)) == "month"


def test_choose_bucket__is_not_decided_by_one_busy_day_among_sixty_quiet_ones():
    assert choose_bucket(_daily([3] * 30 + [400] + [3] * 30)) == "week"


def test_choose_bucket__is_not_decided_by_single_posts_far_away_from_a_busy_month():
    sums = [*_daily([40] * 30), *_daily([1], first=date(2010, 5, 4))]
    assert choose_bucket(sums) == "day"


def test_choose_bucket__counts_each_group_by_itself():
    groups = [one for name in "abcd" for one in _daily([4] * 28, group=name)]
    assert choose_bucket(groups) == "week"


def test_choose_bucket__stays_with_days_where_no_length_has_posts_enough():
    assert choose_bucket(_daily([1] * 9)) == "day"
    assert choose_bucket([]) == "day"


def _daily(posts: Iterable[int], first: date = date(2016, 2, 1), group: str = "") -> list[Sum]:
    return [
        Sum((first + timedelta(days=n)).isoformat(), group, "fr", "negative", count, count, 0, 0)
        for n, count in enumerate(posts)
    ]

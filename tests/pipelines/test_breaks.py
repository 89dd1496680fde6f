"""Days on which a series changed, on series whose changes are known."""

import json
import math
import random
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner

from pipelines.analysis import breaks
from pipelines.analysis.break_words import break_words
from pipelines.analysis.breaks import find_breaks
from pipelines.annotations import Event
from pipelines.commands.trends import command
from pipelines.trends import Row
from tests.pipelines.stored_posts import fill, post

FIRST = date(2016, 2, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def rows(shares, posts=60):
    """Return rows with these negative shares, and intervals as posts have them."""
    found = []
    for number, share in enumerate(shares):
        half = 1.96 * math.sqrt(max(share * (1 - share), 0.01) / posts)
        found.append(
            Row(bucket=day(number).isoformat(), start=day(number).isoformat(), group="",
                state="ok", gap=0.0, posts=posts, negative=share, negative_low=share - half,
                negative_high=share + half)
        )  # fmt: skip
    return found


def drawn(levels, seed, posts=60, daily=0.04):
    """Return rows of posts drawn around levels that move a little from day to day."""
    dice = random.Random(seed)
    shares = []
    for level in levels:
        true = min(max(dice.gauss(level, daily), 0.0), 1.0)
        shares.append(sum(dice.random() < true for _ in range(posts)) / posts)
    return rows(shares, posts)


def test_find_breaks__finds_one_clean_jump_of_33_days_once_and_on_its_day():
    (found,) = find_breaks(rows([0.4] * 33 + [0.7] * 30)).found
    assert (found.start, found.low, found.high) == (day(33).isoformat(),) * 3
    assert (found.before, found.after) == (0.4, 0.7)


@pytest.mark.parametrize("cut", range(3, 40, 4))
def test_find_breaks__looks_at_every_day(cut):
    (found,) = find_breaks(rows([0.3] * cut + [0.6] * (42 - cut))).found
    assert found.start == day(cut).isoformat()


def test_find_breaks__finds_several():
    found = find_breaks(drawn([0.4] * 20 + [0.7] * 20 + [0.3] * 25, seed=1)).found
    assert [one.start for one in found] == [day(20).isoformat(), day(40).isoformat()]


@pytest.fixture
def unshuffled(monkeypatch):
    """Of 60 series each, only the breaks are looked at: the random orders are most of the time."""
    monkeypatch.setattr(breaks, "_SHUFFLES", 1)


def test_find_breaks__is_rarely_wrong_where_nothing_changed(unshuffled):
    alarms = sum(bool(find_breaks(drawn([0.45] * 60, seed)).found) for seed in range(60))
    assert alarms <= 9  # measured: 5 %


def test_find_breaks__has_the_true_day_in_its_interval(unshuffled):
    held = found = 0
    for seed in range(60):
        cut = 10 + seed * 7 % 40
        changes = find_breaks(drawn([0.4] * cut + [0.55] * (60 - cut), seed)).found
        found += bool(changes)
        held += any(one.low <= day(cut).isoformat() <= one.high for one in changes)
    assert found >= 50
    assert held >= 0.9 * found


def test_find_breaks__tells_one_day_that_stands_out_as_two_changes():
    found = find_breaks(rows([0.4] * 20 + [0.8] + [0.4] * 20)).found
    assert [(one.start, one.after) for one in found] == [
        (day(20).isoformat(), 0.8),
        (day(21).isoformat(), 0.4),
    ]


def test_find_breaks__needs_eight_days_with_shares():
    few = rows([0.4] * 4 + [0.8] * 3)
    assert find_breaks(few) is None
    assert find_breaks(rows([0.4] * 400 + [0.8] * 3)) is None


def test_find_breaks__says_in_how_many_random_orders_of_the_days_there_is_a_change():
    found = find_breaks(drawn([0.4] * 30 + [0.7] * 30, seed=3))
    assert found.shuffled < 0.15


# Events


JUMP = rows([0.4] * 33 + [0.7] * 27)


def test_break__has_its_nearest_event_and_what_placebo_dates_say():
    events = [Event(day(31), "Block extended"), Event(day(3), "Something else")]
    (found,) = find_breaks(JUMP, events).found
    assert (found.event, found.day, found.distance) == ("Block extended", day(31).isoformat(), 2)
    assert found.placebo == pytest.approx(5 / 60, abs=1e-4)  # days 31 to 35
    (text, chance) = break_words(JUMP, "day", events, {"": "inwi"})
    assert text == (
        f"inwi: the negative share rose from 40% to 70% on {day(33)}; the nearest event, 2 days "
        f"before: Block extended ({day(31)}). 8% of all days are as near to a change: may well be "
        "chance."
    )
    assert chance.startswith("Chance alone: of 60 days in random order")


def test_break__on_the_day_of_an_event_is_hardly_chance():
    (text, _) = break_words(JUMP, "day", [Event(day(33), "Block extended")], {})
    assert f"within it: Block extended ({day(33)}). 2% of all days" in text
    assert text.endswith("hardly chance.")


def test_break__does_not_know_events_outside_of_the_series():
    (found,) = find_breaks(JUMP, [Event(date(2017, 1, 1), "Later")]).found
    assert (found.event, found.placebo) == ("", None)


def test_break_words__say_where_nothing_changed_or_nothing_can_be_said():
    assert list(break_words(rows([0.4] * 20), "day", [], {})) == [
        "The negative share has no clear change in 20 days."
    ]
    (text,) = break_words(rows([0.4] * 5), "week", [], {})
    assert "8 to 400 buckets" in text


def test_trends_breaks__writes_changes_as_words_and_as_json(tmp_path):
    noon = datetime(2016, 2, 1, 12, tzinfo=UTC)
    posts = [
        post(100 * n + k, f"t {n} {k}", noon + timedelta(days=n),
             "negative" if k < (4 if n < 12 else 16) else "positive")
        for n in range(24)
        for k in range(20)
    ]  # fmt: skip
    path = str(fill(tmp_path / "t.db", posts))
    events = tmp_path / "e.csv"
    events.write_text("date,label\n2016-02-13,The block\n", encoding="utf-8")
    options = ["--store", path, "--breaks", "--annotations", str(events)]
    said = CliRunner().invoke(command, options)
    assert "on 2016-02-13; within it: The block (2016-02-13)" in said.stderr
    line = json.loads(CliRunner().invoke(command, [*options, "--json"]).stdout)
    assert [one["start"] for one in line["found"]] == ["2016-02-13"]

"""How floors rise, hold and fall, on made-up figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quality import floors
from tests.quality.corpora import CORPORA, Figure
from tests.quality.floors import Pinned, complaints, floor_of, repin

F1 = "sentiment.fr.macro_f1"
ECE = "sentiment.fr.ece"
OLD = Pinned("aa", "old", {F1: 0.600, ECE: 0.050})


def test_a_floor_lies_half_a_point_and_two_posts_below_the_measured_figure() -> None:
    assert floor_of(F1, Figure(0.7, 200)) == 0.685
    assert floor_of(ECE, Figure(0.03, 200)) == pytest.approx(0.045)
    assert floor_of(F1, Figure(0.01, 50)) == 0


def test_a_figure_at_its_floor_holds_and_one_below_is_told_with_both_numbers() -> None:
    assert complaints(OLD, "aa", {F1: Figure(0.6, 9), ECE: Figure(0.05, 9)}) == []
    (told,) = complaints(OLD, "aa", {F1: Figure(0.5999, 9), ECE: Figure(0.0, 9)})
    assert told == f"{F1} is 0.5999, must be at least 0.6"
    (told,) = complaints(OLD, "aa", {F1: Figure(0.9, 9), ECE: Figure(0.06, 9)})
    assert told == f"{ECE} is 0.0600, must be at most 0.05"


def test_a_changed_file_is_told_and_not_compared() -> None:
    (told,) = complaints(OLD, "bb", {F1: Figure(0.1, 9), ECE: Figure(0.9, 9)})
    assert "changed" in told
    assert "python -m tests.quality.pin --lower" in told


def test_a_figure_that_is_not_measured_any_more_is_told() -> None:
    (told,) = complaints(OLD, "aa", {F1: Figure(0.9, 9)})
    assert ECE in told


def test_pinning_raises_floors_and_lets_a_small_loss_pass() -> None:
    change = repin(OLD, "aa", "new", {F1: Figure(0.8, 100), ECE: Figure(0.05, 100)}, lower=False)
    assert change.refused == []
    assert change.pinned == Pinned("aa", "new", {F1: 0.775, ECE: 0.05})


def test_pinning_does_not_lower_a_floor_unless_told_to() -> None:
    worse = {F1: Figure(0.5, 100), ECE: Figure(0.2, 100)}
    change = repin(OLD, "aa", "new", worse, lower=False)
    assert change.pinned == OLD
    assert len(change.refused) == 2
    change = repin(OLD, "aa", "new", worse, lower=True)
    assert change.refused == []
    assert change.pinned == Pinned("aa", "new", {F1: 0.475, ECE: 0.225})


def test_pinning_does_not_take_another_file_unless_told_to() -> None:
    better = {F1: Figure(0.9, 100), ECE: Figure(0.0, 100)}
    change = repin(OLD, "bb", "new", better, lower=False)
    assert change.pinned == OLD
    assert change.refused
    assert repin(OLD, "bb", "new", better, lower=True).pinned.sha256 == "bb"


def test_a_floor_does_not_go_because_its_figure_went() -> None:
    change = repin(OLD, "aa", "new", {F1: Figure(0.9, 100)}, lower=False)
    assert ECE in change.pinned.floors
    assert any(ECE in reason for reason in change.refused)


def test_floors_survive_being_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "floors.toml"
    path.write_text(floors.written({"sentiment-dev": OLD}), encoding="utf-8")
    assert floors.read(path) == {"sentiment-dev": OLD}


def test_a_hash_is_that_of_the_bytes_and_changes_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = CORPORA["sample"]
    pinned = Pinned(sample.sha256(), "m", {})
    copy = tmp_path / sample.file
    copy.parent.mkdir(parents=True)
    copy.write_bytes(sample.path.read_bytes() + b"\n")
    monkeypatch.setattr("tests.quality.corpora.ROOT", tmp_path)
    assert complaints(pinned, sample.sha256(), {})

"""Figures of a model: against an independent reference, by hand, and as properties."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from nlp import measures
from nlp.error_tables import FEWEST, Data, ErrorFile, ErrorTable, tables, without_neutral
from nlp.evaluation import (
    Attitude,
    Figures,
    Interval,
    Judgement,
    LabelFigures,
    attitudes,
    differing,
    figures,
    section,
)
from nlp.sentiment import LABELS

FIVE = ("fr", "ar", "ary", "ary-Latn", "en", "mixed", "other")


def judged(gold: str, said: str, unit: int = 0, sure: float = 0.8, **more: str) -> Judgement:
    rest = (1 - sure) / 2
    chances = tuple(sure if label == said else rest for label in LABELS)
    return Judgement(unit, gold, said, sure, chances, **more)  # type: ignore[arg-type]


def random_judgements(count: int, seed: int, labels: tuple[str, ...] = LABELS) -> list[Judgement]:
    """A model that is right more often than not, with probabilities that mean something."""
    rng = np.random.default_rng(seed)
    found = []
    for unit in range(count):
        chances = rng.dirichlet(np.full(len(labels), 0.6))
        said = int(chances.argmax())
        gold = said if rng.random() < 0.6 else int(rng.integers(len(labels)))
        found.append(
            Judgement(
                unit, labels[gold], labels[said], float(chances[said]), tuple(map(float, chances))
            )
        )
    return found


# -- measures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [LABELS, FIVE])
def test_the_figures_are_those_of_scikit_learn(labels: tuple[str, ...]) -> None:
    rows = random_judgements(700, 1, labels)
    gold, said = [one.gold for one in rows], [one.said for one in rows]
    found = figures(rows, labels)
    names = list(labels)
    expected = metrics.precision_recall_fscore_support(gold, said, labels=names, zero_division=0)
    for place, label in enumerate(labels):
        one = found.labels[label]
        assert one.precision == pytest.approx(expected[0][place], abs=1e-4)
        assert one.recall == pytest.approx(expected[1][place], abs=1e-4)
        assert one.f1 == pytest.approx(expected[2][place], abs=1e-4)
        assert one.support == expected[3][place]
    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(gold, said), abs=1e-4)
    for figure, average in ((found.macro_f1, "macro"), (found.weighted_f1, "weighted")):
        reference = metrics.f1_score(gold, said, average=average)
        assert figure.value == pytest.approx(reference, abs=1e-4)
    assert found.confusion == metrics.confusion_matrix(gold, said, labels=names).tolist()


def test_a_label_that_nobody_has_is_an_error_of_the_others_and_no_class_of_its_own() -> None:
    rows = random_judgements(400, 2, FIVE)
    five = [one for one in rows if one.gold not in {"mixed", "other"}]
    assert {one.said for one in five} == set(FIVE)
    reference = metrics.f1_score(
        [one.gold for one in five],
        [one.said for one in five],
        labels=list(FIVE[:5]),
        average="macro",
    )
    assert figures(five, FIVE).macro_f1.value == pytest.approx(reference, abs=1e-4)


def test_the_polar_figure_is_the_mean_of_negative_and_positive() -> None:
    rows = random_judgements(300, 3)
    found = figures(rows, LABELS)
    reference = metrics.f1_score(
        [one.gold for one in rows],
        [one.said for one in rows],
        labels=["negative", "positive"],
        average="macro",
    )
    assert found.polar_f1 == pytest.approx(reference, abs=1e-4)


def test_the_calibration_error_of_a_hand_worked_example() -> None:
    # Bins are 1/15 wide. 0.50 and 0.52 share the 8th (7/15 = 0.467 to 0.533): right 1 of 2,
    # confidence 1.02 of 2, gap 0.02. 0.90 stands alone in the 14th: wrong, gap 0.90.
    # 1.0 belongs to the last with 0.95: both right, gap 0.05. (0.02 + 0.90 + 0.05) / 5 = 0.194.
    confidence = np.array([0.50, 0.52, 0.90, 0.95, 1.0])
    right = np.array([True, False, False, True, True])
    assert measures.confidence_error(confidence, right) == pytest.approx(0.194)


def test_over_and_under_confidence_in_different_bins_do_not_cancel() -> None:
    confidence = np.array([0.6, 0.9])
    right = np.array([True, False])
    assert measures.confidence_error(confidence, right) == pytest.approx((0.4 + 0.9) / 2)


def test_a_calibrated_model_shows_what_chance_leaves_and_a_boaster_shows_more() -> None:
    rng = np.random.default_rng(4)
    confidence = rng.uniform(1 / 3, 1, 2000)
    right = rng.random(2000) < confidence
    chance = measures.chance_error(confidence, np.random.default_rng(0))
    assert 0.01 < chance < 0.04
    assert measures.confidence_error(confidence, right) < 2 * chance
    assert measures.confidence_error(np.sqrt(confidence), right) > 3 * chance


@given(
    st.lists(
        st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS), st.floats(0.34, 1)),
        min_size=1,
        max_size=40,
    )
)
def test_figures_stay_in_their_bounds(rows: list[tuple[str, str, float]]) -> None:
    judgements = [judged(g, s, unit, sure) for unit, (g, s, sure) in enumerate(rows)]
    found = figures(judgements, LABELS)
    for one in (found.accuracy, found.weighted_f1, found.macro_f1):
        assert 0 <= one.value <= 1
        assert (one.low is None) == (one.high is None)
        if one.low is not None and one.high is not None:
            assert 0 <= one.low < one.high <= 1
    assert found.accuracy.low is not None
    assert found.ece is not None
    assert 0 <= found.ece <= 1
    assert sum(map(sum, found.confusion)) == len(rows)


# -- intervals --------------------------------------------------------------------------------


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """A guesser right in 70 % of cases: 95 % of the intervals of many samples hold 0.7."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        gold = rng.integers(0, 2, 150) * 2
        said = np.where(rng.random(150) < 0.7, gold, 2 - gold)
        rows = [
            judged(LABELS[g], LABELS[s], unit)
            for unit, (g, s) in enumerate(zip(gold, said, strict=True))
        ]
        one = figures(rows, LABELS).accuracy
        low, high = bounds(one)
        held += low <= 0.7 <= high
    assert 180 <= held <= 199


def test_the_same_judgements_give_the_same_intervals_whatever_else_is_measured() -> None:
    rows = [from_source(one, "a") for one in random_judgements(100, 6)]
    more = [from_source(one, "b") for one in random_judgements(50, 7)]
    alone = section(rows, LABELS)
    beside = section(rows + more, LABELS)
    assert alone.source["a"] == beside.source["a"]
    assert alone.all == alone.source["a"]


def from_source(one: Judgement, source: str) -> Judgement:
    return Judgement(one.unit, one.gold, one.said, one.confidence, one.probabilities, source=source)


def test_judgements_on_one_post_are_drawn_together() -> None:
    """Fifty posts with the same answer ten times over are fifty pieces of evidence, not 500."""
    single = random_judgements(50, 8)
    tenfold = [one for one in single for _ in range(10)]
    once, ten = figures(single, LABELS).accuracy, figures(tenfold, LABELS).accuracy
    assert ten.value == once.value
    assert bounds(ten) == pytest.approx(bounds(once), abs=0.03)


def bounds(one: Interval) -> tuple[float, float]:
    assert one.low is not None
    assert one.high is not None
    return one.low, one.high


def test_few_posts_are_not_certain_because_all_of_them_are_right() -> None:
    def right(labels: str) -> Figures:
        names = {"n": "negative", "o": "neutral", "p": "positive"}
        return figures([judged(names[x], names[x], unit) for unit, x in enumerate(labels)], LABELS)

    # Wilson's bounds for 1 of 1, 10 of 10 and 31 of 31.
    assert bounds(right("n").accuracy) == (0.2065, 1)
    assert bounds(right("nnnnnooopp").accuracy) == (0.7225, 1)
    many = right("n" * 28 + "oop")
    assert bounds(many.accuracy) == (0.8897, 1)
    # No sample of the bootstrap is wrong, so it can't say what luck did.
    for one in (many.macro_f1, many.weighted_f1, right("nop").macro_f1):
        assert one == Interval(1, None, None)


def test_a_label_that_a_sample_lost_is_no_error_of_the_model() -> None:
    """It is left out there, as it is where a whole set has none of it."""
    rows = [judged("negative", "negative", unit) for unit in range(28)]
    rows += [judged("neutral", "neutral", 28), judged("positive", "negative", 29)]
    macro = figures(rows, LABELS).macro_f1
    low, high = bounds(macro)
    assert high == 1
    assert low > 0.3
    assert figures(rows[-15:], LABELS).macro_f1.low is None


def test_drawing_posts_and_drawing_cells_are_the_same_thing() -> None:
    rows = random_judgements(80, 9)
    gold = np.array([LABELS.index(one.gold) for one in rows])
    said = np.array([LABELS.index(one.said) for one in rows])
    cells = gold * 3 + said
    alone = measures.resampled(cells, np.arange(80), 3, np.random.default_rng(0), 4000)
    twice = measures.resampled(
        np.repeat(cells, 2), np.repeat(np.arange(80), 2), 3, np.random.default_rng(0), 4000
    )
    assert (alone.sum((1, 2)) == 80).all()
    assert (twice.sum((1, 2)) == 160).all()
    assert alone.mean(0) == pytest.approx(measures.confusion(gold, said), abs=0.5)
    assert twice.mean(0) / 2 == pytest.approx(alone.mean(0), abs=0.5)
    assert twice.std(0) / 2 == pytest.approx(alone.std(0), rel=0.1)


# -- groups and special sets ------------------------------------------------------------------


def test_groups_have_their_own_figures_and_rows_without_a_group_are_in_all_alone() -> None:
    rows = [
        judged("negative", "negative", 0, language="fr", script="latin", source="x"),
        judged("positive", "negative", 1, language="ary", script="arabic", source="x"),
        judged("positive", "positive", 2, script="latin"),
    ]
    found = section(rows, LABELS)
    assert found.all.posts == 3
    assert set(found.language) == {"fr", "ary"}
    assert found.language["fr"].accuracy.value == 1
    assert found.language["ary"].accuracy.value == 0
    assert found.script["latin"].posts == 2
    assert found.source["x"].posts == 2


def test_a_set_without_neutral_has_a_binary_figure_that_leaves_neutral_out() -> None:
    rows = [
        Judgement(0, "negative", "neutral", 0.5, (0.4, 0.5, 0.1)),
        Judgement(1, "positive", "neutral", 0.6, (0.1, 0.6, 0.3)),
        Judgement(2, "negative", "negative", 0.7, (0.7, 0.2, 0.1)),
    ]
    found = figures(rows, LABELS)
    assert found.macro_f1.value == pytest.approx((2 / 3 + 0) / 2, abs=1e-4)
    assert found.binary_f1 is not None
    assert found.binary_f1.value == 1
    with_neutral = [*rows, judged("neutral", "neutral", 3)]
    assert figures(with_neutral, LABELS).binary_f1 is None


def test_mean_probabilities_say_what_trends_would_show() -> None:
    rows = [
        Judgement(0, "negative", "negative", 0.9, (0.9, 0.1, 0.0)),
        Judgement(1, "positive", "neutral", 0.5, (0.3, 0.5, 0.2)),
    ]
    means = figures(rows, LABELS).mean_probability
    assert means == {"negative": 0.6, "neutral": 0.3, "positive": 0.1}


# -- attitudes --------------------------------------------------------------------------------


def attitude(unit: int, gold: str, said: str, copied: str, kind: str) -> Attitude:
    return Attitude(judged(gold, said, unit), {"copied": copied, "kind": kind})


def test_rules_are_measured_on_the_same_entities_and_where_those_of_a_post_differ() -> None:
    rows = [
        attitude(0, "negative", "negative", "negative", "negative"),
        attitude(0, "neutral", "neutral", "negative", "neutral"),
        attitude(1, "positive", "negative", "positive", "negative"),
        attitude(1, "positive", "positive", "positive", "neutral"),
    ]
    found = attitudes(rows)
    assert found.model.all.posts == 2
    assert found.model.all.judgements == 4
    accuracy = {
        way: (one.all.accuracy.value, one.differing.accuracy.value)
        for way, one in found.compared.items()
        if one.differing
    }
    assert accuracy == {"model": (0.75, 1.0), "copied": (0.75, 0.5), "kind": (0.5, 1.0)}
    assert found.compared["model"].all == found.model.all
    assert found.compared["kind"].all.ece is None


def test_a_post_differs_only_by_what_is_true_of_it() -> None:
    rows = [judged("negative", "positive", 0), judged("negative", "negative", 0)]
    assert differing(rows) == frozenset()
    assert attitudes([Attitude(one, {}) for one in rows]).compared["model"].differing is None


# -- error tables -----------------------------------------------------------------------------


def test_error_tables_count_and_average_by_true_label() -> None:
    rows = [
        Judgement(0, "negative", "negative", 0.8, (0.8, 0.1, 0.1), language="fr"),
        Judgement(1, "negative", "neutral", 0.6, (0.2, 0.6, 0.2), language="fr"),
        Judgement(2, "positive", "positive", 0.7, (0.1, 0.2, 0.7), identified="en"),
    ]
    found = tables(rows, fewest=1)
    one = found["language"]["fr"]
    assert one.posts == 2
    assert one.confusion == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert one.probability == [[0.5, 0.35, 0.15], [0, 0, 0], [0, 0, 0]]
    assert found["all"]["all"].posts == 3
    assert found["identified"]["en"].confusion[2] == [0, 0, 1]


def test_small_groups_have_no_error_table_of_their_own() -> None:
    rows = [judged("neutral", "neutral", unit, language="fr") for unit in range(FEWEST)]
    rows += [judged("neutral", "neutral", 99, language="en")]
    found = tables(rows)
    assert set(found["language"]) == {"fr"}
    assert found["all"]["all"].posts == FEWEST + 1


def test_sources_without_neutral_posts_are_named() -> None:
    rows = [
        judged("negative", "neutral", 0, source="polar"),
        judged("positive", "positive", 1, source="polar"),
        judged("negative", "negative", 2, source="full"),
        judged("neutral", "negative", 3, source="full"),
    ]
    assert without_neutral(rows) == {"polar": 2}


def test_a_known_bias_is_undone_with_the_table_alone() -> None:
    """The use of the tables: mean probabilities of a new month give back its true shares."""
    rng = np.random.default_rng(10)
    behaviour = {"negative": (6, 3, 1), "neutral": (2, 7, 1), "positive": (1, 4, 5)}

    def month(shares: tuple[float, float, float], count: int) -> list[Judgement]:
        rows = []
        for unit in range(count):
            gold = LABELS[rng.choice(3, p=shares)]
            chances = rng.dirichlet(behaviour[gold])
            said = int(chances.argmax())
            rows.append(
                Judgement(unit, gold, LABELS[said], float(chances[said]), tuple(chances.tolist()))
            )
        return rows

    table = tables(month((1 / 3, 1 / 3, 1 / 3), 3000))["all"]["all"]
    raw = np.mean([one.probabilities for one in month((0.8, 0.1, 0.1), 3000)], axis=0)
    corrected = np.linalg.solve(np.array(table.probability).T, raw)
    assert abs(raw[0] - 0.8) > 0.2
    assert corrected == pytest.approx([0.8, 0.1, 0.1], abs=0.06)


def test_an_error_file_survives_being_written_and_read() -> None:
    file = ErrorFile(
        model="m-1",
        data=Data("dev.jsonl", "00ff", 3),
        left_out={"polar": 2},
        sentiment=tables(random_judgements(60, 11)),
        targets={},
    )
    raw = msgspec.json.encode(file)
    assert msgspec.json.decode(raw, type=ErrorFile) == file
    assert msgspec.json.decode(raw)["labels"] == list(LABELS)


def test_every_field_of_reports_and_error_files_is_documented() -> None:
    from pipelines.evaluation import Entities, Report

    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for struct in (Report, Entities, Figures, LabelFigures, ErrorFile, ErrorTable):
        for name in struct.__struct_fields__:
            assert f"`{name}`" in text, (struct.__name__, name)

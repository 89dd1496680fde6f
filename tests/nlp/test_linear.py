"""Hashed n-grams and the linear models on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import features, linear
from nlp.errors import ModelError
from nlp.features import Space
from nlp.linear import LinearModel, Table
from nlp.training.fit import arrays_of, balance, fit, fit_few, matrix, temperature

SMALL = Space(orders=(1, 2, 3), words=2, bits=12)
ODD = ["", " ", "\0", "\ud800", "\u200f\u200f", "😡" * 3000, "a" * 100_000, "[url] @someone", "x y"]


def table(bits: int = 8) -> Table:
    weights = np.random.default_rng(0).normal(size=(SMALL.size, 3))
    return Table.quantised(SMALL, weights, 0.1, np.array([0.1, 0.0, -0.1]), bits)[0]


def grams(text: str) -> list[list[int]]:
    [(_, batch)] = features.chunks([text], SMALL)
    return [*batch.grams.tolist(), *batch.runs.tolist()]


@given(st.lists(st.text(), min_size=1, max_size=30))
def test_the_scores_of_a_text_do_not_depend_on_the_texts_beside_it(texts: list[str]) -> None:
    model = table()
    together = model.score(texts)
    apart = np.concatenate([model.score([text]) for text in texts])
    assert (together == apart).all()


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_string_has_finite_scores(text: str) -> None:
    assert np.isfinite(table().score([text])).all()


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_are_scored_among_others(text: str) -> None:
    scores = table().score(["bonjour", text, "salam"])
    assert scores.shape == (3, 3)
    assert np.isfinite(scores).all()


def test_no_text_gives_no_row() -> None:
    assert table().score([]).shape == (0, 3)


def test_a_batch_larger_than_a_chunk_keeps_its_order() -> None:
    texts = [f"post number {number} " * 30 for number in range(300)]
    scores = table().score(texts)
    for place in (0, 101, 299):
        assert (scores[place] == table().score([texts[place]])[0]).all()


def test_case_vowel_marks_and_long_runs_make_no_difference() -> None:
    assert grams("CHOUHA Bzaaaaaf") == grams("chouha bzaaf")
    assert grams("كَتَبَ") == grams("كتب")
    assert grams("كتـــب") == grams("كتب")


def test_links_and_mentions_are_not_read() -> None:
    assert grams("salam https://example.org/a?b=c @khouya [user] labas") == grams("salam labas")


def test_no_n_gram_crosses_the_border_between_two_texts() -> None:
    [(_, batch)] = features.chunks(["ab", "cd"], SMALL)
    first, second = grams("ab"), grams("cd")
    for row in range(len(SMALL.orders)):
        assert batch.grams[row].tolist() == first[row] + second[row]


def test_the_training_matrix_and_the_shipped_table_score_alike() -> None:
    rng = np.random.default_rng(1)
    weights, bias = rng.normal(size=(SMALL.size, 3)), rng.normal(size=3)
    texts = ["le réseau est mort", "شبكة ميتة", "mat réseau 3la khir"]
    model, _ = arrays_of(SMALL, weights, bias, 16, run_weight=2)
    expected = matrix(texts, SMALL, run_weight=2) @ weights + bias
    assert np.abs(model.score(texts) - expected).max() < 1e-3


def test_a_fit_learns_what_tells_two_classes_apart() -> None:
    texts = ["good day", "fine day", "bad day", "awful day"] * 5
    labels = np.array([0, 0, 1, 1] * 5)
    weights, bias = fit(matrix(texts, SMALL), np.eye(2)[labels], strength=100.0)
    model, _ = arrays_of(SMALL, weights, bias, 8)
    assert model.score(["a good thing", "a bad thing"]).argmax(axis=1).tolist() == [0, 1]


def test_a_masked_class_neither_gains_nor_loses_from_a_row() -> None:
    counts = matrix(["yes", "no"] * 10, SMALL)
    truth = np.eye(3)[[0, 2] * 10]
    masked = np.zeros((20, 3), dtype=bool)
    masked[:, 1] = True
    weights, bias = fit(counts, truth, strength=10.0, masked=masked)
    assert np.abs(weights[:, 1]).max() == 0
    assert bias[1] == 0


def test_few_features_of_any_size_are_fitted_fairly() -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(400, 3)) * [1e-3, 1.0, 1e4] + [5.0, 0.0, -2e4]
    labels = (rows[:, 0] > 5).astype(int)
    weights, bias = fit_few(rows, np.eye(2)[labels], strength=10.0)
    assert ((rows @ weights + bias).argmax(axis=1) == labels).mean() > 0.95


def test_balance_gives_the_classes_of_a_group_the_same_sum() -> None:
    labels = np.array([0] * 6 + [1] * 2)
    weights = balance(labels, np.zeros(8), limit=10.0)
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
    assert weights.mean() == pytest.approx(1.0)


def test_a_temperature_above_one_cools_scores_that_are_too_sure() -> None:
    scores = np.array([[6.0, 0.0]] * 10)
    labels = np.array([0] * 8 + [1] * 2)
    assert temperature(scores, labels) > 2


def test_the_shipped_model_gives_probabilities_for_everything() -> None:
    chances = linear.load().predict(ODD)
    assert chances.dtype == np.float32
    assert np.allclose(chances.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(chances).all()


def test_the_shipped_model_knows_praise_from_blame_in_each_language() -> None:
    model = linear.load()
    praise = [
        "merci, excellent service, bravo",
        "شكرا جزيلا، خدمة رائعة",
        "tbarkallah 3likom zwin bzaf",
    ]
    blame = ["service nul, une honte", "خدمة سيئة جدا، عار عليكم", "khayb bzaf, l3ar 3likom"]
    assert (model.predict(praise)[:, 2] > model.predict(blame)[:, 2]).all()
    assert (model.predict(praise)[:, 0] < model.predict(blame)[:, 0]).all()


def test_a_missing_or_broken_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.npz.*reinstall"):
        LinearModel(tmp_path / "nowhere.npz")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK not really")
    with pytest.raises(ModelError, match=r"broken\.npz"):
        LinearModel(broken)


def test_a_file_of_other_features_is_refused(tmp_path: Path) -> None:
    _, arrays = arrays_of(SMALL, np.zeros((SMALL.size, 3)), np.zeros(3), 8)
    arrays["features"] = np.int64(features.VERSION + 1)
    np.savez(tmp_path / "old.npz", **arrays)
    with pytest.raises(ModelError, match="train it again"):
        LinearModel(tmp_path / "old.npz")


def test_too_many_classes_for_a_table_are_refused() -> None:
    with pytest.raises(ModelError, match="holds 8 classes, not 9"):
        Table(SMALL, np.zeros((SMALL.size, 9), dtype=np.int8), np.ones(9), np.zeros(9))

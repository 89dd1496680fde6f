"""Corrected shares are those of quapy, the reference library, where both have enough posts."""

import numpy as np
import pytest

from pipelines.analysis import quantify

pytest.importorskip("quapy", reason="pip install -e '.[dev]'")
from quapy.method.aggregative import ACC, EMQ, PACC
from sklearn.dummy import DummyClassifier

POSTS, LABELLED = 20_000, 6_000
#: Shares of negative, neutral and positive among the labelled posts, and elsewhere.
BEFORE, AFTER = (0.30, 0.45, 0.25), (0.65, 0.25, 0.10)


def answers(shares, posts, rng):
    """True labels, and what a classifier with calibrated probabilities answers to each."""
    true = rng.choice(3, posts, p=shares)
    seen = np.eye(3)[true] * 1.3 + rng.standard_normal((posts, 3))
    likelihood = np.exp(-((seen[:, None, :] - np.eye(3) * 1.3) ** 2).sum(axis=2) / 2)
    chances = likelihood * BEFORE
    return true, chances / chances.sum(axis=1, keepdims=True)


def by_quapy(method, labelled, posts):
    classifier = DummyClassifier().fit(np.zeros((3, 1)), [0, 1, 2])  # others answered already
    true, chances = labelled
    known, asked = chances, posts
    if method is ACC:
        known, asked = chances.argmax(axis=1), posts.argmax(axis=1)
    with pytest.warns(UserWarning, match="val_split"):
        quantifier = method(classifier, fit_classifier=False, val_split=5)
    if method is EMQ:
        quantifier.train_prevalence = np.bincount(true, minlength=3) / len(true)
    else:
        quantifier.aggregation_fit(known, true)
    return quantifier.aggregate(asked)


def by_marsad(labelled, posts):
    """Two buckets: the first with the labelled posts, the second without any."""
    true, chances = labelled
    known = np.zeros((2, 3, 3), dtype=np.int64)
    np.add.at(known[0], (chances.argmax(axis=1), true), 1)
    predicted = np.array([known[0].sum(axis=1), np.bincount(posts.argmax(axis=1), minlength=3)])
    counts = quantify.Counts(predicted, known, np.zeros(2, dtype=np.int64))
    return quantify.sample(counts, kept=200).shares[:, 1].mean(axis=0)


@pytest.mark.parametrize("method", [ACC, PACC, EMQ])
def test_sample__finds_the_shares_that_quapy_finds(method):
    rng = np.random.default_rng(7)
    labelled = answers(BEFORE, LABELLED, rng)
    true, posts = answers(AFTER, POSTS, rng)
    truth = np.bincount(true, minlength=3) / POSTS
    counted = np.bincount(posts.argmax(axis=1), minlength=3) / POSTS
    ours, theirs = by_marsad(labelled, posts), by_quapy(method, labelled, posts)
    assert np.abs(counted - truth).max() > 0.08
    assert np.abs(ours - truth).max() < 0.02
    # ACC corrects the same counts by the same table; the others use the probabilities too
    assert np.abs(ours - theirs).max() < (0.006 if method is ACC else 0.02)

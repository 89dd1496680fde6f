"""Simulated studies with known shares, to see whether corrected trends are right.

A study has 28 days of posts in several languages. Each day has its own mix of languages and each
language its own shares of the three labels, which move from day to day and jump once. The model's
answer for a post is drawn as it answered on the labelled posts of the shipped error tables
(``errors`` in ``nlp/model/model.json``: development and held-out posts, by true label and
recognised language). Then posts are labelled as ``marsad label sample`` chooses them: spread over
language, predicted label and week.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

import nlp
from pipelines.analysis import quantify

LANGUAGES = ("ary-Latn", "ary", "fr", "ar", "en")
DAYS = 28
#: Posts of a usual day.
POSTS = 120


class Outcome(NamedTuple):
    """How far corrected and counted shares are off, for each study."""

    corrected: np.ndarray
    counted: np.ndarray
    held: np.ndarray
    """Part of the 95 % intervals that hold the true share."""

    @property
    def better(self) -> float:
        return float((self.corrected < self.counted).mean())


def confusion(languages: tuple[str, ...]) -> np.ndarray:
    """Return ``[language, true, predicted]``: the chances of the shipped model's answers."""
    path = Path(nlp.__file__).parent / "model" / "model.json"
    tables = json.loads(path.read_text(encoding="utf-8"))["errors"]["sentiment"]["identified"]
    counts = np.array([tables[name]["confusion"] for name in languages], dtype=float)
    return counts / counts.sum(axis=2, keepdims=True)


class Study(NamedTuple):
    """One study: posts by day, language, predicted and true label, and what is true."""

    counts: np.ndarray
    """``[day, language, predicted, true]``."""
    labelled: np.ndarray
    """The same of the posts that people labelled."""
    truth: np.ndarray
    """``[day, label]``: the true shares that posts were drawn from."""


def study(seed: int, languages: tuple[str, ...], labels: int, answers: np.ndarray) -> Study:
    """Draw one study."""
    rng = np.random.default_rng(seed)
    many = len(languages)
    usual = rng.dirichlet(np.full(many, 2.0))
    before, after = rng.dirichlet([3, 3, 3], size=(2, many))
    jump = rng.integers(5, DAYS - 5)
    counts = np.zeros((DAYS, many, 3, 3), dtype=np.int64)
    truth = np.zeros((DAYS, 3))
    for day in range(DAYS):
        mix = rng.dirichlet(usual * 20 + 0.1)
        shares = np.array(
            [rng.dirichlet(mean * 25 + 0.3) for mean in (before if day < jump else after)]
        )
        truth[day] = mix @ shares
        posts = max(15, int(rng.lognormal(np.log(POSTS), 0.6)))
        for language, number in enumerate(rng.multinomial(posts, mix)):
            true = rng.multinomial(number, shares[language])
            for label in range(3):
                said = rng.multinomial(true[label], answers[language, label])
                counts[day, language, :, label] += said
    return Study(counts, _label(rng, counts, labels), truth)


def _label(rng: np.random.Generator, counts: np.ndarray, labels: int) -> np.ndarray:
    """Choose posts systematically in the order of language, predicted label and week."""
    places = np.argwhere(counts > 0)
    numbers = counts[tuple(places.T)]
    posts = np.repeat(places, numbers, axis=0)
    order = np.lexsort((rng.random(len(posts)), posts[:, 0] // 7, posts[:, 2], posts[:, 1]))
    at = ((np.arange(labels) + rng.random()) * len(posts) / labels).astype(int)
    chosen = np.zeros_like(counts)
    np.add.at(chosen, tuple(posts[order[at]].T), 1)
    return chosen


def simulate(seeds: range, languages: tuple[str, ...], labels: int, kept: int = 500) -> Outcome:
    """Correct many studies at once and compare with the truth."""
    answers = confusion(languages)
    drawn = [study(seed, languages, labels, answers) for seed in seeds]
    many, days = len(languages), DAYS
    counts = np.concatenate([one.counts.sum(axis=3).reshape(-1, 3) for one in drawn])
    labelled = np.concatenate([one.labelled.reshape(-1, 3, 3) for one in drawn])
    # every language of every study has a confusion matrix of its own
    own = np.concatenate([np.tile(np.arange(many), days) + n * many for n in range(len(drawn))])
    of_study = np.repeat(np.arange(len(drawn)), days * many)
    draws = quantify.sample(quantify.Counts(counts, labelled, own), studies=of_study, kept=kept)
    shape = (len(draws.shares), len(drawn), days, many)
    posts = counts.sum(axis=1).reshape(shape[1:])
    weights = np.random.default_rng(1).standard_gamma(np.broadcast_to(posts + 1e-9, shape))
    weights /= weights.sum(axis=3, keepdims=True)
    shares = (weights[..., None] * draws.shares.reshape(*shape, 3)).sum(axis=3)
    truth = np.array([one.truth for one in drawn])
    low, high = np.quantile(shares, [0.025, 0.975], axis=0)
    predicted = counts.reshape(len(drawn), days, many, 3).sum(axis=2)
    counted = predicted / predicted.sum(axis=2, keepdims=True)
    return Outcome(
        np.abs(shares.mean(axis=0) - truth).mean(axis=(1, 2)),
        np.abs(counted - truth).mean(axis=(1, 2)),
        ((low <= truth) & (truth <= high)).mean(axis=(1, 2)),
    )

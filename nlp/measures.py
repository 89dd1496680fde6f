"""Measures of agreement between what a model says and what people labelled, with numpy alone.

A confusion table has a row for each true label and a column for each guess. Functions on tables
take a stack of them as well (leading axes), which is how intervals are made.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

CLASSES = 3
BINS = 15

#: Samples of a bootstrap: enough for the second digit of the bounds of a 95 % interval.
DRAWS = 1000

#: 97.5 % of a normal distribution lie below it.
_Z = 1.959964

_CELLS_AT_ONCE = 4_000_000  # numbers in memory while posts are drawn: 32 MB

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]
Doubles = npt.NDArray[np.float64]


def confusion(gold: Ints, guess: Ints, classes: int = CLASSES) -> Ints:
    """Count (gold, guess) pairs: shape (classes, classes), rows are gold."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (gold, guess), 1)
    return table


def f1(table: Ints) -> Doubles:
    """F1 of each class; 0 where a class is neither there nor guessed."""
    return _ratio(2 * _hits(table), table.sum(-2) + table.sum(-1))


def precision(table: Ints) -> Doubles:
    """Share of each class's guesses that are right; 0 where it is never guessed."""
    return _ratio(_hits(table), table.sum(-2))


def recall(table: Ints) -> Doubles:
    """Share of each class's members that are found; 0 where it has none."""
    return _ratio(_hits(table), table.sum(-1))


def macro_f1(table: Ints) -> float:
    """Mean F1 over the classes that occur in the gold labels."""
    return float(macro_f1s(table[None])[0])


def macro_f1s(tables: Ints) -> Doubles:
    """Macro F1 of each table of a stack, over the classes that occur in its own gold labels."""
    present = tables.sum(-1) > 0
    return _ratio((f1(tables) * present).sum(-1), present.sum(-1))


def weighted_f1(table: Ints) -> float:
    """F1 of the classes weighted by how often they occur."""
    return float(weighted_f1s(table[None])[0])


def weighted_f1s(tables: Ints) -> Doubles:
    """Weighted F1 of each table of a stack."""
    share = _ratio(tables.sum(-1), tables.sum((-1, -2))[..., None])
    return np.asarray((f1(tables) * share).sum(-1))


def accuracy(table: Ints) -> float:
    """Share of right guesses."""
    return float(np.trace(table) / max(1, table.sum()))


def wilson(share: float, count: float) -> tuple[float, float]:
    """Bounds of Wilson's score interval of 95 % for a share of ``count`` yes-or-no answers.

    E. B. Wilson 1927, J. Am. Stat. Assoc. 22:209-212.
    """
    square = _Z * _Z / count
    middle = (share + square / 2) / (1 + square)
    reach = _Z * np.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    # The interval holds the share itself; rounding must not say otherwise.
    return min(share, max(0.0, middle - reach)), max(share, min(1.0, middle + reach))


def calibration_error(probabilities: Floats, gold: Ints, bins: int = BINS) -> float:
    """Expected calibration error of the winning label; see :func:`confidence_error`."""
    if not len(gold):
        return 0.0
    right = probabilities.argmax(1) == gold
    return confidence_error(probabilities.max(1), right, bins)


def confidence_error(confidence: Floats, right: npt.NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error (ECE), 0 to 1: how far confidence is from being right.

    Posts are sorted into ``bins`` bins of equal width by the confidence in what is said (1 belongs
    to the last). ECE is the mean over posts of |share that is right - mean confidence| of their bin
    (Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks", ICML,
    arXiv:1706.04599, with 15 bins as there). It is 0 without posts, and tends to be too high for
    few: with 15 bins a perfectly calibrated model shows about 0.1 on 100 posts, 0.03 on 1,000
    (:func:`chance_error` says how much).
    """
    if not len(confidence):
        return 0.0
    places = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    gap = np.abs(
        np.bincount(places, right.astype(np.float64), minlength=bins)
        - np.bincount(places, confidence.astype(np.float64), minlength=bins)
    )
    return float(gap.sum() / len(confidence))


def chance_error(
    confidence: Floats, rng: np.random.Generator, bins: int = BINS, draws: int = 100
) -> float:
    """Return the ECE that a perfectly calibrated model would show on average, by chance alone.

    Found by drawing for each post, ``draws`` times, whether it is right, with its own confidence.
    """
    found = [
        confidence_error(confidence, rng.random(len(confidence)) < confidence, bins)
        for _ in range(draws)
    ]
    return float(np.mean(found))


def resampled(
    cells: Ints, units: Ints, classes: int, rng: np.random.Generator, draws: int = DRAWS
) -> Ints:
    """Return ``draws`` confusion tables, shape (draws, classes, classes), of a bootstrap.

    ``cells`` are gold * classes + guess of every judgement, ``units`` the post each belongs to.
    Whole posts are drawn with replacement, as many as there are: judgements on one post are not
    independent of each other (Efron 1979, Ann. Statist. 7:1-26; by clusters: Field and Welsh
    2007, J. R. Stat. Soc. B 69:369-390).
    """
    size = classes * classes
    distinct, place = np.unique(units, return_inverse=True)
    count = len(distinct)
    if count == 0:
        return np.zeros((draws, classes, classes), dtype=np.int64)
    if count == len(cells):
        # A judgement a post: drawing posts is drawing cells.
        share = np.bincount(cells, minlength=size) / count
        return rng.multinomial(count, share, draws).reshape(draws, classes, classes)
    own = np.zeros((count, size))
    np.add.at(own, (place, cells), 1.0)
    even = np.full(count, 1 / count)
    step = max(1, _CELLS_AT_ONCE // count)
    parts = [
        rng.multinomial(count, even, min(step, draws - first)) @ own
        for first in range(0, draws, step)
    ]
    return np.rint(np.concatenate(parts)).astype(np.int64).reshape(draws, classes, classes)


def _hits(table: Ints) -> Ints:
    return np.diagonal(table, axis1=-2, axis2=-1)


def _ratio(above: Ints, below: Ints) -> Doubles:
    zeros = np.zeros(np.broadcast_shapes(above.shape, below.shape))
    return np.asarray(np.divide(above, below, out=zeros, where=below > 0))

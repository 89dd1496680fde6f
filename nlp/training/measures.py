"""Measures of agreement between scores and labels, with numpy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

CLASSES = 3
BINS = 15

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]


def confusion(gold: Ints, guess: Ints, classes: int = CLASSES) -> Ints:
    """Count (gold, guess) pairs: shape (classes, classes), rows are gold."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (gold, guess), 1)
    return table


def f1(table: Ints) -> npt.NDArray[np.float64]:
    """F1 of each class; 0 where a class is neither there nor guessed."""
    hits = np.diag(table).astype(np.float64)
    both = table.sum(0) + table.sum(1)
    return np.asarray(np.divide(2 * hits, both, out=np.zeros_like(hits), where=both > 0))


def macro_f1(table: Ints) -> float:
    """Mean F1 over the classes that occur in the gold labels."""
    present = table.sum(1) > 0
    return float(f1(table)[present].mean()) if present.any() else 0.0


def weighted_f1(table: Ints) -> float:
    """F1 of the classes weighted by how often they occur."""
    share = table.sum(1) / max(1, table.sum())
    return float((f1(table) * share).sum())


def accuracy(table: Ints) -> float:
    """Share of right guesses."""
    return float(np.trace(table) / max(1, table.sum()))


def calibration_error(probabilities: Floats, gold: Ints, bins: int = BINS) -> float:
    """Expected calibration error of the winning label (Guo et al. 2017, equal-width bins)."""
    if not len(gold):
        return 0.0
    confidence = probabilities.max(1)
    right = (probabilities.argmax(1) == gold).astype(np.float64)
    places = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    total = np.bincount(places, minlength=bins)
    gap = np.abs(
        np.bincount(places, right, minlength=bins) - np.bincount(places, confidence, minlength=bins)
    )
    return float(gap.sum() / total.sum())

"""Fitting of the linear models: counts of n-grams, a masked multinomial loss, L-BFGS.

Multinomial logistic regression with an L2 penalty. Rows may rule classes out (a data set without
neutral posts says nothing about neutral): a ruled-out class takes no part in that row's softmax.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from nlp import features
from nlp.features import Space
from nlp.linear import Floats, Table, softmax

#: Divides the scores; brings typical rows near length 1, where penalties are easy to compare.
SCALE = 1 / 15


def matrix(texts: Sequence[str], space: Space, run_weight: int = 1) -> Any:
    """Return the sparse matrix of counts over the root of the length: a row per text.

    A run of words counts `run_weight` times.
    """
    parts = [sparse.csr_matrix((0, space.size), dtype=np.float32)]
    for _, batch in features.chunks(texts, space):
        lengths = np.diff(batch.texts)
        codes = np.repeat(np.arange(len(lengths)), lengths)
        rows = np.concatenate(
            [np.tile(codes, len(space.orders)), np.tile(batch.word_texts, len(batch.runs))]
        )
        places = np.concatenate([batch.grams.ravel(), batch.runs.ravel()])
        inside = places < space.size
        values = (SCALE / np.sqrt(lengths)).astype(np.float32)[rows]
        values[batch.grams.size :] *= run_weight
        shape = (len(lengths), space.size)
        parts.append(sparse.csr_matrix((values[inside], (rows[inside], places[inside])), shape))
    return sparse.vstack(parts).tocsr().astype(np.float32)


def rarity(counts: Any) -> NDArray[np.float32]:
    """Return the inverse document frequency of each place (smoothed, at least 1)."""
    seen = np.bincount(counts.indices, minlength=counts.shape[1])
    weights: NDArray[np.float32] = (np.log((1 + counts.shape[0]) / (1 + seen)) + 1).astype("f4")
    return weights


def balance(labels: NDArray[np.int64], groups: NDArray[Any], limit: float) -> Floats:
    """Return row weights that give the classes of each group the same sum, on average 1.

    No row weighs more than `limit` times or less than ``1/limit`` of the average.
    """
    weights = np.ones(len(labels))
    for group in np.unique(groups):
        here = groups == group
        present, counts = np.unique(labels[here], return_counts=True)
        for label, count in zip(present, counts, strict=True):
            weights[here & (labels == label)] = here.sum() / len(present) / count
    weights = np.clip(weights, 1 / limit, limit)
    result: Floats = weights / weights.mean()
    return result


def fit(
    counts: Any,
    targets: Floats,
    *,
    strength: float,
    weights: Floats | None = None,
    masked: NDArray[np.bool_] | None = None,
    iterations: int = 60,
    progress: str = "",
) -> tuple[Floats, Floats]:
    """Return weights (place, class) and biases of the least weighted loss.

    `targets` are class probabilities per row, `masked` says which classes a row rules out,
    `strength` multiplies the loss against the penalty (scikit-learn's ``C``).
    """
    rows, classes = targets.shape
    weight = (np.ones(rows) if weights is None else weights)[:, None].astype(np.float32)
    ruled_out = None if masked is None else np.where(masked, np.float32(-1e9), np.float32(0))
    transposed = counts.T.tocsr()
    size = counts.shape[1] * classes
    steps = 0

    def loss(parameters: Floats) -> tuple[float, Floats]:
        table = parameters[:size].reshape(-1, classes)
        scores = counts @ table.astype(np.float32) + parameters[size:].astype(np.float32)
        if ruled_out is not None:
            scores = scores + ruled_out
        chances = softmax(scores)
        value = -strength * float((weight * targets * np.log(np.maximum(chances, 1e-12))).sum())
        error = (strength * weight * (chances - targets)).astype(np.float32)
        slope = (transposed @ error).astype(np.float64) + table
        return value + 0.5 * float((table**2).sum()), np.append(slope.ravel(), error.sum(axis=0))

    def report(_: Floats) -> None:
        nonlocal steps
        steps += 1
        if progress and sys.stderr.isatty():
            print(f"\r{progress}: {steps}/{iterations}", end="", file=sys.stderr)

    found = optimize.minimize(
        loss,
        np.zeros(size + classes),
        jac=True,
        method="L-BFGS-B",
        callback=report,
        options={"maxiter": iterations, "maxcor": 8},
    )
    if progress:
        print(f"\r{progress}: {steps} steps, loss {found.fun:.0f}", file=sys.stderr)
    return found.x[:size].reshape(-1, classes), found.x[size:]


def fit_few(
    rows: Floats, targets: Floats, *, strength: float, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return weights and biases for a few dense features, as they are.

    The features are standardised for the fit, so that the penalty is fair to all of them.
    """
    middle, spread = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(spread > 1e-9, 1 / np.maximum(spread, 1e-9), 0.0)
    counts = sparse.csr_matrix((rows - middle) * scale)
    table, bias = fit(counts, targets, strength=strength, weights=weights, iterations=500)
    table = table * scale[:, None]
    return table, np.asarray(bias - middle @ table)


def temperature(scores: Floats, labels: NDArray[np.int64], weights: Floats | None = None) -> float:
    """Return the number by which held-out `scores` are best divided (least log loss)."""
    weight = np.ones(len(labels)) if weights is None else weights

    def loss(log_temperature: float) -> float:
        chances = softmax(scores / np.exp(log_temperature))
        chosen = chances[np.arange(len(labels)), labels]
        return float(-(weight * np.log(np.maximum(chosen, 1e-12))).sum())

    found = optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    return float(np.exp(found.x))


def arrays_of(
    space: Space, weights: Floats, bias: Floats, bits: int, run_weight: int = 1
) -> tuple[Table, dict[str, Any]]:
    """Return the rounded table of fitted weights, and its arrays as a model file holds them."""
    table, small = Table.quantised(space, weights, SCALE, bias, bits, run_weight)
    arrays = {
        "features": np.int64(features.VERSION),
        "orders": np.array(space.orders),
        "words": np.int64(space.words),
        "bits": np.int64(space.bits),
        "weights": small,
        "scale": table.scale,
        "bias": table.bias,
    }
    if run_weight != 1:
        arrays["run_weight"] = np.int64(run_weight)
    return table, arrays

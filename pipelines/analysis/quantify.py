"""Shares of true labels from counts of predicted ones, with a study's own labels.

A classifier that calls a third of the negative posts neutral flattens every trend. Let a *cell* be
the posts of one bucket, group and language. With true shares :math:`\\theta` and the confusion
matrix :math:`M` of its language (rows: true label), predicted labels come out as
:math:`\\theta M` (label shift; Rogan and Gladen 1978, Am. J. Epidemiol. 107:71-76). Inverting this
is unstable where the classifier is weak, so it is a Bayesian model here, as in Ziegler and Czyż
2024, *Bayesian Quantification with Black-Box Estimators*, TMLR (arXiv:2302.09159), extended by the
labelled posts themselves:

* true labels of a cell: multinomial with shares :math:`\\theta`,
* :math:`\\theta` of the cells of one language: Dirichlet, whose parameters are estimated too, so
  that a cell of few posts is drawn towards the mean of its language (partial pooling),
* rows of :math:`M`: Dirichlet around :data:`PRIOR` and what the labels of the study's other
  languages say, each with the weight of a few posts.

The posts that people labelled stand in their cells with their true label; those of the others are
missing data. Which posts were labelled may depend on language, time and predicted label (a
stratified sample): given these, labels are missing at random and no weights are needed. Sampled by
Gibbs with data augmentation (Tanner and Wong 1987, J. Am. Stat. Assoc. 82:528-540). The seed is
fixed: the same counts give the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: What a three-way classifier of short posts confuses before any post was labelled (rows: true
#: negative, neutral, positive). Only its order of size matters: it weighs as so many posts a row.
PRIOR = np.array([[0.72, 0.18, 0.10], [0.18, 0.66, 0.16], [0.12, 0.18, 0.70]])
PRIOR_POSTS = 8.0
#: … and what the labelled posts of the other languages say weighs at most as so many a row.
POOLED_POSTS = 12.0

#: Log of the usual concentration of daily shares around their mean, and its spread.
_CONCENTRATION = (math.log(6.0), 1.0)

#: Short and long steps on the logarithms of the parameters.
_STEPS = np.array([0.15, 0.5])
_BURN, _KEPT, _THIN = 600, 500, 5
_SEED = 20160105
_HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
_TINY = 1e-300


class Counts(msgspec.Struct, frozen=True):
    """Posts of ``C`` cells, for a classifier of three labels."""

    predicted: Ints
    """``[C, 3]``: all posts by their predicted label."""
    labelled: Ints
    """``[C, 3, 3]``: those of them that people labelled, by predicted, then by true label."""
    language: Ints
    """``[C]``: the number of each cell's confusion matrix, 0 to ``G - 1``."""


class Draws(msgspec.Struct, frozen=True):
    """Draws from the posterior distribution, ``S`` of them."""

    shares: Floats
    """``[S, C, 3]``: true shares of each cell."""
    confusion: Floats
    """``[S, G, 3, 3]``: confusion matrices; rows are true labels and sum to one."""


def sample(
    counts: Counts, *, studies: Ints | None = None, seed: int = _SEED, kept: int = _KEPT
) -> Draws:
    """Return draws of the true shares of all cells and of the confusion of each language.

    ``studies`` numbers the study of each cell, where several independent ones are sampled at
    once (each with languages of its own). Raises :class:`ValueError` where a cell has more
    labelled posts than posts.
    """
    unlabelled = counts.predicted - counts.labelled.sum(axis=2)
    if (unlabelled < 0).any():
        raise ValueError("a cell has more labelled posts than posts")
    groups = int(counts.language.max(initial=-1)) + 1
    whole = np.zeros(len(unlabelled), dtype=np.int64) if studies is None else studies
    of_group = np.zeros(groups, dtype=np.int64)
    of_group[counts.language] = whole
    chain = _chain(counts, unlabelled, of_group, np.random.default_rng(seed))
    shares = np.empty((kept, len(unlabelled), 3))
    confusion = np.empty((kept, groups, 3, 3))
    for _ in range(_BURN):
        next(chain)
    for number in range(kept):
        for _ in range(_THIN):
            shares[number], confusion[number] = next(chain)
    return Draws(shares, confusion)


def _chain(
    counts: Counts, unlabelled: Ints, studies: Ints, rng: np.random.Generator
) -> Iterator[tuple[Floats, Floats]]:
    cells, language, groups = len(unlabelled), counts.language, len(studies)
    of_language = _Adder(language, groups)
    known = counts.labelled.swapaxes(1, 2)  # by true, then by predicted label
    seen = of_language(known)
    prior = np.tile(PRIOR * PRIOR_POSTS, (groups, 1, 1)) + _pooled(seen, studies)
    labelled = prior + seen
    confusion = labelled / labelled.sum(axis=2, keepdims=True)
    shares = np.full((cells, 3), 1 / 3)
    alpha = np.full((groups, 3), 2.0)
    sizes = np.bincount(language, minlength=groups)
    flat = unlabelled.reshape(-1)
    while True:
        joint = shares[:, :, None] * confusion[language] + _TINY
        chance = (joint / joint.sum(axis=1, keepdims=True)).swapaxes(1, 2).reshape(-1, 3)
        missing = rng.multinomial(flat, chance).reshape(cells, 3, 3).swapaxes(1, 2)
        whole = known + missing
        confusion = _dirichlet(rng, prior + of_language(whole))
        shares = _dirichlet(rng, alpha[language] + whole.sum(axis=2))
        logs = of_language(np.log(np.maximum(shares, 1e-12)))
        for _ in range(2):
            alpha = _move(rng, alpha, logs, sizes)
        yield shares, confusion


def _pooled(seen: Floats, studies: Ints) -> Floats:
    """Return what the labels of the other languages of a study say, as counts of a prior."""
    total = np.zeros((int(studies.max(initial=-1)) + 1, *seen.shape[1:]))
    np.add.at(total, studies, seen)
    others = total[studies] - seen
    whole = others.sum(axis=2, keepdims=True)
    weight = np.minimum(whole, POOLED_POSTS)
    result: Floats = others / np.maximum(whole, 1) * weight
    return result


class _Adder:
    """Adds the rows of a language up; much faster than ``np.add.at``."""

    def __init__(self, language: Ints, groups: int) -> None:
        self._order = np.argsort(language, kind="stable")
        present, self._starts = np.unique(language[self._order], return_index=True)
        self._present = present
        self._groups = groups

    def __call__(self, values: NDArray[np.generic]) -> Floats:
        added = np.zeros((self._groups, *values.shape[1:]))
        if len(values):
            added[self._present] = np.add.reduceat(values[self._order], self._starts, axis=0)
        return added


def _dirichlet(rng: np.random.Generator, parameters: Floats) -> Floats:
    drawn = rng.standard_gamma(parameters) + _TINY
    result: Floats = drawn / drawn.sum(axis=-1, keepdims=True)
    return result


def _move(rng: np.random.Generator, alpha: Floats, logs: Floats, sizes: Ints) -> Floats:
    """Return the next Dirichlet parameters: one Metropolis step on their logarithms.

    ``logs`` are the sums of the cells' log shares. The prior: mean uniform on the simplex, log of
    the concentration normal.
    """
    steps = _STEPS[rng.integers(0, len(_STEPS), (len(alpha), 1))]
    proposed = alpha * np.exp(steps * rng.standard_normal(alpha.shape))
    proposed = np.minimum(np.maximum(proposed, 1e-3), 1e5)
    then, now = _log_density(np.stack((proposed, alpha)), logs, sizes)
    taken = np.log(rng.random(len(alpha))) < then - now
    result: Floats = np.where(taken[:, None], proposed, alpha)
    return result


def _log_density(alpha: Floats, logs: Floats, sizes: Ints) -> Floats:
    """Return the log density of parameters ``[…, G, 3]``, up to a constant.

    Arrays are small here, so what counts is how many calls of numpy there are.
    """
    whole = alpha.sum(axis=-1)
    gammas = _log_gamma(np.concatenate((alpha, whole[..., None]), axis=-1))
    fit = sizes * (gammas[..., 3] - gammas[..., :3].sum(axis=-1))
    fit += ((alpha - 1) * logs).sum(axis=-1)
    middle, spread = _CONCENTRATION
    concentration = np.log(whole)
    prior = -0.5 * ((concentration - middle) / spread) ** 2
    # from (mean, log concentration) to logarithms of the parameters
    jacobian = np.log(alpha).sum(axis=-1) - 3 * concentration
    result: Floats = fit + prior + jacobian
    return result


def _log_gamma(x: Floats) -> Floats:
    """Return log Γ(x) for x > 0: Stirling's series after six steps of Γ(x + 1) = x Γ(x)."""
    far = x + 6
    ends = x * (x + 5)
    steps = ends * (ends + 4) * (ends + 6)  # x (x + 1) (x + 2) (x + 3) (x + 4) (x + 5)
    part = 1 / far
    square = part * part
    series = part * (1 / 12 - square * (1 / 360 - square / 1260))
    result: Floats = (far - 0.5) * np.log(far) - far + _HALF_LOG_2_PI + series - np.log(steps)
    return result

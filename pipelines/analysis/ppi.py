"""The share of a label in all posts of a query, from a random sample that people labelled.

Prediction-powered inference: the mean of the model's probabilities over all posts, corrected by
what they are off on the labelled ones. It is right however bad the model is, since it rests on
the sample alone; a good model makes its interval narrower.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.analysis.estimates import Share, wilson

Floats = NDArray[np.float64]


def share(
    truth: Sequence[float],
    predicted: Sequence[float],
    weights: Sequence[float],
    mean: float,
    posts: int,
) -> Share:
    """Return the share of a label in ``posts`` posts, with its 95 % interval.

    ``truth`` is 1 for each labelled post that has the label, else 0; ``predicted`` are the
    model's probabilities of it, ``weights`` how many posts each labelled one stands for (one over
    its chance to be sampled); ``mean`` is the mean probability over all posts.

    PPI++ (Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453) for a mean, with its power tuning
    λ; with weights it is the design-based estimator of Egami, Hinck, Stewart and Wei 2023,
    NeurIPS (arXiv:2306.04746). The interval is Wilson's for as many answers as have that variance
    with the share of the labels, or as are labelled where all labels agree (effective sizes: Kish
    1965, *Survey Sampling*; Wilson intervals for them: Dean and Pagano 2015, J. Surv. Stat.
    Methodol. 3:484-503).
    Raises :class:`ValueError` with fewer than two labelled posts.
    """
    y, f, w = (np.asarray(values, dtype=np.float64) for values in (truth, predicted, weights))
    n = len(y)
    if n < 2:
        raise ValueError("two labelled posts at least are needed")
    w = w / w.sum()
    tuning = _power(y, f, w, n / max(posts, n))
    rest = y - tuning * f
    value = tuning * mean + float(w @ rest)
    # of a ratio of weighted sums (Taylor); equal weights give the usual variance of a mean
    spread = float(n / (n - 1) * (w**2 @ (rest - w @ rest) ** 2))
    spread += tuning**2 * float(w @ (f - w @ f) ** 2) / max(posts, 1)
    value = min(max(value, 0.0), 1.0)
    # near 0 and 1 a normal interval is too narrow, and where all labels agree it has no width;
    # how many answers have that variance is told by the labels, since near 0 and 1 the corrected
    # share would say hardly any
    own = float(w @ y)
    return wilson(value, own * (1 - own) / spread if y.min() < y.max() else 1 / float(w @ w))


def _power(y: Floats, f: Floats, w: Floats, part: float) -> float:
    """Return λ: 0 leaves the model out, 1 trusts it as it is."""
    middle = f - w @ f
    variance = float(w @ middle**2)
    if variance == 0:
        return 0.0
    covariance = float(w @ (middle * (y - w @ y)))
    return min(max(covariance / (variance * (1 + part)), 0.0), 1.0)

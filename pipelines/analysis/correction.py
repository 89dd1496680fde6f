"""Trends corrected with a study's own labels: from sums of predicted labels to true shares.

Below :data:`FEWEST_LABELS` labelled posts nothing is corrected. Error tables of other posts are
not used: a classifier confuses posts of another topic otherwise, and measured on such posts
correcting with them made the hardest language worse (see ``docs/trends.md``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, get_args

import msgspec

from ingest.records import Label
from pipelines.analysis.estimates import Estimate, Share
from pipelines.analysis.mix import Place, standard_mix
from pipelines.analysis.mix import weights as mix_weights
from pipelines.records import Sum

if TYPE_CHECKING:
    from pipelines.analysis import quantify

LABELS: tuple[str, ...] = get_args(Label)

#: With fewer labelled posts the confusion of the model is not known well enough.
FEWEST_LABELS = 100


class LabelledSum(msgspec.Struct, frozen=True):
    """Posts of one bucket, group, language and predicted label that people gave one label."""

    bucket: str
    group: str
    language: str
    predicted: str
    label: str
    posts: int = 1


class Corrected(msgspec.Struct, frozen=True):
    """Corrected shares of every bucket and group that has posts."""

    estimates: Mapping[Place, Estimate]
    labels: int
    """Labelled posts that the correction rests on."""
    languages: Mapping[str, int]
    """Those of each language."""


def correct(
    sums: Sequence[Sum], labelled: Sequence[LabelledSum], *, fixed_mix: bool = False
) -> Corrected | None:
    """Return corrected shares of all buckets and groups, ``None`` with too few labels.

    The method is that of :mod:`pipelines.analysis.quantify`, with a confusion matrix for each
    language. Intervals hold the 95 % of the posterior distribution: sampling of posts, of labels,
    and the uncertain confusion. ``labelled`` are posts among those of ``sums``; they must have
    been chosen at random given language, time and predicted label. With ``fixed_mix`` each bucket's
    languages weigh as in all buckets of its group (:mod:`pipelines.analysis.mix`); a bucket that
    lacks too much of them has no estimate.
    """
    count = sum(one.posts for one in labelled)
    if count < FEWEST_LABELS:
        return None
    import numpy as np  # takes its time to load, and most stores have no labels

    from pipelines.analysis import quantify

    cells = sorted({(one.bucket, one.group, one.language) for one in sums if one.posts})
    number = {cell: place for place, cell in enumerate(cells)}
    languages = sorted({language for _, _, language in cells})
    predicted = np.zeros((len(cells), 3), dtype=np.int64)
    for one in sums:
        if one.posts and one.label in LABELS:
            cell = number[one.bucket, one.group, one.language]
            predicted[cell, LABELS.index(one.label)] += one.posts
    known = np.zeros((len(cells), 3, 3), dtype=np.int64)
    by_language: dict[str, int] = dict.fromkeys(languages, 0)
    for label in labelled:
        place = number.get((label.bucket, label.group, label.language))
        if place is None or label.predicted not in LABELS:
            continue
        known[place, LABELS.index(label.predicted), LABELS.index(label.label)] += label.posts
        by_language[label.language] += label.posts
    # of repeats the earliest counts, and people may have labelled one of another bucket
    predicted = np.maximum(predicted, known.sum(axis=2))
    index = np.array([languages.index(language) for _, _, language in cells])
    draws = quantify.sample(quantify.Counts(predicted, known, index))
    standard = standard_mix(sums) if fixed_mix else None
    return Corrected(_mixed(cells, predicted.sum(axis=1), draws, standard), count, by_language)


def _mixed(
    cells: Sequence[tuple[str, str, str]],
    posts: quantify.Ints,
    draws: quantify.Draws,
    standard: Mapping[str, Mapping[str, float]] | None,
) -> dict[Place, Estimate]:
    """Return the estimate of each bucket and group from those of its languages.

    The mix of languages is uncertain too, Dirichlet with the posts of each, unless it is fixed.
    """
    import numpy as np

    places: dict[Place, list[int]] = {}
    for number, (bucket, group, _) in enumerate(cells):
        places.setdefault((bucket, group), []).append(number)
    rng = np.random.default_rng(len(cells))
    found = {}
    for place, numbers in places.items():
        if standard is None:
            weights = rng.dirichlet(posts[numbers].astype(float), size=len(draws.shares))
        else:
            own = {cells[number][2]: float(posts[number]) for number in numbers}
            fixed = mix_weights(own, standard[place[1]])
            if not fixed:
                continue
            row = np.array([fixed[cells[number][2]] for number in numbers])
            weights = np.tile(row, (len(draws.shares), 1))
        found[place] = _estimate((weights[:, :, None] * draws.shares[:, numbers]).sum(axis=1))
    return found


def _estimate(draws: quantify.Floats) -> Estimate:
    balance = draws[:, 2] - draws[:, 0]
    negative, neutral, positive = (_share(draws[:, place]) for place in range(3))
    return Estimate(negative, neutral, positive, _share(balance))


def _share(draws: quantify.Floats) -> Share:
    import numpy as np

    low, high = np.quantile(draws, [0.025, 0.975])
    middle = float(draws.mean())
    return Share(middle, min(float(low), middle), max(float(high), middle))

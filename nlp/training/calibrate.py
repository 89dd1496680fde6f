"""Step 6: probabilities that mean what they say.

For each language the network's three scores are scaled and shifted (vector scaling, Guo et al.
2017, "On calibration of modern neural networks", arXiv:1706.04599) so that the likelihood of
held-out labels is highest; how much the linear model's opinion adds is fitted along. Each script is
fitted first, and its languages are pulled towards it, since some have few held-out posts. Groups of
posts count by the root of their draws in training (`data.GROUPS`), not by their size: neutral, half
of one source and absent from others, must not become the prior of the world.

A fit to labels of one set is surer than posts of another allow: labels follow habits of their set,
which the network knows. Each label therefore counts as one of which a share of `_DOUBT` goes to all
three labels (label smoothing; Szegedy et al. 2016, "Rethinking the Inception architecture",
arXiv:1512.00567).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from nlp import language
from nlp.batching import softmax
from nlp.model_input import prepare
from nlp.onnx_model import (
    Early,
    alone,
    blended,
    calibrated,
    calibration_keys,
    parameters,
    script,
)
from nlp.training.data import GROUPS, WITHOUT_NEUTRAL, Row

_PULL = 0.01  # towards scale 1 and shift 0: matters only where posts are few
_TO_SCRIPT = 1.0  # of a language towards its script
_DOUBT = 0.1
_SEVERAL = 2.0  # weight of a post whose label several people gave
FOLDS = 5
#: Probability from which the linear model decides without the network. Chosen on dev: at 0.75 it
#: decides 24 % of the posts at 0.001 of macro F1, at 0.70 a third, with 0.008 lost on the sample.
SURE = 0.75
#: The same for the exit of the lower layers.
SURE_EARLY = 0.70
#: By language and script: how many times its fitted say the linear model has beside the whole
#: network, and how many times its own the network. The posts that are calibrated on are of the
#: sources of training, whose habits the network knows best; of other posts, as those of dev are,
#: the linear model knows more than the fit believes. Chosen on dev.
TRUST: dict[str, tuple[float, float]] = {
    "arabic": (1.5, 0.85),
    "ar": (1.5, 0.85),
    "ary": (1.5, 0.85),
    "latin": (1.3, 0.9),
    "ary-Latn": (1.4, 0.8),
    "en": (1.5, 0.85),
}
_FEWEST = 60  # held-out posts that a language needs for a calibration of its own

#: Sets of three classes whose posts several people labelled.
SEVERAL_LABELLED = frozenset(
    {
        "afrisenti_arq",
        "afrisenti_ary",
        "afrisenti_votes",
        "arsarcasm_v2",
        "narabizi",
        "umsab_arabic",
        "umsab_english",
        "umsab_french",
    }
)

Floats = npt.NDArray[np.float64]
#: What model.json holds: scale, shift and the linear model's share, by language and script.
Table = dict[str, dict[str, Any]]


class Fitted(NamedTuple):
    """Scale and shift of the network's scores, each of shape (3,), and the linear model's share."""

    scale: Floats
    shift: Floats
    share: float


def row_weights(rows: Sequence[Row]) -> Floats:
    """Return weights with mean 1: each group counts by the root of its draws in training.

    By the draws themselves, small sets that people labelled with care would count next to nothing;
    by the same for all, sets far from what Marsad reads would count too much. Sets whose posts
    several people labelled count twice.
    """
    groups = Counter(row.group for row in rows)
    weights = np.array(
        [
            GROUPS.get(row.group, 100) ** 0.5
            / groups[row.group]
            * (_SEVERAL if row.source in SEVERAL_LABELLED else 1.0)
            for row in rows
        ]
    )
    return np.asarray(weights / weights.mean())


def fit(
    logits: npt.NDArray[np.floating],
    gold: npt.NDArray[np.int64],
    weights: Floats,
    other: npt.NDArray[np.floating] | None = None,
    near: Fitted | None = None,
    doubt: float = _DOUBT,
) -> Fitted:
    """Return the most likely calibration, pulled to `near` (to scale 1 and shift 0 without it).

    `doubt` is the share of each label that goes to all labels alike.
    """
    classes = logits.shape[1]
    scores, labels = torch.from_numpy(logits.astype(np.float64)), torch.from_numpy(gold)
    say = torch.from_numpy(weights.astype(np.float64))
    begin = near or Fitted(np.ones(classes), np.zeros(classes), 0.0)
    first = [torch.from_numpy(np.array(one, np.float64)) for one in begin[:2]]
    scale, shift = (one.clone().requires_grad_(True) for one in first)
    share = torch.full((1,), begin.share, dtype=torch.float64, requires_grad=True)
    beside = torch.zeros_like(scores) if other is None else torch.from_numpy(other).double()
    search = torch.optim.LBFGS([scale, shift, share], max_iter=200, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        search.zero_grad()
        each = functional.cross_entropy(
            scores * scale + shift + beside * share,
            labels,
            reduction="none",
            label_smoothing=doubt,
        )
        pull = (scale - first[0]).square().mean() + (shift - first[1]).square().mean()
        strength = _PULL
        if near is not None:
            pull = pull + (share - begin.share).square().mean()
            strength = _TO_SCRIPT
        total = (each * say).mean() + strength * pull
        total.backward()  # type: ignore[no-untyped-call]
        return total

    search.step(cost)  # type: ignore[no-untyped-call]
    found = shift.detach().numpy()
    return Fitted(scale.detach().numpy(), found - found.mean(), float(share.item()))


def by_language(
    rows: Sequence[Row],
    logits: npt.NDArray[np.floating],
    other: npt.NDArray[np.floating] | None = None,
) -> Table:
    """Return the calibration table of model.json; sets without neutral posts are left out.

    Languages are those that the identifier finds, as at run time.
    """
    use = np.array([row.source not in WITHOUT_NEUTRAL for row in rows])
    texts = [row.text for row in rows]
    scripts = np.array([script(prepare(text)) for text in texts])
    spoken = np.array([found.label for found in language.identify(texts)])
    gold = np.array([row.label for row in rows])

    def fit_some(here: npt.NDArray[np.int64], near: Fitted | None) -> Fitted:
        beside = None if other is None else other[here]
        weights = row_weights([rows[place] for place in here.tolist()])
        return fit(logits[here], gold[here], weights, beside, near)

    table: Table = {}
    for name, languages in (("arabic", ("ar", "ary")), ("latin", ("fr", "ary-Latn", "en"))):
        here = np.flatnonzero(use & (scripts == name))
        if not len(here):
            table[name] = {"scale": [1.0] * 3, "shift": [0.0] * 3}
            continue
        whole = fit_some(here, None)
        table[name] = _entry(whole)
        for one in languages:
            here = np.flatnonzero(use & (spoken == one))
            if len(here) >= _FEWEST:
                table[one] = _entry(fit_some(here, whole))
    return table


class Scores(NamedTuple):
    """What the parts of a model say of posts, each of shape (posts, 3)."""

    network: npt.NDArray[np.floating]
    other: npt.NDArray[np.floating]
    """Log probabilities of the linear model."""
    exit: npt.NDArray[np.floating] | None = None
    """Scores of the exit of the network's lower layers."""

    def of(self, here: npt.NDArray[np.int64]) -> Scores:
        """Return those of some posts."""
        early = None if self.exit is None else self.exit[here]
        return Scores(self.network[here], self.other[here], early)


class Tables(NamedTuple):
    """The calibrations of a model: of the whole, and of what judges by itself."""

    whole: Table
    alone: dict[str, Any]
    """When and how the linear model decides without the network."""
    early: dict[str, Any] | None
    """When and how the exit does, with the linear model and without the upper layers."""


def fitted(rows: Sequence[Row], scores: Scores) -> Tables:
    """Return the calibrations fitted on `rows`."""
    return Tables(
        trusted(by_language(rows, scores.network, scores.other)),
        {"limit": SURE, "calibration": by_language(rows, scores.other)},
        None
        if scores.exit is None
        else {"limit": SURE_EARLY, "calibration": by_language(rows, scores.exit, scores.other)},
    )


def trusted(table: Table) -> Table:
    """Return the calibration of network and linear model with the say of each as in `TRUST`."""
    found: Table = {}
    for name, one in table.items():
        more, less = TRUST.get(name, (1.0, 1.0))
        found[name] = {
            "scale": [round(x * less, 4) for x in one["scale"]],
            "shift": [round(x * less, 4) for x in one["shift"]],
            "linear": round(one.get("linear", 0.0) * more, 4),
        }
    return found


def judged(texts: Sequence[str], scores: Scores, tables: Tables) -> npt.NDArray[np.float32]:
    """Return the probabilities that a model with these `tables` gives posts of these `scores`.

    The same as `nlp.onnx_model.OnnxModel.predict`, but for posts with nothing to read.
    """
    keys = calibration_keys(texts, [prepare(text) for text in texts], tables.whole)

    def said(logits: npt.NDArray[np.floating], table: Table) -> npt.NDArray[np.float32]:
        return softmax(calibrated(logits, scores.other, keys, parameters(table)))

    rows = said(scores.network, tables.whole)
    early = Early.of(tables.early)
    if early is not None and scores.exit is not None:
        first = said(scores.exit, tables.early["calibration"] if tables.early else {})
        rows = blended(first, rows, early.doubt(first))
    first, doubt = alone(scores.other, keys, Early.of(tables.alone))
    return blended(first, rows, doubt)


def crossed(rows: Sequence[Row], scores: Scores, folds: int = FOLDS) -> npt.NDArray[np.float32]:
    """Return probabilities of posts that are calibrated on, each by the other folds' calibration.

    So all posts held out of training can fit the shipped calibration, and still tell how good one
    fitted like it is. Copies of a text lie in one fold. Shape (rows, 3).
    """
    fold = np.array([_fold(prepare(row.text), folds) for row in rows])
    found = np.zeros((len(rows), scores.network.shape[1]), np.float32)
    for one in range(folds):
        here, rest = np.flatnonzero(fold == one), np.flatnonzero(fold != one)
        tables = fitted([rows[place] for place in rest.tolist()], scores.of(rest))
        texts = [rows[place].text for place in here.tolist()]
        found[here] = judged(texts, scores.of(here), tables)
    return found


def _fold(prepared: str, folds: int) -> int:
    digest = hashlib.blake2b(prepared.encode(), digest_size=4, person=b"fold").digest()
    return int.from_bytes(digest, "big") % folds


def _entry(found: Fitted) -> dict[str, Any]:
    return {
        "scale": [round(float(x), 4) for x in found.scale],
        "shift": [round(float(x), 4) for x in found.shift],
        "linear": round(found.share, 4),
    }

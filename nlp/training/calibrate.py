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
from nlp.onnx_model import alone, calibrated, calibration_keys, parameters, script
from nlp.training.data import GROUPS, WITHOUT_NEUTRAL, Row

_PULL = 0.01  # towards scale 1 and shift 0: matters only where posts are few
_TO_SCRIPT = 1.0  # of a language towards its script
_DOUBT = 0.1
_SEVERAL = 2.0  # weight of a post whose label several people gave
FOLDS = 5
#: Probability from which the linear model decides without the network. Chosen on dev: at 0.75 it
#: decides 24 % of the posts at 0.001 of macro F1, at 0.70 a third, with 0.008 lost on the sample.
SURE = 0.75
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

    def fitted(here: npt.NDArray[np.int64], near: Fitted | None) -> Fitted:
        beside = None if other is None else other[here]
        weights = row_weights([rows[place] for place in here.tolist()])
        return fit(logits[here], gold[here], weights, beside, near)

    table: Table = {}
    for name, languages in (("arabic", ("ar", "ary")), ("latin", ("fr", "ary-Latn", "en"))):
        here = np.flatnonzero(use & (scripts == name))
        if not len(here):
            table[name] = {"scale": [1.0] * 3, "shift": [0.0] * 3}
            continue
        whole = fitted(here, None)
        table[name] = _entry(whole)
        for one in languages:
            here = np.flatnonzero(use & (spoken == one))
            if len(here) >= _FEWEST:
                table[one] = _entry(fitted(here, whole))
    return table


def crossed(
    rows: Sequence[Row],
    logits: npt.NDArray[np.floating],
    other: npt.NDArray[np.floating],
    folds: int = FOLDS,
) -> npt.NDArray[np.float32]:
    """Return probabilities of posts that are calibrated on, each by the other folds' calibration.

    So all posts held out of training can fit the shipped calibration, and still tell how good one
    fitted like it is. Copies of a text lie in one fold. Shape (rows, 3).
    """
    prepared = [prepare(row.text) for row in rows]
    fold = np.array([_fold(text, folds) for text in prepared])
    found = np.zeros((len(rows), logits.shape[1]), np.float32)
    for one in range(folds):
        here, rest = np.flatnonzero(fold == one), np.flatnonzero(fold != one)
        table = by_language([rows[place] for place in rest.tolist()], logits[rest], other[rest])
        texts = [rows[place].text for place in here.tolist()]
        keys = calibration_keys(texts, [prepared[place] for place in here.tolist()], table)
        joined = softmax(calibrated(logits[here], other[here], keys, parameters(table)))
        known = [rows[place] for place in rest.tolist()]
        own = parameters(by_language(known, other[rest]))
        said, sure = alone(other[here], keys, own, SURE)
        found[here] = np.where(sure[:, None], said, joined)
    return found


def by_itself(rows: Sequence[Row], other: npt.NDArray[np.floating]) -> dict[str, Any]:
    """Return when and how the linear model decides without the network, as model.json holds it."""
    return {"limit": SURE, "calibration": by_language(rows, other)}


def _fold(prepared: str, folds: int) -> int:
    digest = hashlib.blake2b(prepared.encode(), digest_size=4, person=b"fold").digest()
    return int.from_bytes(digest, "big") % folds


def _entry(found: Fitted) -> dict[str, Any]:
    return {
        "scale": [round(float(x), 4) for x in found.scale],
        "shift": [round(float(x), 4) for x in found.shift],
        "linear": round(found.share, 4),
    }

"""Step 6: probabilities that mean what they say.

For each script the network's three scores are scaled and shifted (vector scaling, Guo et al. 2017,
"On calibration of modern neural networks", arXiv:1706.04599) so that the likelihood of held-out
labels is highest; how much the linear model's opinion adds is fitted along. A source counts as
much as any other of its language, and a language as much as any other of its script: neutral, half
of one source and absent from others, must not become the prior of the world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from nlp.model_input import prepare
from nlp.onnx_model import script
from nlp.training.data import WITHOUT_NEUTRAL, Row

_PULL = 0.01  # towards scale 1 and shift 0: matters only where posts are few

Floats = npt.NDArray[np.float64]


def row_weights(rows: Sequence[Row]) -> Floats:
    """Weights with mean 1 that give languages, and sources within a language, the same say."""
    groups = Counter((row.lang, row.source) for row in rows)
    sources = Counter(lang for lang, _ in groups)
    weights = np.array([1 / groups[row.lang, row.source] / sources[row.lang] for row in rows])
    return np.asarray(weights / weights.mean())


def fit(
    logits: npt.NDArray[np.floating],
    gold: npt.NDArray[np.int64],
    weights: Floats,
    other: npt.NDArray[np.floating] | None = None,
) -> tuple[Floats, Floats, float]:
    """Return scale and shift, each of shape (3,), and the share of the `other` scores."""
    classes = logits.shape[1]
    scores, labels = torch.from_numpy(logits.astype(np.float64)), torch.from_numpy(gold)
    say = torch.from_numpy(weights.astype(np.float64))
    scale = torch.ones(classes, dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    share = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    beside = torch.zeros_like(scores) if other is None else torch.from_numpy(other).double()
    search = torch.optim.LBFGS([scale, shift, share], max_iter=200, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        search.zero_grad()
        each = functional.cross_entropy(
            scores * scale + shift + beside * share, labels, reduction="none"
        )
        pull = (scale - 1).square().mean() + shift.square().mean()
        total = (each * say).mean() + _PULL * pull
        total.backward()  # type: ignore[no-untyped-call]
        return total

    search.step(cost)  # type: ignore[no-untyped-call]
    found = shift.detach().numpy()
    return scale.detach().numpy(), found - found.mean(), float(share.item())


def by_script(
    rows: Sequence[Row],
    logits: npt.NDArray[np.floating],
    other: npt.NDArray[np.floating] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the calibration table of model.json; sets without neutral posts are left out."""
    use = np.array([row.source not in WITHOUT_NEUTRAL for row in rows])
    scripts = np.array([script(prepare(row.text)) for row in rows])
    table: dict[str, dict[str, Any]] = {}
    for name in ("arabic", "latin"):
        here = np.flatnonzero(use & (scripts == name))
        if not len(here):
            table[name] = {"scale": [1.0] * 3, "shift": [0.0] * 3}
            continue
        chosen = [rows[place] for place in here.tolist()]
        gold = np.array([row.label for row in chosen])
        beside = None if other is None else other[here]
        scale, shift, share = fit(logits[here], gold, row_weights(chosen), beside)
        table[name] = {
            "scale": [round(float(x), 4) for x in scale],
            "shift": [round(float(x), 4) for x in shift],
            "linear": round(share, 4),
        }
    return table

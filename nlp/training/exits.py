"""The exit of the lower layers: a linear layer that judges a post before the upper ones do.

It is fitted when the network is finished: a logistic regression on the mean of the pieces' states
after the lower layers, over posts to train on, since the weights of the network may be the mean of
several trainings that had no exit, or one at another place.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from nlp.model_input import prepare
from nlp.training import data, finetune
from nlp.training.encoder import Classifier, keep_layers, load_tokenizer, pad
from nlp.training.fit import fit_few
from nlp.training.linear import has_neutral, row_weights, targets

#: The file of an exit after some number of layers, beside the network's weights.
FILE = "exit-{}.npz"
#: Posts to learn from, and how much they count beside the penalty on large weights.
POSTS = 9_000
STRENGTH = 0.03
_BATCH = 32


def run(
    tuned: Path,
    tokenizer: Path,
    folder: Path,
    layers: int,
    own: Path | None = None,
    licence: data.Licence = "all",
) -> Path:
    """Fit the exit after `layers` layers of the network in `tuned`; return the file written."""
    rows = [row for row in data.labelled(folder, "train", own, licence) if has_neutral(row)]
    places = finetune.draw(rows, POSTS, seed=0)
    chosen = [rows[place] for place in dict.fromkeys(places)]
    model = finetune.load(tuned)
    keep_layers(model.bert, layers)
    cut = load_tokenizer(tokenizer, finetune.LONGEST)
    means = states(model, [one.ids for one in cut.encode_batch([prepare(r.text) for r in chosen])])
    weights, bias = fit_few(means, targets(chosen), strength=STRENGTH, weights=row_weights(chosen))
    target = tuned / FILE.format(layers)
    np.savez(target, weight=weights.T.astype(np.float32), bias=bias.astype(np.float32))
    return target


@torch.inference_mode()
def states(model: Classifier, ids: list[list[int]]) -> npt.NDArray[np.float64]:
    """Return the mean of the outputs of the model's last layer over the pieces of each text."""
    model.eval()
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    found = np.zeros((len(ids), model.head.in_features))
    for start in range(0, len(ids), _BATCH):
        part = order[start : start + _BATCH]
        pieces, mask = pad([ids[place] for place in part])
        hidden = model.bert(pieces, attention_mask=mask).last_hidden_state
        share = mask.unsqueeze(-1) / mask.sum(1)[:, None, None]
        found[part] = (hidden * share).sum(1).double().numpy()
    return found

"""Distil a network into a quicker one that merges its pieces in pairs after the lower layers.

Both begin with the same weights. The quicker one learns, at each layer above the merge, the mean of
what the other has there for the two pieces, and in the end its judgement. Labels play no part, so
that posts without one are learned from too.
"""

from __future__ import annotations

import copy
import random
from pathlib import Path

import torch
from torch.nn import functional

from nlp.training import data, device, finetune, loop, transliterate
from nlp.training.encoder import Classifier, freeze, in_pairs, load_tokenizer, merged_after

_STATES = 1.0  # what a layer's states count beside the judgement
_WATCHED = 600


def rows(folder: Path, own: Path | None, licence: data.Licence) -> list[data.Row]:
    """Return the posts to learn from: those with a label to train on, and those without one."""
    found = data.labelled(folder, "train", own, licence)
    found += transliterate.candidates(found, transliterate.learn(folder, licence))
    return found + [
        data.Row(text, 1, lang, data.UNLABELLED) for text, lang in data.without_label(folder)
    ]


def distance(
    quick: Classifier, pieces: torch.Tensor, mask: torch.Tensor, slow: Classifier
) -> torch.Tensor:
    """Return how far `quick` is from `slow`: of states (relative square) and of the judgement.

    Both have the same layers below the merge, so that these are asked once.
    """
    below = merged_after(quick.bert)
    with torch.no_grad():
        theirs, pieces_each = slow.states(pieces, mask)
        said = functional.softmax(slow.judge(theirs[-1], pieces_each), dim=1)
    ours, sizes = quick.above(below, theirs[below - 1], pieces_each)
    far = [
        _apart(one, in_pairs(other, pieces_each)[0], sizes)
        for one, other in zip(ours, theirs[below:], strict=True)
    ]
    judged = functional.log_softmax(quick.judge(ours[-1], sizes), dim=1)
    doubt = functional.kl_div(judged, said, reduction="batchmean")
    return doubt + _STATES * torch.stack(far).mean()


def _apart(one: torch.Tensor, other: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    weight = sizes.unsqueeze(-1)
    wrong = ((one - other).square() * weight).sum()
    return wrong / (other.square() * weight).sum()


def run(
    start: Path,
    tokenizer_file: Path,
    folder: Path,
    target: Path,
    plan: loop.Plan,
    merged: int,
    batch: int = finetune.BATCH,
    seed: int = 1,
    own: Path | None = None,
    licence: data.Licence = "all",
) -> None:
    """Distil the network in `start` into one that merges after `merged` layers, in `target`.

    Embeddings and the layers below the merge stay as they are. `start` is what
    :func:`nlp.training.finetune.load` reads. Raises `ValueError` if it merges pieces already.
    """
    torch.manual_seed(seed)
    where = device.device()
    tokenizer = load_tokenizer(tokenizer_file, finetune.LONGEST)
    slow = finetune.beginning(start, start, finetune.LAYERS).to(where).eval()
    if merged_after(slow.bert):
        raise ValueError(f"the network in {start} merges its pieces already")
    quick = copy.deepcopy(slow)
    quick.bert.config.merged_after = merged
    quick.dropout.p = 0.0
    freeze(quick.bert, merged)
    posts = rows(folder, own, licence)
    watched = data.labelled(folder, "check", own, licence)
    watched = random.Random(0).sample(watched, min(_WATCHED, len(watched)))
    spellings = transliterate.learn(folder, licence)
    batches = finetune.Batches(posts, tokenizer, plan.steps, batch, seed, spellings)
    print(f"distilling from {len(posts)} posts, {plan.steps} steps of {batch}", flush=True)

    def cost(parts: tuple[torch.Tensor, ...]) -> torch.Tensor:
        pieces, mask = (part.to(where) for part in parts[:2])
        return distance(quick, pieces, mask, slow)

    def watch(step: int) -> None:
        guess = finetune.score(quick, tokenizer, [row.text for row in watched]).argmax(1).numpy()
        print(f"step {step} held-out macro F1 {finetune.by_language(watched, guess)}", flush=True)

    loop.train(quick, batches, cost, plan, target / "checkpoint.pt", watch)
    finetune.save(quick, target)

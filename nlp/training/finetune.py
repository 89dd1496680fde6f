"""Step 4: teach the encoder the three labels.

Three things keep the model honest about neutral: the classes of a group weigh the same in the
loss however frequent they are; sets without a neutral class have it masked, so that they speak
only of negative against positive; and groups are drawn by the quotas of `data.GROUPS`, not by
their size. Labels are smoothed, since one annotator in three disagrees with another; or, with the
votes of an earlier model, mixed with these.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.nn import functional

from nlp.model_input import prepare
from nlp.training import augment, data, device, loop, measures, restore, transliterate
from nlp.training import votes as voting
from nlp.training.encoder import (
    Classifier,
    WithExits,
    freeze,
    keep_layers,
    load_bert,
    load_tokenizer,
    mask_of,
    pad,
    without_dropout,
)

LONGEST = 64
BATCH = 48
_CHUNK = 40  # batches drawn and sorted by length together
_SMOOTHING = 0.05
_VOTED = 0.5  # share of an earlier model's vote in what a labelled post teaches
_HIDDEN = 0.05  # share of pieces replaced by the mask
_EMOJI_LOST = {"myc_cleaned": 0.7}
_EMOJI_LOST_ELSE = 0.1
_RESPELLED = 0.4
_ACCENTS_LOST = 0.15
_EXIT_SHARE = 0.4  # of an exit's loss beside the whole network's
_FOLLOWED = 0.5  # share of the whole network's judgement in what an exit learns
_LATIN_DIALECTS = frozenset({"ary-Latn", "arq-Latn", "aeb-Latn"})
_WATCHED = 600
_TRIAL = 8  # posts that tell which precision is quicker

#: Layers kept of twelve, counted from below. The upper ones are shaped by the similarity task that
#: the encoder was made for; dropping them costs little after fine-tuning (Sajjad et al. 2023, "On
#: the effect of dropping layers of pre-trained transformer models", arXiv:2004.03844) and saves a
#: third of the time in training and at run time.
LAYERS = 8


def class_weights(rows: list[data.Row]) -> dict[str, list[float]]:
    """Weight of each label in each group, so that the labels of a group sum to the same.

    Labels are counted as shares where a row has some.
    """
    counts: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for row in rows:
        for place, share in enumerate(row.soft or [float(row.label == one) for one in range(3)]):
            counts[row.group][place] += share
    weights = {}
    for group, numbers in counts.items():
        present = [number for number in numbers if number]
        fair = sum(numbers) / len(present)
        weights[group] = [min(2.5, max(0.4, fair / n)) if n else 0.0 for n in numbers]
    return weights


def draw(rows: list[data.Row], total: int, seed: int) -> list[int]:
    """Return the places of `total` rows in the order in which they are shown.

    Each pass draws every group as often as its quota says, its rows in turn and in a new order
    each time round, and is shuffled as a whole.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row.group].append(place)
    rng = random.Random(seed)
    waiting: dict[str, list[int]] = {group: [] for group in places}
    order: list[int] = []
    while len(order) < total:
        one: list[int] = []
        for group in sorted(places):
            for _ in range(data.GROUPS.get(group, len(places[group]))):
                if not waiting[group]:
                    waiting[group] = rng.sample(places[group], len(places[group]))
                one.append(waiting[group].pop())
        rng.shuffle(one)
        order += one
    return order[:total]


def _text(row: data.Row, spellings: transliterate.Spellings, rng: random.Random) -> str:
    text = row.text
    written = row.lang.endswith(transliterate.MARK)
    if written:
        text = spellings.text(text, rng)
    if rng.random() < _EMOJI_LOST.get(row.source, _EMOJI_LOST_ELSE):
        text = augment.drop_emoji(text)
    text = prepare(text)
    if row.lang in ("fr", "mixed") and rng.random() < _ACCENTS_LOST:
        text = augment.drop_accents(text)
    if (written or row.lang in _LATIN_DIALECTS) and rng.random() < _RESPELLED:
        text = augment.respell(text, rng)
    return text


def _hide(ids: list[int], mask: int, rng: random.Random) -> list[int]:
    return [
        mask if rng.random() < _HIDDEN and 0 < i < len(ids) - 1 else one
        for i, one in enumerate(ids)
    ]


def wanted(row: data.Row, votes: voting.Votes | None) -> NDArray[np.float32]:
    """Return the probabilities that a row teaches: its label, smoothed or mixed with its vote.

    A row with shares of its own teaches these instead of the label. A set without a neutral class
    says nothing of neutral; a post without a label has only its vote.
    """
    open_ = np.ones(3, np.float32)
    open_[1] = row.source not in data.WITHOUT_NEUTRAL
    if row.soft is not None:
        label = np.array(row.soft, np.float32)
    else:
        label = np.eye(3, dtype=np.float32)[row.label]
    if votes is None or row.text not in votes:
        if row.soft is not None:
            return label
        return np.asarray(label * (1 - _SMOOTHING) + open_ / open_.sum() * _SMOOTHING)
    vote = votes[row.text] * open_
    vote /= vote.sum()
    share = 1.0 if row.source == data.UNLABELLED else _VOTED
    return np.asarray(label * (1 - share) + vote * share)


class Batches:
    """The same batches for the same seed and step, tokenised as they are needed."""

    def __init__(
        self,
        rows: list[data.Row],
        tokenizer: Tokenizer,
        steps: int,
        batch: int,
        seed: int,
        spellings: transliterate.Spellings,
        votes: voting.Votes | None = None,
    ) -> None:
        self.rows, self.tokenizer, self.batch, self.seed = rows, tokenizer, batch, seed
        self.spellings, self.votes = spellings, votes
        self.order = draw(rows, steps * batch, seed)
        self.weights = class_weights(rows)
        self.mask = mask_of(tokenizer)

    def weight(self, row: data.Row) -> float:
        """Return the weight of a row in the loss: that of its label, or of its shares of them."""
        weights = self.weights[row.group]
        if row.soft is None:
            return weights[row.label]
        return sum(share * weight for share, weight in zip(row.soft, weights, strict=True))

    def __call__(self, step: int) -> Iterator[tuple[torch.Tensor, ...]]:
        """Yield (pieces, mask, wanted, weights, whether neutral is masked) from `step` on."""
        width = self.batch * _CHUNK
        skip = step % _CHUNK
        for chunk in range(step // _CHUNK, -(-len(self.order) // width)):
            rng = random.Random(self.seed * 1_000_003 + chunk)
            rows = [self.rows[place] for place in self.order[chunk * width : (chunk + 1) * width]]
            encodings = self.tokenizer.encode_batch(
                [_text(row, self.spellings, rng) for row in rows]
            )
            ids = [_hide(one.ids, self.mask, rng) for one in encodings]
            by_length = sorted(range(len(rows)), key=lambda i: len(ids[i]) + rng.random())
            parts = [by_length[i : i + self.batch] for i in range(0, len(rows), self.batch)]
            rng.shuffle(parts)
            for part in parts[skip:]:
                chosen = [rows[i] for i in part]
                yield (
                    *pad([ids[i] for i in part]),
                    torch.from_numpy(np.stack([wanted(row, self.votes) for row in chosen])),
                    torch.tensor([self.weight(row) for row in chosen]),
                    torch.tensor([row.source in data.WITHOUT_NEUTRAL for row in chosen]),
                )
            skip = 0


def loss(
    logits: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor, no_neutral: torch.Tensor
) -> torch.Tensor:
    """Weighted cross-entropy to `wanted`; where `no_neutral`, of negative and positive alone."""
    logits = logits.float()
    hidden = torch.zeros_like(logits, dtype=torch.bool)
    hidden[:, 1] = no_neutral
    logs = functional.log_softmax(logits.masked_fill(hidden, -1e4), dim=1)
    each = -(wanted * logs.masked_fill(hidden, 0.0)).sum(1)
    return (each * weights).sum() / weights.sum()


@torch.inference_mode()
def score(
    model: Classifier, tokenizer: Tokenizer, texts: list[str], batch: int = 64
) -> torch.Tensor:
    """Return float32 logits of shape (texts, 3), in batches sorted by length."""
    model.eval()
    where = next(model.parameters()).device
    ids = [one.ids for one in tokenizer.encode_batch([prepare(text) for text in texts])]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    logits = torch.zeros(len(ids), 3)
    for start in range(0, len(ids), batch):
        part = order[start : start + batch]
        pieces, mask = pad([ids[i] for i in part])
        logits[part] = model(pieces.to(where), mask.to(where)).float().cpu()
    return logits


def beginning(encoder: Path, start: Path | None, layers: int) -> Classifier:
    """Return the classifier to train, of `layers` layers.

    `start` is a folder that `save` wrote, or a shipped model's (``sentiment.onnx``), whose weights
    come back rounded to 8 bits; without it the encoder in `encoder` gets a new head.
    """
    if start is None:
        bert = load_bert(encoder)
        keep_layers(bert, layers)
        model = Classifier(bert)
    else:
        model = load(start)
    keep_layers(model.bert, layers)
    without_dropout(model.bert)
    # The fused attention of torch spends more than half of a training step on a processor in its
    # backward pass; plain products are two and a half times as fast (posts of about 25 pieces).
    model.bert.set_attn_implementation("eager")
    return model


def exit_loss(
    logits: torch.Tensor,
    whole: torch.Tensor,
    wanted: torch.Tensor,
    weights: torch.Tensor,
    no_neutral: torch.Tensor,
) -> torch.Tensor:
    """Loss of an exit: half to `wanted`, half to what the `whole` network says (no gradient)."""
    follow = functional.softmax(whole.detach().float(), dim=1)
    none = torch.zeros_like(no_neutral)
    own = loss(logits, wanted, weights, no_neutral)
    return own * (1 - _FOLLOWED) + loss(logits, follow, weights, none) * _FOLLOWED


def run(
    encoder: Path,
    tokenizer_file: Path,
    folder: Path,
    target: Path,
    plan: loop.Plan,
    batch: int = BATCH,
    layers: int = LAYERS,
    seed: int = 1,
    own: Path | None = None,
    start: Path | None = None,
    votes: voting.Votes | None = None,
    exits: Sequence[int] = (),
    licence: data.Licence = "all",
    frozen: int = 0,
) -> None:
    """Fine-tune the encoder in `encoder` on the data `folder`; write `target`/model.pt.

    `own` is a file of invented posts beside the folder (`data.labelled`). `start` is a folder to
    begin with (`beginning`). `votes` are an earlier model's: labels count for the rest, and posts
    without one are learned from too. `exits` are smaller numbers of layers whose networks are
    trained along, each written to `target`/layers-N. The lowest `frozen` layers stay as they are.
    """
    torch.manual_seed(seed)
    where = device.device()
    tokenizer = load_tokenizer(tokenizer_file, LONGEST)
    model = WithExits(beginning(encoder, start, layers), exits).to(where)
    freeze(model.model.bert, frozen)
    rows = data.labelled(folder, "train", own, licence)
    spellings = transliterate.learn(folder, licence)
    rows += transliterate.candidates(rows, spellings)
    if votes is not None:
        rows += voting.rows(folder, votes, licence)
    watched = data.labelled(folder, "check", own, licence)
    watched = random.Random(0).sample(watched, min(_WATCHED, len(watched)))
    batches = Batches(rows, tokenizer, plan.steps, batch, seed, spellings, votes)
    print(f"fine-tuning on {len(rows)} rows, {plan.steps} steps of {batch}", flush=True)

    def total(parts: tuple[torch.Tensor, ...], kind: torch.dtype) -> torch.Tensor:
        pieces, mask, wanted, weights, no_neutral = (part.to(where) for part in parts)
        with torch.autocast(where.type, kind, enabled=kind != torch.float32):
            whole, *lower = model(pieces, mask)
        cost = loss(whole, wanted, weights, no_neutral)
        for logits in lower:
            cost = cost + _EXIT_SHARE * exit_loss(logits, whole, wanted, weights, no_neutral)
        return cost

    def once(kind: torch.dtype) -> None:
        total(trial, kind).backward()  # type: ignore[no-untyped-call]
        model.zero_grad(set_to_none=True)

    trial = tuple(part[:_TRIAL] for part in next(iter(batches(0))))
    kind = device.precision(once, where)

    def watch(step: int) -> None:
        depths = {layers: model.model, **{depth: model.cut(depth) for depth in exits}}
        for depth, network in depths.items():
            with torch.autocast(where.type, kind, enabled=kind != torch.float32):
                guess = score(network, tokenizer, [row.text for row in watched]).argmax(1).numpy()
            print(f"step {step} layers {depth} held-out macro F1 {_by_language(watched, guess)}")

    loop.train(
        model, batches, lambda parts: total(parts, kind), plan, target / "checkpoint.pt", watch
    )
    for depth in exits:
        save(model.cut(depth), target / f"layers-{depth}")
    save(model.model, target)


def _by_language(rows: list[data.Row], guess: NDArray[np.int64]) -> str:
    gold = np.array([row.label for row in rows])
    seen: dict[str, float] = {}
    for lang in sorted({row.lang for row in rows}):
        here = np.array([row.lang == lang for row in rows])
        table = measures.confusion(gold[here], guess[here])
        seen[lang] = round(measures.macro_f1(table), 3)
    return json.dumps(seen)


def average(tuned: Path, others: Sequence[Path], target: Path, share: float | None = None) -> None:
    """Write to `target` the mean of the weights in `tuned` and `others`, each as `load` reads it.

    `share` is the weight of `tuned`; without it all count the same. Trainings that began with the
    same weights lie in one valley: their mean is as good as their votes and costs one model
    (Wortsman et al. 2022, "Model soups", arXiv:2203.05482).
    """
    own = 1 / (1 + len(others)) if share is None else share
    model = load(tuned)
    states = [load(folder).state_dict() for folder in others]
    mean = {
        name: value * own + torch.stack([state[name] for state in states]).mean(0) * (1 - own)
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(mean)
    save(model, target)


def save(model: Classifier, target: Path) -> None:
    """Write `target`/bert (configuration) and `target`/model.pt (all weights)."""
    target.mkdir(parents=True, exist_ok=True)
    model.bert.config.save_pretrained(target)
    state = {name: value.cpu() for name, value in model.state_dict().items()}
    torch.save(state, target / "model.pt")


def load(target: Path) -> Classifier:
    """Read what `save` wrote to `target`, or the network of a finished model there."""
    if not (target / "model.pt").exists():
        return restore.restore(target / "sentiment.onnx").eval()
    from transformers import BertConfig, BertModel

    bert: Any = BertModel(BertConfig.from_pretrained(target), add_pooling_layer=False)
    model = Classifier(bert)
    model.load_state_dict(torch.load(target / "model.pt", weights_only=True))
    return model.eval()

"""Step 3: more pre-training on what Moroccans and Algerians write (masked language modelling).

The encoder has seen next to no Arabizi. Lines are hidden in part and guessed back; of the text in
Latin script some is respelled first; and the same sentence in both scripts is shown side by side
at times, so that a piece hidden in one script can be read off the other (Conneau and Lample 2019,
"Cross-lingual language model pretraining", arXiv:1901.07291, there called TLM).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from nlp.model_input import prepare
from nlp.training import augment, data, loop
from nlp.training.encoder import (
    Masked,
    keep_layers,
    load_bert,
    load_tokenizer,
    mask_of,
    pad,
    without_dropout,
)

LONGEST = 48
BATCH = 64
_CHUNK = 40
_HIDDEN = 0.2
_AS_MASK, _AS_OTHER = 0.8, 0.1  # of the hidden pieces; the rest stay as they are
_RESPELLED = 0.3
_SHORTEST = 12  # characters: shorter lines teach nothing
_PAIRS = frozenset(
    {
        "smartly-rabat-madar",
        "smartly-sentences",
        "smartly-domain",
        "narabizi-sentences",
        "fodilb-dz-sentences",
    }
)


def read(folder: Path) -> list[tuple[str, str | None]]:
    """Return lines to pre-train on: (text, None), or (Latin, Arabic) where both are known."""
    lines: list[tuple[str, str | None]] = []
    for text, _ in data.unlabelled(folder):
        if len(text) >= _SHORTEST:
            lines.append((text, None))
    for pair in data.read_lines(folder / "text" / "pairs.jsonl.gz"):
        if pair["source"] in _PAIRS:
            lines.append((pair["latin"], pair["arabic"]))
    return lines


class Batches:
    """The same batches for the same seed and step."""

    def __init__(
        self,
        lines: list[tuple[str, str | None]],
        tokenizer: Tokenizer,
        steps: int,
        batch: int,
        seed: int,
    ) -> None:
        self.lines, self.tokenizer, self.batch, self.seed = lines, tokenizer, batch, seed
        self.mask = mask_of(tokenizer)
        self.size = tokenizer.get_vocab_size()
        rng = random.Random(seed)
        self.order: list[int] = []
        while len(self.order) < steps * batch:
            self.order += rng.sample(range(len(lines)), len(lines))
        del self.order[steps * batch :]

    def __call__(self, step: int) -> Iterator[tuple[torch.Tensor, ...]]:
        """Yield (pieces, mask, where pieces are hidden, the hidden pieces) from `step` on."""
        width = self.batch * _CHUNK
        skip = step % _CHUNK
        for chunk in range(step // _CHUNK, -(-len(self.order) // width)):
            rng = random.Random(self.seed * 1_000_003 + chunk)
            chosen = self.order[chunk * width : (chunk + 1) * width]
            ids = [self._ids(*self.lines[place], rng) for place in chosen]
            ids.sort(key=lambda one: len(one) + rng.random())
            parts = [ids[i : i + self.batch] for i in range(0, len(ids), self.batch)]
            rng.shuffle(parts)
            for part in parts[skip:]:
                yield self._hide(part, rng)
            skip = 0

    def _ids(self, text: str, other: str | None, rng: random.Random) -> list[int]:
        text = prepare(text)
        if rng.random() < _RESPELLED:
            text = augment.respell(text, rng)
        if other is None:
            return list(self.tokenizer.encode(text).ids)
        both = (text, prepare(other)) if rng.random() < 0.5 else (prepare(other), text)
        return list(self.tokenizer.encode(*both).ids)

    def _hide(self, ids: list[list[int]], rng: random.Random) -> tuple[torch.Tensor, ...]:
        pieces, mask = pad(ids)
        chosen = torch.zeros_like(pieces, dtype=torch.bool)
        for row, one in enumerate(ids):
            inside = range(1, max(2, len(one) - 1))
            for place in rng.sample(inside, max(1, round(len(inside) * _HIDDEN))):
                chosen[row, place] = True
        wanted = pieces[chosen]
        for row, place in chosen.nonzero().tolist():
            kind = rng.random()
            if kind < _AS_MASK:
                pieces[row, place] = self.mask
            elif kind < _AS_MASK + _AS_OTHER:
                pieces[row, place] = rng.randrange(4, self.size - 1)
        return pieces, mask, chosen, wanted


def run(
    encoder: Path,
    tokenizer_file: Path,
    folder: Path,
    target: Path,
    plan: loop.Plan,
    batch: int = BATCH,
    layers: int = 12,
    seed: int = 1,
) -> None:
    """Pre-train the lowest `layers` layers of `encoder` on the data `folder`.

    Writes `target`/bert. Layers that the fine-tuning would drop are dropped before, so that the
    others learn to do without them here, where there is most text.
    """
    torch.manual_seed(seed)
    tokenizer = load_tokenizer(tokenizer_file, LONGEST)
    bert = load_bert(encoder)
    without_dropout(bert)
    keep_layers(bert, layers)
    model = Masked(bert)
    lines = read(folder)
    batches = Batches(lines, tokenizer, plan.steps, batch, seed)
    print(f"pre-training on {len(lines)} lines, {plan.steps} steps of {batch}", flush=True)

    def loss_of(parts: tuple[torch.Tensor, ...]) -> torch.Tensor:
        pieces, mask, chosen, wanted = parts
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(pieces, mask, chosen)
        return functional.cross_entropy(logits.float(), wanted)

    loop.train(model, batches, loss_of, plan, target / "checkpoint.pt")
    model.bert.save_pretrained(target / "bert")

"""The network in torch: a BERT encoder, the mean of its outputs, one linear layer."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel

CLASSES = 3
PAD = 1


def pad(ids: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return piece ids and a mask of 0 and 1, both of shape (posts, longest)."""
    longest = max(map(len, ids))
    pieces = torch.full((len(ids), longest), PAD, dtype=torch.long)
    mask = torch.zeros((len(ids), longest), dtype=torch.long)
    for row, one in enumerate(ids):
        pieces[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    return pieces, mask


def mask_of(tokenizer: Tokenizer) -> int:
    """Return the id of the piece that hides others. Raises `ValueError` if there is none."""
    mask = tokenizer.token_to_id("<mask>")
    if mask is None:
        raise ValueError("the tokenizer has no piece <mask>: make the vocabulary step again")
    return mask


def load_tokenizer(path: Path, longest: int) -> Tokenizer:
    """Read tokenizer.json and let it cut posts after `longest` pieces."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(longest)
    return tokenizer


class Classifier(nn.Module):
    """Scores (logits) of the three labels from the mean of the encoder's outputs."""

    def __init__(self, bert: Any, dropout: float = 0.1) -> None:
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(bert.config.hidden_size, CLASSES)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, pieces: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (posts, 3)."""
        hidden = self.bert(pieces, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1)
        logits: torch.Tensor = self.head(self.dropout(mean))
        return logits


class WithExits(nn.Module):
    """A classifier that also judges after some of its lower layers, by a linear layer each.

    One training makes networks of several depths, all after the same posts: the lowest layers up to
    an exit, with that exit as the head, are a classifier of their own.
    """

    def __init__(self, model: Classifier, exits: Sequence[int]) -> None:
        """`exits` are numbers of layers, fewer than `model` has."""
        super().__init__()
        self.model = model
        self.exits = tuple(exits)
        self.heads = nn.ModuleList(nn.Linear(model.head.in_features, CLASSES) for _ in self.exits)
        for head in self.heads:
            head.load_state_dict(model.head.state_dict())

    def forward(self, pieces: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        """Return the logits of the whole network, then those of each exit."""
        hidden = self.model.bert(pieces, attention_mask=mask, output_hidden_states=True)
        weight = mask.unsqueeze(-1).to(hidden.last_hidden_state.dtype)

        def judge(states: torch.Tensor, head: nn.Module) -> torch.Tensor:
            mean = (states * weight).sum(1) / weight.sum(1)
            logits: torch.Tensor = head(self.model.dropout(mean))
            return logits

        found = [judge(hidden.last_hidden_state, self.model.head)]
        for layers, head in zip(self.exits, self.heads, strict=True):
            found.append(judge(hidden.hidden_states[layers], head))
        return found

    def cut(self, layers: int) -> Classifier:
        """Return the classifier that ends at the exit after `layers` layers; it shares nothing."""
        small = copy.deepcopy(self.model)
        keep_layers(small.bert, layers)
        small.head.load_state_dict(self.heads[self.exits.index(layers)].state_dict())
        return small


class Masked(nn.Module):
    """Guesses hidden pieces; its output layer shares the embeddings (as in BERT)."""

    def __init__(self, bert: Any) -> None:
        super().__init__()
        hidden = bert.config.hidden_size
        self.bert = bert
        self.dense = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.bias = nn.Parameter(torch.zeros(bert.config.vocab_size))

    def forward(
        self, pieces: torch.Tensor, mask: torch.Tensor, chosen: torch.Tensor
    ) -> torch.Tensor:
        """Return logits over the vocabulary at the `chosen` places, shape (chosen, pieces)."""
        hidden = self.bert(pieces, attention_mask=mask).last_hidden_state[chosen]
        hidden = self.norm(nn.functional.gelu(self.dense(hidden)))
        table = self.bert.embeddings.word_embeddings.weight
        return nn.functional.linear(hidden, table, self.bias)


def load_bert(folder: Path) -> Any:
    """Load the encoder of a Hugging Face folder."""
    return BertModel.from_pretrained(folder, add_pooling_layer=False)


def keep_layers(bert: Any, layers: int) -> None:
    """Cut the encoder down to its lowest `layers` layers, in place."""
    bert.encoder.layer = bert.encoder.layer[:layers]
    bert.config.num_hidden_layers = len(bert.encoder.layer)


def freeze(bert: Any, layers: int) -> None:
    """Leave the embeddings and the lowest `layers` layers as they are in training, in place.

    With 2 of 8 layers frozen, a step takes two thirds of the time, with 4 a half (float32, AVX2):
    nothing goes back through them. With 0 layers, the embeddings are trained too.
    """
    if layers:
        for part in (bert.embeddings, *bert.encoder.layer[:layers]):
            part.requires_grad_(False)


def without_dropout(bert: Any) -> None:
    """Switch off every dropout inside the encoder, in place."""
    # Drawing dropout masks costs a sixth of the time on a processor; hidden pieces, respelling
    # and a mean over few passes do its work. The layer before the head keeps its own.
    for module in bert.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
        if isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0

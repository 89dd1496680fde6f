"""Any Hugging Face checkpoint for sequence classification, as a sentiment model.

Needs torch and transformers, and runs on a GPU if there is one. Its labels are mapped to ours by
name; a checkpoint whose labels say nothing is refused when it is loaded.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from nlp import batching
from nlp.errors import ModelError

_LONGEST = 128
_CHARACTERS = 5_000
#: Texts of different length that are scored at the start, and how far results may differ.
_TRIAL = ("marsad", "marsad follows a protest on social media, day by day and post by post")
#: Texts that are turned into pieces at once.
_TEXTS_AT_ONCE = 4096
_TOLERANCE = 1e-3

_NAMES = {
    "negative": ("negative", "neg", "very negative", "negatif", "négatif", "-1", "bad", "سلبي"),
    "neutral": ("neutral", "neu", "neutre", "objective", "mixed", "محايد"),
    "positive": ("positive", "pos", "very positive", "positif", "+1", "good", "إيجابي"),
}
_STARS = re.compile(r"([1-5]) ?(?:stars?|étoiles?)")
_NUMBERED = re.compile(r"label_(\d)")


def label_map(names: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return the matrix (theirs, ours) of 0 and 1 that turns their probabilities into ours.

    Understands names in English, French and Arabic, stars from 1 to 5, and unnamed labels
    (``LABEL_0`` …) in the usual order: two are negative and positive, three have neutral between,
    five are stars. Raises `ModelError` for anything else.
    """
    matrix = np.zeros((len(names), len(batching.LABELS)), np.float32)
    for place, name in enumerate(names):
        matrix[place, _ours(name, len(names))] = 1
    if not (matrix[:, 0].any() and matrix[:, 2].any()):
        raise ModelError(f"The labels {', '.join(names)} lack negative or positive ones")
    return matrix


def _ours(name: str, total: int) -> int:
    plain = re.sub(r"[\s_-]+", " ", name.strip().lower()) if len(name) > 2 else name.lower()
    for label, spellings in _NAMES.items():
        if plain in spellings:
            return batching.LABELS.index(label)
    if stars := _STARS.fullmatch(plain):
        return (0, 0, 1, 2, 2)[int(stars[1]) - 1]
    numbered = _NUMBERED.fullmatch(name.strip().lower())
    orders = {2: (0, 2), 3: (0, 1, 2), 5: (0, 0, 1, 2, 2)}
    if numbered and total in orders and int(numbered[1]) < total:
        return orders[total][int(numbered[1])]
    raise ModelError(
        f"The checkpoint's label {name!r} is none of negative, neutral, positive (or 1 to 5 "
        "stars): set id2label in its config.json, or choose a sentiment model"
    )


class Checkpoint:
    """A checkpoint by folder or Hugging Face name; see `nlp.sentiment.load`."""

    def __init__(self, name: str, threads: int = 1) -> None:
        """Load it. Raises `ModelError` if it cannot be used."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        # Its twelve lines of tries would stand before the one that says what to do.
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
            model, report = AutoModelForSequenceClassification.from_pretrained(
                name, output_loading_info=True
            )
        except Exception as error:  # transformers raises many kinds, down to KeyError
            raise ModelError(
                f"The checkpoint {name!r} cannot be loaded ({_told(error)}): "
                "give a folder or a Hugging Face name of a sequence classification model"
            ) from error
        if report["missing_keys"]:
            raise ModelError(
                f"The checkpoint {name!r} has no trained weights for {report['missing_keys']}: "
                "it is no finished classifier"
            )
        names = [str(model.config.id2label[place]) for place in range(model.config.num_labels)]
        self._map = label_map(names)
        torch.set_num_threads(threads)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Any = model.float().eval().to(self._device)
        limit = getattr(model.config, "max_position_embeddings", _LONGEST + 2)
        self._longest = min(_LONGEST, limit - 2)
        self.version = f"{Path(name).name}-{_digest(model)}"
        # Networks that look for the end of a text by its padding know it by their own setting.
        known = (
            getattr(model.config, "pad_token_id", None),
            self._tokenizer.pad_token_id,
            self._tokenizer.eos_token_id,
        )
        self._pad = next((one for one in known if one is not None), 0)
        model.config.pad_token_id = self._pad
        self._try(name)  # fail now, not in the stream

    def _try(self, name: str) -> None:
        """See that texts can be scored together, and come to the same as each alone."""
        try:
            together = self.predict(_TRIAL)
            alone = np.concatenate([self.predict([text]) for text in _TRIAL])
        except Exception as error:  # a network may raise anything
            raise ModelError(
                f"The checkpoint {name!r} cannot score posts ({_told(error)}): choose another "
                "sequence classification model"
            ) from error
        if not np.abs(together - alone).max() < _TOLERANCE:  # also what is no number
            raise ModelError(
                f"The checkpoint {name!r} scores a post otherwise beside a longer one: it cannot "
                "be used for batches; choose another sequence classification model"
            )

    def predict(self, texts: Sequence[str]) -> batching.Floats:
        """Return probabilities, shape (texts, 3); see `nlp.sentiment.SentimentModel`."""
        clean = [
            text[:_CHARACTERS].encode("utf-8", "ignore").decode("utf-8").replace("\0", " ")
            for text in texts
        ]
        texts, index = batching.distinct(clean)
        rows = list[batching.Floats]()
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            ids = self._ids(texts[start : start + _TEXTS_AT_ONCE])
            rows += batching.by_length(ids, self._score_ids)
        return np.array(rows, np.float32).reshape(len(texts), len(batching.LABELS))[index]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        encoded = self._tokenizer(texts, truncation=True, max_length=self._longest)
        blank = [self._tokenizer.unk_token_id or 0]
        return [list(ids) or blank for ids in encoded["input_ids"]]

    @torch.inference_mode()
    def _score_ids(self, ids: list[list[int]]) -> Sequence[batching.Floats]:
        longest = max(map(len, ids))
        pieces = np.full((len(ids), longest), self._pad)
        mask = np.zeros_like(pieces)
        for row, one in enumerate(ids):
            pieces[row, : len(one)] = one
            mask[row, : len(one)] = 1
        logits = self._model(
            input_ids=torch.from_numpy(pieces).to(self._device),
            attention_mask=torch.from_numpy(mask).to(self._device),
        ).logits
        theirs = batching.softmax(logits.float().cpu().numpy())
        return list(np.asarray(theirs @ self._map, np.float32))


def _told(error: Exception) -> str:
    """Return the first line of what a library says, or the error's name if it says nothing."""
    return next(iter(str(error).splitlines()), "")[:200] or type(error).__name__


def _digest(model: Any) -> str:
    """First 8 hex digits of a hash over the weights: the name alone may move on."""
    digest = hashlib.blake2b(digest_size=4)
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()

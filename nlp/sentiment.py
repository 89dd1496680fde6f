"""How a post feels: three calibrated probabilities, by whatever model the settings name.

`load()` gives the model that ships with Marsad (ONNX Runtime; neither torch nor transformers is
imported), `load("name or folder")` any Hugging Face checkpoint for sequence classification. Both
keep the same promise: the probabilities of a text depend on the text and the model's version
alone, never on the texts beside it, their order, or the number of threads, beyond 0.001.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nlp.errors import ModelError

LABELS = ("negative", "neutral", "positive")

#: Folder of the shipped model.
SHIPPED = Path(__file__).parent / "model"

_PIECES_AT_ONCE = 2048
_TEXTS_AT_ONCE = 4096

Floats = npt.NDArray[np.float32]


class SentimentModel(Protocol):
    """What the rest of Marsad knows of a model."""

    version: str

    def predict(self, texts: Sequence[str]) -> Floats:
        """Return probabilities, shape (texts, 3), columns as `LABELS`; each row sums to 1.

        Never raises for a text: empty, endless and broken ones get finite probabilities too.
        """
        ...


def load(checkpoint: str | None = None, threads: int | None = None) -> SentimentModel:
    """Return the shipped model, or the one in `checkpoint`: a folder or a Hugging Face name.

    `threads` is the number of processor threads (default: the environment's ``MARSAD_THREADS``,
    else all cores). Raises `nlp.errors.ModelError` at once, not in the stream, if the checkpoint
    is missing, is no sentiment model or has labels that cannot be told apart.
    """
    threads = thread_count() if threads is None else threads
    if checkpoint is None or (Path(checkpoint) / "model.json").is_file():
        folder = SHIPPED if checkpoint is None else Path(checkpoint)
        if checkpoint is None and not (folder / "sentiment.onnx").is_file():
            from nlp import linear

            return linear.load()
        from nlp.onnx_model import OnnxModel

        return OnnxModel(folder, threads)
    from nlp.checkpoint import Checkpoint

    return Checkpoint(checkpoint, threads)


def thread_count() -> int:
    """Return ``MARSAD_THREADS``, or the number of cores. Raises `ModelError` if it is no number."""
    value = os.environ.get("MARSAD_THREADS", "").strip()
    if not value:
        return os.cpu_count() or 1
    if not value.isdecimal() or int(value) < 1:
        raise ModelError(f"MARSAD_THREADS is {value!r}: it must be a whole number of at least 1")
    return int(value)


def by_length(
    texts: Sequence[str],
    tokenize: Callable[[list[str]], list[list[int]]],
    score: Callable[[list[list[int]]], Floats],
    each: Callable[..., Iterable[Floats]] = map,
) -> Floats:
    """Score each distinct text once, in batches of like length; return rows in the given order.

    `tokenize` turns texts into piece ids, `score` a batch of ids into one row of three a text.
    Batches hold about `_PIECES_AT_ONCE` pieces, so that long posts do not cost more memory.
    `each` calls a function on every batch, like `map`; it may do so in several threads.
    """
    places: dict[str, int] = {}
    index = np.fromiter(
        (places.setdefault(text, len(places)) for text in texts), np.int64, len(texts)
    )
    distinct = list(places)
    rows = np.zeros((len(distinct), len(LABELS)), np.float32)
    for start in range(0, len(distinct), _TEXTS_AT_ONCE):
        ids = tokenize(distinct[start : start + _TEXTS_AT_ONCE])
        batches = list(_batches([len(one) for one in ids]))
        results = each(score, [[ids[place] for place in batch] for batch in batches])
        for batch, result in zip(batches, results, strict=True):
            rows[np.array(batch) + start] = result
    return rows[index]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the places of texts of like length, as many as make `_PIECES_AT_ONCE` when padded."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > _PIECES_AT_ONCE:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def softmax(logits: npt.NDArray[np.floating]) -> Floats:
    """Turn rows of scores into rows that sum to 1 (float32; sums are taken in float64)."""
    wide = logits.astype(np.float64)
    raised = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float32)

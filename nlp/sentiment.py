"""How a post feels: three calibrated probabilities, by whatever model the settings name.

`load()` gives the model that ships with Marsad (ONNX Runtime; neither torch nor transformers is
imported), `load("name or folder")` any Hugging Face checkpoint for sequence classification. Both
keep the same promise: the probabilities of a text depend on the text and the model's version
alone, never on the texts beside it, their order, or the number of threads, beyond 0.001.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from nlp.batching import LABELS, Floats
from nlp.errors import ModelError

__all__ = ["LABELS", "SHIPPED", "Floats", "SentimentModel", "load", "thread_count"]

#: Folder of the shipped model.
SHIPPED = Path(__file__).parent / "model"


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

"""The shipped sentiment model, run by ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from nlp import batching, language, model_input
from nlp.errors import ModelError
from nlp.linear import LinearModel

#: Scale, shift, each of shape (3,), and the linear model's share, by language and script.
Calibration = dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]]

_PAD = 1
_MASKS = frozenset({"@", "http"})


class OnnxModel:
    """A folder with ``sentiment.onnx``, ``tokenizer.json``, ``linear.npz`` and ``model.json``.

    The scores (logits) of a post are scaled and shifted by the calibration for the post's language,
    or for its script where that has none; a share of the linear model's log probabilities is added,
    and the sum is turned into probabilities. Without ``"linear"`` in model.json the network stands
    alone. Where the linear model is sure by itself (``"alone"``), the network is not asked, which
    saves a quarter of the time (docs/model.md has the price). A post with nothing to read (empty,
    only links and mentions) gets the fixed row ``blank``.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Read the model. Raises `ModelError` if a file is missing, broken or of another kind."""
        try:
            facts: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
            self.version = str(facts["version"])
            self._blank = np.array(facts["blank"], np.float32)
            self._calibration = parameters(facts["calibration"])
            alone: dict[str, Any] = facts.get("alone", {})
            self._limit = float(alone.get("limit", np.inf))
            self._alone = parameters(alone.get("calibration", {}))
            _check_input(folder, facts)
            self._linear = _joined(folder, facts)
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.enable_truncation(int(facts["longest"]))
            options = onnxruntime.SessionOptions()
            # Several batches side by side, each in one thread, are quicker than one batch whose
            # operators are shared out: most of them are too small for that.
            options.intra_op_num_threads = 1
            self._each: Callable[..., Iterable[batching.Floats]] = (
                ThreadPoolExecutor(threads).map if threads > 1 else map
            )
            self._session = onnxruntime.InferenceSession(
                str(folder / "sentiment.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except ModelError:
            raise
        except Exception as error:  # each library raises its own kinds for a broken file
            raise ModelError(
                f"The sentiment model in {folder} cannot be read ({error}): reinstall marsad, or "
                "train it again (`make train`)"
            ) from error

    def predict(self, texts: Sequence[str]) -> batching.Floats:
        """Return probabilities, shape (texts, 3); see `nlp.sentiment.SentimentModel`."""
        prepared = [model_input.prepare(text) for text in texts]
        keys = calibration_keys(texts, prepared, self._calibration)
        other = np.zeros((len(texts), len(batching.LABELS)))
        if self._linear is not None:
            other = linear_scores(self._linear, texts)
        rows, sure = alone(other, keys, self._alone, self._limit)
        blank = np.array([_MASKS.issuperset(text.split()) for text in prepared], bool)
        asked = np.flatnonzero(~sure & ~blank)
        logits = batching.by_length(
            [prepared[place] for place in asked], self._tokenize, self._score, self._each
        )
        some = [keys[place] for place in asked]
        rows[asked] = batching.softmax(calibrated(logits, other[asked], some, self._calibration))
        rows[blank] = self._blank
        return rows

    def logits(self, texts: Sequence[str]) -> batching.Floats:
        """Return the network's own scores before calibration, shape (texts, 3)."""
        prepared = [model_input.prepare(text) for text in texts]
        return batching.by_length(prepared, self._tokenize, self._score, self._each)

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]

    def _score(self, ids: list[list[int]]) -> batching.Floats:
        longest = max(map(len, ids))
        pieces = np.full((len(ids), longest), _PAD, np.int64)
        mask = np.zeros((len(ids), longest), np.int32)
        for row, one in enumerate(ids):
            pieces[row, : len(one)] = one
            mask[row, : len(one)] = 1
        (logits,) = self._session.run(None, {"pieces": pieces, "mask": mask})
        return np.asarray(logits, np.float32)


def _check_input(folder: Path, facts: dict[str, Any]) -> None:
    if facts["input"] != model_input.VERSION:
        raise ModelError(
            f"{folder} was trained on inputs of version {facts['input']}, this program "
            f"makes version {model_input.VERSION}: train it again (`make train`)"
        )


def _joined(folder: Path, facts: dict[str, Any]) -> LinearModel | None:
    if "linear" not in facts:
        return None
    model = LinearModel(folder / "linear.npz")
    if model.version != facts["linear"]:
        raise ModelError(
            f"{folder}/linear.npz is {model.version}, the model was calibrated with "
            f"{facts['linear']}: run the calibration again (`make train`)"
        )
    return model


def linear_scores(model: LinearModel, texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the linear model's log probabilities, shape (texts, 3)."""
    return np.log(np.maximum(model.predict(texts).astype(np.float64), 1e-6))


def parameters(table: dict[str, dict[str, Any]]) -> Calibration:
    """Return the calibration of model.json as arrays, by language and script."""
    return {
        name: (np.array(one["scale"]), np.array(one["shift"]), float(one.get("linear", 0.0)))
        for name, one in table.items()
    }


def calibrated(
    logits: npt.NDArray[np.floating],
    other: npt.NDArray[np.floating],
    keys: Sequence[str],
    calibration: Calibration,
) -> npt.NDArray[np.float64]:
    """Return calibrated scores, shape (posts, 3), of the network's and the linear model's.

    `keys` names the calibration of each post.
    """
    scores = logits.astype(np.float64)
    chosen = np.array(keys)
    for name, (scale, shift, share) in calibration.items():
        here = chosen == name
        scores[here] = scores[here] * scale + shift + other[here] * share
    return scores


def alone(
    other: npt.NDArray[np.floating],
    keys: Sequence[str],
    calibration: Calibration,
    limit: float,
) -> tuple[batching.Floats, npt.NDArray[np.bool_]]:
    """Return what the linear model says by itself, and of which posts it is sure enough.

    Its log probabilities `other` are calibrated for this; sure is who has a probability of at
    least `limit`. Without a `calibration` it is sure of none.
    """
    if not calibration:
        return np.zeros(other.shape, np.float32), np.zeros(len(other), bool)
    rows = batching.softmax(calibrated(other, np.zeros_like(other), keys, calibration))
    return rows, rows.max(1) >= limit


def calibration_keys(
    texts: Sequence[str], prepared: Sequence[str], known: Container[str]
) -> list[str]:
    """Return under which name of `known` each post is calibrated: its language, else its script."""
    found = language.identify(texts)
    return [
        one.label if one.label in known else script(text)
        for one, text in zip(found, prepared, strict=True)
    ]


def script(text: str) -> str:
    """Return "arabic" or "latin": what most letters of a prepared text are; latin if none."""
    codes: npt.NDArray[np.uint32] = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    arabic = int(((codes >= 0x600) & (codes < 0x780)).sum())
    latin = int((((codes >= 0x61) & (codes < 0x7B)) | ((codes >= 0xC0) & (codes < 0x250))).sum())
    return "arabic" if arabic > latin else "latin"

"""Linear models over hashed n-grams: small, fast, and exact whatever the batch.

Weights are whole numbers of 8 or 16 bits, a row of them fills one 64-bit word, and sums are whole
numbers too: a text's scores don't depend on the texts beside it, not even in the last digit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nlp import features
from nlp.crossscript import keyed
from nlp.errors import ModelError
from nlp.features import Batch, Space

FOLDER = Path(__file__).parent / "model"

Floats = NDArray[np.float64]
Sums = NDArray[np.int64]
Weights = NDArray[np.int8] | NDArray[np.int16]


class Table:
    """Weights of the n-grams for several classes.

    The score of a text is ``bias + scale * sum(weights of its n-grams) / sqrt(its length)``: the
    root keeps long texts from being sure of themselves only because they are long.
    """

    def __init__(
        self, space: Space, weights: Weights, scale: Floats, bias: Floats, run_weight: int = 1
    ) -> None:
        """`weights` has one row per place of `space`, and one column per class (at most 8 or 4).

        A word or a run of words counts `run_weight` times as much as a character n-gram.
        """
        self.space, self.scale, self.bias = space, scale, bias
        self._run_weight = run_weight
        self.classes = weights.shape[1]
        columns = 8 // weights.itemsize
        if self.classes > columns:
            message = f"A table of {weights.dtype} holds {columns} classes, not {self.classes}."
            raise ModelError(message)
        rows = np.zeros((space.size + 1, columns), dtype=weights.dtype)
        rows[:-1, : self.classes] = weights
        self._type = weights.dtype
        self._rows = rows.view(np.int64)[:, 0]

    @classmethod
    def quantised(
        cls,
        space: Space,
        weights: Floats,
        scale: float,
        bias: Floats,
        bits: int,
        run_weight: int = 1,
    ) -> tuple[Table, Weights]:
        """Return the table of real `weights` rounded to 8 or 16 `bits`, and the rounded weights.

        The largest thousandth of a percent of the weights is clipped, so that one outlier does
        not take the precision of all others.
        """
        top = 2 ** (bits - 1) - 1
        step = np.maximum(np.quantile(np.abs(weights), 0.99999, axis=0), 1e-12) / top
        rounded = np.clip(np.rint(weights / step), -top, top)
        small = rounded.astype(np.int8) if bits == 8 else rounded.astype(np.int16)
        return cls(space, small, step * scale, bias, run_weight), small

    def sums(self, batch: Batch) -> Sums:
        """Return for each code of `batch` the summed weights of the n-grams that begin there."""
        grams = self._unpack(self._rows[batch.grams]).sum(axis=0, dtype=np.int64)
        if len(batch.words) and len(batch.runs):
            runs = self._unpack(self._rows[batch.runs]).sum(axis=0, dtype=np.int64)
            grams[batch.words] += self._run_weight * runs
        return np.asarray(grams)

    def _unpack(self, rows: NDArray[np.int64]) -> Weights:
        shape = (*rows.shape, -1)
        unpacked: Weights = rows.view(self._type).reshape(shape)
        return unpacked[..., : self.classes]

    def logits(self, sums: Sums, lengths: NDArray[np.int64]) -> Floats:
        """Return the scores of stretches of text from their sums and lengths in codes."""
        root = np.sqrt(np.maximum(lengths, 1))[:, None]
        scores: Floats = sums * self.scale / root + self.bias
        return scores

    def score(self, texts: Sequence[str]) -> Floats:
        """Return one row of scores per text, one column per class."""
        parts = [np.zeros((0, self.classes))]
        for _, batch in features.chunks(texts, self.space):
            sums = np.add.reduceat(self.sums(batch), batch.texts[:-1], axis=0)
            parts.append(self.logits(sums, np.diff(batch.texts)))
        return np.concatenate(parts)


def softmax(scores: Floats) -> Floats:
    """Turn rows of scores into rows of probabilities."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return result


def read_model(path: Path) -> tuple[dict[str, NDArray[np.generic]], str]:
    """Return the arrays of a model file and the first 8 hex digits of its SHA-256.

    Raises :class:`~nlp.errors.ModelError` if the file is missing, broken, or was trained with
    other features than this code computes.
    """
    try:
        content = path.read_bytes()
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError) as error:
        message = f"Model file {path} can't be read ({error}): reinstall marsad, or train it again."
        raise ModelError(message) from error
    trained = int(arrays.get("features", np.int64(0)))
    if trained != features.VERSION:
        message = (
            f"Model file {path} was trained with features of version {trained}, "
            f"this program has {features.VERSION}: train it again (`make train`)."
        )
        raise ModelError(message)
    return arrays, hashlib.sha256(content).hexdigest()[:8]


def table_of(arrays: dict[str, NDArray[np.generic]]) -> Table:
    """Return the table that :func:`nlp.training.fit.arrays_of` wrote."""
    orders, words, bits = arrays["orders"], int(arrays["words"]), int(arrays["bits"])
    space = Space(tuple(int(order) for order in orders), words, bits)
    weights, run_weight = arrays["weights"], int(arrays.get("run_weight", np.int64(1)))
    return Table(space, weights, arrays["scale"], arrays["bias"], run_weight)  # type: ignore[arg-type]


class LinearModel:
    """Sentiment from n-grams alone: three calibrated probabilities per text.

    One table reads the text, the other the words' cross-script keys (:mod:`nlp.crossscript`), so
    that what is learned of a word in one script is known in the other.
    """

    def __init__(self, path: Path = FOLDER / "linear.npz") -> None:
        """Read the model at `path`. Raises :class:`~nlp.errors.ModelError`."""
        arrays, digest = read_model(path)
        self._table = table_of(arrays)
        keys = {name[5:]: array for name, array in arrays.items() if name.startswith("keys_")}
        self._keys = table_of(keys) if keys else None
        self.version = f"linear-{digest}"

    def score(self, texts: Sequence[str]) -> Floats:
        """Return one row of scores per text: their softmax are the probabilities."""
        scores = self._table.score(texts)
        if self._keys is not None:
            scores = scores + self._keys.score([keyed(features.clean(text)) for text in texts])
        return scores

    def predict(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per text: negative, neutral, positive; each row sums to 1.

        Any string is a text; one without any content gets what the model expects of a text it
        knows nothing of.
        """
        return softmax(self.score(texts)).astype(np.float32)


@cache
def load() -> LinearModel:
    """Return the shipped model, read once."""
    return LinearModel()

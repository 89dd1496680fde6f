"""The shipped sentiment model, run by ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from nlp import batching, language, model_input
from nlp.errors import ModelError
from nlp.linear import LinearModel
from nlp.network import Network

#: Scale, shift, each of shape (3,), and the linear model's share, by language and script.
Calibration = dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]]

_MASKS = frozenset({"@", "http"})
#: Posts read together: what the lower layers leave of so many takes some 50 MB.
_TEXTS_AT_ONCE = 1024
#: How far below a limit doubt grows to 1.
_STRETCH = 0.02


class OnnxModel:
    """A folder with ``sentiment.onnx``, ``tokenizer.json``, ``linear.npz`` and ``model.json``.

    The scores (logits) of a post are scaled and shifted by the calibration for the post's language,
    or for its script where that has none; a share of the linear model's log probabilities is added,
    and the sum is turned into probabilities. Without ``"linear"`` in model.json the network stands
    alone. What is judged with confidence is judged early (docs/model.md has the price): where the
    linear model is sure by itself (``"alone"``), the network is not asked; where its lower layers
    are (``"early"``), the upper ones are not (``sentiment-upper.onnx``). A post with nothing to
    read (empty, only links and mentions) gets the fixed row ``blank``.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Read the model. Raises `ModelError` if a file is missing, broken or of another kind."""
        try:
            facts: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
            self.version = str(facts["version"])
            self._blank = np.array(facts["blank"], np.float32)
            self._calibration = parameters(facts["calibration"])
            self._alone = Early.of(facts.get("alone"))
            self._early = Early.of(facts.get("early"))
            _check_input(folder, facts)
            self._linear = _joined(folder, facts)
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.enable_truncation(int(facts["longest"]))
            self._network = Network(folder, threads)
        except ModelError:
            raise
        except Exception as error:  # each library raises its own kinds for a broken file
            raise ModelError(
                f"The sentiment model in {folder} cannot be read ({error}): reinstall marsad, or "
                "train it again (`make train`)"
            ) from error

    def predict(self, texts: Sequence[str]) -> batching.Floats:
        """Return probabilities, shape (texts, 3); see `nlp.sentiment.SentimentModel`."""
        rows = np.zeros((len(texts), len(batching.LABELS)), np.float32)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            here = slice(start, start + _TEXTS_AT_ONCE)
            rows[here] = self._predict(texts[here])
        return rows

    def _predict(self, texts: Sequence[str]) -> batching.Floats:
        prepared = [model_input.prepare(text) for text in texts]
        keys = calibration_keys(texts, prepared, self._calibration)
        other = np.zeros((len(texts), len(batching.LABELS)))
        if self._linear is not None:
            other = linear_scores(self._linear, texts)
        rows, doubt = alone(other, keys, self._alone)
        blank = np.array([_MASKS.issuperset(text.split()) for text in prepared], bool)
        asked = np.flatnonzero((doubt > 0) & ~blank)
        some = _Asked(other[asked], [keys[place] for place in asked])
        said = self._ask([prepared[place] for place in asked], some)
        rows[asked] = blended(rows[asked], said, doubt[asked])
        rows[blank] = self._blank
        return rows

    def _ask(self, prepared: Sequence[str], asked: _Asked) -> batching.Floats:
        """Return probabilities of posts on which the linear model is not sure."""
        texts, index = batching.distinct(prepared)
        ids = self._tokenize(texts)
        if self._early is None or not self._network.divided:
            return asked.judged(self._network.logits(ids)[index], self._calibration)
        logits, states = self._network.lower(ids)
        first = asked.judged(logits[index], self._early.calibration)
        doubt = self._early.doubt(first)
        # A text goes on if it is in doubt in any of its spellings; each spelling keeps its own.
        going = np.unique(index[doubt > 0])
        late = np.zeros_like(logits)
        late[going] = self._network.upper([states[place] for place in going])
        return blended(first, asked.judged(late[index], self._calibration), doubt)

    def logits(self, texts: Sequence[str]) -> batching.Floats:
        """Return the network's own scores before calibration, shape (texts, 3)."""
        return self.both(texts)[1]

    def both(self, texts: Sequence[str]) -> tuple[batching.Floats, batching.Floats]:
        """Return the scores of the exit (zeros in a network without one), then the network's."""
        early = np.zeros((len(texts), len(batching.LABELS)), np.float32)
        late = early.copy()
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            here = slice(start, start + _TEXTS_AT_ONCE)
            ids = self._tokenize([model_input.prepare(text) for text in texts[here]])
            if self._network.divided:
                early[here], states = self._network.lower(ids)
                late[here] = self._network.upper(states)
            else:
                late[here] = self._network.logits(ids)
        return early, late

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]


class _Asked(NamedTuple):
    """Posts that the network is asked about."""

    other: npt.NDArray[np.float64]
    """The linear model's log probabilities."""
    keys: list[str]
    """The name of each post's calibration."""

    def judged(self, logits: batching.Floats, calibration: Calibration) -> batching.Floats:
        return batching.softmax(calibrated(logits, self.other, self.keys, calibration))


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


class Early(NamedTuple):
    """When a judgement is left as it is, before the rest of the model has its say."""

    limit: float
    calibration: Calibration

    @classmethod
    def of(cls, facts: dict[str, Any] | None) -> Early | None:
        """Return what model.json holds, if anything."""
        return cls(float(facts["limit"]), parameters(facts["calibration"])) if facts else None

    def doubt(self, rows: batching.Floats) -> npt.NDArray[np.float64]:
        """Return how much the rest shall say on each post: 0 from `limit` on, 1 below it.

        Over a small stretch below the limit it falls from one to the other, so that no last bit of
        a score decides between two judgements.
        """
        below = (self.limit - rows.max(1).astype(np.float64)) / _STRETCH
        return np.asarray(below.clip(0.0, 1.0))


def alone(
    other: npt.NDArray[np.floating], keys: Sequence[str], early: Early | None
) -> tuple[batching.Floats, npt.NDArray[np.float64]]:
    """Return what the linear model says by itself, and how much the network shall say.

    Its log probabilities `other` are calibrated for this. Without `early` it is sure of no post.
    """
    if early is None:
        return np.zeros(other.shape, np.float32), np.ones(len(other))
    rows = batching.softmax(calibrated(other, np.zeros_like(other), keys, early.calibration))
    return rows, early.doubt(rows)


def blended(
    first: batching.Floats, rest: batching.Floats, doubt: npt.NDArray[np.float64]
) -> batching.Floats:
    """Return the mean of two judgements of each post, the second of which counts `doubt`."""
    share = doubt[:, None]
    return np.asarray(first * (1 - share) + rest * share, np.float32)


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

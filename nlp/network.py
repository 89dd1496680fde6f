"""The shipped network's graphs, run by ONNX Runtime: piece ids in, scores out, in small batches.

A network may be in two parts. The lower layers judge a post by an exit of their own and leave the
states of its pieces; the upper layers go on from these where the exit is in doubt (early exit:
Teerapittayanon et al. 2016, "BranchyNet", arXiv:1709.01686; Xin et al. 2020, "DeeBERT",
arXiv:2004.12993).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from nlp import batching

#: The file of the lower layers, or of all; and that of the upper ones, if they are apart.
LOWER, UPPER = "sentiment.onnx", "sentiment-upper.onnx"
_PAD = 1

#: Piece ids of a text; outputs of the lower layers on them, of shape (pieces, width).
Pieces = list[int]
States = npt.NDArray[np.float32]


class Network:
    """The graphs of a model's folder."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Read the graphs; ONNX Runtime's errors are those of a missing or broken file."""
        options = onnxruntime.SessionOptions()
        # Several batches side by side, each in one thread, are quicker than one batch whose
        # operators are shared out: most of them are too small for that.
        options.intra_op_num_threads = 1
        self._each: Callable[..., Iterable[Any]] = (
            ThreadPoolExecutor(threads).map if threads > 1 else map
        )

        def session(name: str) -> Any:
            return onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )

        self._lower = session(LOWER)
        self._upper = session(UPPER) if (folder / UPPER).exists() else None

    @property
    def divided(self) -> bool:
        """Whether the network is in two parts."""
        return self._upper is not None

    def logits(self, texts: Sequence[Pieces]) -> batching.Floats:
        """Return the scores of the whole network, a row of three a text."""
        if self.divided:
            return self.upper(self.lower(texts)[1])
        found = batching.by_length(texts, self._whole, self._each)
        return _rows([row for (row,) in found])

    def lower(self, texts: Sequence[Pieces]) -> tuple[batching.Floats, list[States]]:
        """Return the scores of the exit, and what the upper layers go on from."""
        found = batching.by_length(texts, self._begin, self._each)
        return _rows([row for row, _ in found]), [states for _, states in found]

    def upper(self, states: Sequence[States]) -> batching.Floats:
        """Return the scores of the whole network for texts that are through the lower layers."""
        found = batching.by_length(states, self._end, self._each)
        return _rows([row for (row,) in found])

    def _whole(self, ids: list[Pieces]) -> list[tuple[States]]:
        (logits,) = self._lower.run(["logits"], _padded(ids))
        return [(row,) for row in logits]

    def _begin(self, ids: list[Pieces]) -> list[tuple[States, States]]:
        logits, states = self._lower.run(["logits", "states"], _padded(ids))
        # Copies: a view of one text would keep the states of its whole batch in memory.
        return [
            (row, some[: len(one)].copy())
            for row, some, one in zip(logits, states, ids, strict=True)
        ]

    def _end(self, states: list[States]) -> list[tuple[States]]:
        longest = max(map(len, states))
        wide = np.zeros((len(states), longest, states[0].shape[1]), np.float32)
        for row, one in enumerate(states):
            wide[row, : len(one)] = one
        assert self._upper is not None, "the network is in one part"
        feeds = {"states": wide, "mask": _mask([len(one) for one in states], longest)}
        (logits,) = self._upper.run(["logits"], feeds)
        return [(row,) for row in logits]


def _padded(ids: Sequence[Pieces]) -> dict[str, npt.NDArray[Any]]:
    longest = max(map(len, ids))
    pieces = np.full((len(ids), longest), _PAD, np.int64)
    for row, one in enumerate(ids):
        pieces[row, : len(one)] = one
    return {"pieces": pieces, "mask": _mask([len(one) for one in ids], longest)}


def _mask(lengths: Sequence[int], longest: int) -> npt.NDArray[np.int32]:
    return (np.arange(longest) < np.array(lengths)[:, None]).astype(np.int32)


def _rows(found: Sequence[npt.NDArray[Any]]) -> batching.Floats:
    return np.array(found, np.float32).reshape(len(found), len(batching.LABELS))

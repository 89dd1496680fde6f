"""What the sentiment models share: labels, batches of like length, softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import TypeVar

import numpy as np
import numpy.typing as npt

LABELS = ("negative", "neutral", "positive")

#: Few enough that what a layer computes stays in the processor's cache.
_PIECES_AT_ONCE = 256

Floats = npt.NDArray[np.float32]
Item = TypeVar("Item", bound=Sized)
Result = TypeVar("Result")


def distinct(texts: Sequence[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return each text once, and for every text given which of them it is."""
    places: dict[str, int] = {}
    found = (places.setdefault(text, len(places)) for text in texts)
    index = np.fromiter(found, np.int64, len(texts))
    return list(places), index


def by_length(
    items: Sequence[Item],
    score: Callable[[list[Item]], Sequence[Result]],
    each: Callable[..., Iterable[Sequence[Result]]] = map,
) -> list[Result]:
    """Score `items` in batches of like length; return their results in the given order.

    `score` turns a batch into as many results. Batches hold about `_PIECES_AT_ONCE` pieces, so that
    long posts do not cost more memory. `each` calls a function on every batch, like `map`; it may
    do so in several threads.
    """
    batches = list(_batches([len(one) for one in items]))
    results = each(score, [[items[place] for place in batch] for batch in batches])
    found: dict[int, Result] = {}
    for batch, some in zip(batches, results, strict=True):
        found.update(zip(batch, some, strict=True))
    return [found[place] for place in range(len(items))]


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

"""What the sentiment models share: labels, batches of like length, softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

LABELS = ("negative", "neutral", "positive")

#: Few enough that what a layer computes stays in the processor's cache.
_PIECES_AT_ONCE = 256
_TEXTS_AT_ONCE = 4096

Floats = npt.NDArray[np.float32]


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

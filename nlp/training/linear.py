"""Train the linear sentiment model: ``python -m nlp.training.linear --data ../shared/data``.

The groups of posts count as :data:`nlp.training.data.GROUPS` says, the classes of each group count
the same, and sets without a neutral class say nothing about neutral. Emoji are dropped from half of
the posts of those sets, whose hearts and tears give the class away. The weights are fitted on the
training part, the temperature on the part held out for calibration.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nlp.crossscript import keyed
from nlp.features import Space, clean
from nlp.linear import FOLDER, LinearModel
from nlp.measures import calibration_error, confusion, macro_f1, weighted_f1
from nlp.training import transliterate
from nlp.training.augment import drop_emoji
from nlp.training.data import GROUPS, WITHOUT_NEUTRAL, Licence, Row, labelled
from nlp.training.fit import arrays_of, balance, fit, matrix, rarity, temperature

#: Chosen on the parts held out of train: single characters and a larger C lose 1 to 2 points of F1,
#: runs of three words and more places gain nothing.
SPACE = Space(orders=(2, 3, 4, 5), words=2, bits=18)
#: Of cross-script keys: whole words and pairs of them, and runs of their letters.
KEYS = Space(orders=(3, 4), words=2, bits=17)
STRENGTH = 0.3
ITERATIONS = 45
_LIMIT = 5.0
SECOND = "afrisenti_votes"
"""The source of the second dev's posts."""
_MOST = 1_000
"""Posts taken of one class of one group: more of the large, distant sets only cost time."""


def sample(rows: list[Row], most: int, seed: int = 0) -> list[Row]:
    """Return `rows` in a seeded order, at most `most` of one class of one group."""
    taken: Counter[tuple[str, int]] = Counter()
    chosen = list[Row]()
    for row in random.Random(seed).sample(rows, len(rows)):
        taken[row.group, row.label] += 1
        if taken[row.group, row.label] <= most:
            chosen.append(row)
    return chosen


def targets(rows: list[Row]) -> NDArray[np.float64]:
    """Return the shares of the labels that each row teaches, shape (rows, 3)."""
    return np.array([row.soft or np.eye(3)[row.label] for row in rows])


def row_weights(rows: list[Row]) -> NDArray[np.float64]:
    """Return each row's weight in the loss: by its group's draws, balanced within the group."""
    groups = np.array([row.group for row in rows])
    sizes = Counter(groups.tolist())
    draws = np.array([GROUPS[group] / sizes[group] for group in groups.tolist()])
    weights = draws * balance(_labels(rows), groups, _LIMIT)
    return np.asarray(weights / weights.mean())


def counts_of(texts: list[str], space: Space, keys: Space) -> Any:
    """Return the sparse matrix of what the model sees: n-grams of the text, then of its keys."""
    written = [keyed(clean(text)) for text in texts]
    return sparse.hstack([matrix(texts, space), matrix(written, keys)]).tocsr()


def training_rows(
    data: Path, own: Path | None, licence: Licence, noise: random.Random
) -> list[Row]:
    """Return the rows to fit on, some of them shown in the other script."""
    rows = sample(labelled(data, "train", own, licence), _MOST)
    spellings = transliterate.learn(data, licence)
    rows += [
        dataclasses.replace(row, text=spellings.text(row.text, noise))
        for row in transliterate.candidates(rows, spellings)
    ]
    return sample(rows, _MOST)


def train(
    data: Path,
    target: Path,
    *,
    space: Space = SPACE,
    keys: Space = KEYS,
    iterations: int = ITERATIONS,
    own: Path | None = None,
    licence: Licence = "all",
) -> None:
    """Fit the model on the folder `data` and the invented posts `own`; write it to `target`."""
    noise = random.Random(1)
    rows = training_rows(data, own, licence, noise)
    texts = [
        drop_emoji(row.text) if row.source in WITHOUT_NEUTRAL and noise.random() < 0.5 else row.text
        for row in rows
    ]
    counts = counts_of(texts, space, keys)
    rare = rarity(counts)
    masked = np.zeros((len(rows), 3), dtype=bool)
    masked[:, 1] = [row.source in WITHOUT_NEUTRAL for row in rows]
    weights, bias = fit(
        (counts @ sparse.diags(rare)).astype(np.float32),
        targets(rows),
        strength=STRENGTH,
        weights=row_weights(rows),
        masked=masked,
        iterations=iterations,
        progress="linear sentiment",
    )
    weights = weights * rare[:, None]
    held = [row for row in labelled(data, "calibrate", own, licence) if has_neutral(row)]
    scores = counts_of([row.text for row in held], space, keys) @ weights + bias
    cooling = temperature(scores, _labels(held), row_weights(held))
    weights, bias = weights / cooling, bias / cooling
    _, arrays = arrays_of(space, weights[: space.size], bias, 16)
    _, beside = arrays_of(keys, weights[space.size :], np.zeros(3), 16)
    arrays |= {f"keys_{name}": array for name, array in beside.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(target, **arrays)
    print(f"{target}: {len(rows)} posts, temperature {cooling:.2f}")


def has_neutral(row: Row) -> bool:
    """Say whether a row's source has neutral posts."""
    return row.source not in WITHOUT_NEUTRAL


def report(data: Path, target: Path) -> None:
    """Print macro and weighted F1 and calibration error on both devs, by language."""
    model = LinearModel(target)
    rows = labelled(data, "dev") + labelled(data, "second-dev")
    chances = model.predict([row.text for row in rows])
    languages = np.array([f"{row.lang}{' 2' * (row.source == SECOND)}" for row in rows])
    for language in np.unique(languages):
        here = languages == language
        truth = _labels(rows)[here]
        table = confusion(truth, chances[here].argmax(axis=1))
        print(
            f"{language:10} n={here.sum():4} macro {macro_f1(table):.3f} "
            f"weighted {weighted_f1(table):.3f} ECE {calibration_error(chances[here], truth):.3f}"
        )


def _labels(rows: list[Row]) -> NDArray[np.int64]:
    return np.array([row.label for row in rows], dtype=np.int64)


def main() -> None:
    """Train and report."""
    parser = argparse.ArgumentParser(description="Train the linear sentiment model.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--own", type=Path, help="invented posts of a case (NDJSON)")
    parser.add_argument("--out", type=Path, default=FOLDER / "linear.npz")
    parser.add_argument("--licence", choices=("all", "free"), default="all")
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    options = parser.parse_args()
    train(
        options.data,
        options.out,
        iterations=options.iterations,
        own=options.own,
        licence=options.licence,
    )
    report(options.data, options.out)


if __name__ == "__main__":
    main()

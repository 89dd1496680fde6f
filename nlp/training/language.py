"""Train the identifier: ``python -m nlp.training.language --data ../shared/data``.

Fitted twice: on four fifths of the training posts, to set temperatures, the decision on `mixed`
and the limits on the last fifth; then on all of them, for the weights that ship. Dev only reports.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nlp.features import Space
from nlp.language import LANGUAGES, LanguageModel, evidence, logistic, weigh
from nlp.linear import FOLDER, Floats, Table
from nlp.measures import confusion, f1, macro_f1
from nlp.training import foreign
from nlp.training.data import read_lines
from nlp.training.fit import arrays_of, balance, fit, fit_few, matrix, rarity, temperature
from nlp.training.mixtures import Splice, splices

#: Chosen on a fifth of train: words counted twice gain 0.003 of macro F1, more than twice lose it;
#: runs of six letters or three words, more places, letters without hamza, and more posts from other
#: collections (26,000 French, English, Darija) change it by less than its standard error of 0.003.
SPACE = Space(orders=(1, 2, 3, 4, 5), words=2, bits=18)
RUN_WEIGHT = 2
STRENGTH = 30.0
ITERATIONS = 80
_LIMIT = 5.0
_FOREIGN, _FOREIGN_WEIGHT = 6_000, 0.3
_KIN = {"zindi-tunisian-arabizi": 3_000, "ynsaid-dz-youtube": 2_000, "djalil21-dz-comments": 2_000}
"""Neighbours of Darija: not foreign, though not among the posts labelled by language."""
SPLICES = 12_000
_REAL_WEIGHT = 3.0
#: Where langdetect is asked: the chosen language, or "none of them", is less sure than this.
DOUBT = 0.75
#: "Another language" is said above this.
FOREIGN_LIMIT = 0.5
#: At most this much macro F1 of the five languages is paid for saying `mixed`.
PRICE = 0.001


class Post(NamedTuple):
    """A post and the index of its language."""

    text: str
    label: int


def read(data: Path, name: str) -> list[Post]:
    """Return the labelled posts of one file of the folder `data`."""
    return [
        Post(item["text"], LANGUAGES.index(item["lang"]))
        for item in read_lines(data / "language" / f"{name}.jsonl")
    ]


def held_out(post: Post) -> bool:
    """Say whether a post belongs to the fifth that sets limits; copies of a text stay together."""
    return hashlib.blake2b(post.text.lower().encode(), digest_size=1).digest()[0] < 51


def kin(data: Path) -> list[str]:
    """Return texts of the neighbours of Darija."""
    left = dict(_KIN)
    texts = list[str]()
    for item in read_lines(data / "text" / "unlabelled.jsonl.gz"):
        if left.get(item["source"], 0) > 0:
            left[item["source"]] -= 1
            texts.append(item["text"])
    return texts


def fit_table(
    posts: Sequence[Post], strangers: Sequence[str], kin: Sequence[str], iterations: int
) -> tuple[Floats, Floats]:
    """Return weights and biases: one column for each language, the last for "another language".

    The last column is fitted by itself, so that it takes nothing from telling the five apart.
    """
    labels = np.array([post.label for post in posts])
    counts = matrix([post.text for post in posts], SPACE, RUN_WEIGHT)
    rare = rarity(counts)
    counts = (counts @ sparse.diags(rare)).astype(np.float32)
    even = balance(labels, np.zeros(len(labels)), _LIMIT)
    truth = np.eye(len(LANGUAGES))[labels]
    weights, bias = fit(
        counts,
        truth,
        strength=STRENGTH,
        weights=even,
        iterations=iterations,
        progress="languages",
    )
    more = (matrix([*kin, *strangers], SPACE, RUN_WEIGHT) @ sparse.diags(rare)).astype(np.float32)
    strange = np.append(np.zeros(len(posts) + len(kin)), np.ones(len(strangers)))
    against, offset = fit(
        sparse.vstack([counts, more]).tocsr(),
        np.stack([1 - strange, strange], axis=1),
        strength=STRENGTH,
        weights=np.where(strange > 0, _FOREIGN_WEIGHT, 1.0),
        iterations=iterations,
        progress="other languages",
    )
    columns = np.column_stack([weights, against[:, 1] - against[:, 0]])
    return np.asarray(columns * rare[:, None], dtype=np.float64), np.append(
        bias, offset[1] - offset[0]
    )


def cool(weights: Floats, bias: Floats, held: Sequence[Post]) -> Floats:
    """Return by what each column is divided so that probabilities of held-out posts are true."""
    table, _ = arrays_of(SPACE, weights, bias, 8, RUN_WEIGHT)
    scores = table.score([post.text for post in held])[:, : len(LANGUAGES)]
    cooling = temperature(scores, np.array([post.label for post in held]))
    return np.array([cooling] * len(LANGUAGES) + [1.0])


def fit_mixed(table: Table, held: Sequence[Post]) -> Floats:
    """Return the weights of the measures of mixture, bias last: logistic regression.

    Real posts stay what they are labelled, splices what the rule says. Real posts weigh more:
    people mix languages in them too, and what they were labelled is what shall be said of them.
    """
    made = _splices(held, seed=7)
    found = evidence(table, [post.text for post in held] + [splice.text for splice in made])
    truth = np.array([False] * len(held) + [splice.mixed for splice in made])
    enough = found.words >= 3
    weights, bias = fit_few(
        found.mixture[enough],
        np.stack([~truth, truth], axis=1)[enough].astype(float),
        strength=10.0,
        weights=np.array([_REAL_WEIGHT] * len(held) + [1.0] * len(made))[enough],
    )
    return np.append(weights[:, 1] - weights[:, 0], bias[1] - bias[0])


def mixed_limit(table: Table, mixed: Floats, held: Sequence[Post]) -> float:
    """Return the lowest limit on `mixed` that costs the five languages at most `PRICE`."""
    found = evidence(table, [post.text for post in held])
    chance = logistic(weigh(found.mixture, mixed))
    truth = np.array([post.label for post in held])
    plain = found.scores.argmax(axis=1)
    size = len(LANGUAGES) + 1
    best = macro_f1(confusion(truth, plain, size))
    for limit in np.arange(0.3, 1.0, 0.01):
        said = np.where((chance > limit) & (found.words >= 3), size - 1, plain)
        if best - macro_f1(confusion(truth, said, size)) <= PRICE:
            return float(limit)
    return 1.0


def train(data: Path, target: Path, iterations: int = ITERATIONS) -> None:
    """Fit the identifier on the folder `data` and write it to `target`."""
    posts = read(data, "train")
    strangers, neighbours = foreign.texts(_FOREIGN, seed=1), kin(data)
    held = [post for post in posts if held_out(post)]
    most = [post for post in posts if not held_out(post)]
    weights, bias = fit_table(most, strangers, neighbours, iterations)
    cooling = cool(weights, bias, held)
    table, _ = arrays_of(SPACE, weights / cooling, bias / cooling, 8, RUN_WEIGHT)
    mixed = fit_mixed(table, held)
    limit = mixed_limit(table, mixed, held)
    weights, bias = fit_table(posts, strangers, neighbours, iterations)
    _, arrays = arrays_of(SPACE, weights / cooling, bias / cooling, 8, RUN_WEIGHT)
    arrays |= {"mixed": mixed, "limits": np.array([FOREIGN_LIMIT, limit, DOUBT])}
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(target, **arrays)
    print(f"{target}: scores divided by {cooling[0]:.2f}, mixed above {limit:.2f}")


def report(data: Path, target: Path) -> dict[str, Any]:
    """Return the figures on dev: the five languages, splices of dev posts, and calibration."""
    model = LanguageModel(target)
    posts = read(data, "dev")
    names = [*LANGUAGES, "mixed", "other"]
    found = model.identify([post.text for post in posts])
    truth = np.array([post.label for post in posts])
    said = np.array([names.index(language.label) for language in found])
    table = confusion(truth, said, len(names))
    made = _splices(posts, seed=9)[:2000]
    spliced = model.identify([splice.text for splice in made])
    gold = np.array([splice.mixed for splice in made])
    called = np.array([language.label == "mixed" for language in spliced])
    sure = np.array([language.confidence for language in found])
    return {
        "macro_f1": round(macro_f1(table), 4),
        "f1": dict(zip(names, f1(table).round(3).tolist(), strict=True)),
        "confusion": table.tolist(),
        "ece": round(_calibration(sure, said == truth), 4),
        "asked": sum(bool(language.opinion) for language in found),
        "mixed_precision": round(float(gold[called].mean()), 3),
        "mixed_recall": round(float(called[gold].mean()), 3),
    }


def _calibration(sure: Floats, right: NDArray[np.bool_], bins: int = 15) -> float:
    places = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = np.bincount(places, right - sure, minlength=bins)
    return float(np.abs(gaps).sum() / max(1, len(sure)))


def _splices(posts: Sequence[Post], seed: int) -> list[Splice]:
    texts = defaultdict[str, list[str]](list)
    for post in posts:
        texts[LANGUAGES[post.label]].append(post.text)
    return splices(texts, SPLICES, seed)


def main() -> None:
    """Train and report."""
    parser = argparse.ArgumentParser(description="Train the language identifier.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=FOLDER / "language.npz")
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    parser.add_argument("--report-only", action="store_true")
    options = parser.parse_args()
    if not options.report_only:
        train(options.data, options.out, options.iterations)
    print(json.dumps(report(options.data, options.out), indent=1))


if __name__ == "__main__":
    main()

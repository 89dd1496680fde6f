"""Train the identifier: ``python -m nlp.training.language --data ../shared/data``.

Fitted on nine tenths of the training posts; temperatures, the decision on `mixed` and the limits
are set on the last tenth. Dev only reports.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nlp.features import Space
from nlp.language import LABELS, LANGUAGES, LanguageModel, evidence, logistic, readable, weigh
from nlp.linear import FOLDER, Floats, Table
from nlp.measures import confusion, f1, macro_f1
from nlp.training import berber, foreign, read_posts, words
from nlp.training.data import Licence, read_lines
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
_FOREIGN, _FOREIGN_WEIGHT = 10_000, 0.3
_BERBER = 2_000
#: French words that stand alone in posts ("merci", "oui"), which Arabizi has borrowed.
_FRENCH, _FRENCH_TEXTS = 700, 1_500
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
#: An even chance is enough for `mixed`, whatever the price: on the sample archive a higher limit
#: lost a quarter of the mixtures and gained no post.
EVEN = 0.5


class Post(NamedTuple):
    """A post and the index of its language."""

    text: str
    label: int


def read(data: Path, name: str, licence: Licence = "all") -> list[Post]:
    """Return the labelled posts of one file of the folder `data`, as the identifier reads them.

    With licence "free", without sources for non-commercial use.
    """
    barred = read_posts.barred(licence)
    return [
        Post(readable(item["text"]), LANGUAGES.index(item["lang"]))
        for item in read_lines(data / "language" / f"{name}.jsonl")
        if not item["source"].startswith(barred)
    ]


def short_french(wheel: Path, seed: int = 5) -> list[Post]:
    """Return texts of one to three frequent French words of more than two letters."""
    rng = Random(seed)
    known = [word for word in words.frequent(wheel, "fr", _FRENCH) if len(word) > 2]
    texts = [*known, *(" ".join(rng.sample(known, rng.choice((2, 3)))) for _ in known)]
    return [Post(text, LANGUAGES.index("fr")) for text in texts[:_FRENCH_TEXTS]]


def held_out(post: Post) -> bool:
    """Say whether a post belongs to the tenth that sets limits; copies of a text stay together."""
    return hashlib.blake2b(post.text.lower().encode(), digest_size=1).digest()[0] < 26


def kin(data: Path) -> list[str]:
    """Return texts of the neighbours of Darija."""
    left = dict(_KIN)
    texts = list[str]()
    for item in read_lines(data / "text" / "unlabelled.jsonl.gz"):
        if left.get(item["source"], 0) > 0:
            left[item["source"]] -= 1
            texts.append(readable(item["text"]))
    return texts


def fit_table(
    posts: Sequence[Post],
    strangers: Sequence[str],
    kin: Sequence[str],
    iterations: int,
    berber: Sequence[str] = (),
) -> tuple[Floats, Floats]:
    """Return weights and biases: a column for each language, for "another language", for Berber.

    The last two are fitted by themselves, so that they take nothing from telling the five apart.
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
    others = [*kin, *strangers, *berber]
    more = (matrix(others, SPACE, RUN_WEIGHT) @ sparse.diags(rare)).astype(np.float32)
    counts = sparse.vstack([counts, more]).tocsr()
    known = len(posts) + len(kin)
    strange = np.arange(counts.shape[0]) >= known
    against = [(weights, bias)]
    for name, here in (
        ("other languages", strange),
        ("Berber", np.arange(counts.shape[0]) >= known + len(strangers)),
    ):
        column, offset = fit(
            counts,
            np.stack([~here, here], axis=1).astype(float),
            strength=STRENGTH,
            weights=np.where(strange, _FOREIGN_WEIGHT, 1.0),
            iterations=iterations // 2,
            progress=name,
        )
        against.append((column[:, 1:] - column[:, :1], offset[1:] - offset[:1]))
    columns = np.column_stack([column for column, _ in against])
    biases = np.concatenate([offset for _, offset in against])
    return np.asarray(columns * rare[:, None], dtype=np.float64), biases


def cool(weights: Floats, bias: Floats, held: Sequence[Post]) -> Floats:
    """Return by what each column is divided so that probabilities of held-out posts are true."""
    table, _ = arrays_of(SPACE, weights, bias, 8, RUN_WEIGHT)
    scores = table.score([post.text for post in held])[:, : len(LANGUAGES)]
    cooling = temperature(scores, np.array([post.label for post in held]))
    return np.array([cooling] * len(LANGUAGES) + [1.0, 1.0])


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


def train(
    data: Path,
    target: Path,
    wheels: Path,
    iterations: int = ITERATIONS,
    licence: Licence = "all",
) -> None:
    """Fit the identifier on the folder `data` and write it to `target`.

    `wheels` is a folder for the download of frequent words.
    """
    wheel = words.download(wheels)
    posts = read(data, "train", licence)
    held = [post for post in posts if held_out(post)]
    most = [post for post in posts if not held_out(post)] + short_french(wheel)
    strangers = foreign.texts(_FOREIGN, 1, wheel)
    weights, bias = fit_table(most, strangers, kin(data), iterations, berber.texts(_BERBER, 1))
    cooling = cool(weights, bias, held)
    weights, bias = weights / cooling, bias / cooling
    table, arrays = arrays_of(SPACE, weights, bias, 8, RUN_WEIGHT)
    mixed = fit_mixed(table, held)
    limit = min(EVEN, mixed_limit(table, mixed, held))
    arrays |= {"mixed": mixed, "limits": np.array([FOREIGN_LIMIT, limit, DOUBT])}
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(target, **arrays)
    print(f"{target}: scores divided by {cooling[0]:.2f}, mixed above {limit:.2f}")


def report(data: Path, target: Path) -> dict[str, Any]:
    """Return the figures on dev: the five languages, splices of dev posts, and calibration."""
    model = LanguageModel(target)
    posts = read(data, "dev")
    names = list(LABELS)
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
    parser.add_argument("--wheels", type=Path, default=Path("build/training/wheels"))
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    parser.add_argument("--licence", choices=("all", "free"), default="all")
    parser.add_argument("--report-only", action="store_true")
    options = parser.parse_args()
    if not options.report_only:
        train(options.data, options.out, options.wheels, options.iterations, options.licence)
    print(json.dumps(report(options.data, options.out), indent=1))


if __name__ == "__main__":
    main()

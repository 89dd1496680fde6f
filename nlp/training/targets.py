"""Train the attitudes towards entities on labelled posts, and measure them by cross-validation.

Multinomial logistic regression on what :func:`nlp.targets.describe` sees. Folds are made of whole
posts, so that no post is judged by what was learned from itself. ``python -m nlp.training.targets``
wants the mentions of each post in the file; ``python -m pipelines.train_targets`` finds them first.

A sample of one protest is full of bitter thanks to operators, and a learner that saw nothing else
would take all praise of one for irony. So comments on brands from the data folder stand beside it,
whose sentiment is their attitude to the brand; only those held out from the sentiment models, whose
opinion on their own training posts would be worth too much.

And it hardly ever blames an app or thanks a regulator: from the sample alone a learner takes the
kind of an entity for the attitude. So posts in plain words stand beside it too, written for what it
lacks.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nlp import features, linear
from nlp.linear import FOLDER, Floats, softmax
from nlp.measures import accuracy, calibration_error, confusion, macro_f1
from nlp.sentiment import LABELS, SentimentModel, load
from nlp.targets import Mentioned, describe, subjects
from nlp.training.data import labelled, read_lines
from nlp.training.fit import balance, fit_few

#: Chosen by cross-validation.
STRENGTH = 0.02
#: Collections of comments on brands, and how much each of their posts weighs beside one of the
#: sample. Less, and clear praise of an operator was taken for irony; it costs the cross-validated
#: figures about 0.01.
BRANDS = frozenset({"dz_brands", "airline_en"})
BRAND_WEIGHT = 0.3
FOLDS = 10
_AGAINST = frozenset({"operator", "regulator", "government"})


class Mention(NamedTuple):
    """A mention as a file holds it."""

    entity: str
    kind: str
    start: int
    end: int


class Labelled(NamedTuple):
    """A post, what it mentions, and its author's attitude to what it mentions."""

    text: str
    mentions: tuple[Mention, ...]
    targets: dict[str, str]


class Beside(NamedTuple):
    """What is learned from as well, and what each of its entities weighs beside one of the rest."""

    seen: Examples
    weights: Floats


class Examples(NamedTuple):
    """One row per entity that is both found in a post and labelled there."""

    rows: Floats
    labels: NDArray[np.int64]
    posts: NDArray[np.int64]
    kinds: tuple[str, ...]
    sentiment: Floats


def read(path: Path) -> list[Labelled]:
    """Return the posts of an NDJSON file with `text`, `labels.targets` and `mentions`."""
    return [
        Labelled(
            item["text"],
            tuple(Mention(*mention) for mention in item["mentions"]),
            item["labels"]["targets"],
        )
        for item in read_lines(path)
    ]


def examples(posts: Sequence[Labelled], model: SentimentModel) -> Examples:
    """Return what the learner sees of `posts`, with the sentiment that `model` gives them."""
    texts = [post.text for post in posts]
    mentions: list[Sequence[Mentioned]] = [post.mentions for post in posts]
    sentiment = model.predict(texts).astype(np.float64)
    found = [
        subject for subject in subjects(mentions) if subject.entity in posts[subject.text].targets
    ]
    labels = [LABELS.index(posts[subject.text].targets[subject.entity]) for subject in found]
    owners = np.array([subject.text for subject in found])
    return Examples(
        describe(texts, mentions, found, sentiment, linear.load()),
        np.array(labels),
        owners,
        tuple(subject.mentions[0].kind for subject in found),
        sentiment[owners],
    )


def brands(data: Path, seed: int = 0) -> list[Labelled]:
    """Return comments on brands of the folder `data`: none without it.

    Their names are mostly masked or unknown: the mask of a handle is taken for the mention, else
    the place before some word.
    """
    rng = Random(seed)
    posts = list[Labelled]()
    for row in labelled(data, "calibrate"):
        words = [word.span() for word in re.finditer(r"\S+", row.text)]
        if row.source not in BRANDS or not words:
            continue
        start = rng.choice(words)[0]
        mask = re.search(r"\[user\]", row.text)
        place = mask.span() if mask else (start, start)
        posts.append(
            Labelled(row.text, (Mention("", "operator", *place),), {"": LABELS[row.label]})
        )
    return posts


def whole(seen: Examples) -> Beside:
    """Return examples that weigh as much as the rest."""
    return Beside(seen, np.ones(len(seen.labels)))


def learn(
    rows: Floats, labels: NDArray[np.int64], beside: Sequence[Beside] = ()
) -> tuple[Floats, Floats]:
    """Return weights and biases for `rows` and what stands beside them."""
    rows = np.concatenate([rows, *(some.seen.rows for some in beside)])
    weights = np.concatenate([np.ones(len(labels)), *(some.weights for some in beside)])
    labels = np.concatenate([labels, *(some.seen.labels for some in beside)])
    return fit_few(rows, np.eye(len(LABELS))[labels], strength=STRENGTH, weights=weights)


def cross_validate(seen: Examples, beside: Sequence[Beside] = (), seed: int = 0) -> Floats:
    """Return the probabilities that each example gets from the other folds' posts."""
    rng = np.random.default_rng(seed)
    folds = rng.permutation(int(seen.posts.max()) + 1)[seen.posts] % FOLDS
    chances = np.zeros((len(seen.labels), len(LABELS)))
    for fold in range(FOLDS):
        here = folds == fold
        weights, bias = learn(seen.rows[~here], seen.labels[~here], beside)
        chances[here] = softmax(seen.rows[here] @ weights + bias)
    return chances


def report(seen: Examples, chances: Floats) -> dict[str, Any]:
    """Return the figures of `chances` and of the two rules, overall and where attitudes differ."""
    differ = np.zeros(int(seen.posts.max()) + 1, dtype=bool)
    for post in np.unique(seen.posts):
        differ[post] = len(set(seen.labels[seen.posts == post].tolist())) > 1
    rule = np.array([0 if kind in _AGAINST else 1 for kind in seen.kinds])
    guesses = {
        "learned": chances.argmax(axis=1),
        "the post's sentiment": seen.sentiment.argmax(axis=1),
        "apps neutral, operators negative": rule,
    }
    parts = {"all": np.ones(len(seen.labels), dtype=bool), "differing": differ[seen.posts]}
    figures: dict[str, Any] = {"ece": round(calibration_error(chances, seen.labels), 3)}
    for part, here in parts.items():
        tables = {
            name: confusion(seen.labels[here], guess[here]) for name, guess in guesses.items()
        }
        figures[part] = {"entities": int(here.sum())} | {
            name: {"accuracy": round(accuracy(table), 3), "macro_f1": round(macro_f1(table), 3)}
            for name, table in tables.items()
        }
    return figures


def recalls(seen: Examples, chances: Floats) -> dict[str, dict[str, list[int]]]:
    """Return for each kind and label how many of its entities are told, and how many there are."""
    said, kinds = chances.argmax(axis=1), np.array(seen.kinds)
    found: dict[str, dict[str, list[int]]] = {}
    for kind in sorted(set(seen.kinds)):
        for label, name in enumerate(LABELS):
            here = (kinds == kind) & (seen.labels == label)
            if here.any():
                told = int((said[here] == label).sum())
                found.setdefault(kind, {})[name] = [told, int(here.sum())]
    return found


def train(
    posts: Sequence[Labelled],
    target: Path,
    model: SentimentModel,
    comments: Sequence[Labelled] = (),
    plain: Sequence[Labelled] = (),
) -> dict[str, Any]:
    """Learn from `posts`, write the model to `target`, return the cross-validated figures.

    `comments` on brands are learned from, but not measured on. Posts in `plain` words are measured
    by themselves, by what the other folds of them and all of the rest taught.
    """
    seen = examples(posts, model)
    beside = []
    if comments:
        brand = examples(comments, model)
        even = balance(brand.labels, np.zeros(len(brand.labels)), limit=10.0)
        beside.append(Beside(brand, BRAND_WEIGHT * even))
    words = examples(plain, model) if plain else None
    others = [*beside, whole(words)] if words else beside
    chances = cross_validate(seen, others)
    figures = report(seen, chances) | {"recall": recalls(seen, chances)}
    if words:
        chances = cross_validate(words, [*beside, whole(seen)])
        figures["plain"] = report(words, chances) | {"recall": recalls(words, chances)}
    weights, bias = learn(seen.rows, seen.labels, others)
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        target,
        features=np.int64(features.VERSION),
        weights=weights.astype(np.float32),
        bias=bias.astype(np.float32),
        moods=np.array(linear.load().version),
        sentiment=np.array(model.version),
    )
    return figures


def main() -> None:
    """Train and report."""
    parser = argparse.ArgumentParser(description="Train the attitudes towards entities.")
    parser.add_argument("--sample", type=Path, required=True, help="NDJSON with mentions, labels")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--checkpoint", help="sentiment model: a folder or a Hugging Face name")
    parser.add_argument("--out", type=Path, default=FOLDER / "targets.npz")
    options = parser.parse_args()
    model = load(options.checkpoint)
    figures = train(read(options.sample), options.out, model, brands(options.data))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""Train the attitudes towards entities on labelled posts, and measure them by cross-validation.

Multinomial logistic regression on what :func:`nlp.targets.describe` sees and on the words around
the mention, with a mark in the place of each name (:func:`nlp.targets.marked`). Folds are made of
whole posts, so that no post is judged by what was learned from itself.
``python -m nlp.training.targets`` wants the mentions of each post in the file;
``python -m pipelines.train_targets`` finds them first.

Three kinds of posts teach side by side. A sample of one protest is full of bitter thanks to
operators, and a learner that saw nothing else would take all praise of one for irony. Posts in
plain words were written for what the sample lacks: blame of an app, thanks to a regulator, names
that mean something else. Real posts on operators, apps and phones were read one by one
(:mod:`nlp.training.named`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nlp import features, linear
from nlp.features import Space
from nlp.linear import FOLDER, Floats, softmax
from nlp.measures import accuracy, calibration_error, confusion, macro_f1
from nlp.sentiment import LABELS, SentimentModel, load
from nlp.targets import CLASSES, SURE_NOT_THIS, Mentioned, describe, marked, subjects
from nlp.training import named
from nlp.training.data import read_lines
from nlp.training.fit import arrays_of, fit, matrix, rarity
from nlp.training.named import Labelled
from nlp.training.named import Named as Mention

#: Chosen by cross-validation, as is `WORDS`: how much the words around a mention count beside the
#: other features.
STRENGTH = 0.03
WORDS = 12.0
#: What is read of the words around a mention.
MARKED = Space(orders=(3, 4), words=2, bits=13)
FOLDS = 5
#: What one entity of a set weighs: posts in plain words are few, and say what the others lack.
WEIGHTS = {"sample": 1.0, "plain": 1.5, "real": 1.0}
_NOT_THIS_WEIGHT = 1.5
_DIFFERING_WEIGHT = 4.0
_NOT_THIS = CLASSES.index("not-this-entity")
_AGAINST = frozenset({"operator", "regulator", "government"})


class Examples(NamedTuple):
    """One row per entity that is both found in a post and labelled there."""

    rows: Floats
    words: Any
    """Sparse counts of the n-grams around each mention."""
    labels: NDArray[np.int64]
    posts: NDArray[np.int64]
    kinds: tuple[str, ...]
    sentiment: Floats


class Learned(NamedTuple):
    """Weights of the features and of the words around a mention, and one bias a class."""

    weights: Floats
    words: Floats
    bias: Floats

    def scores(self, seen: Examples, here: NDArray[np.bool_] | slice = slice(None)) -> Floats:
        """Return one row of scores for each chosen example."""
        return np.asarray(
            seen.rows[here] @ self.weights + seen.words[here] @ self.words + self.bias
        )


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
    labels = [CLASSES.index(posts[subject.text].targets[subject.entity]) for subject in found]
    owners = np.array([subject.text for subject in found], dtype=np.int64)
    return Examples(
        describe(texts, mentions, found, sentiment, linear.load()),
        matrix(marked(texts, mentions, found), MARKED),
        np.array(labels, dtype=np.int64),
        owners,
        tuple(subject.mentions[0].kind for subject in found),
        sentiment[owners],
    )


def joined(parts: Sequence[Examples]) -> Examples:
    """Return several sets of examples as one; posts keep apart."""
    offsets = np.cumsum([0, *(int(part.posts.max()) + 1 for part in parts[:-1])])
    return Examples(
        np.concatenate([part.rows for part in parts]),
        sparse.vstack([part.words for part in parts]).tocsr(),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.posts + offset for part, offset in zip(parts, offsets, strict=True)]),
        tuple(kind for part in parts for kind in part.kinds),
        np.concatenate([part.sentiment for part in parts]),
    )


def chosen(seen: Examples, here: NDArray[np.bool_]) -> Examples:
    """Return some of the examples."""
    kinds = tuple(kind for kind, use in zip(seen.kinds, here.tolist(), strict=True) if use)
    return Examples(
        seen.rows[here],
        seen.words[here],
        seen.labels[here],
        seen.posts[here],
        kinds,
        seen.sentiment[here],
    )


def learn(seen: Examples, weights: Floats | None = None) -> Learned:
    """Return what the examples teach, each with its weight; features are standardised."""
    middle, spread = seen.rows.mean(axis=0), seen.rows.std(axis=0)
    scale = np.where(spread > 1e-9, 1 / np.maximum(spread, 1e-9), 0.0)
    rare = WORDS * rarity(seen.words)
    counts = sparse.hstack(
        [sparse.csr_matrix((seen.rows - middle) * scale), seen.words @ sparse.diags(rare)]
    )
    table, bias = fit(
        counts.tocsr().astype(np.float32),
        np.eye(len(CLASSES))[seen.labels],
        strength=STRENGTH,
        weights=weights,
        iterations=80,
    )
    rows = table[: len(middle)] * scale[:, None]
    words = table[len(middle) :] * rare[:, None]
    return Learned(rows, words, np.asarray(bias - middle @ rows))


def weights_of(seen: Examples, each: float) -> Floats:
    """Return the weight of each example: `each`, and more for two rare kinds.

    These are names that mean something else, and posts whose entities meet different attitudes:
    there the post's mood cannot tell, and nothing else teaches to look closer.
    """
    lowest = np.full(int(seen.posts.max()) + 1, len(CLASSES))
    highest = np.zeros(len(lowest), dtype=np.int64)
    np.minimum.at(lowest, seen.posts, seen.labels)
    np.maximum.at(highest, seen.posts, seen.labels)
    weights = np.where(seen.labels == _NOT_THIS, each * _NOT_THIS_WEIGHT, each)
    return np.where((lowest < highest)[seen.posts], weights * _DIFFERING_WEIGHT, weights)


def cross_validate(
    seen: Examples,
    beside: Sequence[tuple[Examples, float]] = (),
    seed: int = 0,
    each: float = 1.0,
) -> Floats:
    """Return the chances of `CLASSES` that each example gets from the other folds' posts.

    The examples `beside` are learned from in every fold, each with the weight of its set; those of
    `seen` with weight `each`.
    """
    rng = np.random.default_rng(seed)
    folds = rng.permutation(int(seen.posts.max()) + 1)[seen.posts] % FOLDS
    chances = np.zeros((len(seen.labels), len(CLASSES)))
    for fold in range(FOLDS):
        here = folds == fold
        parts = [(chosen(seen, ~here), each), *beside]
        weights = np.concatenate([weights_of(some, weight) for some, weight in parts])
        learned = learn(joined([some for some, _ in parts]), weights)
        chances[here] = softmax(learned.scores(seen, here))
    return chances


def attitudes_of(chances: Floats) -> Floats:
    """Return the chances of the three attitudes, as told of an entity that is not dropped."""
    three = chances[:, :_NOT_THIS]
    return np.asarray(three / three.sum(axis=1, keepdims=True))


def report(seen: Examples, chances: Floats) -> dict[str, Any]:
    """Return the figures of `chances` and of the two rules, overall and where attitudes differ.

    Measured on entities that are meant; how many of the others drop out is told beside.
    """
    meant = seen.labels != _NOT_THIS
    dropped = chances[:, _NOT_THIS] > SURE_NOT_THIS
    figures: dict[str, Any] = {
        "not-this-entity": {
            "dropped": int((dropped & ~meant).sum()),
            "of": int((~meant).sum()),
            "dropped wrongly": int((dropped & meant).sum()),
        }
    }
    some, said = chosen(seen, meant), attitudes_of(chances[meant])
    differ = np.zeros(int(seen.posts.max()) + 1, dtype=bool)
    for post in np.unique(some.posts):
        differ[post] = len(set(some.labels[some.posts == post].tolist())) > 1
    rule = np.array([0 if kind in _AGAINST else 1 for kind in some.kinds])
    guesses = {
        "learned": said.argmax(axis=1),
        "the post's sentiment": some.sentiment.argmax(axis=1),
        "apps neutral, operators negative": rule,
    }
    parts = {"all": np.ones(len(some.labels), dtype=bool), "differing": differ[some.posts]}
    figures["ece"] = round(calibration_error(said, some.labels), 3)
    for part, here in parts.items():
        tables = {
            name: confusion(some.labels[here], guess[here]) for name, guess in guesses.items()
        }
        figures[part] = {"entities": int(here.sum())} | {
            name: {"accuracy": round(accuracy(table), 3), "macro_f1": round(macro_f1(table), 3)}
            for name, table in tables.items()
        }
    return figures


def recalls(seen: Examples, chances: Floats) -> dict[str, dict[str, list[int]]]:
    """Return for each kind and label how many of its entities are told, and how many there are."""
    said, kinds = attitudes_of(chances).argmax(axis=1), np.array(seen.kinds)
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
    real: Sequence[Labelled] = (),
    plain: Sequence[Labelled] = (),
) -> dict[str, Any]:
    """Learn from `posts`, write the model to `target`, return the cross-validated figures.

    `real` posts and posts in `plain` words are learned from as well. Each set is measured by
    itself, by what its other folds and the other sets taught.
    """
    sets = {
        name: examples(some, model)
        for name, some in (("sample", posts), ("plain", plain), ("real", real))
        if some
    }
    figures: dict[str, Any] = {}
    for name, seen in sets.items():
        beside = [(other, WEIGHTS[key]) for key, other in sets.items() if key != name]
        chances = cross_validate(seen, beside, each=WEIGHTS[name])
        figures[name] = report(seen, chances) | {"recall": recalls(seen, chances)}
    weights = np.concatenate([weights_of(seen, WEIGHTS[name]) for name, seen in sets.items()])
    learned = learn(joined(list(sets.values())), weights)
    write(learned, target, model.version)
    return figures


def write(learned: Learned, target: Path, sentiment: str) -> None:
    """Write a model file for :class:`nlp.targets.TargetModel`."""
    _, words = arrays_of(MARKED, learned.words, np.zeros(len(CLASSES)), 16)
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        target,
        features=np.int64(features.VERSION),
        weights=learned.weights.astype(np.float32),
        bias=learned.bias.astype(np.float32),
        moods=np.array(linear.load().version),
        sentiment=np.array(sentiment),
        **{f"marked_{name}": array for name, array in words.items()},
    )


def main() -> None:
    """Train and report."""
    parser = argparse.ArgumentParser(description="Train the attitudes towards entities.")
    parser.add_argument("--sample", type=Path, required=True, help="NDJSON with mentions, labels")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--checkpoint", help="sentiment model: a folder or a Hugging Face name")
    parser.add_argument("--out", type=Path, default=FOLDER / "targets.npz")
    options = parser.parse_args()
    model = load(options.checkpoint)
    figures = train(read(options.sample), options.out, model, named.read(options.data))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""What a post says, in one call: its language, its sentiment, its attitude to what it mentions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from nlp import language, linear, sentiment, targets
from nlp.folding import fold
from nlp.linear import Floats
from nlp.targets import Mentioned

#: Kinds of entities whose names are the same in every language.
_NAMES = frozenset({"operator", "app"})

Label = Literal["negative", "neutral", "positive"]


class Target(NamedTuple):
    """The attitude towards one entity: its label, and negative, neutral, positive."""

    entity: str
    label: Label
    probabilities: tuple[float, float, float]


class Scored(NamedTuple):
    """What the models say of one post; probabilities are negative, neutral, positive."""

    language: str
    language_confidence: float
    label: Label
    probabilities: tuple[float, float, float]
    targets: tuple[Target, ...]


class Scorer:
    """The three models together. ``version`` names all of them in one string."""

    def __init__(
        self, model: str | None = None, threads: int | None = None, *, provisional: bool = False
    ) -> None:
        """Load the models; `model` is a sentiment checkpoint (folder or name) in place of ours.

        With `provisional` the n-gram model stands in for it: many times as fast, less often
        right. Raises :class:`~nlp.errors.ModelError` if one is missing, broken or does not fit.
        """
        self._sentiment = linear.load() if provisional else sentiment.load(model, threads)
        self._language = language.load()
        self._targets = targets.load()
        beside = f"{self._language.version} {self._targets.version}"
        self.version = (
            f"{self._sentiment.version}+{hashlib.sha256(beside.encode()).hexdigest()[:8]}"
        )

    def score(self, texts: Sequence[str], mentions: Sequence[Sequence[Mentioned]]) -> list[Scored]:
        """Return one result per text, in order; `mentions` names the entities of each.

        Any string is a text; what looks the same is scored the same (:func:`nlp.folding.fold`).
        Reposts cost nothing: equal texts with equal mentions are scored
        once. A result depends on its text and mentions alone (probabilities within 0.001).
        """
        texts, mentions = _folded(texts, mentions)
        places: dict[tuple[str, tuple[tuple[str, str, int, int], ...]], int] = {}
        index = [
            places.setdefault((text, tuple(map(_key, named))), len(places))
            for text, named in zip(texts, mentions, strict=True)
        ]
        distinct: dict[int, int] = {}
        for place, number in enumerate(index):
            distinct.setdefault(number, place)
        chosen = list(distinct.values())
        results = self._score([texts[place] for place in chosen], [mentions[p] for p in chosen])
        return [results[number] for number in index]

    def _score(self, texts: Sequence[str], mentions: Sequence[Sequence[Mentioned]]) -> list[Scored]:
        if not texts:
            return []
        chances = self._sentiment.predict(texts).astype(np.float64)
        attitudes = self._targets.attitudes(texts, mentions, chances)
        return [
            Scored(
                spoken.label,
                spoken.confidence,
                label_of(row),
                (float(row[0]), float(row[1]), float(row[2])),
                tuple(
                    Target(score.entity, label_of(np.array(score[1:])), score[1:])
                    for score in scores
                ),
            )
            for spoken, row, scores in zip(
                self._language.identify(list(map(_without_names, texts, mentions))),
                chances,
                attitudes,
                strict=True,
            )
        ]


class _Moved(NamedTuple):
    """A mention in a text whose letters were folded."""

    entity: str
    kind: str
    start: int
    end: int


def _folded(
    texts: Sequence[str], mentions: Sequence[Sequence[Mentioned]]
) -> tuple[Sequence[str], Sequence[Sequence[Mentioned]]]:
    """Return the texts in one spelling, and their mentions where they stand in it."""
    folded = [fold(text) for text in texts]
    moved: list[Sequence[Mentioned]] = []
    for text, plain, named in zip(texts, folded, mentions, strict=True):
        if plain == text or not named:
            moved.append(named)
            continue
        moved.append(
            [
                _Moved(
                    mention.entity,
                    mention.kind,
                    min(len(fold(text[: mention.start])), len(plain)),
                    min(len(fold(text[: mention.end])), len(plain)),
                )
                for mention in named
            ]
        )
    return folded, moved


def _without_names(text: str, named: Sequence[Mentioned]) -> str:
    """Return a text without the names of companies and services: they belong to no language.

    A text of names alone stays as it is.
    """
    parts, end = list[str](), 0
    for mention in sorted(named, key=lambda mention: mention.start):
        if mention.kind in _NAMES and mention.start >= end:
            parts.append(text[end : mention.start])
            end = mention.end
    if not parts:
        return text
    rest = " ".join([*parts, text[end:]])
    return rest if any(letter.isalpha() for letter in rest) else text


def label_of(chances: Floats) -> Label:
    """Return the most probable label; of equals neutral, then negative."""
    negative, neutral, positive = chances
    if neutral >= max(negative, positive):
        return "neutral"
    return "negative" if negative >= positive else "positive"


def _key(mention: Mentioned) -> tuple[str, str, int, int]:
    return (mention.entity, mention.kind, mention.start, mention.end)

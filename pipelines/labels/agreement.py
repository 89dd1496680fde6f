"""How far coders agree, and what the model gets wrong, by language."""

from __future__ import annotations

from collections.abc import Sequence

import krippendorff
import msgspec
import numpy as np

from nlp.sentiment import LABELS
from pipelines.analysis.people import gold
from pipelines.records import Hit, HumanLabel

_KNOWN = (*LABELS, "unclear")


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How coders of the same posts agree."""

    posts: int
    """Posts that two coders or more labelled."""
    kappa: float | None
    """Mean of Cohen's kappa over all pairs of coders; ``None`` without posts, or where all
    labels are the same."""
    alpha: float | None
    """Krippendorff's alpha for nominal labels."""


class ModelErrors(msgspec.Struct, frozen=True, kw_only=True):
    """What the model says about posts that people labelled."""

    posts: int
    accuracy: float | None
    confusion: list[list[int]]
    """A row for each label of people, a column for each predicted one: negative, neutral,
    positive."""


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """A post that the model labels otherwise than people."""

    id: str
    language: str
    people: str
    predicted: str
    confidence: float
    text: str


class LabelReport(msgspec.Struct, frozen=True, kw_only=True):
    """What ``marsad label report`` says."""

    posts: int
    coders: dict[str, int]
    """Posts of each coder."""
    agreement: dict[str, Agreement]
    """By language, and ``all``."""
    model: dict[str, ModelErrors]
    wrong: list[Wrong]
    """The model's errors, the surest first."""


def report(labelled: Sequence[tuple[Hit, list[HumanLabel]]], aspect: str) -> LabelReport:
    """Return agreement and the model's errors for one aspect of labelled posts.

    ``aspect`` is ``sentiment`` or ``target:ENTITY``.
    """
    own = [
        (hit, [one for one in labels if one.aspect == aspect and one.label in _KNOWN])
        for hit, labels in labelled
    ]
    own = [(hit, labels) for hit, labels in own if labels]
    coders: dict[str, int] = {}
    for _, labels in own:
        for one in labels:
            coders[one.coder] = coders.get(one.coder, 0) + 1
    languages = sorted({hit.post.language for hit, _ in own})
    groups = {"all": own} | {
        name: [pair for pair in own if pair[0].post.language == name] for name in languages
    }
    judged = {name: _judged(group, aspect) for name, group in groups.items()}
    return LabelReport(
        posts=len(own),
        coders=dict(sorted(coders.items())),
        agreement={name: agreement([labels for _, labels in g]) for name, g in groups.items()},
        model={name: _errors(pairs) for name, pairs in judged.items()},
        wrong=sorted(
            (_wrong(hit, said, people) for hit, said, people in judged["all"] if said[0] != people),
            key=lambda one: (-one.confidence, one.id),
        ),
    )


def agreement(posts: Sequence[Sequence[HumanLabel]]) -> Agreement:
    """Return how the coders of these posts agree.

    Cohen 1960, Educ. Psychol. Meas. 20:37-46; Krippendorff 2011, *Computing Krippendorff's
    alpha-reliability* (the library ``krippendorff``).
    """
    coders = sorted({one.coder for labels in posts for one in labels})
    table = np.full((len(coders), len(posts)), np.nan)
    for column, labels in enumerate(posts):
        for one in labels:
            table[coders.index(one.coder), column] = _KNOWN.index(one.label)
    shared = (~np.isnan(table)).sum(axis=0) >= 2
    count = int(shared.sum())
    if not count:
        return Agreement(posts=0, kappa=None, alpha=None)
    pairs = [
        kappa(table[one], table[other])
        for one in range(len(coders))
        for other in range(one + 1, len(coders))
    ]
    known = [value for value in pairs if value is not None]
    alpha = None
    if len(np.unique(table[:, shared][~np.isnan(table[:, shared])])) > 1:
        alpha = float(krippendorff.alpha(table, level_of_measurement="nominal"))
    return Agreement(posts=count, kappa=sum(known) / len(known) if known else None, alpha=alpha)


def kappa(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return Cohen's kappa of two coders; ``None`` without posts of both, or without variation."""
    both = ~np.isnan(one) & ~np.isnan(other)
    if not both.any():
        return None
    a, b = one[both], other[both]
    chance = sum(float((a == label).mean() * (b == label).mean()) for label in range(len(_KNOWN)))
    return None if chance == 1 else (float((a == b).mean()) - chance) / (1 - chance)


def _judged(
    pairs: Sequence[tuple[Hit, list[HumanLabel]]], aspect: str
) -> list[tuple[Hit, tuple[str, float], str]]:
    found = []
    entity = aspect.partition(":")[2]
    for one in gold(pairs):
        people = one.targets.get(entity, "") if entity else one.sentiment
        said = _said(one.hit, entity)
        if people and said:
            found.append((one.hit, said, people))
    return found


def _said(hit: Hit, entity: str) -> tuple[str, float] | None:
    if entity:
        targets = {target.entity: target for target in hit.post.targets}
        target = targets.get(entity)
        return (target.label, getattr(target, target.label)) if target else None
    mood = hit.post.sentiment
    return (mood.label, getattr(mood, mood.label)) if mood else None


def _errors(pairs: Sequence[tuple[Hit, tuple[str, float], str]]) -> ModelErrors:
    table = [[0] * len(LABELS) for _ in LABELS]
    for _, (said, _), people in pairs:
        table[LABELS.index(people)][LABELS.index(said)] += 1
    right = sum(table[place][place] for place in range(len(LABELS)))
    return ModelErrors(
        posts=len(pairs), accuracy=right / len(pairs) if pairs else None, confusion=table
    )


def _wrong(hit: Hit, said: tuple[str, float], people: str) -> Wrong:
    return Wrong(
        id=hit.post.id,
        language=hit.post.language,
        people=people,
        predicted=said[0],
        confidence=said[1],
        text=hit.post.text,
    )

"""How good a model is: from judgements (what was said, what is true) to figures with intervals.

Pure functions; nothing here runs a model or reads a file. The way:

judgements of one task (sentiment, language or attitudes to entities)
→ :func:`section` (figures over all, and by language, script and source)
→ :func:`attitudes` (for entities besides: two simple rules, and posts whose entities differ).

What each figure means to a reader: ``docs/evaluation.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from nlp import measures
from nlp.sentiment import LABELS

#: Bounds of intervals, in per cent: 95 % lie between.
_BOUNDS = (2.5, 97.5)
_DIGITS = 4
#: Of fewer posts no bootstrap is honest; error tables have the same limit.
FEWEST = 20
#: Every figure starts its own generator with it: figures do not depend on what else is asked.
_SEED = 20160227

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer of a model beside the true one."""

    unit: int
    """The post it is about; a post has several where it names several entities."""
    gold: str
    said: str
    confidence: float | None = None
    """Probability that the model gives what it said; ``None`` for a rule, which has none."""
    probabilities: tuple[float, ...] = ()
    """One for each label; empty where only the confidence is known."""
    language: str = ""
    """As labelled, as far as it is."""
    script: str = ""
    source: str = ""
    identified: str = ""
    """Language that Marsad itself recognised: what stored posts are grouped by."""


@dataclass(frozen=True, slots=True)
class Attitude:
    """A judgement on the attitude to one entity, with what simple rules would have said."""

    judgement: Judgement
    rules: dict[str, str]


class Interval(msgspec.Struct, frozen=True):
    """A figure with the bounds of its 95 % interval; ``None`` where the posts are too few."""

    value: float
    low: float | None
    high: float | None


class LabelFigures(msgspec.Struct, frozen=True):
    """What happened to the posts of one label."""

    support: int
    """How many truly have it."""
    said: int
    """How many were given it."""
    precision: float
    recall: float
    f1: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one set of judgements."""

    posts: int
    judgements: int
    """As many as posts, but for attitudes, where each entity of a post counts."""
    accuracy: Interval
    weighted_f1: Interval
    macro_f1: Interval
    """Mean F1 of the labels that truly occur; saying any other is an error of those."""
    polar_f1: float | None = None
    """Mean F1 of negative and positive."""
    binary_f1: Interval | None = None
    """Macro F1 of negative and positive if the model may not say neutral; only where no post is
    truly neutral."""
    ece: float | None = None
    """Expected calibration error, 15 bins."""
    ece_by_chance: float | None = None
    """What a perfectly calibrated model would show on as many posts."""
    labels: dict[str, LabelFigures]
    confusion: list[list[int]]
    """A row for each true label, a column for each label said, in the order of ``labels``."""
    mean_probability: dict[str, float] | None = None
    """What trends show as the share of a label, to be compared with its support."""


class Section(msgspec.Struct, frozen=True):
    """The figures of one task."""

    labels: list[str]
    all: Figures
    language: dict[str, Figures]
    script: dict[str, Figures]
    source: dict[str, Figures]


class Comparison(msgspec.Struct, frozen=True):
    """A way to tell attitudes, on all entities and where those of one post differ."""

    all: Figures
    differing: Figures | None
    """Only posts that truly take different attitudes to their entities; ``None`` without any."""


class Attitudes(msgspec.Struct, frozen=True):
    """The figures of attitudes to entities."""

    model: Section
    compared: dict[str, Comparison]
    """``model`` and every simple rule, on the same entities."""


def section(judgements: Sequence[Judgement], labels: Sequence[str]) -> Section:
    """Return the figures over all judgements (at least one) and by their groups.

    Labels said or true must be among ``labels``.
    """
    return Section(
        list(labels),
        figures(judgements, labels),
        _by(judgements, labels, lambda one: one.language),
        _by(judgements, labels, lambda one: one.script),
        _by(judgements, labels, lambda one: one.source),
    )


def attitudes(judged: Sequence[Attitude]) -> Attitudes:
    """Return the figures of attitudes (at least one), with those of the simple rules beside."""
    said = [one.judgement for one in judged]
    apart = differing(said)
    compared = {"model": _comparison(said, apart)}
    for rule in judged[0].rules:
        ruled = [
            replace(one.judgement, said=one.rules[rule], confidence=None, probabilities=())
            for one in judged
        ]
        compared[rule] = _comparison(ruled, apart)
    return Attitudes(section(said, LABELS), compared)


def differing(judgements: Sequence[Judgement]) -> frozenset[int]:
    """Return the posts that truly take different attitudes to the entities that are judged."""
    found: dict[int, set[str]] = {}
    for one in judgements:
        found.setdefault(one.unit, set()).add(one.gold)
    return frozenset(unit for unit, labels in found.items() if len(labels) > 1)


def figures(judgements: Sequence[Judgement], labels: Sequence[str]) -> Figures:
    """Return the figures of a set of judgements, at least one.

    Intervals of F1 are the 2.5 and 97.5 percentiles of a seeded bootstrap over posts (1,000
    samples), from :data:`FEWEST` posts on and unless all samples agree, which would say that there
    is no luck at all. That of accuracy is Wilson's for as many posts as the judgements are worth.
    """
    place = {label: number for number, label in enumerate(labels)}
    gold = np.array([place[one.gold] for one in judgements])
    said = np.array([place[one.said] for one in judgements])
    units = np.array([one.unit for one in judgements])
    table = measures.confusion(gold, said, len(labels))
    sentiment = tuple(labels) == LABELS
    scores = _scores(gold, said, units, len(labels))
    ece, by_chance = _calibration(judgements, gold == said)
    return Figures(
        posts=len(np.unique(units)),
        judgements=len(judgements),
        accuracy=scores.accuracy,
        weighted_f1=scores.weighted_f1,
        macro_f1=scores.macro_f1,
        polar_f1=_rounded(measures.f1(table)[[0, 2]].mean()) if sentiment else None,
        binary_f1=_binary(judgements, gold, units) if sentiment and not table[1].any() else None,
        ece=ece,
        ece_by_chance=by_chance,
        labels=_each(table, labels),
        confusion=table.tolist(),
        mean_probability=_means(judgements, labels),
    )


def _by(
    judgements: Sequence[Judgement], labels: Sequence[str], key: Callable[[Judgement], str]
) -> dict[str, Figures]:
    groups: dict[str, list[Judgement]] = {}
    for one in judgements:
        groups.setdefault(key(one), []).append(one)
    return {name: figures(groups[name], labels) for name in sorted(groups) if name}


def _comparison(judgements: Sequence[Judgement], apart: frozenset[int]) -> Comparison:
    chosen = [one for one in judgements if one.unit in apart]
    return Comparison(figures(judgements, LABELS), figures(chosen, LABELS) if chosen else None)


class _Scores(NamedTuple):
    accuracy: Interval
    weighted_f1: Interval
    macro_f1: Interval


def _scores(gold: Ints, said: Ints, units: Ints, classes: int) -> _Scores:
    table = measures.confusion(gold, said, classes)
    rng = np.random.default_rng(_SEED)
    drawn = measures.resampled(gold * classes + said, units, classes, rng)
    posts = len(np.unique(units))
    hits = np.trace(drawn, axis1=-2, axis2=-1)
    enough = posts >= FEWEST
    return _Scores(
        _accuracy(measures.accuracy(table), hits / drawn.sum((-2, -1)), posts, len(gold)),
        _interval(measures.weighted_f1(table), measures.weighted_f1s(drawn), enough),
        _interval(measures.macro_f1(table), measures.macro_f1s(drawn), enough),
    )


def _accuracy(value: float, drawn: Doubles, posts: int, judgements: int) -> Interval:
    """Return accuracy with Wilson's bounds, which stay honest where all or none are right.

    Judgements on one post are less than as many posts: they are worth those whose accuracy would
    vary as much (Kish 1965, "Survey sampling", the effective size of a sample by clusters).
    """
    worth = float(posts)
    if judgements > posts and (spread := float(drawn.var())):
        worth = float(np.clip(value * (1 - value) / spread, 1, judgements))
    low, high = measures.wilson(value, worth)
    return Interval(_rounded(value), _rounded(low), _rounded(high))


def _binary(judgements: Sequence[Judgement], gold: Ints, units: Ints) -> Interval | None:
    """Return the macro F1 of negative against positive, leaving neutral's probability out."""
    if not all(one.probabilities for one in judgements):
        return None
    chances = np.array([one.probabilities for one in judgements])
    said = np.where(chances[:, 2] > chances[:, 0], 2, 0)
    return _scores(gold, said, units, len(LABELS)).macro_f1


def _calibration(
    judgements: Sequence[Judgement], right: npt.NDArray[np.bool_]
) -> tuple[float | None, float | None]:
    """Return the calibration error and what it would be by chance; unknown for rules."""
    sure = [one.confidence for one in judgements if one.confidence is not None]
    if len(sure) < len(judgements):
        return None, None
    confidence = np.array(sure)
    rng = np.random.default_rng(_SEED)
    return (
        _rounded(measures.confidence_error(confidence, right)),
        _rounded(measures.chance_error(confidence, rng)),
    )


def _each(table: Ints, labels: Sequence[str]) -> dict[str, LabelFigures]:
    precision, recall, f1 = measures.precision(table), measures.recall(table), measures.f1(table)
    return {
        label: LabelFigures(
            support=int(table[number].sum()),
            said=int(table[:, number].sum()),
            precision=_rounded(precision[number]),
            recall=_rounded(recall[number]),
            f1=_rounded(f1[number]),
        )
        for number, label in enumerate(labels)
    }


def _means(judgements: Sequence[Judgement], labels: Sequence[str]) -> dict[str, float] | None:
    if not all(one.probabilities for one in judgements):
        return None
    means = np.array([one.probabilities for one in judgements]).mean(0)
    return {label: _rounded(mean) for label, mean in zip(labels, means, strict=True)}


def _interval(value: float, drawn: Doubles, enough: bool) -> Interval:
    low, high = map(_rounded, np.percentile(drawn, _BOUNDS))
    known = enough and low < high
    return Interval(_rounded(value), low if known else None, high if known else None)


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)

"""What a model confuses, by language and script, counted: what corrections of trends start from.

The tables are stored as ``errors`` in ``nlp/model/model.json`` and written by
``marsad evaluate --errors``; their format is described in ``docs/evaluation.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from nlp import measures
from nlp.evaluation import Judgement
from nlp.sentiment import LABELS

#: Version of the format.
SCHEMA = 1

#: A smaller group has no table of its own: its rates would be chance, ``all`` stands for it.
FEWEST = 20

_DIGITS = 6


class ErrorTable(msgspec.Struct, frozen=True):
    """How posts of each true label were judged, in one group."""

    posts: int
    confusion: list[list[int]]
    """A row for each true label, a column for each label said; negative, neutral, positive."""
    probability: list[list[float]]
    """Mean probability of each label (columns) among posts of each true label (rows); a row of
    zeros where no post has that label."""


#: Tables by kind of group (``all``, ``language``, ``script``, ``identified``), then by group.
Tables = dict[str, dict[str, ErrorTable]]


class Data(msgspec.Struct, frozen=True):
    """The file that a table was counted on."""

    name: str
    sha256: str
    """Of its bytes as they lie on disk."""
    rows: int
    """Labelled posts that were read."""


class ErrorFile(msgspec.Struct, frozen=True, kw_only=True):
    """What ``marsad evaluate --errors`` writes."""

    schema: int = SCHEMA
    model: str
    labels: tuple[str, ...] = LABELS
    data: Data
    left_out: dict[str, int]
    """Posts left out, by source: those of sources in which no post is labelled neutral."""
    sentiment: Tables
    targets: Tables
    """The same for attitudes to entities, each counted; empty without labels for them."""


def tables(judgements: Iterable[Judgement], fewest: int = FEWEST) -> Tables:
    """Return the tables of judgements with probabilities; groups under ``fewest`` are left out.

    Take out what :func:`without_neutral` names first: a set without neutral posts cannot say how
    often neutral is missed.
    """
    kinds: dict[str, Callable[[Judgement], str]] = {
        "all": lambda one: "all",
        "language": lambda one: one.language,
        "script": lambda one: one.script,
        "identified": lambda one: one.identified,
    }
    known = list(judgements)
    result: Tables = {}
    for kind, key in kinds.items():
        groups: dict[str, list[Judgement]] = {}
        for one in known:
            groups.setdefault(key(one), []).append(one)
        result[kind] = {
            name: _table(groups[name])
            for name in sorted(groups)
            if name and len(groups[name]) >= fewest
        }
    return result


def without_neutral(judgements: Iterable[Judgement]) -> dict[str, int]:
    """Return the sources in which no post is truly neutral, with their number of posts."""
    golds: dict[str, list[str]] = {}
    for one in judgements:
        golds.setdefault(one.source, []).append(one.gold)
    return {
        source: len(labels) for source, labels in sorted(golds.items()) if "neutral" not in labels
    }


def _table(judgements: Sequence[Judgement]) -> ErrorTable:
    gold = np.array([LABELS.index(one.gold) for one in judgements])
    said = np.array([LABELS.index(one.said) for one in judgements])
    chances = np.array([one.probabilities for one in judgements])
    sums = np.zeros((len(LABELS), len(LABELS)))
    np.add.at(sums, gold, chances)
    counts = np.bincount(gold, minlength=len(LABELS))
    means = sums / np.maximum(counts, 1)[:, None]
    return ErrorTable(
        posts=len(judgements),
        confusion=measures.confusion(gold, said).tolist(),
        probability=np.round(means, _DIGITS).tolist(),
    )

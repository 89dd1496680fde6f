"""What the model is held to: labelled files, and the figures of each that have a floor."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from ingest.watchlist.loader import load as load_watchlist
from nlp import sentiment
from nlp.error_tables import Data
from nlp.evaluation import Attitude, Attitudes, Figures, Interval, Judgement, attitudes
from nlp.score import Scorer
from nlp.sentiment import LABELS
from nlp.training.targets import WEIGHTS, attitudes_of, cross_validate, examples
from pipelines.evaluation import Evaluation, Report, evaluate, rule_by_kind
from pipelines.labelled import LabelledFile, Unlabelled
from pipelines.train_targets import labelled

ROOT = Path(__file__).parents[2]
#: Researchers' posts, which the project does not contain. Read now: tests clear the environment.
DATA = Path(os.environ.get("MARSAD_DATA") or ROOT.parent / "shared" / "data")
#: Learned from beside the sample.
PLAIN = ROOT / "ingest" / "watchlists" / "morocco-2016" / "attitudes.ndjson"


@dataclass(frozen=True)
class Corpus:
    """A labelled file: in the project, or in the data folder, which not everybody has."""

    name: str
    file: str
    shipped: bool = False
    watchlist: str = "none"
    moods: bool = True
    """Whether any post has a label of sentiment or attitudes, or all of language alone."""

    @property
    def path(self) -> Path:
        """Where it is, or would be."""
        return (ROOT if self.shipped else DATA) / self.file

    def sha256(self) -> str:
        """Return the hash of its bytes."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus("sentiment-dev", "sentiment/dev.jsonl"),
        Corpus("language-dev", "language/dev.jsonl", moods=False),
        Corpus(
            "sample",
            "ingest/watchlists/morocco-2016/sample.ndjson",
            shipped=True,
            watchlist="morocco-2016",
        ),
        Corpus("plain-words", "tests/quality/plain-words.ndjson", shipped=True),
    )
}


@cache
def measured(name: str) -> Report:
    """Return the report of the shipped model on a corpus; each text is scored once a run.

    Where languages alone are labelled, the network, which has no say in them, is not asked.
    """
    corpus = CORPORA[name]
    file = LabelledFile(str(corpus.path))
    scorer = _scorer() if corpus.moods else Scorer(provisional=True)
    try:
        evaluation = Evaluation(scorer, load_watchlist(corpus.watchlist))
        bad = evaluate(file.rows(), evaluation, tell=_no_bad_rows)
        report = evaluation.report(Data(file.name, file.sha256(), evaluation.rows), bad)
    finally:
        file.close()
    assert corpus.moods or (report.sentiment is None and report.targets is None)
    return msgspec.structs.replace(report, model=_scorer().version)


@cache
def unseen_attitudes() -> Attitudes:
    """Return the figures of attitudes on the sample's posts, each judged by what others taught.

    The shipped attitudes were learned from the sample, the only posts with such labels, so the
    figures of `measured("sample")` flatter them.
    """
    corpus = CORPORA["sample"]
    posts = labelled(corpus.path, corpus.watchlist)
    seen = examples(posts, sentiment.load())
    plain = examples(labelled(PLAIN, corpus.watchlist), sentiment.load())
    chances = attitudes_of(cross_validate(seen, [(plain, WEIGHTS["plain"])]))
    said = chances.argmax(axis=1)
    copied = seen.sentiment.argmax(axis=1)
    return attitudes(
        [
            Attitude(
                Judgement(
                    unit=int(seen.posts[place]),
                    gold=LABELS[seen.labels[place]],
                    said=LABELS[said[place]],
                    confidence=float(chances[place].max()),
                    probabilities=tuple(map(float, chances[place])),
                ),
                {"sentiment-copied": LABELS[copied[place]], "by-kind": rule_by_kind(kind)},
            )
            for place, kind in enumerate(seen.kinds)
        ]
    )


@cache
def _scorer() -> Scorer:
    return Scorer()


def _no_bad_rows(row: Unlabelled) -> None:
    raise AssertionError(f"line {row.line}: {row.reason}")


@dataclass(frozen=True)
class Figure:
    """One measured figure and the posts it rests on."""

    value: float
    posts: int


def figures(report: Report) -> dict[str, Figure]:
    """Return the figures of a report that have floors (or, for ``.ece``, ceilings), by name."""
    return dict(_figures(report))


def _figures(report: Report) -> Iterator[tuple[str, Figure]]:
    if report.sentiment is not None:
        found = report.sentiment
        yield from _some("sentiment.all", found.all, "accuracy", "weighted_f1", "macro_f1", "ece")
        for language, one in found.language.items():
            if one.posts >= _FEWEST:
                yield from _some(f"sentiment.{language}", one, "weighted_f1", "macro_f1", "ece")
        if report.language is None:  # a corpus of sources, not the sample's platforms
            for source, one in found.source.items():
                yield from _some(f"sentiment.{source}", one, "macro_f1", "polar_f1")
    if report.language is not None:
        whole = report.language.all
        yield from _some("language.all", whole, "accuracy", "macro_f1", "ece")
        for label, own in whole.labels.items():
            if own.support >= _FEWEST:
                yield f"language.{label}.f1", Figure(own.f1, own.support)
    if report.targets is not None:
        yield from _attitudes("targets", report.targets)
        yield from _attitudes("targets-unseen", unseen_attitudes())


def _attitudes(prefix: str, found: Attitudes) -> Iterator[tuple[str, Figure]]:
    yield from _some(f"{prefix}.all", found.model.all, "accuracy", "macro_f1", "ece")
    apart = found.compared["model"].differing
    if apart is not None:
        yield from _some(f"{prefix}.differing", apart, "accuracy", "macro_f1")


#: A group smaller than this has no floor of its own: one post would move it too far.
_FEWEST = 60


def _some(prefix: str, found: Figures, *names: str) -> Iterator[tuple[str, Figure]]:
    for name in names:
        value = getattr(found, name)
        number = value.value if isinstance(value, Interval) else value
        yield f"{prefix}.{name}", Figure(number, found.judgements)

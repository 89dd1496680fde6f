"""The quality gate: the shipped model reaches what it reached when its floors were pinned."""

from __future__ import annotations

import pytest

from pipelines.evaluation import Report
from tests.quality import floors
from tests.quality.corpora import CORPORA, Corpus, figures, measured, unseen_attitudes


def report_on(corpus: Corpus) -> Report:
    if not corpus.path.exists():
        pytest.skip(f"{corpus.file} is not in the data folder (MARSAD_DATA names another)")
    return measured(corpus.name)


@pytest.mark.parametrize("name", CORPORA)
def test_the_shipped_model_reaches_its_floors(name: str) -> None:
    report = report_on(CORPORA[name])
    wrong = floors.complaints(floors.read()[name], report.data.sha256, figures(report))
    assert not wrong, f"{name}, {report.model}:\n" + "\n".join(wrong)


def test_the_floors_cover_what_the_goals_speak_of() -> None:
    pinned = floors.read()
    assert set(pinned) == set(CORPORA)
    for name in (
        "sentiment.ary.weighted_f1",
        "sentiment.ary-Latn.macro_f1",
        "sentiment.arq.weighted_f1",
        "sentiment.umsab_french.macro_f1",
        "sentiment.umsab_arabic.macro_f1",
        "sentiment.umsab_english.macro_f1",
        "sentiment.arsarcasm_v2.polar_f1",
        "sentiment.fr.ece",
    ):
        assert name in pinned["sentiment-dev"].floors
    assert "language.all.macro_f1" in pinned["language-dev"].floors
    for name in ("sentiment.all.macro_f1", "language.all.macro_f1", "targets-unseen.all.macro_f1"):
        assert name in pinned["sample"].floors


@pytest.mark.parametrize("where", ["all", "differing"])
def test_attitudes_to_entities_are_told_better_than_by_simple_rules(where: str) -> None:
    """Measured on posts that the attitudes were not learned from (cross-validation)."""
    found = unseen_attitudes()
    scores = {way: getattr(one, where).macro_f1.value for way, one in found.compared.items()}
    model = scores.pop("model")
    assert scores
    assert all(model > score for score in scores.values()), scores

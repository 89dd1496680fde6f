"""What the invented training posts of morocco-2016 promise: fiction, labels, no sample posts."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from ingest.watchlist import loader as watchlist
from nlp.targets import CLASSES
from pipelines.stages import Finder
from pipelines.train_targets import labelled

FOLDER = Path(__file__).parents[2] / "ingest" / "watchlists" / "morocco-2016"
LANGUAGES = {"fr", "ar", "ary", "ary-Latn", "arq", "arq-Latn", "en", "mixed"}
#: The closest pair of a training and a sample post reaches 0.28, of two training posts 0.42.
SAMPLE, TRAINING = 0.3, 0.43


def rows(name: str) -> list[dict]:
    with (FOLDER / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def grams(text: str) -> frozenset[str]:
    text = text.casefold()
    return frozenset(text[i : i + 4] for i in range(len(text) - 3))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared four-letter sequences (Jaccard)."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def test_every_post_says_that_it_is_fictional_and_has_both_labels() -> None:
    posts = rows("training.ndjson")
    assert len({post["id"] for post in posts}) == len(posts)
    for post in posts:
        assert post["fictional"] is True
        assert post["labels"]["language"] in LANGUAGES
        assert post["labels"]["sentiment"] in {"negative", "neutral", "positive"}
        assert post["text"].strip() == post["text"] != ""


def test_no_post_is_one_of_the_sample_archive_or_another_training_post() -> None:
    sample = [grams(post["text"]) for post in rows("sample.ndjson")]
    training = [grams(post["text"]) for post in rows("training.ndjson")]
    for place, one in enumerate(training):
        assert all(likeness(one, other) < SAMPLE for other in sample)
        assert all(likeness(one, other) < TRAINING for other in training[:place])


def test_no_text_holds_an_address_a_number_or_an_account_that_may_be_somebodys() -> None:
    for post in rows("training.ndjson"):
        assert not re.search(r"[\w.+-]+@[\w-]+\.\w+|https?://|(?:\+212|\b0[67])\d{8}", post["text"])
        assert set(re.findall(r"@\w+", post["text"])) <= {"@user"}


def test_the_counts_in_the_documentation_are_those_of_the_file() -> None:
    posts = rows("training.ndjson")
    text = (FOLDER / "SAMPLE.md").read_text("utf-8")
    labels = Counter(post["labels"]["sentiment"] for post in posts)
    languages = Counter(post["labels"]["language"] for post in posts)
    said = f"\n{labels['negative']} negative, {labels['neutral']} neutral, {labels['positive']} pos"
    assert said in text
    assert f"{len(posts):,} more invented posts" in text
    assert f"{languages['ary-Latn']}\n`ary-Latn`, {languages['ary']} `ary`" in text


def test_attitudes_in_plain_words_are_fiction_like_no_other_post() -> None:
    posts = rows("attitudes.ndjson")
    assert len({post["id"] for post in posts}) == len(posts)
    sample, training, own = (
        [grams(post["text"]) for post in rows(f"{name}.ndjson")]
        for name in ("sample", "training", "attitudes")
    )
    for place, post in enumerate(posts):
        assert post["fictional"] is True
        assert post["labels"]["language"] in LANGUAGES
        assert set(post["labels"]["targets"].values()) <= set(CLASSES)
        one = own[place]
        assert all(likeness(one, other) < SAMPLE for other in sample), post["text"]
        assert all(likeness(one, other) < TRAINING for other in training + own[:place]), post[
            "text"
        ]


def test_every_attitude_in_plain_words_is_one_to_an_entity_that_is_found() -> None:
    for post, found in zip(
        rows("attitudes.ndjson"), labelled(FOLDER / "attitudes.ndjson", str(FOLDER)), strict=True
    ):
        labels = post["labels"]["targets"]
        entities = {mention.entity for mention in found.mentions}
        meant = {entity for entity, label in labels.items() if label != "not-this-entity"}
        assert meant <= entities <= set(labels), post["text"]


def test_most_words_that_mean_something_else_are_no_mention() -> None:
    posts = labelled(FOLDER / "attitudes.ndjson", str(FOLDER))
    others = [
        any(mention.entity == entity for mention in post.mentions)
        for post in posts
        for entity, label in post.targets.items()
        if label == "not-this-entity"
    ]
    assert len(others) == 35
    assert sum(others) <= 8


#: Invented sentences: what is named in plain words, and what is none of it.
PLAIN = {
    "شركات التيليفون كيقطعو الخط": {"operators"},
    "cherikat dyal telephone kay9et3o lkhet": {"operators"},
    "had cherikat ma kayjawbouch": {"operators"},
    "mon opérateur coupe le soir": {"operators"},
    "cherikat assurance": set(),
    "il cherche un poste d'opérateur de saisie": set(),
    "le wifi du café est gratuit": set(),
    "chft had lkhbar f internet": set(),
    "un téléphone 4g pas cher ?": set(),
    "wifi dyalna khayb": {"internet-service"},
    "la 4g est en panne": {"internet-service"},
    "الانترنت مقطوعة من الصباح": {"internet-service"},
}


@pytest.mark.parametrize(("text", "wanted"), PLAIN.items())
def test_companies_and_services_in_plain_words(text: str, wanted: set[str]) -> None:
    finder = Finder(watchlist.load(str(FOLDER)))
    assert {mention.entity for mention in finder.mentions(text)} == wanted


def test_the_counts_of_attitudes_in_the_documentation_are_those_of_the_file() -> None:
    posts = rows("attitudes.ndjson")
    text = (FOLDER / "SAMPLE.md").read_text("utf-8")
    labels = [label for post in posts for label in post["labels"]["targets"].values()]
    assert f"{len(posts)} invented posts" in text
    assert f"{len(labels)} attitudes" in text

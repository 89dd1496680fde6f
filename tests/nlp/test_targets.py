"""The attitude of a post towards what it mentions, and the scorer that joins all models."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import features, linear, targets
from nlp.errors import ModelError
from nlp.score import Scorer, label_of
from nlp.sentiment import SentimentModel, load
from nlp.targets import Mentioned, TargetModel, describe, subjects
from nlp.training import named as real_posts
from nlp.training import targets as training
from nlp.training.fit import arrays_of
from nlp.training.named import Labelled
from nlp.training.named import Named as TrainingMention
from nlp.training.targets import cross_validate, examples, report, train
from pipelines.train_targets import labelled

CASE = Path(__file__).parents[2] / "ingest" / "watchlists" / "morocco-2016"


class Mention(NamedTuple):
    entity: str
    kind: str
    start: int
    end: int


def named(text: str, **kinds: str) -> tuple[Mention, ...]:
    """Return the mentions of the words `kinds` names, with their kinds."""
    return tuple(
        Mention(word, kind, text.index(word), text.index(word) + len(word))
        for word, kind in kinds.items()
    )


@cache
def shipped() -> SentimentModel:
    """Return the shipped sentiment model, as posts meet it."""
    return load(threads=1)


def attitudes(texts: Sequence[str], mentions: Sequence[Sequence[Mention]]) -> list[dict[str, str]]:
    sentiment = shipped().predict(texts).astype(np.float64)
    scored = targets.load().attitudes(texts, mentions, sentiment)
    return [{score.entity: label_of(np.array(score[1:])) for score in row} for row in scored]


def test_two_entities_of_one_post_can_meet_different_attitudes() -> None:
    text = "acme a coupé whats, quelle honte pour acme, service nul"
    [found] = attitudes([text], [named(text, acme="operator", whats="app")])
    assert found == {"acme": "negative", "whats": "neutral"}


def test_praise_of_an_operator_is_not_turned_into_blame() -> None:
    text = "merci acme, excellent service, très content, bravo"
    [found] = attitudes([text], [named(text, acme="operator")])
    assert found == {"acme": "positive"}


def test_the_name_itself_says_nothing() -> None:
    mood = linear.load().predict(["x"]).astype(np.float64)
    rows = []
    for name in ("acme", "zzzz"):
        text = f"le réseau de {name} est mort"
        mentions = [named(text, **{name: "operator"})]
        rows.append(describe([text], mentions, subjects(mentions), mood, linear.load()))
    assert np.allclose(rows[0], rows[1])


def test_an_entity_named_twice_has_one_attitude_in_order_of_first_mention() -> None:
    text = "whats whats acme whats"
    mentions = (
        Mention("acme", "operator", 12, 16),
        Mention("whats", "app", 17, 22),
        Mention("whats", "app", 0, 5),
    )
    [found] = attitudes([text], [mentions])
    assert list(found) == ["whats", "acme"]


def test_a_post_that_mentions_nothing_has_no_attitudes() -> None:
    assert attitudes(["salam", "labas"], [(), ()]) == [{}, {}]
    assert attitudes([], []) == []


def test_an_unknown_kind_is_taken_for_a_topic() -> None:
    text = "le festival commence demain"
    one, other = (named(text, festival=kind) for kind in ("topic", "something new"))
    sentiment = np.full((1, 3), 1 / 3)
    model = targets.load()
    assert model.attitudes([text], [one], sentiment) == model.attitudes([text], [other], sentiment)


class Seen:
    """A linear model that keeps what it is asked about."""

    def __init__(self) -> None:
        self.views: list[str] = []

    def predict(self, views: Sequence[str]) -> np.ndarray:
        self.views = list(views)
        return np.full((len(views), 3), 1 / 3, dtype=np.float32)


def views(text: str, mentions: Sequence[Mention]) -> list[str]:
    seen = Seen()
    describe([text], [mentions], subjects([mentions]), np.full((1, 3), 1 / 3), seen)  # type: ignore[arg-type]
    return seen.views


def nearest(text: str, mention: Mentioned, mentions: Sequence[Mention]) -> tuple[str, str]:
    """Return the first two views of one mention, looked for in the plainest way."""
    breaks = [found.span() for found in targets._BREAK.finditer(text)]
    left = max((end for _, end in breaks if end <= mention.start), default=0)
    right = min((begin for begin, _ in breaks if begin >= mention.end), default=len(text))
    others = [other for other in mentions if other.entity != mention.entity]
    near = max([left, *(other.end for other in others if other.end <= mention.start)])
    until = min([right, *(other.start for other in others if other.start >= mention.end)])
    return (
        f"{text[near : mention.start]} {text[mention.end : until]}",
        f"{text[left : mention.start]} {text[mention.end : right]}",
    )


@given(
    st.text("ab ,!\n-", max_size=40),
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 40), st.integers(1, 5)), min_size=1),
)
def test_each_mention_is_read_up_to_the_next_break_and_up_to_the_next_other_entity(
    text: str, places: list[tuple[str, int, int]]
) -> None:
    mentions = [
        Mention(name, "app", min(start, len(text)), min(start + size, len(text)))
        for name, start, size in places
    ]
    seen = views(text, mentions)
    for number, subject in enumerate(subjects([mentions])):
        parts = [nearest(text, mention, mentions) for mention in subject.mentions]
        found = seen[4 * number], seen[4 * number + 1]
        for view, joined in zip(found, map(" ".join, zip(*parts, strict=True)), strict=True):
            assert view[: features.MAX_CHARACTERS] == joined[: features.MAX_CHARACTERS]


@pytest.mark.parametrize("line", ["acme w ", "acme, ", "acme w whats "])
def test_a_post_that_names_an_entity_thousands_of_times_costs_no_more_than_is_read(
    line: str,
) -> None:
    text = line * 3_000
    mentions = [
        Mention(word, "app", found.start(), found.end())
        for word in ("acme", "whats")
        for found in re.finditer(word, text)
    ]
    assert max(map(len, views(text, mentions))) <= 4 * features.MAX_CHARACTERS


@given(
    st.text(alphabet=st.characters(exclude_categories=())),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50), st.integers(0, 9)), max_size=6),
)
def test_any_text_and_any_offsets_give_probabilities(
    text: str, places: list[tuple[str, int, int]]
) -> None:
    mentions = [Mention(name, "app", start, start + size) for name, start, size in places]
    [scores] = targets.load().attitudes([text], [mentions], np.full((1, 3), 1 / 3))
    assert {score.entity for score in scores} == {name for name, _, _ in places}
    for score in scores:
        assert sum(score[1:]) == pytest.approx(1)
        assert all(0 <= chance <= 1 for chance in score[1:])


def test_a_model_trained_beside_another_linear_model_is_refused(tmp_path: Path) -> None:
    _, marked = arrays_of(training.MARKED, np.zeros((training.MARKED.size, 4)), np.zeros(4), 16)
    np.savez(
        tmp_path / "targets.npz",
        features=np.int64(features.VERSION),
        weights=np.zeros((1, 4)),
        bias=np.zeros(4),
        moods=np.array("linear-00000000"),
        **{f"marked_{name}": array for name, array in marked.items()},
    )
    with pytest.raises(ModelError, match=r"linear-00000000.*train it again"):
        TargetModel(tmp_path / "targets.npz")


class Plain:
    """A sentiment model without an opinion."""

    version = "plain"

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        return np.full((len(texts), 3), 1 / 3, dtype=np.float32)


def test_training_writes_a_model_and_measures_it_on_posts_it_did_not_see(tmp_path: Path) -> None:
    posts = []
    for number in range(40):
        text = (
            f"acme {'est nul, honte' if number % 2 else 'est excellent, bravo'} mais whats {number}"
        )
        label = "negative" if number % 2 else "positive"
        mentions = tuple(
            TrainingMention(*mention) for mention in named(text, acme="operator", whats="app")
        )
        posts.append(Labelled(text, mentions, {"acme": label, "whats": "neutral"}))
    figures = train(posts, tmp_path / "targets.npz", Plain())
    sample = figures["sample"]
    assert sample["differing"]["entities"] == 80
    assert sample["all"]["learned"]["accuracy"] > 0.9
    assert sample["all"]["the post's sentiment"]["accuracy"] == 0.25
    model = TargetModel(tmp_path / "targets.npz")
    assert model.version.startswith("targets-")


def test_posts_in_plain_words_teach_what_the_sample_lacks_and_are_measured_apart(
    tmp_path: Path,
) -> None:
    """In the sample all apps are neutral, whatever is said of them."""

    def posts(words: dict[str, str], kind: str) -> list[Labelled]:
        return [
            Labelled(f"acme {said}", tuple(TrainingMention(*m) for m in named("acme", acme=kind)),
                     {"acme": label})
            for said, label in words.items()
        ]  # fmt: skip

    good, bad = "est excellent, bravo {}", "est nul, honte {}"
    sample = posts({bad.format(n): "negative" for n in range(30)}, "operator")
    sample += posts({good.format(n): "neutral" for n in range(30)}, "app")
    plain = posts({bad.format(n): "negative" for n in range(30, 60)}, "app")
    plain += posts({good.format(n): "positive" for n in range(30, 60)}, "operator")
    figures = train(sample, tmp_path / "targets.npz", linear.load(), plain=plain)
    assert figures["sample"]["all"]["entities"] == figures["plain"]["all"]["entities"] == 60
    told = figures["plain"]["recall"]
    assert told["app"]["negative"][1] == told["operator"]["positive"][1] == 30
    assert told["app"]["negative"][0] > 20
    assert told["operator"]["positive"][0] > 20


def test_the_learner_beats_both_rules_on_the_sample_archive() -> None:
    model = linear.load()
    seen = examples(labelled(CASE / "sample.ndjson", str(CASE)), model)
    plain = examples(labelled(CASE / "attitudes.ndjson", str(CASE)), model)
    figures = report(seen, cross_validate(seen, [(plain, training.WEIGHTS["plain"])]))
    for part, margin in (("all", 0.12), ("differing", 0.12)):
        learned = figures[part].pop("learned")["macro_f1"]
        figures[part].pop("entities")
        for rule, figure in figures[part].items():
            assert learned > figure["macro_f1"] + margin, (part, rule)


def test_training__looks_closer_at_posts_whose_attitudes_differ() -> None:
    texts = ["acme bien, whats mal", "acme et whats bien"]
    posts = [
        Labelled(
            text,
            tuple(TrainingMention(*m) for m in named(text, acme="operator", whats="app")),
            {"acme": "positive", "whats": label},
        )
        for text, label in zip(texts, ("negative", "positive"), strict=True)
    ]
    weights = training.weights_of(examples(posts, linear.load()), 2.0)
    assert weights[2:].tolist() == [2.0, 2.0]
    assert (weights[:2] > 2.0).all()


def test_training__learns_which_mentions_mean_something_else(tmp_path: Path) -> None:
    def post(text: str, label: str) -> Labelled:
        return Labelled(
            text,
            tuple(TrainingMention(*m) for m in named(text, net="topic")),
            {"net": label},
        )

    posts = [post(f"le net est lent chez moi {n}", "negative") for n in range(30)]
    posts += [post(f"vu une recette sur le net hier {n}", "not-this-entity") for n in range(30)]
    figures = train(posts, tmp_path / "targets.npz", Plain())
    assert figures["sample"]["not-this-entity"]["dropped"] > 25
    assert figures["sample"]["not-this-entity"]["dropped wrongly"] < 5


def test_marked__shows_the_words_around_a_mention_without_its_name() -> None:
    text = "acme a coupé whats hier"
    mentions = [named(text, acme="operator", whats="app")]
    shown = targets.marked([text], mentions, subjects(mentions))
    assert [" ".join(one.split()) for one in shown] == [
        "thisoperatormark a coupé otherappmark hier",
        "otheroperatormark a coupé thisappmark hier",
    ]


def test_real_posts__names_are_found_as_whole_words_in_both_scripts() -> None:
    [found] = real_posts.find("صباح الخير جيزي", "djezzy")
    assert (found.start, found.end, found.kind) == (11, 15, "operator")
    assert real_posts.find("ربي يجازيك", "djezzy") == []
    assert real_posts.find("vu sur tik tok", "tiktok")[0][2:] == (7, 14)


def test_real_posts__for_non_commercial_use_are_left_out_where_weights_are_free(
    tmp_path: Path,
) -> None:
    (tmp_path / "targets").mkdir()
    with gzip.open(tmp_path / "targets" / "read.jsonl.gz", "wt", encoding="utf-8") as file:
        for source in ("dz_brands", "twifil-train", "smartly-x"):
            item = {"source": source, "text": f"djezzy {source}", "targets": {"djezzy": "neutral"}}
            file.write(json.dumps(item) + "\n")
    assert len(real_posts.read(tmp_path)) == 3
    assert [post.text for post in real_posts.read(tmp_path, "free")] == ["djezzy dz_brands"]


def test_the_file_of_a_training_sample_may_bring_its_mentions(tmp_path: Path) -> None:
    item = {
        "text": "acme",
        "mentions": [["acme", "operator", 0, 4]],
        "labels": {"targets": {"acme": "neutral"}},
    }
    (tmp_path / "posts.ndjson").write_text(json.dumps(item), encoding="utf-8")
    [post] = training.read(tmp_path / "posts.ndjson")
    assert post == Labelled(
        "acme", (TrainingMention("acme", "operator", 0, 4),), {"acme": "neutral"}
    )


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


def test_equal_posts_have_equal_scores_and_stay_in_place(scorer: Scorer) -> None:
    text = "acme a coupé whats, quelle honte"
    mentions = named(text, acme="operator", whats="app")
    texts = [text, "salam", text, text]
    first, second, third, fourth = scorer.score(texts, [mentions, (), mentions, ()])
    assert first == third
    assert second.targets == fourth.targets == ()
    assert first.probabilities == fourth.probabilities
    assert [target.entity for target in first.targets] == ["acme", "whats"]


def test_a_post_without_words_is_scored_too(scorer: Scorer) -> None:
    for found in scorer.score(["", "\0", "😡", "\ud800"], [()] * 4):
        assert found.language == "other"
        assert sum(found.probabilities) == pytest.approx(1, abs=1e-5)


def test_the_version_names_all_three_models(scorer: Scorer) -> None:
    sentiment, _, rest = scorer.version.partition("+")
    assert sentiment
    assert len(rest) == 8


def test_of_equal_probabilities_neutral_wins_then_negative() -> None:
    assert label_of(np.array([0.4, 0.4, 0.2])) == "neutral"
    assert label_of(np.array([0.2, 0.4, 0.4])) == "neutral"
    assert label_of(np.array([0.4, 0.2, 0.4])) == "negative"
    assert label_of(np.array([0.2, 0.3, 0.5])) == "positive"

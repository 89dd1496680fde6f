"""Corrected shares are right where the truth is known."""

import random
from datetime import UTC, datetime

import numpy as np
import pytest

from ingest.records import Sentiment
from pipelines.analysis import quantify
from pipelines.analysis.correction import FEWEST_LABELS, LabelledSum, correct
from pipelines.analysis.people import Gold, gold, overall, selected_by
from pipelines.analysis.ppi import share
from pipelines.analysis.remarks import remarks
from pipelines.analysis.series import Counting, compare, trend_series
from pipelines.analysis.skew import skew
from pipelines.analysis.words import in_words
from pipelines.query import All, parse
from pipelines.records import Hit, HumanLabel, Sum
from pipelines.stores.sqlite import SqliteStore
from tests.pipelines import studies
from tests.pipelines.stored_posts import ZONE, account, fill, post

NOW = datetime(2016, 3, 1, tzinfo=UTC)


# The method, on simulated studies (the long run is `make bench`)


def test_correction__is_nearer_to_the_truth_than_counting_and_its_intervals_hold():
    found = studies.simulate(range(10), ("ary-Latn", "ary", "fr"), 200, kept=200)
    assert found.corrected.mean() < 0.9 * found.counted.mean()
    assert found.better >= 0.7  # ten studies; 500 are measured by the bench
    assert 0.90 <= found.held.mean() <= 0.99


def test_draws__are_the_same_for_the_same_counts():
    one = studies.study(3, ("fr",), 150, studies.confusion(("fr",)))
    counts = quantify.Counts(
        one.counts.sum(axis=3).reshape(-1, 3),
        one.labelled.reshape(-1, 3, 3),
        np.zeros(studies.DAYS, dtype=np.int64),
    )
    first, second = quantify.sample(counts, kept=20), quantify.sample(counts, kept=20)
    assert (first.shares == second.shares).all()
    assert np.allclose(first.confusion.sum(axis=3), 1)


def test_draws__more_labels_than_posts_are_refused():
    labelled = np.zeros((1, 3, 3), dtype=np.int64)
    labelled[0, 1, 1] = 2
    counts = quantify.Counts(np.array([[5, 1, 0]]), labelled, np.zeros(1, dtype=np.int64))
    with pytest.raises(ValueError, match="more labelled posts than posts"):
        quantify.sample(counts)


def test_log_gamma__is_that_of_the_standard_library():
    import math

    for x in (1e-3, 0.5, 1.0, 3.7, 80.0, 1e4):
        assert quantify._log_gamma(np.array([x]))[0] == pytest.approx(math.lgamma(x), abs=1e-7)


# Sums


def sums(day, negative, neutral, positive, language="fr"):
    counts = {"negative": negative, "neutral": neutral, "positive": positive}
    return [
        Sum(day, "", language, label, many, many / 2, many / 4, many / 4)
        for label, many in counts.items()
        if many
    ]


def labelled(day, predicted, label, posts, language="fr"):
    return LabelledSum(day, "", language, predicted, label, posts)


def test_correct__with_too_few_labels_says_nothing():
    few = [labelled("2016-02-27", "neutral", "negative", FEWEST_LABELS - 1)]
    assert correct(sums("2016-02-27", 300, 300, 300), few) is None


def test_correct__moves_shares_to_what_people_say():
    found = correct(
        sums("2016-02-27", 400, 400, 200) + sums("2016-02-28", 200, 200, 100),
        [
            labelled("2016-02-27", "negative", "negative", 40),
            labelled("2016-02-27", "neutral", "negative", 30),  # the model misses their anger
            labelled("2016-02-27", "neutral", "neutral", 10),
            labelled("2016-02-27", "positive", "positive", 20),
        ],
    )
    assert found is not None
    assert (found.labels, found.languages) == (100, {"fr": 100})
    for day in ("2016-02-27", "2016-02-28"):
        negative = found.estimates[day, ""].negative
        assert 0.5 < negative.low < negative.value < negative.high < 0.85
        assert 0.62 < negative.value < 0.75


# The whole query


def test_ppi__is_right_although_the_model_is_wrong_and_holds_95_times_in_100():
    draw = random.Random(5)
    held = 0
    for _ in range(400):
        truth = [draw.random() < 0.7 for _ in range(2000)]
        model = [draw.uniform(0.2, 0.7) if true else draw.uniform(0, 0.4) for true in truth]
        chosen = draw.sample(range(2000), 150)
        found = share(
            [float(truth[n]) for n in chosen],
            [model[n] for n in chosen],
            [1.0] * 150,
            sum(model) / 2000,
            2000,
        )
        held += found.low <= 0.7 <= found.high
    assert 370 <= held <= 394


def test_ppi__a_good_model_makes_the_interval_narrower():
    truth = [float(n % 10 < 6) for n in range(200)]
    good = [0.9 if one else 0.1 for one in truth]
    widths = []
    for model in (good, [0.5] * 200):
        found = share(truth, model, [1.0] * 200, sum(model) / 200, 100_000)
        widths.append(found.high - found.low)
    assert widths[0] < 0.25 * widths[1]


def test_ppi__weights_undo_a_sample_that_took_one_stratum_more_often():
    # 900 posts of which a ninth are negative, 100 that all are; 50 of each are labelled
    truth = [float(n % 9 == 0) for n in range(54)] + [1.0] * 50
    weights = [900 / 54] * 54 + [100 / 50] * 50
    found = share(truth, [0.5] * 104, weights, 0.5, 1000)
    assert found.value == pytest.approx(0.2)


@pytest.mark.parametrize(("said", "bounds"), [(1.0, (0.969, 1.0)), (0.0, (0.0, 0.031))])
def test_ppi__is_not_sure_where_all_labels_agree(said, bounds):
    found = share([said] * 120, [0.9, 0.8] * 60, [1.0] * 120, 0.85, 5000)
    assert (found.low, found.high) == pytest.approx(bounds, abs=0.001)  # Wilson's for 120 answers


def test_ppi__a_share_that_is_corrected_to_nearly_nothing_is_not_less_certain():
    """The model says 3 % of what is labelled, and less and less of all posts."""
    truth = [1.0] * 3 + [0.0] * 97
    model = [0.9] * 3 + [0.02] * 97
    highs = [share(truth, model, [1.0] * 100, mean, 5000).high for mean in (0.046, 0.03, 0.02)]
    highs += [share(truth, model, [1.0] * 100, mean, 5000).high for mean in (0.019, 0.0185, 0.018)]
    assert highs == sorted(highs, reverse=True)
    assert highs[0] < 0.1


def test_ppi__holds_a_rare_label_95_times_in_100():
    draw = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        truth = draw.random(5000) < 0.03
        model = np.where(truth, draw.uniform(0.3, 1, 5000), draw.uniform(0, 0.1, 5000))
        chosen = draw.choice(5000, 100, replace=False)
        found = share(truth[chosen], model[chosen], [1.0] * 100, float(model.mean()), 5000)
        held += found.low <= truth.mean() <= found.high
    assert 368 <= held <= 394


# From the store


def label(name, said, coder="A", aspect="sentiment"):
    return HumanLabel(post=name, coder=coder, aspect=aspect, label=said, at=NOW)


@pytest.fixture
def store(tmp_path):
    posts = [post(n, f"text {n}", label="neutral" if n % 2 else "negative") for n in range(240)]
    path = fill(tmp_path / "t.db", posts)
    with SqliteStore(path, timezone=ZONE) as opened:
        yield opened


def series(store, query="", **options):
    from zoneinfo import ZoneInfo

    return trend_series(store, parse(query), "day", zone=ZoneInfo(ZONE), **options)


def test_series__without_labels_is_what_the_model_says_and_says_so(store):
    found = series(store)
    assert (found.corrected, found.labels, found.overall) == (False, 0, {})
    assert found.rows[0].negative == 0.45
    assert "not corrected" in "\n".join(map(in_words, remarks(found)))


def test_series__is_corrected_with_a_hundred_labels(store):
    ids = [hit.post.id for hit in store.scan(All())]
    store.put_labels([label(name, "negative") for name in ids[:120]])
    found = series(store)
    assert (found.corrected, found.labels, found.label_languages) == (True, 120, {"ary-Latn": 120})
    assert found.rows[0].negative > 0.9
    assert found.rows[0].corrected
    assert found.overall["negative"].value > 0.9
    assert found.model_overall["negative"] == pytest.approx(0.45)
    text = "\n".join(map(in_words, remarks(found)))
    assert "corrected for the model's errors with 120 labels" in text
    assert "the model alone says 45%" in text
    assert not series(store, correction=False).corrected


def test_series__says_of_all_posts_only_what_counts_each_of_them_once(tmp_path):
    """By hashtag a post counts for each of its tags, and only the largest groups are shown."""
    posts = [
        post(n, f"text {n}", label="neutral", hashtags=("one", "two") if n < 40 else ("three",))
        for n in range(120)
    ]
    ids = [one.id for one in posts]
    with SqliteStore(fill(tmp_path / "t.db", posts), timezone=ZONE) as opened:
        opened.put_labels([label(name, "negative") for name in ids])
        whole = series(opened)
        tags = series(opened, split="hashtag")
        authors = series(opened, split="author")
    assert whole.corrected
    assert whole.overall["negative"].value > 0.9
    assert sum(row.posts for row in tags.rows) == 160
    assert authors.hidden_groups == 100
    for one in (tags, authors):
        assert (one.overall, one.model_overall) == ({}, {})


def test_series__is_corrected_with_labels_of_posts_that_count(tmp_path):
    posts = [post(n, f"text {n}", label="neutral") for n in range(110)]
    posts += [post(200 + n, f"RT @somebody: {n}", label="neutral") for n in range(110)]
    posts += [post(400 + n, "ever the same", author=account(7)) for n in range(110)]
    said = {one.id: "negative" if one in posts[:110] else "positive" for one in posts}
    with SqliteStore(fill(tmp_path / "t.db", posts), timezone=ZONE) as opened:
        opened.put_labels([label(name, one) for name, one in said.items()])
        found = series(opened, counting=Counting(reposts=False))
    assert (found.rows[0].posts, found.labels) == (111, 111)
    assert found.rows[0].negative > 0.95
    assert found.overall["negative"].value > 0.95


def test_series__counts_the_label_of_a_post_with_two_hashtags_once(tmp_path):
    posts = [post(n, f"text {n}", hashtags=("one", "two")) for n in range(60)]
    with SqliteStore(fill(tmp_path / "t.db", posts), timezone=ZONE) as opened:
        opened.put_labels([label(one.id, "negative") for one in posts[:50]])
        found = series(opened, split="hashtag")
    assert (found.labels, found.corrected) == (50, False)
    assert found.label_languages == {"ary-Latn": 50}


@pytest.fixture
def attitudes(tmp_path):
    """Negative on one entity as the model says, never on the other; both labelled by people."""
    posts = [post(n, f"text {n}", towards={"inwi": "negative"}) for n in range(150)]
    posts += [post(200 + n, f"mot {n}", towards={"vpn": "positive"}) for n in range(150)]
    said = [label(one.id, "neutral", aspect="target:inwi") for one in posts[:120]]
    with SqliteStore(fill(tmp_path / "t.db", posts), timezone=ZONE) as opened:
        opened.put_labels(said)
        yield opened


def test_series__by_entity_is_corrected_with_the_labels_of_that_entity(attitudes):
    both = series(attitudes, split="entity")
    assert (both.corrected, both.lacking, both.labels) == (False, "vpn", 0)
    assert "no labels of the attitude to vpn" in "\n".join(map(in_words, remarks(both)))
    alone = series(attitudes, "entity:inwi", split="entity", groups=["inwi"])
    assert (alone.corrected, alone.labels) == (True, 120)
    assert alone.rows[0].neutral > 0.9
    ids = [hit.post.id for hit in attitudes.scan(parse("entity:vpn"))]
    attitudes.put_labels([label(name, "positive", aspect="target:vpn") for name in ids[:110]])
    both = series(attitudes, split="entity")
    shares = {row.group: row for row in both.rows}
    assert both.corrected
    assert shares["inwi"] == alone.rows[0]  # one number for a figure, whatever stands beside it
    assert shares["vpn"].positive > 0.9


def test_series__has_no_figure_for_all_posts_from_labels_of_some(attitudes):
    """A sample of the posts on one entity is none of all posts."""
    ids = [hit.post.id for hit in attitudes.scan(parse("entity:inwi"))]
    attitudes.put_labels([label(name, "negative") for name in ids[:120]])
    found = series(attitudes)
    assert (found.corrected, found.overall) == (True, {})
    assert found.skew == ("inwi", 1.0, 0.5)
    assert "100% of them mention inwi, 50% of all posts do" in "\n".join(
        map(in_words, remarks(found))
    )
    ids = [hit.post.id for hit in attitudes.scan(parse("entity:vpn"))]
    attitudes.put_labels([label(name, "negative") for name in ids[:110]])
    both = series(attitudes)
    assert both.skew is None
    assert both.overall["negative"].value > 0.9
    assert series(attitudes, "entity:inwi").overall


def test_series__takes_a_sample_for_one_however_repeats_and_reposts_count(tmp_path):
    """Samples are drawn from all posts, so they are held against all."""
    posts = [
        post(n, "Bonjour, voyez votre message", towards={"inwi": "neutral"}, author=account(999))
        for n in range(100)
    ]
    posts += [post(100 + n, f"RT @a text {n}", towards={"inwi": "negative"}) for n in range(100)]
    posts += [post(200 + n, f"text {n}") for n in range(300)]
    with SqliteStore(fill(tmp_path / "t.db", posts), timezone=ZONE) as opened:
        opened.put_labels([label(one.id, "negative") for one in posts[::2]])
        once = series(opened)
        out = series(opened, counting=Counting(reposts=False))
    for found in (once, out):
        assert found.left.repeats == 99
        assert found.skew is None
        assert found.overall


def coded(entities, *, posts, weight=1.0):
    """Return so many labelled posts that mention these entities."""
    towards = dict.fromkeys(entities, "neutral")
    hit = Hit(post(1, towards=towards), day="2016-02-27")
    return [Gold(hit, "neutral", {}, weight)] * posts


def mentioned(entity, posts):
    return [Sum("2016-02-27", entity, "fr", "neutral", posts, 0.0, posts, 0.0)]


def test_skew__one_labelled_post_on_an_entity_that_is_rare_says_nothing():
    sample = coded(["rare"], posts=1) + coded([], posts=99)
    assert skew(sample, mentioned("rare", 1), mentioned("", 5000)) is None
    sample = coded(["rare"], posts=30) + coded([], posts=70)
    found = skew(sample, mentioned("rare", 40), mentioned("", 5000))
    assert found == ("rare", 0.3, 0.008)


def test_skew__posts_weigh_as_they_were_sampled():
    """Half of the labels are of a tenth of the posts: with their weights they are a sample."""
    few, many = {"posts": 60, "weight": 100 / 60}, {"posts": 60, "weight": 900 / 60}
    sample = coded(["vpn"], **few) + coded([], **many)
    assert skew(sample, mentioned("vpn", 100), mentioned("", 1000)) is None
    sample = coded(["vpn"], posts=60) + coded([], posts=60)
    assert skew(sample, mentioned("vpn", 100), mentioned("", 1000)) == ("vpn", 0.5, 0.1)


def test_compare__says_which_query_has_too_few_labels(store):
    from zoneinfo import ZoneInfo

    ids = [hit.post.id for hit in store.scan(All())]
    store.put_labels([label(name, "negative") for name in ids[:120]])
    queries = {"all": All(), "one": parse("id:" + ids[0])}
    found = compare(store, queries, "day", zone=ZoneInfo(ZONE))
    assert (found.corrected, found.lacking, found.labels) == (False, "one", 1)
    assert "(1 label of one; 100 of each query are needed" in "\n".join(
        map(in_words, remarks(found))
    )


def test_series__of_posts_chosen_by_their_label_has_no_shares(store):
    found = series(store, "sentiment:negative text")
    assert found.selected_by == "sentiment"
    assert (found.rows[0].posts, found.rows[0].negative) == (120, None)
    assert "would only repeat it" in "\n".join(map(in_words, remarks(found)))


@pytest.mark.parametrize(
    ("query", "split", "answer"),
    [
        ("sentiment:negative", "", "sentiment"),
        ("a OR -sentiment:negative", "", "sentiment"),
        ("sentiment:negative", "entity", ""),
        ("target:inwi=negative", "entity", "attitude"),
        ("target:inwi=negative", "", ""),
        ("inwi lang:fr", "", ""),
    ],
)
def test_selected_by__tells_which_label_chooses_posts(query, split, answer):
    assert selected_by(parse(query), split) == answer


def test_gold__is_what_most_coders_say(store):
    first, second, *_ = store.scan(All())
    pairs = [
        (first, [label("x", "negative", c) for c in "AB"] + [label("x", "neutral", "C")]),
        (second, [label("y", "negative"), label("y", "positive", "B")]),
    ]
    assert [one.sentiment for one in gold(pairs)] == ["negative", ""]


def test_overall__needs_a_hundred_labels(store):
    hits = list(store.scan(All()))[:99]
    people = gold([(hit, [label(hit.post.id, "negative")]) for hit in hits])
    assert overall(store.sums(All(), "day", ""), people) == {}
    assert isinstance(hits[0].post.sentiment, Sentiment)

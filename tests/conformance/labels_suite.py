"""What every store must do with labels of people, and with the weights of a ranking."""

from __future__ import annotations

import msgspec

from pipelines.query import All, parse
from pipelines.query.ranking import Clause
from pipelines.records import HumanLabel
from pipelines.stores.protocols import Order, Store
from tests.conformance.corpus import NOW, Feeder, drain, fill, post, tombstone


def label(name: str, said: str = "positive", coder: str = "A", **more: object) -> HumanLabel:
    given = {"post": name, "coder": coder, "aspect": "sentiment", "label": said, "at": NOW}
    return msgspec.convert({**given, **more}, HumanLabel)


def said(store: Store, query: str = "") -> dict[str, list[str]]:
    return {
        hit.post.id: [one.label for one in labels] for hit, labels in store.labelled(parse(query))
    }


class Labelling:
    def test_labels__come_back_with_the_posts_that_match(self, store: Store) -> None:
        fill(store)
        assert store.labelled(All()) == []
        given = [label("twitter:01"), label("twitter:02", "negative"), label("rss:12", "neutral")]
        assert store.put_labels(given) == 3
        assert said(store) == {
            "rss:12": ["neutral"],
            "twitter:01": ["positive"],
            "twitter:02": ["negative"],
        }
        assert said(store, "lang:ary") == {"twitter:02": ["negative"]}
        ((hit, (one,)),) = store.labelled(parse("lang:ary"))
        assert (hit.day, one) == ("2016-02-20", given[1])

    def test_labels__of_posts_that_are_not_there_are_not_stored(self, store: Store) -> None:
        fill(store)
        assert store.put_labels([label("twitter:01"), label("twitter:99")]) == 1
        assert list(said(store)) == ["twitter:01"]

    def test_labels__of_one_coder_replace_his_earlier_ones(self, store: Store) -> None:
        fill(store)
        store.put_labels([label("twitter:01", "negative"), label("twitter:01", "neutral", "B")])
        store.put_labels([label("twitter:01", "positive")])
        store.put_labels([label("twitter:01", "fr", aspect="language")])
        assert said(store) == {"twitter:01": ["fr", "positive", "neutral"]}

    def test_labels__stay_when_a_post_is_scored_again(self, store: Store) -> None:
        fill(store)
        store.put_labels([label("twitter:01")])
        store.requeue([hit.post for hit in store.scan(All())])
        drain(store, label="neutral")
        assert said(store) == {"twitter:01": ["positive"]}

    def test_labels__of_an_earlier_content_do_not_count(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1", "avant", version=1))
        drain(store)
        store.put_labels([label("t:1", digest="digest of avant")])
        assert said(store) == {"t:1": ["positive"]}
        feed(post("t:1", "après", version=2))
        drain(store)
        assert said(store) == {}

    def test_labels__are_deleted_with_their_post(self, store: Store) -> None:
        feed = Feeder(store)
        feed(post("t:1"), post("t:2"), post("t:3", author="u_other"))
        drain(store)
        store.put_labels([label("t:1"), label("t:2"), label("t:3")])
        store.delete([tombstone("t:1")])
        assert list(said(store)) == ["t:2", "t:3"]
        feed(tombstones=[tombstone(author="u_other")])
        assert list(said(store)) == ["t:2"]
        # nothing of them is left under the ids
        assert store.put_labels([label("t:1"), label("t:3")]) == 0


class Ranking:
    def test_best__adds_the_weights_of_the_clauses_that_match(self, store: Store) -> None:
        fill(store)
        clauses = [
            Clause(parse("inwi"), 300),
            Clause(parse("=honte"), 200),
            Clause(parse("lang:fr"), 7),
        ]
        found = store.best(parse("inwi OR honte"), clauses, 3)
        assert [(hit.post.id, weight) for hit, weight in found] == [
            ("twitter:01", 507),
            ("archive:set:07", 307),
            ("youtube:04", 300),
        ]

    def test_best__of_equal_weight_the_newest_come_first(self, store: Store) -> None:
        fill(store)
        found = store.best(parse("platform:twitter"), [Clause(parse("platform:twitter"), 5)], 2)
        assert [hit.post.id for hit, _ in found] == ["twitter:03", "twitter:02"]
        assert store.best(parse("nosuchword"), [Clause(parse("inwi"), 5)], 2) == []

    def test_ordered__has_the_oldest_or_the_most_first_and_the_unknown_last(
        self, store: Store
    ) -> None:
        fill(store)
        undated = ["archive:set:09", "archive:set:10"]
        newest = [hit.post.id for hit in store.search(All(), 100).hits if hit.day]

        def ids(query: str, order: Order, limit: int = 100, offset: int = 0) -> list[str]:
            return [hit.post.id for hit in store.ordered(parse(query), order, limit, offset)]

        assert ids("", "oldest") == [*newest[::-1], *undated]
        assert ids("", "oldest", 3, 9) == [newest[0], *undated]
        assert ids("honte", "oldest") == ["twitter:01", "archive:set:08"]
        known = ["youtube:04", "twitter:01", "twitter:02", "twitter:03"]
        rest = [*(one for one in newest if one not in known), *undated]
        assert ids("", "likes") == [*known, *rest]
        assert ids("", "likes", 3, 2) == [*known, *rest][2:5]
        assert ids("inwi OR id:twitter:03", "likes", 2, 1) == ["twitter:01", "twitter:03"]
        assert ids("lang:ary,ary-Latn", "reposts") == ["twitter:02", "twitter:03"]
        assert ids("inwi", "replies")[0] == "youtube:04"
        assert ids("nosuchword", "likes") == ids("", "likes", 0) == ids("", "likes", 5, 50) == []

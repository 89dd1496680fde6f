"""What a store answers."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Literal

import msgspec

from ingest.records import Counter, Gap, Post
from pipelines.query import Node
from pipelines.query.ranking import Clause
from pipelines.records import Facets, Hit, Ledger, Page, Split, Status, Sum
from pipelines.stores.elasticsearch import inputs, state
from pipelines.stores.elasticsearch.compile import condition, where
from pipelines.stores.elasticsearch.indices import Indices
from pipelines.stores.elasticsearch.opened import OpenedIndices
from pipelines.stores.elasticsearch.record import FOUND
from pipelines.stores.protocols import Order

#: Hits that the server returns by their number; further ones are walked to.
_WINDOW = 10_000
#: Rows of one page of an aggregation; the server allows 65,536 buckets.
_ROWS = 5_000
_VALUES = 10_000
_NEWEST = [{"created": {"order": "desc", "missing": "_last"}}, {"id": "asc"}]
_ORDERS: dict[Order, list[Any]] = {
    "oldest": [{"created": {"order": "asc", "missing": "_last"}}, {"id": "asc"}],
    "likes": [{"likes": {"order": "desc", "missing": "_last"}}, *_NEWEST],
    "reposts": [{"reposts": {"order": "desc", "missing": "_last"}}, *_NEWEST],
    "replies": [{"replies": {"order": "desc", "missing": "_last"}}, *_NEWEST],
}
#: What a hit is read from.
HIT = ("post", "day")
_FACETS = {"days": "day", "languages": "language", "labels": "label", "platforms": "platform",
           "entities": "entities", "targets": "attitudes"}  # fmt: skip


def hit_of(source: Any) -> Hit:
    """Return what a search found."""
    return Hit(msgspec.convert(source["post"], Post), source.get("day", ""))


class Answers(OpenedIndices):
    """What :class:`~pipelines.stores.protocols.Reading` and ``Ranking`` ask, and the status."""

    def search(self, query: Node, limit: int, offset: int = 0) -> Page:
        """Return the posts that match, newest first."""
        self._refresh(self.indices.posts)
        near = offset + limit <= _WINDOW
        matches = {
            "query": where(query),
            "sort": _NEWEST,
            "_source": HIT,
            "track_total_hits": True,
            "from": offset if near else 0,
            "size": limit if near else 0,
        }
        pending = {
            "query": {"range": {"pending": {"gt": 0}}},
            "size": 0,
            "track_total_hits": True,
        }
        answer, waiting = self.indices.search_all(self.indices.posts, [matches, pending])
        sources = [hit["_source"] for hit in answer["hits"]["hits"]]
        if not near:
            sources = list(islice(self._walk(query, _NEWEST), offset, offset + limit))
        return Page(
            hits=[hit_of(source) for source in sources],
            total=answer["hits"]["total"]["value"],
            pending=waiting["hits"]["total"]["value"],
        )

    def best(self, query: Node, clauses: Sequence[Clause], limit: int) -> list[tuple[Hit, int]]:
        """Return the posts of the highest weight; see :meth:`.protocols.Ranking.best`.

        Weights are whole numbers, which the server's 32-bit scores add up exactly.
        """
        self._refresh(self.indices.posts)
        should = [
            {"constant_score": {"filter": condition(clause.node), "boost": clause.weight}}
            for clause in clauses
        ]
        body = {
            "query": {"bool": {"filter": [where(query)], "should": should}},
            "sort": [{"_score": {"order": "desc"}}, *_NEWEST],
            "size": limit,
            "track_scores": True,
            "source_includes": HIT,
        }
        hits = self.indices.search(self.indices.posts, body)["hits"]["hits"]
        return [(hit_of(hit["_source"]), round(hit["_score"])) for hit in hits]

    def ordered(self, query: Node, order: Order, limit: int, offset: int = 0) -> list[Hit]:
        """Return one page in an order; see :meth:`.protocols.Ranking.ordered`."""
        self._refresh(self.indices.posts)
        sort = _ORDERS[order]
        if offset + limit > _WINDOW:
            return list(map(hit_of, islice(self._walk(query, sort), offset, offset + limit)))
        body = {
            "query": where(query),
            "sort": sort,
            "source_includes": HIT,
            "from": offset,
            "size": limit,
        }
        hits = self.indices.search(self.indices.posts, body)["hits"]["hits"]
        return [hit_of(hit["_source"]) for hit in hits]

    def scan(self, query: Node) -> Iterator[Hit]:
        """Yield every post that matches, ordered by id, from one consistent state."""
        if not self.readonly:  # who deletes an author must see what others wrote this moment
            self._stale.add(self.indices.posts)
        self._refresh(self.indices.posts)
        yield from map(hit_of, self._walk(query, [{"id": "asc"}]))

    def _walk(self, query: Node, sort: Sequence[Any]) -> Iterator[Any]:
        body = {"query": where(query), "sort": sort, "source_includes": HIT}
        for hit in self.indices.walk(self.indices.posts, body):
            yield hit["_source"]

    def sums(self, query: Node, by: Literal["day", "hour"], split: Split) -> list[Sum]:
        """Return the sums that trends are computed from; posts without a day are left out."""
        self._refresh(self.indices.posts)
        return _sums(self.indices, query, by, split)

    def count(self, query: Node) -> tuple[int, int]:
        """Return how many posts match, and how many of those have no day."""
        self._refresh(self.indices.posts)
        body = {
            "query": where(query),
            "size": 0,
            "track_total_hits": True,
            "aggs": {"undated": {"missing": {"field": "day"}}},
        }
        answer = self.indices.search(self.indices.posts, body)
        undated = answer["aggregations"]["undated"]["doc_count"]
        return answer["hits"]["total"]["value"], undated

    def facets(self, query: Node) -> Facets:
        """Return how many of the posts that match have each value; see :meth:`.Store.facets`."""
        self._refresh(self.indices.posts)
        aggs = {name: _terms(field) for name, field in _FACETS.items()}
        body = {"query": where(query), "size": 0, "aggs": aggs}
        found = self.indices.search(self.indices.posts, body).get("aggregations", {})
        counts = {name: _tally(found.get(name, {"buckets": ()})) for name in _FACETS}
        return Facets(**{**counts, "days": dict(sorted(counts["days"].items()))})

    def counters(self, page: str | None = None) -> list[Counter]:
        """Return the readings of one page, or of all, ordered by time, page, metric, source."""
        self._refresh(self.indices.state)
        found = (msgspec.convert(one, Counter) for one in inputs.notices(self.indices, "counter"))
        return sorted(
            (reading for reading in found if page in {None, reading.page}),
            key=lambda reading: (reading.at, reading.page, reading.metric, reading.source),
        )

    def ledger(self) -> Ledger:
        """Return the outcomes of all records: inputs counted some, documents answer for others."""
        self._refresh(self.indices.state, self.indices.posts)
        outcomes = Tally[str]()
        for index, own in ((self.indices.state, "duplicate filtered deleted dead"),
                           (self.indices.posts, "pending indexed deleted dead")):  # fmt: skip
            outcomes.update(inputs.totals(self.indices, index, own.split()))
        return Ledger(received=outcomes.total(), **outcomes)

    def status(self) -> Status:
        """Return the state of the store."""
        ledger, indices = self.ledger(), self.indices
        tallies = {"languages": "language", "platforms": "platform", "models": "model"}
        aggs: dict[str, Any] = {name: _terms(field) for name, field in tallies.items()}
        aggs["undated"] = {"missing": {"field": "day"}}
        for name, order in (("first", "asc"), ("last", "desc")):
            aggs[name] = {"terms": {"field": "day", "size": 1, "order": {"_key": order}}}
        query = {"bool": {"filter": [{"terms": {"state": FOUND}}]}}
        answer = indices.search(
            indices.posts, {"query": query, "size": 0, "track_total_hits": True, "aggs": aggs}
        )
        undated = answer["aggregations"].pop("undated")["doc_count"]
        found = {name: _tally(one) for name, one in answer["aggregations"].items()}
        known = list(inputs.inputs(indices))
        days = state.days(indices)
        pace, _ = state.read(indices, state.PACE, state.Pace)
        return Status(
            store=str(indices),
            timezone=days.timezone,
            zone_data=days.data.edition,
            ledger=ledger,
            posts=answer["hits"]["total"]["value"],
            first_day=next(iter(found["first"]), ""),
            last_day=next(iter(found["last"]), ""),
            unknown_date=undated,
            languages=found["languages"],
            platforms=found["platforms"],
            models=found["models"],
            dead_reasons=_reasons(indices, known),
            posts_a_second=pace.posts_a_second if pace else 0.0,
            inputs=[one.position for one in known],
            gaps=[msgspec.convert(gap, Gap) for gap in inputs.notices(indices, "gap")],
        )


def _sums(indices: Indices, query: Node, by: Literal["day", "hour"], split: Split) -> list[Sum]:
    nested = split == "entity"
    path = "targets." if nested else ""
    group = {"": "", "entity": "targets.entity", "language": "language", "platform": "platform"}
    fields = {"bucket": path + by, "group": group[split], "language": f"{path}language",
              "label": f"{path}label"}  # fmt: skip
    composite: dict[str, Any] = {
        "size": _ROWS,
        "sources": [{name: {"terms": {"field": field}}} for name, field in fields.items() if field],
    }
    chances = ("negative", "neutral", "positive")
    rows: dict[str, Any] = {
        "composite": composite,
        "aggs": {name: {"sum": {"field": path + name}} for name in chances},
    }
    aggs = {"targets": {"nested": {"path": "targets"}, "aggs": {"rows": rows}}}
    body = {
        "query": where(query),
        "size": 0,
        "track_total_hits": False,
        "aggs": aggs if nested else {"rows": rows},
    }
    found: list[Sum] = []
    while True:
        answer = indices.search(indices.posts, body)["aggregations"]
        page = (answer["targets"] if nested else answer)["rows"]
        for bucket in page["buckets"]:
            key = {"group": "", **bucket["key"]}
            values = [bucket[name]["value"] for name in chances]
            found.append(
                Sum(
                    key["bucket"],
                    key["group"],
                    key["language"],
                    key["label"],
                    bucket["doc_count"],
                    *values,
                )
            )
        if "after_key" not in page:
            return found
        composite["after"] = page["after_key"]


def _reasons(indices: Indices, known: list[inputs.Input]) -> dict[str, int]:
    """Return dead records by reason: of inputs, of posts, less those that were tried again."""
    reasons = Tally[str]()
    for one in known:
        reasons.update(one.reasons)
    body = {
        "query": {"range": {"dead": {"gt": 0}}},
        "size": 0,
        "aggs": {
            "reasons": {
                "terms": {"field": "reason", "size": _VALUES},
                "aggs": {"dead": {"sum": {"field": "dead"}}},
            }
        },
    }
    for bucket in indices.search(indices.posts, body)["aggregations"]["reasons"]["buckets"]:
        reasons[bucket["key"]] += int(bucket["dead"]["value"])
    reasons.subtract(inputs.retried(indices))
    return {reason: number for reason, number in sorted(reasons.items()) if number > 0}


def _terms(field: str) -> dict[str, Any]:
    order = [{"_count": "desc"}, {"_key": "asc"}]
    return {"terms": {"field": field, "size": _VALUES, "order": order}}


def _tally(found: Any) -> dict[str, int]:
    return {one["key"]: int(one["doc_count"]) for one in found["buckets"] if one["key"]}

"""The answers."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from ingest.records import Counter, Gap, Post
from pipelines.query import Node
from pipelines.query.ranking import Clause
from pipelines.records import Facets, Hit, Ledger, Page, Split, Status, Sum
from pipelines.stores.elasticsearch import inputs, ranked
from pipelines.stores.elasticsearch.compile import where
from pipelines.stores.elasticsearch.indices import Indices
from pipelines.stores.elasticsearch.record import FOUND

#: Hits that the server returns by their number; further ones are walked to.
_WINDOW = 10_000
#: Rows of one page of an aggregation; the server allows 65,536 buckets.
_ROWS = 5_000
_VALUES = 10_000
_NEWEST = [{"created": {"order": "desc", "missing": "_last"}}, {"id": "asc"}]
#: What a hit is read from.
HIT = ("post", "day")


def hit_of(source: Any) -> Hit:
    """Return what a search found."""
    return Hit(msgspec.convert(source["post"], Post), source.get("day", ""))


def find(indices: Indices, query: Node, limit: int, offset: int) -> Page:
    """Return one page of matches, newest first, and how many match in all."""
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
    answer, waiting = indices.search_all(indices.posts, [matches, pending])
    if near:
        hits = [hit_of(hit["_source"]) for hit in answer["hits"]["hits"]]
    else:
        hits = list(_far(indices, query, limit, offset))
    return Page(
        hits=hits,
        total=answer["hits"]["total"]["value"],
        pending=waiting["hits"]["total"]["value"],
    )


def _far(indices: Indices, query: Node, limit: int, offset: int) -> Iterator[Hit]:
    body = {"query": where(query), "sort": _NEWEST, "source_includes": HIT}
    for number, hit in enumerate(indices.walk(indices.posts, body)):
        if number >= offset + limit:
            return
        if number >= offset:
            yield hit_of(hit["_source"])


def best(
    indices: Indices, query: Node, clauses: Sequence[Clause], limit: int
) -> list[tuple[Hit, int]]:
    """Return the matches with the highest sums of weights, each with its sum."""
    body = {**ranked.request(query, clauses, limit), "source_includes": HIT}
    answer = indices.search(indices.posts, body)
    return [(hit_of(hit["_source"]), round(hit["_score"])) for hit in answer["hits"]["hits"]]


def scan(indices: Indices, query: Node) -> Iterator[Hit]:
    """Yield every match, ordered by id, from one state."""
    body = {"query": where(query), "sort": [{"id": "asc"}], "source_includes": HIT}
    for hit in indices.walk(indices.posts, body):
        yield hit_of(hit["_source"])


def sums(indices: Indices, query: Node, by: Literal["day", "hour"], split: Split) -> list[Sum]:
    """Return the sums that trends are made of."""
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


def count(indices: Indices, query: Node) -> tuple[int, int]:
    """Return how many posts match, and how many of those have no day."""
    body = {
        "query": where(query),
        "size": 0,
        "track_total_hits": True,
        "aggs": {"undated": {"missing": {"field": "day"}}},
    }
    return _counted(indices.search(indices.posts, body))


def facets(indices: Indices, query: Node) -> Facets:
    """Return how many of the posts that match have each value."""
    fields = {
        "days": "day",
        "languages": "language",
        "labels": "label",
        "platforms": "platform",
        "entities": "entities",
        "targets": "attitudes",
    }
    aggs = {name: {"terms": {"field": field, "size": _VALUES}} for name, field in fields.items()}
    body = {"query": where(query), "size": 0, "aggs": aggs}
    found = indices.search(indices.posts, body).get("aggregations", {})
    counts = {
        name: {
            one["key"]: int(one["doc_count"])
            for one in found.get(name, {}).get("buckets", [])
            if one["key"]
        }
        for name in fields
    }
    return Facets(**{**counts, "days": dict(sorted(counts["days"].items()))})


def counters(indices: Indices, page: str | None) -> list[Counter]:
    """Return the readings of one page, or of all, ordered by time, page, metric, source."""
    found = (msgspec.convert(one, Counter) for one in inputs.notices(indices, "counter"))
    return sorted(
        (reading for reading in found if page in {None, reading.page}),
        key=lambda reading: (reading.at, reading.page, reading.metric, reading.source),
    )


def ledger(indices: Indices) -> Ledger:
    """Return the ledger: what inputs counted, and what the posts' documents answer for."""
    counted = inputs.totals(indices, indices.state, ("duplicate", "filtered", "deleted", "dead"))
    posts = inputs.totals(indices, indices.posts, ("pending", "indexed", "deleted", "dead"))
    outcomes = {
        "indexed": posts["indexed"],
        "duplicate": counted["duplicate"],
        "filtered": counted["filtered"],
        "deleted": counted["deleted"] + posts["deleted"],
        "dead": counted["dead"] + posts["dead"],
        "pending": posts["pending"],
    }
    return Ledger(received=sum(outcomes.values()), **outcomes)


def status(indices: Indices) -> Status:
    """Return the state of the store."""
    tallies = {"languages": "language", "platforms": "platform", "models": "model"}
    aggs: dict[str, Any] = {
        name: {
            "terms": {
                "field": field,
                "size": _VALUES,
                "order": [{"_count": "desc"}, {"_key": "asc"}],
            }
        }
        for name, field in tallies.items()
    }
    aggs["undated"] = {"missing": {"field": "day"}}
    for name, order in (("first", "asc"), ("last", "desc")):
        aggs[name] = {"terms": {"field": "day", "size": 1, "order": {"_key": order}}}
    query = {"bool": {"filter": [{"terms": {"state": FOUND}}]}}
    answer = indices.search(
        indices.posts, {"query": query, "size": 0, "track_total_hits": True, "aggs": aggs}
    )
    posts, undated = _counted(answer)
    known = list(inputs.inputs(indices))

    def tally(name: str) -> dict[str, int]:
        return {b["key"]: b["doc_count"] for b in answer["aggregations"][name]["buckets"]}

    return Status(
        store=str(indices),
        timezone=inputs.timezone(indices),
        zone_data=inputs.zone_data(indices).edition,
        ledger=ledger(indices),
        posts=posts,
        first_day=next(iter(tally("first")), ""),
        last_day=next(iter(tally("last")), ""),
        unknown_date=undated,
        languages=tally("languages"),
        platforms=tally("platforms"),
        models=tally("models"),
        dead_reasons=_reasons(indices, known),
        posts_a_second=inputs.pace(indices),
        inputs=[state.position for state in known],
        gaps=[msgspec.convert(gap, Gap) for gap in inputs.notices(indices, "gap")],
    )


def _reasons(indices: Indices, known: list[inputs.Input]) -> dict[str, int]:
    """Return dead records by reason: of inputs, of posts, less those that were tried again."""
    reasons = Tally[str]()
    for state in known:
        reasons.update(state.reasons)
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


def _counted(answer: Any) -> tuple[int, int]:
    return answer["hits"]["total"]["value"], answer["aggregations"]["undated"]["doc_count"]

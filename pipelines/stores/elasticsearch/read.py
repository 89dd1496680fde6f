"""The answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from ingest.records import Counter, Gap, Post
from pipelines.query import Node
from pipelines.query.ranking import Clause
from pipelines.records import Facets, Hit, Ledger, Page, Split, Status, Sum
from pipelines.stores.elasticsearch import books, ranked
from pipelines.stores.elasticsearch.compile import condition
from pipelines.stores.elasticsearch.documents import HIT, hit_of
from pipelines.stores.elasticsearch.heads import read_head
from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.requests import search, walk
from pipelines.stores.elasticsearch.server import Server

#: Hits that the server returns by their number; further ones are walked to.
_WINDOW = 10_000
#: Rows of one page of an aggregation; the server allows 65,536 buckets.
_ROWS = 5_000
_VALUES = 10_000
_NEWEST = [{"created": {"order": "desc", "missing": "_last"}}, {"id": "asc"}]


def pending(server: Server, names: Address, limit: int) -> list[Post]:
    """Return up to ``limit`` posts that wait to be scored, oldest first; 10,000 at most."""
    answer = search(
        server,
        names.heads,
        {
            "query": {"term": {"state": "waiting"}},
            "sort": [{"order": "asc"}],
            "source_includes": ["state", "post"],
            "size": min(limit, _WINDOW),
            "track_total_hits": False,
        },
    )
    heads = [read_head(hit["_source"]) for hit in answer["hits"]["hits"]]
    return [head.post for head in heads if head.post is not None]


def find(server: Server, names: Address, query: Node, limit: int, offset: int) -> Page:
    """Return one page of matches, newest first, and how many match in all."""
    where = _where(query)
    near = offset + limit <= _WINDOW
    answer = search(
        server,
        names.posts,
        {
            "query": where,
            "sort": _NEWEST,
            "source_includes": HIT,
            "track_total_hits": True,
            "from_": offset if near else 0,
            "size": limit if near else 0,
        },
    )
    if near:
        hits = [hit_of(hit["_source"]) for hit in answer["hits"]["hits"]]
    else:
        hits = list(_far(server, names, where, limit, offset))
    waiting = search(
        server,
        names.heads,
        {"query": {"range": {"weight": {"gt": 0}}}, "size": 0, "track_total_hits": True},
    )
    return Page(
        hits=hits,
        total=answer["hits"]["total"]["value"],
        pending=waiting["hits"]["total"]["value"],
    )


def _far(server: Server, names: Address, where: Any, limit: int, offset: int) -> Iterator[Hit]:
    body = {"query": where, "sort": _NEWEST, "source_includes": HIT}
    for number, hit in enumerate(walk(server, names.posts, body)):
        if number >= offset + limit:
            return
        if number >= offset:
            yield hit_of(hit["_source"])


def best(
    server: Server, names: Address, query: Node, clauses: Sequence[Clause], limit: int
) -> list[tuple[Hit, int]]:
    """Return the matches with the highest sums of weights, each with its sum."""
    body = {**ranked.request(query, clauses, limit), "source_includes": HIT}
    answer = search(server, names.posts, body)
    return [(hit_of(hit["_source"]), round(hit["_score"])) for hit in answer["hits"]["hits"]]


def scan(server: Server, names: Address, query: Node) -> Iterator[Hit]:
    """Yield every match, ordered by id, from one state."""
    body = {"query": _where(query), "sort": [{"id": "asc"}], "source_includes": HIT}
    for hit in walk(server, names.posts, body):
        yield hit_of(hit["_source"])


def sums(
    server: Server, names: Address, query: Node, by: Literal["day", "hour"], split: Split
) -> list[Sum]:
    """Return the sums that trends are made of."""
    nested = split == "entity"
    path = "targets." if nested else ""
    group = {"": "", "entity": "targets.entity", "language": "language", "platform": "platform"}
    places = {"bucket": path + by, "group": group[split], "language": f"{path}language",
              "label": f"{path}label"}  # fmt: skip
    composite: dict[str, Any] = {
        "size": _ROWS,
        "sources": [{name: {"terms": {"field": field}}} for name, field in places.items() if field],
    }
    chances = ("negative", "neutral", "positive")
    rows: dict[str, Any] = {
        "composite": composite,
        "aggs": {name: {"sum": {"field": path + name}} for name in chances},
    }
    found: list[Sum] = []
    while True:
        aggs = {"targets": {"nested": {"path": "targets"}, "aggs": {"rows": rows}}}
        answer = search(
            server,
            names.posts,
            {"query": _where(query), "size": 0, "aggs": aggs if nested else {"rows": rows}},
        ).get("aggregations")
        if answer is None:  # no month is there yet
            return []
        page = (answer["targets"] if nested else answer)["rows"]
        for bucket in page["buckets"]:
            place = {"group": "", **bucket["key"]}
            values = [bucket[name]["value"] for name in chances]
            found.append(
                Sum(
                    place["bucket"],
                    place["group"],
                    place["language"],
                    place["label"],
                    bucket["doc_count"],
                    *values,
                )
            )
        if "after_key" not in page:
            return found
        composite["after"] = page["after_key"]


def count(server: Server, names: Address, query: Node) -> tuple[int, int]:
    """Return how many posts match, and how many of those have no day."""
    return _counted(
        search(
            server,
            names.posts,
            {
                "query": _where(query),
                "size": 0,
                "track_total_hits": True,
                "aggs": {"undated": {"missing": {"field": "day"}}},
            },
        )
    )


def facets(server: Server, names: Address, query: Node) -> Facets:
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
    answer = search(server, names.posts, {"query": _where(query), "size": 0, "aggs": aggs})
    found = answer.get("aggregations", {})
    counts = {
        name: {
            one["key"]: int(one["doc_count"])
            for one in found.get(name, {}).get("buckets", [])
            if one["key"]
        }
        for name in fields
    }
    return Facets(**{**counts, "days": dict(sorted(counts["days"].items()))})


def counters(server: Server, names: Address, page: str | None) -> list[Counter]:
    """Return the readings of one page, or of all, ordered by time, page, metric, source."""
    found = (msgspec.convert(one, Counter) for one in books.notices(server, names, "counter"))
    return sorted(
        (reading for reading in found if page in {None, reading.page}),
        key=lambda reading: (reading.at, reading.page, reading.metric, reading.source),
    )


def ledger(server: Server, names: Address) -> Ledger:
    """Return the books: what inputs counted, and what the heads answer for."""
    counted = _totals(server, names.books, ("duplicate", "filtered", "deleted", "dead"))
    posts = _totals(server, names.heads, ("weight", "done", "lost", "dead", "same"))
    outcomes = {
        "indexed": posts["done"],
        "duplicate": counted["duplicate"] + posts["same"],
        "filtered": counted["filtered"],
        "deleted": counted["deleted"] + posts["lost"],
        "dead": counted["dead"] + posts["dead"],
        "pending": posts["weight"],
    }
    return Ledger(received=sum(outcomes.values()), **outcomes)


def status(server: Server, names: Address) -> Status:
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
    answer = search(
        server, names.posts, {"query": {"match_all": {}}, "size": 0, "track_total_hits": True,
                              "aggs": aggs}
    )  # fmt: skip
    found = answer.get("aggregations", {})
    posts, undated = _counted(answer)
    inputs = [state for state, _ in books.inputs(server, names)]
    reasons: dict[str, int] = {}
    for state in inputs:
        for reason, number in state.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + number
    for reason, number in _refused(server, names).items():
        reasons[reason] = reasons.get(reason, 0) + number

    def tally(name: str) -> dict[str, int]:
        return {b["key"]: b["doc_count"] for b in found.get(name, {}).get("buckets", [])}

    return Status(
        store=str(names),
        timezone=books.timezone(server, names),
        ledger=ledger(server, names),
        posts=posts,
        first_day=next(iter(tally("first")), ""),
        last_day=next(iter(tally("last")), ""),
        unknown_date=undated,
        languages=tally("languages"),
        platforms=tally("platforms"),
        models=tally("models"),
        dead_reasons={reason: number for reason, number in sorted(reasons.items()) if number > 0},
        inputs=[state.position for state in inputs],
        gaps=[msgspec.convert(gap, Gap) for gap in books.notices(server, names, "gap")],
    )


def _where(query: Node) -> dict[str, Any]:
    return {"bool": {"filter": [condition(query)]}}


def _counted(answer: Any) -> tuple[int, int]:
    undated = answer.get("aggregations", {}).get("undated", {}).get("doc_count", 0)
    return answer["hits"]["total"]["value"], undated


def _totals(server: Server, index: str, fields: tuple[str, ...]) -> dict[str, int]:
    aggs = {name: {"sum": {"field": name}} for name in fields}
    found = search(server, index, {"size": 0, "aggs": aggs}).get("aggregations")
    return {name: int(found[name]["value"]) if found else 0 for name in fields}


def _refused(server: Server, names: Address) -> dict[str, int]:
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
    found = search(server, names.heads, body).get("aggregations", {})
    buckets = found.get("reasons", {}).get("buckets", [])
    return {bucket["key"]: int(bucket["dead"]["value"]) for bucket in buckets}

"""Twins of deleted posts (:mod:`pipelines.stores.twins`) among the documents of a store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ingest.records import Post
from pipelines.stores import twins
from pipelines.stores.elasticsearch import inputs, record
from pipelines.stores.elasticsearch.indices import Indices
from pipelines.stores.elasticsearch.record import PostDocument, read_document

#: Seconds that one search asks for.
_SECONDS = 200
_SOURCE = ["state", "id", "post", "waiting"]


def contents(document: PostDocument) -> list[Post]:
    """Return what a document holds of a post: two versions of one that was edited."""
    return [post for post in (document.waiting, document.post) if post is not None]


def mark_names(indices: Indices, posts: Iterable[Post]) -> list[str]:
    """Return the names of the marks of deleted posts, and make keys where there are none yet."""
    found = twins.marks(posts)
    if not found:
        return []
    return twins.names(found, inputs.settle_mark_keys(indices, {one.kind for one in found}))


def find(indices: Indices, posts: Sequence[Post]) -> dict[str, str]:
    """Return the twins of these posts that are stored or wait: document and post id."""
    wanted = twins.marks(posts)
    if not wanted:
        return {}
    kinds = {one.kind for one in wanted}
    return {
        name: document.id
        for name, document in _candidates(indices, posts, files_alone=kinds == {"platform"})
        if any(not wanted.isdisjoint(twins.refused_by(post, kinds)) for post in contents(document))
    }


def _candidates(
    indices: Indices, posts: Sequence[Post], *, files_alone: bool
) -> Iterator[tuple[str, PostDocument]]:
    """Yield the documents of what was made in the same seconds, and of what waits."""
    # What was written before the tombstones stood must be found; what comes later sees them.
    indices.refresh(indices.posts)
    seconds = sorted({at for post in posts if (at := twins.second(post)) is not None})
    # Of what waits for its first scores nothing but its state and its id can be searched for.
    waiting: list[dict[str, Any]] = [{"terms": {"state": list(record.WAITING)}}]
    among: list[dict[str, Any]] = []
    if files_alone:
        waiting.append({"prefix": {"id": twins.NO_PLATFORM}})
        among.append({"term": {"platform": twins.NO_PLATFORM[:-1]}})
    clauses = [{"bool": {"filter": waiting}}]
    for at in seconds:
        moment = datetime.fromtimestamp(at, UTC).isoformat()
        span = {"range": {"created_at": {"gte": moment, "lt": f"{moment}||+1s"}}}
        clauses.append({"bool": {"filter": [span, *among]}})
    for start in range(0, len(clauses), _SECONDS):
        body = {
            "query": {"bool": {"should": clauses[start : start + _SECONDS]}},
            "sort": [{"_shard_doc": "asc"}],
            "source_includes": _SOURCE,
        }
        for hit in indices.walk(indices.posts, body):
            yield hit["_id"], read_document(hit["_source"])

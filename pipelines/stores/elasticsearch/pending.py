"""Posts that wait to be scored: how they leave the waiting list, and come back to it.

Whoever deletes or edits a post changes its document, so that a write decided before that fails:
such a post is left as it is now, and comes again if it waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from ingest.records import Post, encode
from pipelines import metrics
from pipelines.records import REFUSED, DeadLetter, Document
from pipelines.stages import utc_now
from pipelines.stores.elasticsearch import record, tombstones
from pipelines.stores.elasticsearch.address import short
from pipelines.stores.elasticsearch.indices import Indices, Seen, Write
from pipelines.stores.elasticsearch.inputs import order_now
from pipelines.stores.elasticsearch.record import PostDocument, document_json, read_document
from pipelines.stores.versions import rank_text


class Refusal(NamedTuple):
    """A post that the server does not take, as a dead letter; still to be counted."""

    id: str
    seen: Seen
    before: PostDocument
    letter: DeadLetter


def waiting(indices: Indices, limit: int) -> list[Post]:
    """Return up to ``limit`` posts that wait to be scored, oldest first; 10,000 at most."""
    body = {
        "query": {"terms": {"state": record.WAITING}},
        "sort": [{"order": "asc"}],
        "source_includes": ["state", "waiting"],
        "size": min(limit, 10_000),
        "track_total_hits": False,
    }
    hits = indices.search(indices.posts, body)["hits"]["hits"]
    found = [read_document(hit["_source"]).waiting for hit in hits]
    return [post for post in found if post is not None]


def index(indices: Indices, documents: Sequence[Document]) -> list[Refusal]:
    """Make waiting posts findable, each if it still waits in this version.

    Returns what the server refused: it waits until :func:`give_up`, so that it can be kept
    before it is counted.
    """
    scored = {short(one.post.id): one for one in documents}
    found = _waiting(indices, [one.post for one in documents])
    writes = [
        Write(
            seen.where,
            name,
            partial(document_json, record.indexed(before, scored[name])),
            seen=seen,
        )
        for name, (seen, before) in found.items()
    ]
    results = indices.bulk(writes, refusable=True)
    return [
        Refusal(name, seen, before, refusal(scored[name].post, result.reason, before.dead))
        for (name, (seen, before)), result in zip(found.items(), results, strict=True)
        if result.refused
    ]


def give_up(indices: Indices, refused: Sequence[Refusal]) -> None:
    """Count refused posts as dead, now that they are kept."""
    metrics.dead("index", REFUSED, len(refused))
    indices.bulk(
        [
            Write(
                one.seen.where,
                one.id,
                document_json(record.unscored(one.before, REFUSED)),
                seen=one.seen,
            )
            for one in refused
        ]
    )


def reject(indices: Indices, posts: Sequence[Post], reasons: Sequence[str]) -> None:
    """Count posts that can't be scored as dead, once they are kept."""
    why = {short(post.id): reason for post, reason in zip(posts, reasons, strict=True)}
    indices.bulk(
        [
            Write(seen.where, name, document_json(record.unscored(before, why[name])), seen=seen)
            for name, (seen, before) in _waiting(indices, posts).items()
        ]
    )


def requeue(indices: Indices, posts: Sequence[Post]) -> None:
    """Put indexed posts back on the waiting list; those deleted or edited stay as they are."""
    order = order_now()
    wanted = {short(post.id): (post, order + n) for n, post in enumerate(posts)}

    def event(name: str, before: PostDocument) -> PostDocument | None:
        post, place = wanted[name]
        if before.newest is None or before.rank != rank_text(post.rank()):
            return None
        return record.requeued(before, post, place)

    tombstones.change(indices, wanted, event)


def refusal(post: Post, reason: str, dead: int) -> DeadLetter:
    """Return a post that the server does not take, as a dead letter.

    One that was tried again and is refused once more is another letter: ``dead`` counts them.
    """
    return DeadLetter(
        origin=f"index:{post.id}",
        line=dead,
        reason=REFUSED,
        detail="the server takes no document of it: " + reason.partition(":")[0].replace("_", " "),
        raw=encode(post),
        at=utc_now(),
    )


def _waiting(indices: Indices, posts: Sequence[Post]) -> dict[str, tuple[Seen, PostDocument]]:
    """Return the documents of those posts that still wait in this very version."""
    by_name = {short(post.id): post for post in posts}
    found = {}
    for name, seen in indices.get_many(indices.posts, by_name).items():
        before = read_document(seen.source)
        if before.waiting is not None and before.is_version(by_name[name]):
            found[name] = seen, before
    return found

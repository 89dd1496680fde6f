"""Posts that wait to be scored: how they leave the waiting list, and come back to it.

A post that was deleted or edited since it was handed out is left as it is now, and comes again if
it waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import islice

from ingest.records import Post
from pipelines.query import Node
from pipelines.records import Collected, DeadLetter, Document
from pipelines.stores.elasticsearch import documents, record, state
from pipelines.stores.elasticsearch.address import short
from pipelines.stores.elasticsearch.inputs import order_now
from pipelines.stores.elasticsearch.opened import OpenedIndices
from pipelines.stores.elasticsearch.record import PostDocument, read_document

#: Posts that are put back with one request.
_REQUEUE = 1_000


class Waiting(OpenedIndices):
    """What :class:`~pipelines.stores.protocols.Backlog` asks."""

    provisional_scores = False

    def pending(self, limit: int) -> list[Post]:
        """Return up to ``limit`` posts that wait to be scored, oldest first; 10,000 at most."""
        self._refresh(self.indices.posts)
        body = {
            "query": {"terms": {"state": record.WAITING}},
            "sort": [{"order": "asc"}],
            "source_includes": ["state", "waiting"],
            "size": min(limit, 10_000),
            "track_total_hits": False,
        }
        hits = self.indices.search(self.indices.posts, body)["hits"]["hits"]
        found = [read_document(hit["_source"]).waiting for hit in hits]
        return [post for post in found if post is not None]

    def unindexed(self, limit: int) -> list[Post]:
        """Return nothing: here posts are searchable with their scores alone."""
        return []

    def provisional(self, query: Node, limit: int) -> list[Post]:
        """Return nothing: here no scores are provisional."""
        return []

    def index(self, scored: Sequence[Document]) -> None:
        """Make scored posts searchable; see :meth:`.protocols.Backlog.index`."""
        self._writing(self.indices.posts)
        by_name = {short(one.post.id): one for one in scored}

        def event(name: str, before: PostDocument) -> PostDocument | None:
            document = by_name[name]
            return record.indexed(before, document) if before.waits(document.post) else None

        documents.change(self.indices, by_name, event, self._keep)

    def reject(self, posts: Sequence[Post], letters: Sequence[DeadLetter]) -> None:
        """Turn waiting posts into dead letters; see :meth:`.protocols.Backlog.reject`."""
        self._writing(self.indices.posts)
        collected = [Collected(post) for post in posts]
        # none of what is deleted already, in case we are killed before the last step
        self._keep_undeleted(posts, letters, self._known.refused(collected))
        both = zip(posts, letters, strict=True)
        why = {short(post.id): (post, letter.reason) for post, letter in both}

        def event(name: str, before: PostDocument) -> PostDocument | None:
            post, reason = why[name]
            return record.unscored(before, reason) if before.waits(post) else None

        documents.change(self.indices, why, event)
        self._remove_deleted(posts, letters, self._known.refused(collected))

    def requeue(self, posts: Iterable[Post]) -> None:
        """Put stored posts back on the waiting list; no ledger entry."""
        rest = iter(posts)
        while chunk := list(islice(rest, _REQUEUE)):
            self._writing(self.indices.posts)
            order = order_now()
            wanted = {short(post.id): (post, order + n) for n, post in enumerate(chunk)}
            documents.change(self.indices, wanted, partial(_requeued, wanted))

    def put_pace(self, posts_a_second: float) -> None:
        """Record how fast posts are scored; see :meth:`.Backlog.put_pace`."""
        self._writing()
        state.put(self.indices, state.PACE, state.Pace(posts_a_second))


def _requeued(
    wanted: Mapping[str, tuple[Post, int]], name: str, before: PostDocument
) -> PostDocument | None:
    post, place = wanted[name]
    same = before.newest is not None and before.read_rank() == post.rank()
    return record.requeued(before, post, place) if same else None

"""The store's face: what the other modules do, in the order that makes it safe."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from ingest.records import Counter, Post
from pipelines.query import All, Node
from pipelines.query.ranking import Clause
from pipelines.records import (
    Batch,
    Collected,
    CollectedTombstone,
    DeadLetter,
    Deletion,
    Document,
    Facets,
    Hit,
    HumanLabel,
    Ledger,
    Page,
    Position,
    Split,
    Sum,
)
from pipelines.stores.elasticsearch import (
    inputs,
    labels,
    lease,
    pending,
    purge,
    read,
)
from pipelines.stores.elasticsearch import (
    tombstones as deletions,
)
from pipelines.stores.elasticsearch.opened import OpenedIndices
from pipelines.stores.elasticsearch.reindex import Reindexing
from pipelines.stores.labels import matched, queries
from pipelines.stores.sqlite.lock import hold

_REQUEUE = 1_000


class ElasticsearchStore(OpenedIndices):
    """Posts on an Elasticsearch server. Fulfils :class:`~pipelines.stores.protocols.Store`.

    What one object wrote, it finds; others find it some seconds later, and at the latest when
    :meth:`writer` has ended. Raises :class:`~pipelines.errors.StoreError` and its children.
    """

    provisional_scores = False

    @contextmanager
    def writer(self, command: str) -> Iterator[None]:
        """Acquire the exclusive import lock; ``command`` is what a second import is told.

        Raises :class:`~pipelines.errors.StoreBusy` if there is one already, ``StoreError`` if
        the store's days are those of another time zone than this object was opened with.
        """
        lock = self.dead_path.with_suffix(".lock")
        with lease.held(self.indices, lock, command):
            self._check_timezone()
            purge.purge(self.indices)
            yield
            self._refresh(*self._stale)
            if self._unclean:
                self._unclean = not purge.purge(self.indices)

    # Writing

    def position(self, key: str) -> Position | None:
        """Return how far an input has been read, ``None`` if it is new."""
        if not self.readonly:  # what a killed process wrote of it may not be findable yet
            self._stale |= {self.indices.state, self.indices.posts}
        found = inputs.read_input(self.indices, key)
        return found[0].position if found else None

    def accept(self, batch: Batch) -> Ledger:
        """Make a batch durable; see :meth:`pipelines.stores.protocols.Sink.accept`."""
        return self._accept(batch, None)

    def accept_scored(self, batch: Batch, documents: Sequence[Document]) -> Ledger:
        """Make a batch searchable; see :meth:`.protocols.ScoredSink.accept_scored`.

        Others find it within five seconds, and as soon as :meth:`housekeeping` was called.
        """
        self._check_timezone()
        return self._accept(batch, documents)

    def _accept(self, batch: Batch, documents: Sequence[Document] | None) -> Ledger:
        self._writing(self.indices.state, self.indices.posts)
        # Before the batch counts, since repeating both does nothing, and no raw name is
        # written down: after a crash the batch comes again.
        self._keep(batch.dead)
        self._forget(batch.tombstones)
        if batch.tombstones:
            purge.mark(self.indices)
        outcomes, removed = self._accepting.accept(batch, documents)
        self._remove_retried(batch.retried)
        if batch.tombstones:
            self._remove_labels()
        if removed:
            purge.mark(self.indices)
            self._unclean = True
        self._purge()
        return outcomes

    def pending(self, limit: int) -> list[Post]:
        """Return up to ``limit`` posts that wait to be scored, oldest first."""
        self._refresh(self.indices.posts)
        return pending.waiting(self.indices, limit)

    def unindexed(self, limit: int) -> list[Post]:
        """Return nothing: here posts are searchable with their scores alone."""
        return []

    def provisional(self, query: Node, limit: int) -> list[Post]:
        """Return nothing: here no scores are provisional."""
        return []

    def index(self, documents: Sequence[Document]) -> None:
        """Make scored posts searchable; see :meth:`.protocols.Backlog.index`."""
        self._writing(self.indices.posts)
        if refused := pending.index(self.indices, documents):
            self._keep([refusal.letter for refusal in refused])
            pending.give_up(self.indices, refused)

    def reject(self, posts: Sequence[Post], letters: Sequence[DeadLetter]) -> None:
        """Turn waiting posts into dead letters; see :meth:`.protocols.Backlog.reject`."""
        self._writing(self.indices.posts)
        self._keep(letters)
        pending.reject(self.indices, posts, [letter.reason for letter in letters])

    def requeue(self, posts: Iterable[Post]) -> None:
        """Put stored posts back on the waiting list; no ledger entry."""
        rest = iter(posts)
        while chunk := list(islice(rest, _REQUEUE)):
            self._writing(self.indices.posts)
            pending.requeue(self.indices, chunk)

    def reindex(
        self, zone: ZoneInfo, after_batch: Callable[[int], None] = lambda posts: None
    ) -> int:
        """Analyse and index all stored posts anew; see :meth:`.Administration.reindex`."""
        self._check_timezone()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with hold(self.dead_path.with_suffix(".reindex"), "reindex"):
            self._writing(self.indices.posts)
            done = Reindexing(self.indices, zone, self._keep, after_batch).run()
            if inputs.timezone(self.indices) == str(zone):
                inputs.record_zone_data(self.indices, str(zone))
            return done

    def write_tombstones(self, tombstones: Sequence[CollectedTombstone]) -> set[str]:
        """Write tombstones alone; see :meth:`.protocols.Deletions.write_tombstones`."""
        self._writing()
        return set(deletions.write(self.indices, deletions.named(tombstones)).values())

    def reached(self, tombstones: Sequence[CollectedTombstone]) -> set[str]:
        """Return the ids of what deletions would remove; see :meth:`.Deletions.reached`."""
        return deletions.reached(self.indices, tombstones)

    def delete(self, tombstones: Sequence[CollectedTombstone], *, counted: bool = True) -> Deletion:
        """Write tombstones and remove every trace of the texts they name, on disk too.

        Works while an import runs. Dead letters on this machine go too where they hold a plain
        name.
        """
        self._writing(self.indices.state, self.indices.posts)
        purge.mark(self.indices)
        written = deletions.unknown(self.indices, tombstones)
        texts = deletions.apply(self.indices, deletions.named(tombstones))
        texts += deletions.erase_plain(self.indices, tombstones)
        if counted:
            inputs.count_deletions(self.indices, uuid.uuid4().hex, len(tombstones))
        self._forget(tombstones)
        purge.mark(self.indices)
        self._refresh(*self._stale)
        self._remove_labels()
        self._unclean = not purge.purge(self.indices)
        return Deletion(texts, written, not self._unclean or not texts)

    # Reading

    def deleted_ids(self, posts: Sequence[Collected]) -> list[str]:
        """Return the ids of those posts that a tombstone names."""
        return self._known.refused(posts)

    def search(self, query: Node, limit: int, offset: int = 0) -> Page:
        """Return the posts that match, newest first."""
        self._refresh(self.indices.posts)
        return read.find(self.indices, query, limit, offset)

    def best(self, query: Node, clauses: Sequence[Clause], limit: int) -> list[tuple[Hit, int]]:
        """Return the posts of the highest weight; see :meth:`.protocols.Ranking.best`."""
        self._refresh(self.indices.posts)
        return read.best(self.indices, query, clauses, limit)

    def scan(self, query: Node) -> Iterator[Hit]:
        """Yield every post that matches, ordered by id, from one consistent state."""
        if not self.readonly:  # who deletes an author must see what others wrote this moment
            self._stale.add(self.indices.posts)
        self._refresh(self.indices.posts)
        yield from read.scan(self.indices, query)

    def sums(self, query: Node, by: Literal["day", "hour"], split: Split) -> list[Sum]:
        """Return the sums that trends are computed from; posts without a day are left out."""
        self._refresh(self.indices.posts)
        return read.sums(self.indices, query, by, split)

    def facets(self, query: Node) -> Facets:
        """Return how many of the posts that match have each value; see :meth:`.Store.facets`."""
        self._refresh(self.indices.posts)
        return read.facets(self.indices, query)

    def count(self, query: Node) -> tuple[int, int]:
        """Return how many posts match, and how many of those have no day."""
        self._refresh(self.indices.posts)
        return read.count(self.indices, query)

    def counters(self, page: str | None = None) -> list[Counter]:
        """Return the readings of one page, or of all, ordered by time, page, metric, source."""
        self._refresh(self.indices.state)
        return read.counters(self.indices, page)

    # Labels

    def put_labels(self, labels_of_people: Sequence[HumanLabel]) -> int:
        """Store labels; see :meth:`pipelines.stores.protocols.Labels.put_labels`."""
        self._writing()
        posts = {label.post: None for label in labels_of_people}
        known = [hit.post.id for hit in self._among(All(), posts)]
        return labels.put(self._server, self.indices.address.prefix, known, labels_of_people)

    def labelled(self, query: Node) -> list[tuple[Hit, list[HumanLabel]]]:
        """Return labelled posts that match; see :meth:`.protocols.Labels.labelled`."""
        found = labels.read(self._server, self.indices.address.prefix)
        return matched(self._among(query, found), found)

    def _among(self, query: Node, names: Mapping[str, object]) -> list[Hit]:
        return [hit for part in queries(query, names) for hit in self.scan(part)]

    def _remove_labels(self) -> None:
        """Remove the labels of posts that were deleted."""
        found = labels.read(self._server, self.indices.address.prefix)
        if found:
            there = {hit.post.id for hit in self._among(All(), found)}
            labels.remove_orphans(self._server, self.indices.address.prefix, found, there)

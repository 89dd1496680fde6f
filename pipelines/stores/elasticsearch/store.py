"""The store: what writes and deletes do, in the order that makes it safe."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from ingest.records import Post
from pipelines.records import (
    Batch,
    Collected,
    CollectedTombstone,
    Deletion,
    Document,
    Ledger,
    Position,
)
from pipelines.stores.elasticsearch import inputs, lease, purge, state
from pipelines.stores.elasticsearch import tombstones as deletions
from pipelines.stores.elasticsearch.labels import Labelling
from pipelines.stores.elasticsearch.pending import Waiting
from pipelines.stores.elasticsearch.reindex import Reindexing
from pipelines.stores.sqlite.lock import hold


class ElasticsearchStore(Waiting, Labelling):
    """Posts on an Elasticsearch server. Fulfils :class:`~pipelines.stores.protocols.Store`.

    What one object wrote, it finds; others find it some seconds later, and at the latest when
    :meth:`writer` has ended. Raises :class:`~pipelines.errors.StoreError` and its children.
    """

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
        self._remove_letters(batch.retried)
        if batch.tombstones or removed:
            self._remove_labels()
        if removed:
            purge.mark(self.indices)
            self._unclean = True
        self._purge()
        return outcomes

    def reindex(
        self, zone: ZoneInfo, after_batch: Callable[[int], None] = lambda posts: None
    ) -> int:
        """Analyse and index all stored posts anew; see :meth:`.Administration.reindex`."""
        self._check_timezone()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with hold(self.dead_path.with_suffix(".reindex"), "reindex"):
            self._writing(self.indices.posts)
            done = Reindexing(self.indices, zone, self._keep, after_batch).run()
            if state.days(self.indices).timezone == str(zone):
                state.count_days(self.indices, str(zone))
            return done

    def write_tombstones(
        self, tombstones: Sequence[CollectedTombstone], refused: Sequence[Post] = ()
    ) -> set[str]:
        """Write tombstones alone; see :meth:`.protocols.Deletions.write_tombstones`."""
        self._writing()
        return set(deletions.write(self.indices, deletions.named(tombstones), refused).values())

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
        # Before it counts: a list that was interrupted is not gone through again up to there.
        self._forget(tombstones)
        written = deletions.unknown(self.indices, tombstones)
        texts = deletions.apply(self.indices, tombstones)
        if counted:
            inputs.count_deletions(self.indices, uuid.uuid4().hex, len(tombstones))
        self._forget(tombstones)  # what an import has kept meanwhile
        purge.mark(self.indices)
        self._refresh(*self._stale)
        self._remove_labels()
        self._unclean = not purge.purge(self.indices)
        return Deletion(texts, written, not self._unclean or not texts)

    def deleted_ids(self, posts: Sequence[Collected]) -> list[str]:
        """Return the ids of those posts that a tombstone names."""
        return self._known.refused(posts)

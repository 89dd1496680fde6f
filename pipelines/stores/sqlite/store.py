"""The store's face: one transaction around each of the steps that the other modules take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from ingest.records import Counter, Post
from pipelines.query import Node, all_of, only
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
from pipelines.stores.labels import matched, queries
from pipelines.stores.protocols import Order
from pipelines.stores.sqlite import (
    erase,
    facets,
    labels,
    ledger,
    queue,
    ranked,
    read,
    reindex,
    words,
)
from pipelines.stores.sqlite import tombstones as deletions
from pipelines.stores.sqlite.accept import accept
from pipelines.stores.sqlite.connect import open_reader
from pipelines.stores.sqlite.index import index, reject, requeue
from pipelines.stores.sqlite.lock import hold
from pipelines.stores.sqlite.opened import SqliteFile
from pipelines.stores.sqlite.scored import accept_scored
from pipelines.stores.sqlite_file import explained, reading

_REQUEUE = 1_000


class SqliteStore(SqliteFile):
    """Posts in one SQLite file. Fulfils :class:`~pipelines.stores.protocols.Store`.

    One object belongs to one thread; any number of processes may read and search while one
    imports. Raises :class:`~pipelines.errors.StoreError` and its children.
    """

    provisional_scores = True

    @contextmanager
    def writer(self, command: str) -> Iterator[None]:
        """Be the only import on this store; ``command`` is what others are told.

        Raises :class:`~pipelines.errors.StoreBusy` if there is one already, ``StoreError`` if
        the store's days are those of another time zone than this object was opened with.
        """
        with hold(Path(f"{self._real}.lock"), command):
            self._check_timezone()
            yield
            with explained(self.path):
                words.compact(self._connection)
            self._clean(timeout=erase.READERS)

    # Writing

    def position(self, key: str) -> Position | None:
        """Return how far an input has been read, ``None`` if it is new."""
        with self._reading():
            rows = self._connection.execute(
                "SELECT key, name, cursor, done, details FROM positions WHERE key = ?", (key,)
            ).fetchall()
        if not rows:
            return None
        ((key, name, cursor, done, details),) = rows
        return Position(key=key, name=name, cursor=cursor, done=bool(done), metadata=details)

    def accept(self, batch: Batch) -> Ledger:
        """Make a batch durable; see :meth:`pipelines.stores.protocols.Store.accept`."""
        return self._accept(batch, lambda: accept(self._connection, batch))

    def accept_scored(self, batch: Batch, documents: Sequence[Document]) -> Ledger:
        """Make a batch searchable; see :meth:`pipelines.stores.protocols.Store.accept_scored`."""
        self._check_timezone()
        return self._accept(batch, lambda: accept_scored(self._connection, batch, documents))

    def _accept(self, batch: Batch, taking: Callable[[], tuple[Ledger, int]]) -> Ledger:
        # Dead letters first, where repeating does nothing: after a crash between the two steps the
        # batch comes again. So no letter is counted without being there, and none of what was
        # deleted is left.
        self._keep(batch.dead)
        self._forget(batch.tombstones)
        with self._writing():
            outcomes, texts = taking()
        self._remove_letters(batch.retried)
        self._unclean = self._unclean or texts > 0
        self.housekeeping()
        return outcomes

    def pending(self, limit: int) -> list[Post]:
        """Return up to ``limit`` posts that wait to be scored, oldest first."""
        with self._reading():
            return queue.pending(self._connection, limit)

    def unindexed(self, limit: int) -> list[Post]:
        """Return waiting posts that can't be found yet; see :meth:`.Store.unindexed`."""
        with self._reading():
            return queue.unindexed(self._connection, limit)

    def provisional(self, query: Node, limit: int) -> list[Post]:
        """Return waiting posts that match, newest first; see :meth:`.Store.provisional`."""
        with self._reading():
            wanted = all_of(query, only("scored", "provisional"))
            ids = [hit.post.id for hit in read.search(self._connection, wanted, limit, 0).hits]
            return queue.waiting_of(self._connection, ids)

    def index(self, documents: Sequence[Document]) -> None:
        """Make scored posts searchable; see :meth:`pipelines.stores.protocols.Store.index`."""
        with self._writing():
            index(self._connection, documents)

    def reject(self, posts: Sequence[Post], dead_letters: Sequence[DeadLetter]) -> None:
        """Turn waiting posts into dead letters; see :meth:`.Backlog.reject`."""
        collected = [Collected(post) for post in posts]
        # none of what is deleted already, in case we are killed before the last step
        self._keep_undeleted(posts, dead_letters, self.deleted_ids(collected))
        reasons = [dead_letter.reason for dead_letter in dead_letters]
        with self._writing():
            reject(self._connection, list(zip(posts, reasons, strict=True)))
        self._remove_deleted(posts, dead_letters, self.deleted_ids(collected))

    def requeue(self, posts: Iterable[Post]) -> None:
        """Put stored posts back on the waiting list; no ledger entry."""
        rest = iter(posts)
        while chunk := list(islice(rest, _REQUEUE)):
            with self._writing():
                requeue(self._connection, chunk)

    def reindex(
        self, zone: ZoneInfo, after_batch: Callable[[int], None] = lambda posts: None
    ) -> int:
        """Analyse and index all stored posts anew; see :meth:`.Store.reindex`."""
        self._check_timezone()
        count = 0
        with hold(Path(f"{self._real}.reindex"), "reindex"):
            while True:
                with self._writing():
                    done = reindex.next_batch(self._connection, zone)
                if not done:
                    break
                count += done
                after_batch(done)
            with self._writing():
                if read.timezone(self._connection) == str(zone):
                    self._record_zone_data(str(zone))
        return count

    def write_tombstones(
        self, tombstones: Sequence[CollectedTombstone], refused: Sequence[Post] = ()
    ) -> set[str]:
        """Write tombstones alone; see :meth:`pipelines.stores.protocols.Store.write_tombstones`."""
        with self._writing():
            return deletions.write(self._connection, tombstones, refused)

    def reached(self, tombstones: Sequence[CollectedTombstone]) -> set[str]:
        """Return the ids of what deletions would remove; see :meth:`.Deletions.reached`."""
        with self._reading():
            return deletions.reached(self._connection, tombstones)

    def delete(self, tombstones: Sequence[CollectedTombstone], *, counted: bool = True) -> Deletion:
        """Write tombstones and remove every trace of the texts they name, on disk too.

        Works while an import runs. Dead letters go too where they hold a raw account name.
        """
        # Before it counts: a list that was interrupted is not gone through again up to there.
        self._forget(tombstones)
        with self._writing():
            removed = deletions.delete(self._connection, tombstones)
            if counted:
                number = len(tombstones)
                ledger.add(self._connection, {"received": number, "deleted": number})
        self._forget(tombstones)  # what an import has kept meanwhile
        return Deletion(removed.texts, removed.tombstones, self._clean(erase.READERS))

    # Reading

    def deleted_ids(self, posts: Sequence[Collected]) -> list[str]:
        """Return the ids of those posts that a tombstone names."""
        with self._reading():
            named = deletions.deleted(self._connection, posts)
        return [one.post.id for one, gone in zip(posts, named, strict=True) if gone]

    def search(self, query: Node, limit: int, offset: int = 0) -> Page:
        """Return the posts that match, newest first."""
        with self._reading():
            return read.search(self._connection, query, limit, offset)

    def best(self, query: Node, clauses: Sequence[Clause], limit: int) -> list[tuple[Hit, int]]:
        """Return the posts of the highest weight; see :meth:`.protocols.Ranking.best`."""
        with self._reading():
            return ranked.best(self._connection, query, clauses, limit)

    def ordered(self, query: Node, order: Order, limit: int, offset: int = 0) -> list[Hit]:
        """Return one page in an order; see :meth:`.protocols.Ranking.ordered`."""
        with self._reading():
            return ranked.page(self._connection, query, order, limit, offset)

    def scan(self, query: Node) -> Iterator[Hit]:
        """Yield every post that matches, ordered by id, from one consistent state."""
        connection = open_reader(self.path)
        try:
            with reading(connection, self.path):
                yield from read.scan(connection, query)
        finally:
            connection.close()

    def sums(self, query: Node, by: Literal["day", "hour"], split: Split) -> list[Sum]:
        """Return the sums that trends are computed from; posts without a day are left out."""
        with self._reading():
            return read.sums(self._connection, query, by, split)

    def facets(self, query: Node) -> Facets:
        """Return how many of the posts that match have each value; see :meth:`.Store.facets`."""
        with self._reading():
            return facets.facets(self._connection, query)

    def count(self, query: Node) -> tuple[int, int]:
        """Return how many posts match, and how many of those have no day."""
        with self._reading():
            return read.count(self._connection, query)

    def counters(self, page: str | None = None) -> list[Counter]:
        """Return the readings of one page, or of all, ordered by time, page, metric, source."""
        with self._reading():
            return read.counters(self._connection, page)

    # Labels

    def put_labels(self, labels_of_people: Sequence[HumanLabel]) -> int:
        """Store labels; see :meth:`pipelines.stores.protocols.Labels.put_labels`."""
        with self._writing():
            return labels.put(self._connection, labels_of_people)

    def labelled(self, query: Node) -> list[tuple[Hit, list[HumanLabel]]]:
        """Return labelled posts that match; see :meth:`.protocols.Labels.labelled`."""
        with self._reading():
            found = labels.read(self._connection)
            hits = [
                hit for part in queries(query, found) for hit in read.scan(self._connection, part)
            ]
        return matched(hits, found)

"""The store's face: what the other modules do, in the order that makes it safe."""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

import platformdirs

from ingest.records import Counter, Post
from pipelines.daily import Daily
from pipelines.dead_letters.queue import DAYS, DeadLetters, plain_names
from pipelines.errors import StoreError
from pipelines.query import All, Node, only
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
    Status,
    Sum,
)
from pipelines.stores.elasticsearch import books, clean, graves, labels, lease, read, setup
from pipelines.stores.elasticsearch.accept import accept, position, recover
from pipelines.stores.elasticsearch.flight import Flight
from pipelines.stores.elasticsearch.index import give_up, index, requeue
from pipelines.stores.elasticsearch.names import Address, address, is_hash
from pipelines.stores.elasticsearch.reindex import reindex
from pipelines.stores.elasticsearch.reject import reject
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.elasticsearch.watch import Watch
from pipelines.stores.labels import matched, queries
from pipelines.stores.sqlite.lock import hold

_REQUEUE = 1_000
#: Seconds between looks at whether the bytes of deleted texts can go, while posts come in; and
#: the part of the time that rewriting may take.
CLEANING, CLEANING_SHARE = 20.0, 0.1


class ElasticsearchStore(AbstractContextManager["ElasticsearchStore"]):
    """Posts on an Elasticsearch server. Fulfils :class:`~pipelines.stores.protocols.Store`.

    What one object wrote, it finds; others find it some seconds later, and at the latest when
    :meth:`writer` has ended. Raises :class:`~pipelines.errors.StoreError` and its children.
    """

    provisional_scores = False

    def __init__(
        self,
        url: str,
        *,
        readonly: bool = False,
        timezone: str = "",
        new_timezone: str = "",
        dead_days: float = DAYS,
        reindexing: bool = False,
    ) -> None:
        """Open a store, or make it (not for reading).

        ``timezone`` names the zone that the days of documents are counted in; the first one
        named is the store's. ``new_timezone`` is taken where neither is named yet.
        ``dead_days`` is how long dead letters are kept. ``reindexing`` opens also what must be
        re-indexed before it can be used.
        """
        self.names: Address = address(url)
        self.readonly = readonly
        self._timezone = timezone
        self._new_timezone = timezone or new_timezone
        self._dead_days = dead_days
        self._recovered = False
        self._timezone_checked = False
        self._unclean = False
        self._next_cleaning = 0.0
        self._stale: set[str] = set()
        # What is kept aside raw never leaves the machine that collected it.
        slug = re.sub(r"[^a-z0-9]+", "-", str(self.names).partition("://")[2].lower()).strip("-")
        digest = hashlib.blake2b(str(self.names).encode(), digest_size=4).hexdigest()
        self._folder = platformdirs.user_data_path("marsad") / "stores"
        self.dead_path = self._folder / f"{slug}-{digest}.dead"
        self._expire = Daily(self._remove_expired)
        self._server = Server(self.names.url)
        self._watch = Watch(self._server, self.names)
        self._flight = Flight(self._server, self.names)
        try:
            self._server.check()
            if readonly:
                setup.require(self._server, self.names, reindexing=reindexing)
            else:
                setup.prepare(self._server, self.names, reindexing=reindexing)
                self._expire()
        except BaseException:
            self._server.close()
            raise

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; what was written can be found by others first."""
        try:
            self._flight.land()
            self._fresh(*self._stale)
        except StoreError:
            pass  # whoever writes next carries it out, and the server makes it visible by itself
        finally:
            self._server.close()

    def retry_while(self, wanted: Callable[[], bool]) -> None:
        """Ask this before waiting once more; see :meth:`.Store.retry_while`."""
        self._server.wanted = wanted

    @contextmanager
    def writer(self, command: str) -> Iterator[None]:
        """Be the only import on this store; ``command`` is what others are told.

        Raises :class:`~pipelines.errors.StoreBusy` if there is one already, ``StoreError`` if
        the store's days are those of another time zone than this object was opened with.
        """
        lock = self.dead_path.with_suffix(".lock")
        with lease.held(self._server, self.names, lock, command):
            self._check_timezone()
            self._recover()
            self._stale |= {self.names.books, self.names.heads}
            self._fresh(self.names.books, self.names.heads)
            books.tidy(self._server, self.names)
            graves.sweep(self._server, self.names)
            clean.settle(self._server, self.names)
            yield
            self._fresh(*self._stale)
            if self._unclean:
                self._unclean = not clean.settle(self._server, self.names)

    def dead_letters(self) -> DeadLetters:
        """Open what is kept aside from this store's input, on this machine."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return DeadLetters(self.dead_path, days=self._dead_days)

    # Writing

    def position(self, key: str) -> Position | None:
        """Return how far an input has been read, ``None`` if it is new.

        What a process that was killed left half done of it is done then.
        """
        if self.readonly:
            found = books.read_input(self._server, self.names, key)
            return found[0].position if found else None
        self._flight.land()
        self._stale |= {self.names.books, self.names.heads, self.names.posts}
        return position(self._server, self.names, key, self._keep, self._watch)

    def accept(self, batch: Batch) -> Ledger:
        """Make a batch durable; see :meth:`pipelines.stores.protocols.Store.accept`."""
        return self._accept(batch, None)

    def accept_scored(self, batch: Batch, documents: Sequence[Document]) -> Ledger:
        """Make a batch searchable; see :meth:`pipelines.stores.protocols.Store.accept_scored`.

        Its documents may be on their way yet when this returns: whatever else is asked of this
        object waits for them. Others find them within five seconds, and as soon as
        :meth:`housekeeping` was called.
        """
        self._check_timezone()
        return self._accept(batch, documents)

    def _accept(self, batch: Batch, documents: Sequence[Document] | None) -> Ledger:
        self._writable()
        if documents is None or batch.tombstones:
            self._flight.land()
        self._recover()
        # Before the moment the batch counts from, since repeating both does nothing and the
        # journal holds no plain names: after a crash the batch comes again.
        if batch.dead:
            self._keep(batch.dead)
        self._forget(batch.tombstones)
        self._stale |= {self.names.books, self.names.heads, self.names.posts}
        if batch.tombstones:
            clean.mark(self._server, self.names)
            self._watch.look()
        plain = graves.erase_plain(self._server, self.names, batch.tombstones)
        outcomes, removed = accept(
            self._server, self.names, batch, self._keep, self._watch, self._flight, documents
        )
        if batch.retried and self.dead_path.exists():
            with self.dead_letters() as letters:
                letters.remove(batch.retried)
        if batch.tombstones:
            self._remove_labels()
        if removed or plain:
            clean.mark(self._server, self.names)
            self._unclean = True
        self._clean()
        return outcomes

    def housekeeping(self) -> None:
        """Make writes visible, and remove what is due; see :meth:`.Store.housekeeping`."""
        self._fresh(*self._stale)
        self._clean()

    def _clean(self) -> None:
        if self._unclean and time.monotonic() >= self._next_cleaning:
            begun = time.monotonic()
            self._unclean = not clean.settle(self._server, self.names)
            spent = time.monotonic() - begun
            self._next_cleaning = begun + max(CLEANING, spent / CLEANING_SHARE)
        self._expire()

    def pending(self, limit: int) -> list[Post]:
        """Return up to ``limit`` posts that wait to be scored, oldest first."""
        if not self.readonly:
            self._recover()
        self._fresh(self.names.heads)
        return read.pending(self._server, self.names, limit)

    def unindexed(self, limit: int) -> list[Post]:
        """Return nothing: here posts are searchable with their scores alone."""
        return []

    def provisional(self, query: Node, limit: int) -> list[Post]:
        """Return nothing: here no scores are provisional."""
        return []

    def index(self, documents: Sequence[Document]) -> None:
        """Make scored posts searchable; see :meth:`pipelines.stores.protocols.Store.index`."""
        self._writing()
        self._stale |= {self.names.heads, self.names.posts}
        refusals = index(self._server, self.names, documents, self._watch)
        if refusals:
            self._keep([refusal.letter for refusal in refusals])
            give_up(self._server, self.names, refusals)

    def reject(self, posts: Sequence[Post], letters: Sequence[DeadLetter]) -> None:
        """Keep waiting posts aside; see :meth:`pipelines.stores.protocols.Store.reject`."""
        self._writing()
        self._stale.add(self.names.heads)
        self._keep(letters)
        reject(self._server, self.names, posts, [letter.reason for letter in letters])

    def requeue(self, posts: Iterable[Post]) -> None:
        """Put stored posts back on the waiting list; no ledger entry."""
        self._writing()
        self._recover()
        rest = iter(posts)
        while chunk := list(islice(rest, _REQUEUE)):
            self._stale.add(self.names.heads)
            requeue(self._server, self.names, chunk)

    def reindex(
        self, zone: ZoneInfo, after_batch: Callable[[int], None] = lambda posts: None
    ) -> int:
        """Analyse and index all stored posts anew; see :meth:`.Store.reindex`."""
        self._writing()
        self._check_timezone()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with hold(self.dead_path.with_suffix(".reindex"), "reindex"):
            self._stale.add(self.names.posts)
            return reindex(self._server, self.names, zone, self._keep, after_batch)

    def write_tombstones(self, tombstones: Sequence[CollectedTombstone]) -> set[str]:
        """Write tombstones alone; see :meth:`.Store.write_tombstones`."""
        self._writing()
        stones = graves.named(tombstones)
        found = set(graves.condemn(self._server, self.names, stones))
        hashes = {name for name in found if is_hash(name)}
        if not hashes:
            return found
        authors = [name for kind, name in stones if kind == "author"]
        return (found - hashes) | {hit.post.id for hit in self.scan(only("author", *authors))}

    def delete(self, tombstones: Sequence[CollectedTombstone], *, counted: bool = True) -> Deletion:
        """Write tombstones and remove every trace of the texts they name, on disk too.

        Works while an import runs. What is kept aside on this machine goes too where it holds
        a plain name.
        """
        self._writing()
        self._recover()
        self._stale |= {self.names.books, self.names.heads, self.names.posts}
        clean.mark(self._server, self.names)
        written = graves.unknown(self._server, self.names, tombstones)
        texts = graves.bury(self._server, self.names, graves.named(tombstones))
        texts += graves.erase_plain(self._server, self.names, tombstones)
        # What workers have under way may hold the texts in open journals.
        recover(self._server, self.names, self._keep, self._watch)
        if counted:
            books.count_deletions(self._server, self.names, uuid.uuid4().hex, len(tombstones))
        self._forget(tombstones)
        clean.mark(self._server, self.names)
        self._fresh(*self._stale)
        self._remove_labels()
        self._unclean = not clean.settle(self._server, self.names)
        return Deletion(texts, written, not self._unclean or not texts)

    # Reading

    def deleted_ids(self, posts: Sequence[Collected]) -> list[str]:
        """Return the ids of those posts that a tombstone names."""
        return graves.refused(self._server, self.names, posts)

    def search(self, query: Node, limit: int, offset: int = 0) -> Page:
        """Return the posts that match, newest first."""
        self._fresh(self.names.posts, self.names.heads)
        return read.find(self._server, self.names, query, limit, offset)

    def best(self, query: Node, clauses: Sequence[Clause], limit: int) -> list[tuple[Hit, int]]:
        """Return the posts of the highest weight; see :meth:`.protocols.Ranking.best`."""
        self._fresh(self.names.posts)
        return read.best(self._server, self.names, query, clauses, limit)

    def scan(self, query: Node) -> Iterator[Hit]:
        """Yield every post that matches, ordered by id, from one consistent state."""
        if not self.readonly:  # who deletes an author must see what others wrote this moment
            self._stale.add(self.names.posts)
        self._fresh(self.names.posts)
        yield from read.scan(self._server, self.names, query)

    def sums(self, query: Node, by: Literal["day", "hour"], split: Split) -> list[Sum]:
        """Return the sums that trends are computed from; posts without a day are left out."""
        self._fresh(self.names.posts)
        return read.sums(self._server, self.names, query, by, split)

    def facets(self, query: Node) -> Facets:
        """Return how many of the posts that match have each value; see :meth:`.Store.facets`."""
        self._fresh(self.names.posts)
        return read.facets(self._server, self.names, query)

    def count(self, query: Node) -> tuple[int, int]:
        """Return how many posts match, and how many of those have no day."""
        self._fresh(self.names.posts)
        return read.count(self._server, self.names, query)

    def counters(self, page: str | None = None) -> list[Counter]:
        """Return the readings of one page, or of all, ordered by time, page, metric, source."""
        self._fresh(self.names.books)
        return read.counters(self._server, self.names, page)

    # Labels

    def put_labels(self, labels_of_people: Sequence[HumanLabel]) -> int:
        """Store labels; see :meth:`pipelines.stores.protocols.Labels.put_labels`."""
        self._writing()
        posts = {label.post: None for label in labels_of_people}
        known = [hit.post.id for hit in self._among(All(), posts)]
        return labels.put(self._server, self.names.prefix, known, labels_of_people)

    def labelled(self, query: Node) -> list[tuple[Hit, list[HumanLabel]]]:
        """Return labelled posts that match; see :meth:`.protocols.Labels.labelled`."""
        found = labels.read(self._server, self.names.prefix)
        return matched(self._among(query, found), found)

    def _among(self, query: Node, names: Mapping[str, object]) -> list[Hit]:
        return [hit for part in queries(query, names) for hit in self.scan(part)]

    def _remove_labels(self) -> None:
        """Remove the labels of posts that were deleted."""
        found = labels.read(self._server, self.names.prefix)
        if found:
            there = {hit.post.id for hit in self._among(All(), found)}
            labels.remove_orphans(self._server, self.names.prefix, found, there)

    def timezone(self) -> str:
        """Return the zone that days are counted in; see :meth:`.Store.timezone`."""
        if not self.readonly:
            self._check_timezone()
        return books.timezone(self._server, self.names)

    def ledger(self) -> Ledger:
        """Return the books."""
        self._fresh(self.names.books, self.names.heads)
        return read.ledger(self._server, self.names)

    def status(self) -> Status:
        """Return the state of the store."""
        self._fresh(self.names.books, self.names.heads, self.names.posts)
        return read.status(self._server, self.names)

    # Inside

    def _writing(self) -> None:
        self._writable()
        self._flight.land()

    def _writable(self) -> None:
        if self.readonly:
            raise StoreError(f"{self.names} was opened for reading only.")

    def _fresh(self, *indices: str) -> None:
        """Make findable what this object wrote to these indices."""
        self._flight.land()
        stale = sorted(self._stale.intersection(indices))
        if not stale:
            return
        self._server.do(lambda es: es.indices.refresh(index=stale, ignore_unavailable=True))
        self._stale.difference_update(stale)

    def _recover(self) -> None:
        """Carry out, once, what a process that was killed left half done."""
        if not self._recovered:
            recover(self._server, self.names, self._keep, self._watch)
            self._recovered = True

    def _check_timezone(self) -> None:
        if self._timezone_checked or not self._new_timezone:
            return
        stored = books.settle_timezone(self._server, self.names, self._new_timezone)
        if self._timezone and stored != self._timezone:
            raise StoreError(
                f"{self.names} counts its days in the time zone {stored}, but {self._timezone} "
                f"is configured: set the time zone to {stored}, or choose another --store."
            )
        self._timezone_checked = True

    def _keep(self, letters: Sequence[DeadLetter]) -> None:
        with self.dead_letters() as kept:
            kept.put(letters)

    def _remove_expired(self) -> None:
        with self.dead_letters() as letters:
            letters.purge_expired()

    def _forget(self, tombstones: Sequence[CollectedTombstone]) -> None:
        """Remove what is kept aside under the plain names of what was deleted."""
        names = {name for tombstone in tombstones for name in plain_names(tombstone)}
        if names and self.dead_path.exists():
            with self.dead_letters() as letters:
                letters.forget(names)

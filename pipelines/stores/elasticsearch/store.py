"""The store's face: what the other modules do, in the order that makes it safe."""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import platformdirs

from ingest.records import Counter, Post
from pipelines.daily import Daily
from pipelines.dead_letters.queue import DAYS, DeadLetters
from pipelines.dead_letters.search import searched_names
from pipelines.errors import StoreError
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
    Status,
    Study,
    Sum,
)
from pipelines.stop import Stop
from pipelines.stores.elasticsearch import (
    inputs,
    labels,
    lease,
    pending,
    purge,
    read,
    setup,
)
from pipelines.stores.elasticsearch import (
    tombstones as deletions,
)
from pipelines.stores.elasticsearch.accept import Accepting
from pipelines.stores.elasticsearch.address import address
from pipelines.stores.elasticsearch.indices import Indices
from pipelines.stores.elasticsearch.reindex import Reindexing
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.keys import keys_to_write
from pipelines.stores.labels import matched, queries
from pipelines.stores.sqlite.lock import hold
from pipelines.stores.zone_data import ZoneData, require

_REQUEUE = 1_000
#: Seconds between looks at whether the bytes of deleted texts can go, while posts come in; and
#: the part of the time that rewriting may take.
PURGING, PURGING_SHARE = 20.0, 0.1


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
        where = address(url)
        self.readonly = readonly
        self._timezone = timezone
        self._new_timezone = timezone or new_timezone
        self._dead_days = dead_days
        self._timezone_checked = False
        self._unclean = False
        self._next_purge = 0.0
        self._stale: set[str] = set()
        # Dead letters hold raw records, which never leave the machine that collected them.
        slug = re.sub(r"[^a-z0-9]+", "-", str(where).partition("://")[2].lower()).strip("-")
        digest = hashlib.blake2b(str(where).encode(), digest_size=4).hexdigest()
        self._folder = platformdirs.user_data_path("marsad") / "stores"
        self.dead_path = self._folder / f"{slug}-{digest}.dead"
        self._expire = Daily(self._remove_expired)
        self._server = Server(where.url)
        self.indices = Indices(self._server, where)
        self._known = deletions.Tombstones(self.indices)
        self._accepting = Accepting(self.indices, self._known, self._keep)
        try:
            self._server.check()
            if readonly:
                setup.require(self.indices, reindexing=reindexing)
            else:
                setup.prepare(self.indices, reindexing=reindexing)
                self._expire()
        except BaseException:
            self._server.close()
            raise

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; what was written can be found by others first."""
        try:
            self._refresh(*self._stale)
        except StoreError:
            pass  # the server makes it visible by itself
        finally:
            self._server.close()

    def retry_until(self, stop: Stop) -> None:
        """End retries with this; see :meth:`.protocols.Administration.retry_until`."""
        self._server.stop = stop

    def limit_time(self, seconds: float) -> None:
        """Do nothing: each request to the server has its time limit."""

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

    def dead_letters(self) -> DeadLetters:
        """Open the dead letters of this store's input, on this machine."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return DeadLetters(self.dead_path, days=self._dead_days)

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
        if batch.dead:
            self._keep(batch.dead)
        self._forget(batch.tombstones)
        if batch.tombstones:
            purge.mark(self.indices)
        outcomes, removed = self._accepting.accept(batch, documents)
        if batch.retried and self.dead_path.exists():
            with self.dead_letters() as letters:
                letters.remove(batch.retried)
        if batch.tombstones:
            self._remove_labels()
        if removed:
            purge.mark(self.indices)
            self._unclean = True
        self._purge()
        return outcomes

    def housekeeping(self) -> None:
        """Let others find what was written, and remove what is due; see :class:`.Sink`."""
        self._refresh(*self._stale)
        self._purge()

    def _purge(self) -> None:
        if self._unclean and time.monotonic() >= self._next_purge:
            begun = time.monotonic()
            self._unclean = not purge.purge(self.indices)
            spent = time.monotonic() - begun
            self._next_purge = begun + max(PURGING, spent / PURGING_SHARE)
        self._expire()

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
        refused = pending.index(self.indices, documents)
        if refused:
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

    def timezone(self) -> str:
        """Return the zone that days are counted in; see :meth:`.Administration.timezone`."""
        if not self.readonly:
            self._check_timezone()
        return inputs.timezone(self.indices)

    def study(self) -> Study | None:
        """Return the recorded study; see :meth:`.Administration.study`."""
        return inputs.study(self.indices)

    def put_study(self, study: Study) -> None:
        """Record a study; see :meth:`.Administration.put_study`."""
        self._writing()
        inputs.put_study(self.indices, study)

    def put_pace(self, posts_a_second: float) -> None:
        """Record how fast posts are scored; see :meth:`.Backlog.put_pace`."""
        self._writing()
        inputs.put_pace(self.indices, posts_a_second)

    def zone_data(self) -> ZoneData:
        """Return which zone data days were counted with; see :meth:`.Administration.zone_data`."""
        return inputs.zone_data(self.indices)

    def ledger(self) -> Ledger:
        """Return the outcomes of all records."""
        self._refresh(self.indices.state, self.indices.posts)
        return read.ledger(self.indices)

    def status(self) -> Status:
        """Return the state of the store."""
        self._refresh(self.indices.state, self.indices.posts)
        return read.status(self.indices)

    # Inside

    def _writing(self, *stale: str) -> None:
        """Note that these indices are going to change."""
        if self.readonly:
            raise StoreError(f"{self.indices} was opened for reading only.")
        self._stale.update(stale)

    def _refresh(self, *indices: str) -> None:
        """Make findable what this object wrote to these indices."""
        stale = sorted(self._stale.intersection(indices))
        if stale:
            self.indices.refresh(*stale)
            self._stale.difference_update(stale)

    def _check_timezone(self) -> None:
        if self._timezone_checked or not self._new_timezone:
            return
        stored = inputs.settle_timezone(self.indices, self._new_timezone)
        if self._timezone and stored != self._timezone:
            raise StoreError(
                f"{self.indices} counts its days in the time zone {stored}, but {self._timezone} "
                f"is configured: set the time zone to {stored}, or choose another --store."
            )
        require(str(self.indices), inputs.zone_data(self.indices))
        self._timezone_checked = True

    def require_keys(self, keyring: Path, own: frozenset[str]) -> None:
        """Refuse a keyring without the store's keys; see :meth:`.Administration.require_keys`."""
        self._writing()
        while True:
            stored, seen = inputs.keys(self.indices)
            place, instead = str(self.indices), "choose another --store"
            values = keys_to_write(place, keyring, stored, own, instead=instead)
            if values is None or inputs.save_keys(self.indices, values, seen):
                return

    def _keep(self, letters: Sequence[DeadLetter]) -> None:
        with self.dead_letters() as kept:
            kept.put(letters)

    def _remove_expired(self) -> None:
        with self.dead_letters() as letters:
            letters.purge_expired()

    def _forget(self, tombstones: Sequence[CollectedTombstone]) -> None:
        """Remove dead letters under the raw account names of what was deleted."""
        names = {name for tombstone in tombstones for name in searched_names(tombstone)}
        if names and self.dead_path.exists():
            with self.dead_letters() as letters:
                letters.forget(names)

"""The store's face: one transaction around each of the steps that the other modules take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Counter, Post
from pipelines.daily import Daily
from pipelines.dead_letters.queue import DAYS, DeadLetters
from pipelines.dead_letters.search import searched_names
from pipelines.errors import StoreError, StoreMissing
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
    Status,
    Study,
    Sum,
)
from pipelines.stop import Stop
from pipelines.stores import analysis
from pipelines.stores.keys import keys_to_write
from pipelines.stores.labels import matched, queries
from pipelines.stores.sqlite import (
    erase,
    facets,
    labels,
    ledger,
    queue,
    ranked,
    read,
    reindex,
    schema,
    words,
)
from pipelines.stores.sqlite import tombstones as deletions
from pipelines.stores.sqlite.accept import accept
from pipelines.stores.sqlite.connect import open_reader, open_writer
from pipelines.stores.sqlite.index import index, reject, requeue
from pipelines.stores.sqlite.lock import hold
from pipelines.stores.sqlite.scored import accept_scored
from pipelines.stores.sqlite_file import explained, reading, set_patience, writing
from pipelines.stores.zone_data import ZoneData, current, require

#: While a stream brings deletions, cleaning the file may take at most this part of the time.
CLEANING = 0.02
_REQUEUE = 1_000


class SqliteStore(AbstractContextManager["SqliteStore"]):
    """Posts in one SQLite file. Fulfils :class:`~pipelines.stores.protocols.Store`.

    One object belongs to one thread; any number of processes may read and search while one
    imports. Raises :class:`~pipelines.errors.StoreError` and its children.
    """

    provisional_scores = True

    def __init__(
        self,
        path: str | Path,
        *,
        readonly: bool = False,
        timezone: str = "",
        new_timezone: str = "",
        dead_days: float = DAYS,
        max_pages: int | None = None,
        reindexing: bool = False,
    ) -> None:
        """Open a store, or make it (not for reading).

        ``timezone`` names the zone that the days of documents are counted in; the first one
        named is the store's. ``new_timezone`` is taken where neither is named yet.
        ``dead_days`` is how long dead letters are kept. ``max_pages`` limits the file's size, in
        pages of 4,096 bytes. ``reindexing`` opens also what must be re-indexed before it can be
        used.
        """
        self.path = Path(path)
        # beside the file itself, whatever links lead to it
        self._real = self.path.resolve()
        self._timezone = timezone
        self._new_timezone = timezone or new_timezone
        self._dead_days = dead_days
        self.readonly = readonly
        self.dead_path = Path(f"{self._real}.dead")
        self._timezone_checked = False
        self._reindexing = reindexing
        self._unclean = False
        self._limit: float | None = None
        self._next_cleaning = 0.0
        self._expire = Daily(self._remove_expired)
        if not readonly:
            self._connection = open_writer(self.path, max_pages)
        else:
            self._connection = open_reader(self.path)
        try:
            with explained(self.path):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        version = schema.check(self._connection, self.path)
        if self.readonly and version < schema.VERSION:
            if version == 0:
                raise StoreMissing(f"There is nothing in {self.path} yet: run marsad ingest first.")
            if not self._reindexing:
                schema.require_moved(self._connection, self.path)
            with closing(open_writer(self.path)) as connection:
                schema.migrate(connection, self.path)
        elif not self.readonly:
            if not self._reindexing and version:
                schema.require_moved(self._connection, self.path)
            schema.migrate(self._connection, self.path)
            self._clean(timeout=0)  # what a crash or a reader kept from being done
            self._expire()
        if not self.readonly and reindex.due(self._connection):
            with writing(self._connection, self.path):
                reindex.begin(self._connection)
        if not self._reindexing:
            schema.require_moved(self._connection, self.path)
            analysis.require(str(self.path), reindex.stored(self._connection)[0])

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def retry_until(self, stop: Stop) -> None:
        """Do nothing: a file is never away."""

    def limit_time(self, seconds: float) -> None:
        """Let each question take so long; see :meth:`.protocols.Administration.limit_time`."""
        self._limit = seconds
        set_patience(self._connection, seconds)

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

    def dead_letters(self) -> DeadLetters:
        """Open dead letters from this store's input."""
        return DeadLetters(self.dead_path, days=self._dead_days)

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
        # Kept aside first, where repeating does nothing: after a crash between the two steps
        # the batch comes again, and no letter can be counted without being there.
        if batch.dead:
            with self.dead_letters() as dead_letters:
                dead_letters.put(batch.dead)
        with self._writing():
            outcomes, texts = taking()
        if batch.retried and self.dead_path.exists():
            with self.dead_letters() as dead_letters:
                dead_letters.remove(batch.retried)
        self._forget(batch.tombstones)
        self._unclean = self._unclean or texts > 0
        self.housekeeping()
        return outcomes

    def housekeeping(self) -> None:
        """Remove what is due; see :meth:`.Store.housekeeping`."""
        if self._unclean and time.monotonic() >= self._next_cleaning:
            self._clean(timeout=0)
        self._expire()

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
        """Keep waiting posts aside; see :meth:`pipelines.stores.protocols.Store.reject`."""
        with self.dead_letters() as kept:
            kept.put(dead_letters)
        reasons = [dead_letter.reason for dead_letter in dead_letters]
        with self._writing():
            reject(self._connection, list(zip(posts, reasons, strict=True)))

    def put_pace(self, posts_a_second: float) -> None:
        """Record how fast posts are scored; see :meth:`.Backlog.put_pace`."""
        with self._writing():
            self._connection.execute(
                "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
                (read.PACE, str(posts_a_second)),
            )

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

    def write_tombstones(self, tombstones: Sequence[CollectedTombstone]) -> set[str]:
        """Write tombstones alone; see :meth:`pipelines.stores.protocols.Store.write_tombstones`."""
        with self._writing():
            return deletions.write(self._connection, tombstones)

    def reached(self, tombstones: Sequence[CollectedTombstone]) -> set[str]:
        """Return the ids of what deletions would remove; see :meth:`.Deletions.reached`."""
        with self._reading():
            return deletions.reached(self._connection, tombstones)

    def delete(self, tombstones: Sequence[CollectedTombstone], *, counted: bool = True) -> Deletion:
        """Write tombstones and remove every trace of the texts they name, on disk too.

        Works while an import runs. Dead letters goes too where it holds a raw account name.
        """
        with self._writing():
            removed = deletions.delete(self._connection, tombstones)
            if counted:
                number = len(tombstones)
                ledger.add(self._connection, {"received": number, "deleted": number})
        self._forget(tombstones)
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

    def timezone(self) -> str:
        """Return the zone that days are counted in; see :meth:`.Store.timezone`."""
        if not self.readonly:
            self._check_timezone()
        with self._reading():
            return read.timezone(self._connection)

    def study(self) -> Study | None:
        """Return the recorded study; see :meth:`.Administration.study`."""
        with self._reading():
            return read.study(self._connection)

    def put_study(self, study: Study) -> None:
        """Record a study; see :meth:`.Administration.put_study`."""
        with self._writing():
            self._connection.execute(
                "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
                (read.STUDY, msgspec.json.encode(study).decode()),
            )

    def zone_data(self) -> ZoneData:
        """Return which zone data days were counted with; see :meth:`.Administration.zone_data`."""
        with self._reading():
            return read.zone_data(self._connection)

    def ledger(self) -> Ledger:
        """Return the ledger."""
        with self._reading():
            return ledger.read(self._connection)

    def status(self) -> Status:
        """Return the state of the store."""
        with self._reading():
            return read.status(self._connection, str(self.path))

    # Inside

    def _reading(self) -> AbstractContextManager[None]:
        return reading(self._connection, self.path, self._limit)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self.readonly:
            raise StoreError(f"{self.path} was opened for reading only.")
        with writing(self._connection, self.path):
            if not self._reindexing:
                self._require_own_analysis()
            yield

    def _require_own_analysis(self) -> None:
        """Refuse to write words beside those of another Marsad that began after the opening."""
        version, building = reindex.stored(self._connection)
        analysis.require(str(self.path), version)
        if building:
            analysis.require(str(self.path), building)

    def _check_timezone(self) -> None:
        if self._timezone_checked or not self._new_timezone:
            return
        with self._writing():
            if not read.timezone(self._connection):
                self._connection.execute(
                    "INSERT INTO meta (name, value) VALUES ('timezone', ?)", (self._new_timezone,)
                )
                self._record_zone_data(self._new_timezone)
            stored = read.timezone(self._connection)
            counted_with = read.zone_data(self._connection)
        if self._timezone and stored != self._timezone:
            raise StoreError(
                f"{self.path} counts its days in the time zone {stored}, but {self._timezone} is "
                f"configured: set the time zone to {stored}, or choose another --store."
            )
        require(str(self.path), counted_with)
        self._timezone_checked = True

    def _record_zone_data(self, zone: str) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
            (read.ZONE_DATA, str(current(zone))),
        )

    def require_keys(self, keyring: Path, own: frozenset[str]) -> None:
        """Refuse a keyring without the store's keys; see :meth:`.Administration.require_keys`."""
        with self._writing():
            rows = self._connection.execute("SELECT value FROM meta WHERE name = 'keys'").fetchall()
            stored = frozenset(rows[0][0].split()) if rows else frozenset()
            place, instead = str(self.path), "choose another --store"
            values = keys_to_write(place, keyring, stored, own, instead=instead)
            if values is not None:
                self._connection.execute(
                    "INSERT OR REPLACE INTO meta (name, value) VALUES ('keys', ?)",
                    (" ".join(sorted(values)),),
                )

    def _clean(self, timeout: float) -> bool:
        """Remove the bytes of deleted texts; rewrite the file if that is due."""
        begun = time.monotonic()
        with explained(self.path):
            done = erase.scrub(self._connection, timeout)
            if done and erase.purge_is_due(self._connection):
                done = erase.purge(self._connection, timeout)
        ended = time.monotonic()
        self._unclean = not done
        self._next_cleaning = ended + (ended - begun) / CLEANING
        return done

    def _remove_expired(self) -> None:
        with self.dead_letters() as dead_letters:
            dead_letters.purge_expired()

    def _forget(self, tombstones: Sequence[CollectedTombstone]) -> None:
        """Remove dead letters under the raw account names of what was deleted."""
        names = {name for tombstone in tombstones for name in searched_names(tombstone)}
        if names and self.dead_path.exists():
            with self.dead_letters() as dead_letters:
                dead_letters.forget(names)

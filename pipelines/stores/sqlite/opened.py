"""One SQLite file that is open: its schema, its locks, its time zone, what must leave it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self

import msgspec

from pipelines.daily import Daily
from pipelines.dead_letters.owner import DeadLetterOwner
from pipelines.dead_letters.queue import DAYS
from pipelines.errors import StoreError, StoreMissing, StoreVersion
from pipelines.records import (
    Ledger,
    Status,
    Study,
)
from pipelines.stop import Stop
from pipelines.stores import analysis
from pipelines.stores.keys import keys_to_write
from pipelines.stores.sqlite import (
    erase,
    ledger,
    read,
    reindex,
    schema,
)
from pipelines.stores.sqlite.connect import open_reader, open_writer
from pipelines.stores.sqlite_file import explained, reading, set_busy_timeout, writing
from pipelines.stores.zone_data import ZoneData, current, require

#: While a stream brings deletions, cleaning the file may take at most this part of the time.
CLEANING = 0.02


class SqliteFile(DeadLetterOwner):
    """A store's file, and what :class:`~pipelines.stores.protocols.Administration` asks of it."""

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
            # A reader looks at one state of a file that another process may be moving.
            state = reading(self._connection, self.path) if readonly else explained(self.path)
            with state:
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        version = schema.check(self._connection, self.path)
        if self.readonly and version < schema.VERSION:
            self._refuse_older(version)
        elif not self.readonly:
            if not self._reindexing and version:
                schema.require_moved(self._connection, self.path)
            schema.migrate(self._connection, self.path)
            self._clean(timeout=0)  # what a crash or a reader kept from being done
            self._expire()
        if not self._reindexing:
            schema.require_moved(self._connection, self.path)
        if reindex.due(self._connection):
            self._begin()
        elif not self._reindexing:
            analysis.require(str(self.path), reindex.stored(self._connection)[0])

    def _begin(self) -> None:
        """Note how words will be analysed; a reader of a store in the making finds nothing."""
        if not self.readonly:
            with writing(self._connection, self.path):
                reindex.begin(self._connection)
        elif not schema.is_used(self._connection):
            raise self._nothing()

    def _refuse_older(self, version: int) -> None:
        """Raise what to do about a store of an older schema: who reads it must not change it.

        Others may be writing to it with the Marsad that it is of.
        """
        if self._reindexing:
            return
        if version:
            schema.require_moved(self._connection, self.path)
        if not version or not schema.is_used(self._connection):
            raise self._nothing()
        if version > 1:  # the first one says nothing of its words
            analysis.require(str(self.path), reindex.stored(self._connection)[0])
        raise StoreVersion(
            f"{self.path} was written by an older Marsad (schema {version}; this one has "
            f"{schema.VERSION}): end what else uses it, then run marsad reindex."
        )

    def _nothing(self) -> StoreMissing:
        return StoreMissing(f"There is nothing in {self.path} yet: run marsad ingest first.")

    def __enter__(self) -> Self:
        return self

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
        set_busy_timeout(self._connection, seconds)

    def housekeeping(self) -> None:
        """Remove what is due; see :meth:`.Store.housekeeping`."""
        if self._unclean and time.monotonic() >= self._next_cleaning:
            self._clean(timeout=0)
        self._expire()

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

    def put_pace(self, posts_a_second: float) -> None:
        """Record how fast posts are scored; see :meth:`.Backlog.put_pace`."""
        with self._writing():
            self._connection.execute(
                "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
                (read.PACE, str(posts_a_second)),
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

    # Inside

    def _reading(self) -> AbstractContextManager[None]:
        return reading(self._connection, self.path, self._limit)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self.readonly:
            raise StoreError(f"{self.path} was opened for reading only.")
        with writing(self._connection, self.path):
            # a later Marsad may have changed the tables since this one opened them
            schema.check(self._connection, self.path)
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

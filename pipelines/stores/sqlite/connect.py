"""Opening the file, transactions, and SQLite's errors in words that help."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import StoreBusy, StoreError, StoreFull

#: How long a statement waits for another process's transaction. The longest of ours is the
#: removal of deleted words from a large index (seconds).
PATIENCE = 60.0

_FULL = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NO_DATABASE = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into :class:`StoreError` and its children."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None) or 0
        raise _explain(path, code, str(error)) from error


def _explain(path: Path, code: int, words: str) -> StoreError:
    primary = code & 0xFF
    if code in _FULL or primary == sqlite3.SQLITE_FULL:
        return StoreFull(
            f"No room is left for {path} ({_free(path)}): make room, then repeat the command; "
            "it goes on where it stopped, and what was stored before is whole."
        )
    if primary in _BUSY:
        return StoreBusy(
            f"{path} was in use by another process for more than {PATIENCE:.0f} seconds: "
            "repeat the command when that has ended."
        )
    if primary in _NO_DATABASE:
        return StoreError(
            f"{path} is no store of Marsad, or it is damaged ({words}): choose another --store, "
            "or bring back a copy."
        )
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}:
        return StoreError(
            f"{path} can't be opened or written ({words}): check the rights of the file and of "
            "its folder."
        )
    return StoreError(f"{path}: SQLite says: {words}.")


def _free(path: Path) -> str:
    try:
        return f"{shutil.disk_usage(path.parent).free / 1e6:,.0f} MB free on its disk"
    except OSError:
        return "its disk can't be asked"


def open_writer(path: Path, max_pages: int | None = None) -> sqlite3.Connection:
    """Return a connection that writes; makes the file, readable by its owner alone.

    Raises :class:`StoreError` (in :func:`explained`'s words).
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a store: name a file in it.")
    try:
        # SQLite gives its -wal and -shm files the rights of the file itself
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except FileNotFoundError:
        raise StoreError(f"{path} can't be made: the folder {path.parent} is not there.") from None
    except OSError as error:
        raise StoreError(
            f"{path} can't be written ({error.strerror}): check the rights of the file and of "
            "its folder, or choose another --store."
        ) from error
    with explained(path):
        connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL: each commit is on the disk before it is acknowledged, power loss included
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
            if max_pages is not None:
                connection.execute(f"PRAGMA max_page_count = {max_pages:d}")
        except BaseException:
            connection.close()
            raise
        return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads. Raises :class:`StoreError`."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a store: name a file in it.")
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise StoreError(f"There is no store at {path}: run marsad ingest first.") from None
    except OSError as error:
        raise StoreError(f"{path} can't be read ({error.strerror}).") from error
    with explained(path):
        connection = _connect(f"{path.absolute().as_uri()}?{_reading(path)}")
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection


def _reading(path: Path) -> str:
    """Choose how to open for reading.

    A writer that was killed leaves a journal that must be taken in, which needs the right to
    write; a file on a read-only medium without a journal can be read as it is.
    """
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "mode=rw"
    if not Path(f"{path}-wal").exists():
        return "mode=ro&immutable=1"
    return "mode=ro"


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=PATIENCE)
    connection.execute("PRAGMA temp_store = MEMORY")  # no text in temporary files
    connection.execute("PRAGMA cache_size = -32000")
    return connection


@contextmanager
def writing(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """One transaction that writes: all of it or nothing."""
    with explained(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite may have rolled back by itself
                connection.execute("ROLLBACK")
            raise


@contextmanager
def reading(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """One transaction that reads: all its statements see the same state."""
    with explained(path):
        connection.execute("BEGIN")
        try:
            yield
        finally:
            if connection.in_transaction:
                connection.execute("COMMIT")

"""What every SQLite file of Marsad needs: transactions, and errors in words that help."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.errors import StoreBusy, StoreError, StoreFull

#: How long a statement waits for another process's transaction. The longest of ours is the
#: rewriting of a store of millions of posts after a deletion.
PATIENCE = 300.0

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
        raise _explain(path, error) from error


def make_or_check(path: Path, *, make: bool = True) -> None:
    """Make a file that its owner alone may read, or see that it is there and can be written.

    SQLite gives its -wal and -shm files the rights of the file itself. A file that is there is
    never opened but by SQLite: closing it would let go of the locks that this process's other
    connections hold on it (https://www.sqlite.org/howtocorrupt.html, 2.2), and the next process
    that ends would take their journal away from under them. Raises ``OSError``.
    """
    if make:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    path.stat()
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def is_full(error: sqlite3.Error) -> bool:
    """Say whether a disk, a quota or the file's limit is full."""
    return _code(error) in _FULL


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", None) or 0  # errors of the Python module have none


def _explain(path: Path, error: sqlite3.Error) -> StoreError:
    primary, words = _code(error) & 0xFF, str(error)
    if is_full(error):
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

"""What every SQLite file of Marsad needs: transactions, and errors in words that help.

The store is opened with ``apsw``, which brings a current SQLite along on every system; the other
files with Python's own ``sqlite3``. One file is never opened with both in one process, since each
would let go of the other's locks (https://www.sqlite.org/howtocorrupt.html, 2.2.1).
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import apsw

from pipelines.errors import StoreBusy, StoreError, StoreFull, StoreSlow

#: How long a statement waits for another process's transaction. The longest of ours is the
#: rewriting of a store of millions of posts after a deletion.
PATIENCE = 300.0

#: Steps of SQLite's machine between two looks at the clock, some milliseconds.
_STEPS = 100_000

_FULL = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NO_DATABASE = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


_Error = sqlite3.Error | apsw.Error


class Connection(Protocol):
    """A connection of either module. What a row holds, its statement says."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def execute(self, sql: str, values: Any = (), /) -> Any:
        """Run one statement; return a cursor over its rows."""

    def executemany(self, sql: str, values: Iterable[Any], /) -> Any:
        """Run one statement for each of some values."""

    def close(self) -> None:
        """Release the file."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into :class:`StoreError` and its children."""
    try:
        yield
    except (sqlite3.Error, apsw.Error) as error:
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


def is_full(error: _Error) -> bool:
    """Say whether a disk, a quota or the file's limit is full."""
    return _code(error) in _FULL


def _code(error: _Error) -> int:
    if isinstance(error, apsw.Error):
        return max(getattr(error, "extendedresult", 0), 0)
    return getattr(error, "sqlite_errorcode", None) or 0  # errors of the Python module have none


def _explain(path: Path, error: _Error) -> StoreError:
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
            f"{path} is no store of Marsad, or it is damaged ({words}): choose another --store. "
            f"If {path.name}-wal beside it was lost, bring that back; else move the file away and "
            "bring back a copy (of a store: marsad restore)."
        )
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}:
        return StoreError(
            f"{path} can't be opened or written ({words}): check the rights of the file and of "
            "its folder."
        )
    if primary == sqlite3.SQLITE_INTERRUPT:
        return StoreSlow(
            f"{path}: this question took too long and was stopped: ask for fewer days or rarer "
            "words, or again when the machine has less to do."
        )
    return StoreError(f"{path}: SQLite says: {words}.")


def _free(path: Path) -> str:
    try:
        return f"{shutil.disk_usage(path.parent).free / 1e6:,.0f} MB free on its disk"
    except OSError:
        return "its disk can't be asked"


@contextmanager
def writing(connection: Connection, path: Path) -> Iterator[None]:
    """One transaction that writes: all of it or nothing."""
    with explained(path), transaction(connection):
        yield


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """The same as :func:`writing`, with SQLite's own errors."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite may have rolled back by itself
            connection.execute("ROLLBACK")
        raise


def set_busy_timeout(connection: Connection, seconds: float) -> None:
    """Let a statement wait so long for another process's transaction."""
    connection.execute(f"PRAGMA busy_timeout = {int(1000 * seconds)}")


@contextmanager
def reading(connection: Connection, path: Path, limit: float | None = None) -> Iterator[None]:
    """One transaction that reads: all its statements see the same state.

    With ``limit`` it is stopped after so many seconds. Raises :class:`StoreSlow`.
    """
    with explained(path), _limited(connection, limit):
        connection.execute("BEGIN")
        try:
            yield
        finally:
            if connection.in_transaction:
                connection.execute("COMMIT")


@contextmanager
def _limited(connection: Connection, seconds: float | None) -> Iterator[None]:
    if seconds is None or not isinstance(connection, apsw.Connection):
        yield
        return
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None)

"""Opening the store's file, for writing and for reading."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import cast

import apsw

from pipelines.errors import StoreError, StoreMissing
from pipelines.stores.sqlite_file import PATIENCE, Connection, explained, make_or_check


def open_writer(path: Path, max_pages: int | None = None) -> Connection:
    """Return a connection that writes; makes the file, readable by its owner alone.

    Raises :class:`StoreError` (in :func:`explained`'s words).
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a store: name a file in it.")
    try:
        make_or_check(path)
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


def open_reader(path: Path) -> Connection:
    """Return a connection that only reads. Raises :class:`StoreError`."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a store: name a file in it.")
    try:
        path.stat()
    except FileNotFoundError:
        raise StoreMissing(f"There is no store at {path}: run marsad ingest first.") from None
    except OSError as error:
        raise StoreError(f"{path} can't be read ({error.strerror}).") from error
    if not os.access(path, os.R_OK):
        raise StoreError(f"{path} can't be read ({os.strerror(errno.EACCES)}).")
    with explained(path):
        connection = _connect(f"{path.absolute().as_uri()}?{_reading(path)}")
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
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


def _connect(uri: str) -> Connection:
    opened = apsw.Connection(uri, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
    opened.set_busy_timeout(int(PATIENCE * 1000))
    connection = cast(Connection, opened)
    connection.execute("PRAGMA temp_store = MEMORY")  # no text in temporary files
    connection.execute("PRAGMA cache_size = -32000")
    return connection

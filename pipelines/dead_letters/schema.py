"""The file of dead letters: one table, and how the files of older versions become it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pipelines.errors import StoreError, StoreVersion

#: In the file's header ("MRSL"), so that no other file is taken for it.
_APPLICATION_ID = 0x4D52534C
#: Version 0 had records alone, in a table ``letters``.
_VERSION = 1

_TABLE = """CREATE TABLE dead_letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    origin TEXT NOT NULL,
    line INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    raw BLOB NOT NULL,
    truncated INTEGER NOT NULL,
    context TEXT NOT NULL,
    at TEXT NOT NULL,
    expires TEXT NOT NULL,
    input TEXT NOT NULL,
    UNIQUE (kind, origin, line)
)"""


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Set a connection up; make the table in a new file, or move it from an older version.

    Raises :class:`~pipelines.errors.StoreError` for a file of something else.
    """
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    if owner not in {0, _APPLICATION_ID}:
        raise StoreError(f"{path} does not hold dead letters: move it away.")
    # A journal that is deleted after each transaction: no raw bytes stay behind in one.
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    if owner == _APPLICATION_ID and _version(connection) == _VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection)  # another process may have moved the table meanwhile
    if version > _VERSION:
        raise StoreVersion(f"{path} was written by a later Marsad: use that one, or a later one.")
    if version < _VERSION:
        connection.execute(_TABLE)
        if owner == _APPLICATION_ID:
            _move_records(connection)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _move_records(connection: sqlite3.Connection) -> None:
    columns = {
        name for (name,) in connection.execute("SELECT name FROM pragma_table_info('letters')")
    }
    name = "input" if "input" in columns else "''"
    connection.execute(
        "INSERT INTO dead_letters (number, kind, origin, line, reason, detail, raw, truncated, "
        "context, at, expires, input) SELECT number, 'record', origin, line, reason, detail, raw, "
        f"truncated, context, at, expires, {name} FROM letters"
    )
    connection.execute("DROP TABLE letters")

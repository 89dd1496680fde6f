"""Removing texts, first from the tables, then from every byte of the files.

Three things keep bytes of a deleted row, each with its own remedy:

- older segments of the full-text index hold its words until all are merged (``optimize``);
- pages that SQLite once rebalanced hold copies of rows that were moved from them, which
  ``secure_delete`` does not know of (in a test of 600 deletions among 6,000 posts with edits,
  one text was still there): only rewriting the file (``VACUUM``) leaves none;
- the journal (``-wal``) holds pages as they were and must be cut off.

For 80,000 posts (115 MB) the three take about 1.5 seconds, in 17 MB of memory; meanwhile
readers read on and writers wait.
"""

from __future__ import annotations

import sqlite3
import time
from typing import NamedTuple

from pipelines.stores.sqlite_file import is_full

#: How long to wait, in seconds, for readers that still look at the state before a deletion.
READERS = 5.0


class Erased(NamedTuple):
    """What was removed: texts, and the received records that waited under them."""

    texts: int
    weight: int


def erase(connection: sqlite3.Connection, ids: str, authors: str) -> Erased:
    """Remove posts by id and by author (JSON lists), inside the open transaction."""
    weights = connection.execute(
        "DELETE FROM queue WHERE id IN (SELECT value FROM json_each(?)) "
        "OR author IN (SELECT value FROM json_each(?)) RETURNING id, weight",
        (ids, authors),
    ).fetchall()
    rows = connection.execute(
        "SELECT rowid, id FROM posts WHERE id IN (SELECT value FROM json_each(?)) "
        "OR author IN (SELECT value FROM json_each(?))",
        (ids, authors),
    ).fetchall()
    rowids = [(rowid,) for rowid, _ in rows]
    for statement in (
        "DELETE FROM fts WHERE rowid = ?",
        "DELETE FROM targets WHERE post = ?",
        "DELETE FROM bodies WHERE rowid = ?",
        "DELETE FROM posts WHERE rowid = ?",
    ):
        connection.executemany(statement, rowids)
    texts = {name for name, _ in weights} | {name for _, name in rows}
    if texts:
        connection.execute(
            "INSERT INTO counters (name, value) VALUES ('unclean', 1) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1"
        )
    return Erased(len(texts), sum(weight for _, weight in weights))


def due(connection: sqlite3.Connection) -> int:
    """Return how many removals have left bytes that may still be in the files."""
    row = connection.execute("SELECT value FROM counters WHERE name = 'unclean'").fetchone()
    return int(row[0]) if row else 0


def clean(connection: sqlite3.Connection, patience: float = READERS) -> bool:
    """Remove the bytes of deleted texts from the files; outside of any transaction.

    Returns False if a reader kept the old state for longer than ``patience`` seconds, or if
    there is no room for rewriting the file (it needs its own size again); the mark stays, and
    the next cleaning goes on.
    """
    removals = due(connection)
    if not removals:
        return True
    try:
        connection.execute("INSERT INTO fts (fts) VALUES ('optimize')")
        _vacuum(connection)
        if not _truncate(connection, patience):
            return False
    except sqlite3.OperationalError as error:
        if is_full(error):
            return False
        raise
    # Only if no other process has removed more meanwhile: that is cleaned by its own call.
    connection.execute(
        "UPDATE counters SET value = 0 WHERE name = 'unclean' AND value = ?", (removals,)
    )
    return True


def _vacuum(connection: sqlite3.Connection) -> None:
    # Through a temporary file (deleted while open; it holds nothing that was deleted): in
    # memory it would take the size of the store.
    connection.execute("PRAGMA temp_store = FILE")
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store = MEMORY")


def _truncate(connection: sqlite3.Connection, patience: float) -> bool:
    """Move the journal into the file and cut it off."""
    before = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    deadline = time.monotonic() + patience
    connection.execute("PRAGMA busy_timeout = 200")
    try:
        while True:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before:d}")

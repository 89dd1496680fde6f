"""Stored posts are analysed anew, in place and batch by batch: others read and write meanwhile."""

from __future__ import annotations

import sqlite3
from zoneinfo import ZoneInfo

from ingest.records import decode_post
from pipelines import stages
from pipelines.stores import analysis
from pipelines.stores.sqlite.index import forget_words, place

#: Posts of one transaction.
BATCH = 1_000
#: Rows of ``meta``: how the words were analysed, and how far (version and row) they are anew.
_ANALYSIS, _REACHED = "analysis", "reindexed"


def stored(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how a store's words were analysed, and how they are being analysed anew (or 0)."""
    known = dict(connection.execute("SELECT name, value FROM meta"))
    version, _, _ = known.get(_REACHED, "0 0").partition(" ")
    return int(known.get(_ANALYSIS, 1)), int(version)


def due(connection: sqlite3.Connection) -> bool:
    """Tell whether a store without posts does not say yet how their words will be analysed."""
    if analysis.VERSION in stored(connection):
        return False
    return connection.execute("SELECT 1 FROM posts LIMIT 1").fetchone() is None


def next_batch(connection: sqlite3.Connection, zone: ZoneInfo) -> int:
    """Analyse some posts anew, inside the open transaction; 0 when all are.

    Goes on where it was left, if that was with the same analysis.
    """
    known = dict(connection.execute("SELECT name, value FROM meta"))
    version, _, row = known.get(_REACHED, "0 0").partition(" ")
    last = int(row) if int(version) == analysis.VERSION else 0
    rows = connection.execute(
        "SELECT rowid, post FROM bodies WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, BATCH)
    ).fetchall()
    if not rows:
        _note(connection, _ANALYSIS, str(analysis.VERSION))
        connection.execute("DELETE FROM meta WHERE name = ?", (_REACHED,))
        return 0
    documents = stages.index([decode_post(post) for _, post in rows], zone)
    forget_words(connection, [rowid for rowid, _ in rows])
    placed = [(rowid, document) for (rowid, _), document in zip(rows, documents, strict=True)]
    place(connection, placed)
    _note(connection, _REACHED, f"{analysis.VERSION} {rows[-1][0]}")
    return len(rows)


def _note(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))

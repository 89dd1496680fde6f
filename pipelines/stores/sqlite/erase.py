"""Removing texts: at once what holds them, later what may hold a stale copy of a name or a word.

:func:`erase` and :func:`scrub` run with each deletion. The text is overwritten with zeros where
it stands (:mod:`.bodies`), its words leave the full-text index (:mod:`.words`), SQLite overwrites
the removed rows (``secure_delete``), and the write-ahead log, which holds pages as they were, is
moved into the file and cut off.

What is left for :func:`purge`: room that is not used any more, and copies of single words, ids
and pseudonyms in pages that SQLite once split or merged, of which ``secure_delete`` does not know.
Only rewriting the file (``VACUUM``) leaves none, which takes about a second for 50,000 posts; so
it is done for many deletions at once, by the first command that writes when :data:`PURGE_AFTER`
has passed or when :data:`PURGE_SHARE` of the posts were removed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import apsw

from pipelines.stores.sqlite import labels, rows, words
from pipelines.stores.sqlite.load import load
from pipelines.stores.sqlite.queue import erase_waiting
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection, is_full, transaction

#: How long to wait, in seconds, for readers that still look at the state before a deletion.
READERS = 5.0
#: How long removed rows may wait for the file to be rewritten.
PURGE_AFTER = timedelta(days=1)
#: … and which part of the posts there may be at most of them.
PURGE_SHARE = 0.1
#: Posts that are read and removed at once.
_CHUNK = 2_000

#: Counters: all removals, whose bytes may be in the write-ahead log, and in stale pages. Both only
#: grow, and so do those of how many of them are done, so that two processes that clean at once
#: take no removal for done that came after they began.
_UNSCRUBBED, _UNPURGED = "unclean", "unpurged"
_DONE = {_UNSCRUBBED: "scrubbed", _UNPURGED: "purged"}
#: When the first of the removals that wait for :func:`purge` was made.
_SINCE = "unpurged since"


class Erased(NamedTuple):
    """What was removed: texts, and the received records that waited under them."""

    texts: int
    weight: int


class Purge(NamedTuple):
    """Removed posts whose last traces are still to be purged, and when that is due."""

    removals: int
    due: datetime


def erase(connection: Connection, ids: Iterable[str], authors: Iterable[str]) -> Erased:
    """Remove posts by id and by author, inside the open transaction."""
    among = "id IN (SELECT value FROM json_each(?)) OR author IN (SELECT value FROM json_each(?))"
    named = (json_list(ids), json_list(authors))
    found: dict[str, int] = dict(
        connection.execute(f"SELECT id, number FROM posts WHERE {among}", named).fetchall()
    )
    weights = erase_waiting(connection, among, named)
    numbers = list(found.values())
    for start in range(0, len(numbers), _CHUNK):
        rows.remove(connection, load(connection, numbers[start : start + _CHUNK]))
    removed = weights.keys() | found.keys()
    if removed:
        labels.remove(connection, removed)
        connection.executemany(
            "INSERT INTO counters (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            [(_UNSCRUBBED, 1), (_UNPURGED, len(removed))],
        )
        connection.execute(
            "INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)",
            (_SINCE, datetime.now(UTC).isoformat(timespec="seconds")),
        )
    return Erased(len(removed), sum(weights.values()))


def scrub(connection: Connection, timeout: float = READERS) -> bool:
    """Remove the bytes of deleted texts from the files; outside of any transaction.

    Returns False if a reader kept the old state for longer than ``timeout`` seconds, or if
    there is no room; the mark stays, and the next call goes on.
    """
    begun = _counter(connection, _UNSCRUBBED)
    if not _waiting(connection, _UNSCRUBBED):
        return True
    try:
        words.compact(connection)
        if not _truncate(connection, timeout):
            return False
        # What another process has removed meanwhile is scrubbed by its own call.
        _done(connection, _UNSCRUBBED, begun)
    except apsw.Error as error:
        if is_full(error):
            return False
        raise
    return True


def unpurged(connection: Connection) -> Purge | None:
    """Return what waits for :func:`purge`, ``None`` if nothing does."""
    removals = _waiting(connection, _UNPURGED)
    since = connection.execute("SELECT value FROM meta WHERE name = ?", (_SINCE,)).fetchall()
    if not removals or not since:
        return None
    return Purge(removals, datetime.fromisoformat(since[0][0]) + PURGE_AFTER)


def purge_is_due(connection: Connection) -> bool:
    """Tell whether so much was removed, or so long ago, that the file is to be rewritten."""
    waiting = unpurged(connection)
    if waiting is None:
        return False
    posts = connection.execute("SELECT ifnull(sum(posts), 0) FROM sums").fetchall()[0][0]
    return datetime.now(UTC) >= waiting.due or waiting.removals > PURGE_SHARE * posts > 0


def purge(connection: Connection, timeout: float = READERS) -> bool:
    """Rewrite the file without what was removed; outside of any transaction.

    Readers read on, writers wait. Returns False if there is no room for it (the file's own size
    again), or if a reader keeps the old state; the next call goes on.
    """
    begun = _counter(connection, _UNPURGED)
    if unpurged(connection) is None:
        return True
    try:
        with transaction(connection):
            connection.execute("DELETE FROM bodies WHERE seq IN (SELECT seq FROM erased_bodies)")
            connection.execute("DELETE FROM erased_bodies")
        _vacuum(connection)
        if not _truncate(connection, timeout):
            return False
        with transaction(connection):
            _purged(connection, begun)
    except apsw.Error as error:
        if is_full(error):
            return False
        raise
    return True


def _purged(connection: Connection, begun: int) -> None:
    _done(connection, _UNPURGED, begun)
    if _waiting(connection, _UNPURGED):  # another process has removed more meanwhile
        connection.execute(
            "UPDATE meta SET value = ? WHERE name = ?",
            (datetime.now(UTC).isoformat(timespec="seconds"), _SINCE),
        )
    else:
        connection.execute("DELETE FROM meta WHERE name = ?", (_SINCE,))


def _counter(connection: Connection, name: str) -> int:
    rows = connection.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchall()
    return int(rows[0][0]) if rows else 0


def _waiting(connection: Connection, name: str) -> int:
    """Return how many removals are not done yet."""
    return _counter(connection, name) - _counter(connection, _DONE[name])


def _done(connection: Connection, name: str, begun: int) -> None:
    """Note that the removals are done that there were when the cleaning began."""
    connection.execute(
        "INSERT INTO counters (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
        (_DONE[name], begun),
    )


def _vacuum(connection: Connection) -> None:
    # Through a temporary file (deleted while open; it holds nothing that was deleted): in
    # memory it would take the size of the store.
    connection.execute("PRAGMA temp_store = FILE")
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store = MEMORY")


def _truncate(connection: Connection, timeout: float) -> bool:
    """Move the write-ahead log into the file and cut it off."""
    before = connection.execute("PRAGMA busy_timeout").fetchall()[0][0]
    deadline = time.monotonic() + timeout
    connection.execute("PRAGMA busy_timeout = 200")
    try:
        while True:
            ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if not busy:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before:d}")

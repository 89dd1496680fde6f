"""The tables, and the steps from every older schema to this one.

Step *n* takes a file of version *n-1* to version *n*; a new file takes all of them, so there is
one description of the tables and it can't drift from the migrations. A released step is never
changed: a change is a new step.

Tables: ``posts`` holds what filters and sums read, narrow on purpose, since most questions scan
it; ``bodies`` the post itself (JSON) under the same rowid; ``fts`` its words; ``targets`` one
row for each entity a post mentions; ``queue`` what waits to be scored, each with the number of
received records it stands for; ``tombstones`` the names (and no more) of what was deleted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from pipelines.errors import StoreError, StoreVersion

#: "MRSD" in the file's header: the file is one of Marsad's stores.
APPLICATION_ID = 0x4D525344

#: All ASCII punctuation belongs to a token, so that FTS5 splits at spaces alone: tokens come
#: from :mod:`nlp.text` and must be found exactly as they are.
_PUNCTUATION = "".join(chr(c) for c in range(33, 127) if not chr(c).isalnum())
_TOKENIZE = ("ascii tokenchars '" + _PUNCTUATION.replace("'", "''") + "'").replace('"', '""')

Step = Callable[[sqlite3.Connection], None]


def _first(connection: sqlite3.Connection) -> None:
    for statement in _FIRST:
        connection.execute(statement)


_FIRST = (
    """CREATE TABLE posts (
        rowid INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        day TEXT NOT NULL,
        hour TEXT NOT NULL,
        created INTEGER,  -- microseconds since 1970; NULL where no chart would count it
        platform TEXT NOT NULL,
        author TEXT NOT NULL,
        source TEXT NOT NULL,
        language TEXT NOT NULL,
        label TEXT NOT NULL,
        negative REAL NOT NULL,
        neutral REAL NOT NULL,
        positive REAL NOT NULL,
        flags TEXT NOT NULL,  -- each between spaces
        model TEXT NOT NULL
    )""",
    "CREATE INDEX posts_author ON posts (author)",
    "CREATE INDEX posts_newest ON posts (created DESC, id)",
    """CREATE TABLE bodies (
        rowid INTEGER PRIMARY KEY,
        rank TEXT NOT NULL,
        watchlist TEXT NOT NULL,
        post TEXT NOT NULL
    )""",
    """CREATE TABLE targets (
        post INTEGER NOT NULL,
        entity TEXT NOT NULL,
        label TEXT NOT NULL,
        negative REAL NOT NULL,
        neutral REAL NOT NULL,
        positive REAL NOT NULL,
        PRIMARY KEY (post, entity)
    ) WITHOUT ROWID""",
    "CREATE INDEX targets_entity ON targets (entity, label)",
    f"""CREATE VIRTUAL TABLE fts USING fts5(
        tokens, keys, variants, columnsize=0, tokenize="{_TOKENIZE}"
    )""",
    """CREATE TABLE queue (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        rank TEXT NOT NULL,
        watchlist TEXT NOT NULL,
        author TEXT NOT NULL,
        weight INTEGER NOT NULL,
        post TEXT NOT NULL
    )""",
    "CREATE INDEX queue_author ON queue (author, weight)",
    """CREATE TABLE tombstones (
        kind TEXT NOT NULL CHECK (kind IN ('id', 'author')),
        name TEXT NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE positions (
        key TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        cursor TEXT NOT NULL,
        done INTEGER NOT NULL,
        details TEXT NOT NULL
    )""",
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE revived (
        origin TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY (origin, line)
    ) WITHOUT ROWID""",
    """CREATE TABLE notices (
        kind TEXT NOT NULL, source TEXT NOT NULL, at TEXT NOT NULL, notice TEXT NOT NULL
    )""",
    "CREATE INDEX notices_kind ON notices (kind, source, at)",
)


def _second(connection: sqlite3.Connection) -> None:
    # What holds for the whole file: the time zone its days are counted in.
    connection.execute(
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
    )


STEPS: tuple[Step, ...] = (_first, _second)
VERSION = len(STEPS)


def check(connection: sqlite3.Connection, path: Path, newest: int = VERSION) -> int:
    """Return the schema version of a file, 0 for an empty one.

    Raises :class:`StoreVersion` if it is newer than this program, :class:`StoreError` if it is
    some other program's.
    """
    version = _pragma(connection, "user_version")
    owner = _pragma(connection, "application_id")
    if version == 0 and owner == 0 and not _tables(connection):
        return 0
    if owner != APPLICATION_ID:
        raise StoreError(
            f"{path} is an SQLite file, but no store of Marsad: choose another name for --store."
        )
    if version > newest:
        raise StoreVersion(
            f"{path} was written by a later Marsad (schema {version}; this one knows up to "
            f"{newest}): upgrade Marsad, or choose another --store."
        )
    return version


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Step] = STEPS) -> None:
    """Bring a file to the newest schema in one transaction; nothing happens if it is there.

    Raises what :func:`check` raises.
    """
    if check(connection, path, len(steps)) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # another process may have done it between the check and the lock
        for step in steps[check(connection, path, len(steps)) :]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    with closing(connection.execute(f"PRAGMA {name}")) as cursor:
        return int(cursor.fetchone()[0])


def _tables(connection: sqlite3.Connection) -> int:
    with closing(connection.execute("SELECT count(*) FROM sqlite_master")) as cursor:
        return int(cursor.fetchone()[0])

"""The tables, and the steps from every older schema to this one.

Step *n* takes a file of version *n-1* to version *n*; a new file takes all of them, so there is
one description of the tables and it can't drift from the migrations. A released step is never
changed: a change is a new step.

Tables of the newest schema:

- ``posts`` gives each post a number that grows with its date (:mod:`.numbers`), so that the
  newest matches are the last rows and no search sorts;
- ``words`` is the full-text index by these numbers; it keeps no copy of the text (:mod:`.words`);
- ``bodies`` holds the posts' content, compressed. Rows are only appended, and overwritten with
  zeros in place when they are deleted, so no page of the file keeps a stale copy of a text;
- ``facts`` and ``targets`` hold what the scores say, narrow, for counting; ``facts`` also the
  numbers of likes, reposts, replies and views (NULL where unknown), to find posts by them;
- ``sums`` and ``target_sums`` hold running totals of the two, for questions without words;
- ``queue`` names what waits to be scored, with the number of received records it stands for;
- ``reposts`` names which post repeats which post, and which author's;
- ``tombstones`` holds the names (and no more) of what was deleted;
- ``names`` gives a number to each value that repeats: languages, platforms, sources, entities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines.errors import StoreError, StoreVersion
from pipelines.stores.sqlite_file import Connection

#: "MRSD" in the file's header: the file is one of Marsad's stores.
APPLICATION_ID = 0x4D525344

#: All ASCII punctuation belongs to a token, so that FTS5 splits at spaces alone: tokens come
#: from :mod:`nlp.text` and must be found exactly as they are.
_PUNCTUATION = "".join(chr(c) for c in range(33, 127) if not chr(c).isalnum())
_TOKENIZE = ("ascii tokenchars '" + _PUNCTUATION.replace("'", "''") + "'").replace('"', '""')

Step = Callable[[Connection], None]


def _first(connection: Connection) -> None:
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


def _second(connection: Connection) -> None:
    # What holds for the whole file: the time zone its days are counted in.
    connection.execute(
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
    )


def _third(connection: Connection) -> None:
    """Lay the tables out anew. What the old ones hold is moved by :mod:`.convert`."""
    connection.execute("DROP TABLE fts")
    connection.execute("DROP TABLE targets")
    for index in ("posts_author", "posts_newest", "queue_author"):
        connection.execute(f"DROP INDEX {index}")
    for table in OLD:
        if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
            connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
        else:
            connection.execute(f"DROP TABLE {table}")
    for statement in _THIRD:
        connection.execute(statement)
    make_words(connection, "words")


#: Tables of schema 2 whose rows :mod:`.convert` moves, in this order.
OLD = ("posts", "bodies", "queue")

_SUMS = """posts INTEGER NOT NULL,
        negative INTEGER NOT NULL,
        neutral INTEGER NOT NULL,
        positive INTEGER NOT NULL"""

_THIRD = (
    """CREATE TABLE names (ref INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)""",
    """CREATE TABLE posts (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        body INTEGER NOT NULL,
        created INTEGER,  -- microseconds since 1970; NULL where no chart would count it
        author TEXT NOT NULL
    )""",
    "CREATE INDEX posts_author ON posts (author)",
    # seconds that hold more posts than they have numbers, with the next number to try
    "CREATE TABLE crowded (second INTEGER PRIMARY KEY, next INTEGER NOT NULL)",
    "CREATE TABLE bodies (seq INTEGER PRIMARY KEY, post BLOB NOT NULL)",
    "CREATE TABLE erased_bodies (seq INTEGER PRIMARY KEY)",
    """CREATE TABLE facts (
        number INTEGER PRIMARY KEY,
        day INTEGER NOT NULL,  -- days since 1 January of the year 1, which is 1; 0 is unknown
        hour INTEGER NOT NULL,
        platform INTEGER NOT NULL,
        language INTEGER NOT NULL,
        label INTEGER NOT NULL,  -- 0 none, 1 negative, 2 neutral, 3 positive
        negative INTEGER NOT NULL,  -- probabilities in millionths
        neutral INTEGER NOT NULL,
        positive INTEGER NOT NULL,
        confidence INTEGER NOT NULL,
        model INTEGER NOT NULL,
        provisional INTEGER NOT NULL
    )""",
    """CREATE TABLE targets (
        number INTEGER NOT NULL,
        place INTEGER NOT NULL,  -- order in the post
        day INTEGER NOT NULL,
        hour INTEGER NOT NULL,
        language INTEGER NOT NULL,
        entity INTEGER NOT NULL,
        label INTEGER NOT NULL,
        negative INTEGER NOT NULL,
        neutral INTEGER NOT NULL,
        positive INTEGER NOT NULL,
        provisional INTEGER NOT NULL,
        PRIMARY KEY (number, place)
    ) WITHOUT ROWID""",
    f"""CREATE TABLE sums (
        day INTEGER NOT NULL,
        platform INTEGER NOT NULL,
        language INTEGER NOT NULL,
        label INTEGER NOT NULL,
        provisional INTEGER NOT NULL,
        {_SUMS},
        PRIMARY KEY (day, platform, language, label, provisional)
    ) WITHOUT ROWID""",
    f"""CREATE TABLE target_sums (
        day INTEGER NOT NULL,
        entity INTEGER NOT NULL,
        language INTEGER NOT NULL,
        label INTEGER NOT NULL,
        provisional INTEGER NOT NULL,
        {_SUMS},
        PRIMARY KEY (day, entity, language, label, provisional)
    ) WITHOUT ROWID""",
    "CREATE TABLE models (model INTEGER PRIMARY KEY, posts INTEGER NOT NULL)",
    """CREATE TABLE queue (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        rank TEXT NOT NULL,
        watchlist TEXT NOT NULL,
        author TEXT NOT NULL,
        weight INTEGER NOT NULL,
        body INTEGER NOT NULL,
        provisional INTEGER NOT NULL DEFAULT 0  -- it can be found with provisional scores
    )""",
    "CREATE INDEX queue_unindexed ON queue (seq, weight) WHERE provisional = 0",
    "CREATE INDEX queue_author ON queue (author)",
    # The records that wait, so that the ledger need not count them.
    "INSERT OR IGNORE INTO counters VALUES ('waiting', 0)",
    """CREATE TRIGGER queue_added AFTER INSERT ON queue BEGIN
        UPDATE counters SET value = value + new.weight WHERE name = 'waiting';
    END""",
    """CREATE TRIGGER queue_changed AFTER UPDATE OF weight ON queue BEGIN
        UPDATE counters SET value = value + new.weight - old.weight WHERE name = 'waiting';
    END""",
    """CREATE TRIGGER queue_removed AFTER DELETE ON queue BEGIN
        UPDATE counters SET value = value - old.weight WHERE name = 'waiting';
    END""",
)


def make_words(connection: Connection, table: str) -> None:
    """Make an empty full-text index.

    Deleted words are removed from it at once (https://sqlite.org/fts5.html, "secure-delete").
    """
    connection.execute(
        f"""CREATE VIRTUAL TABLE {table} USING fts5(
            terms, content='', columnsize=0, tokenize="{_TOKENIZE}"
        )"""
    )
    connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', 1)")


def _fourth(connection: Connection) -> None:
    # Which posts repeat which, so that a deletion reaches what repeats it.
    connection.execute(
        "CREATE TABLE reposts (original TEXT NOT NULL, id TEXT NOT NULL, "
        "PRIMARY KEY (original, id)) WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX reposts_id ON reposts (id)")


def _fifth(connection: Connection) -> None:
    # What posts are found by as numbers. Re-indexing fills them in where there are posts.
    for count in ("likes", "reposts", "replies", "views"):
        connection.execute(f"ALTER TABLE facts ADD COLUMN {count} INTEGER")


STEPS: tuple[Step, ...] = (_first, _second, _third, _fourth, _fifth)
VERSION = len(STEPS)
#: The schema since which tables are as they are now.
_MOVED = 3


def check(connection: Connection, path: Path, newest: int = VERSION) -> int:
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


def require_moved(connection: Connection, path: Path) -> None:
    """Raise :class:`StoreVersion` while posts are still in the tables of an older schema."""
    for table in (f"old_{one}" for one in OLD):
        if _exists(connection, table):
            break
    else:
        if _pragma(connection, "user_version") >= _MOVED or not any(
            connection.execute(f"SELECT 1 FROM {one} LIMIT 1").fetchall() for one in OLD
        ):
            return
    raise StoreVersion(
        f"{path} was written by Marsad 0.1, which laid posts out in another way: run marsad "
        "reindex (--store names the file). It moves the posts; stopped half-way, it goes on."
    )


def is_used(connection: Connection) -> bool:
    """Tell whether a file holds anything: posts, counters of pages, deletions, what was read."""
    return any(
        connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall()
        for table in ("posts", "queue", "notices", "tombstones", "positions")
    )


def migrate(connection: Connection, path: Path, steps: Sequence[Step] = STEPS) -> None:
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


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchall()[0][0])


def _tables(connection: Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchall()[0][0])


def _exists(connection: Connection, table: str) -> bool:
    return bool(
        connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchall()
    )

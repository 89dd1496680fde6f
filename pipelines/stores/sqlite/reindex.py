"""Stored posts are analysed anew, batch by batch, into an index that replaces the other one.

While this goes on, :mod:`.rows` keeps both indexes: the old one answers until the new one is
whole.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from ingest import zones
from pipelines import stages
from pipelines.stores import analysis
from pipelines.stores.sqlite import convert, rows, schema, words
from pipelines.stores.sqlite.load import load
from pipelines.stores.sqlite_file import Connection

#: Posts of one transaction.
BATCH = 1_000
#: Rows of ``meta``: how the words were analysed, and how far (version, number, edition of the zone
#: data) they are anew.
_ANALYSIS, _REACHED = "analysis", words.REACHED


def stored(connection: Connection) -> tuple[int, int]:
    """Return how a store's words were analysed, and how they are being analysed anew (or 0)."""
    known = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    version, _, _ = known.get(_REACHED, "0 0").partition(" ")
    return int(known.get(_ANALYSIS, 1)), int(version)


def due(connection: Connection) -> bool:
    """Tell whether a store without posts does not say yet how their words will be analysed."""
    if analysis.VERSION in stored(connection):
        return False
    return not connection.execute("SELECT 1 FROM posts LIMIT 1").fetchall()


def begin(connection: Connection) -> None:
    """Note how the words of an empty store will be analysed, inside the open transaction."""
    _note(connection, _ANALYSIS, str(analysis.VERSION))


def next_batch(connection: Connection, zone: ZoneInfo) -> int:
    """Analyse some posts anew, inside the open transaction; 0 when all are.

    Goes on where it was left, if that was with the same analysis and zone data.
    """
    if convert.is_due(connection):
        moved = convert.next_batch(connection, zone, BATCH)
        if not moved:
            _note(connection, _ANALYSIS, str(analysis.VERSION))
        return moved
    known = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    version, number, *edition = known.get(_REACHED, "0 0").split()
    if (int(version), edition) != (analysis.VERSION, [zones.edition()]):
        connection.execute("DROP TABLE IF EXISTS new_words")
        schema.make_words(connection, "new_words")
        number = "-1"
    numbers = connection.execute(
        "SELECT number FROM posts WHERE number > ? ORDER BY number LIMIT ?", (int(number), BATCH)
    ).fetchall()
    if not numbers:
        connection.execute("DROP TABLE words")
        connection.execute("ALTER TABLE new_words RENAME TO words")
        _note(connection, _ANALYSIS, str(analysis.VERSION))
        connection.execute("DELETE FROM meta WHERE name = ?", (_REACHED,))
        return 0
    given = load(connection, [number for (number,) in numbers])
    documents = stages.index([one.post for one in given], zone)
    # From here on the new index has everything up to this number, from every writer.
    _note(connection, _REACHED, f"{analysis.VERSION} {numbers[-1][0]} {zones.edition()}")
    rows.reanalyse(connection, list(zip(given, documents, strict=True)))
    return len(numbers)


def _note(connection: Connection, name: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))

"""Moving what a store of schema 2 (Marsad 0.1) holds into the tables of schema 3, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from ingest.records import Post, decode_post
from pipelines import stages
from pipelines.records import Collected
from pipelines.stores.sqlite import bodies, rows, schema
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection


def is_due(connection: Connection) -> bool:
    """Tell whether rows of older tables are still to be moved."""
    return bool(
        connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name IN (SELECT value FROM json_each(?))",
            (json_list(f"old_{table}" for table in schema.OLD),),
        ).fetchall()
    )


def next_batch(connection: Connection, zone: ZoneInfo, size: int) -> int:
    """Move some posts, inside the open transaction; return how many, 0 when all are moved."""
    for table, move in (("bodies", _posts), ("queue", _queue)):
        if _there(connection, f"old_{table}"):
            moved = move(connection, zone, size)
            if moved:
                return moved
            connection.execute(f"DROP TABLE old_{table}")
    connection.execute("DROP TABLE IF EXISTS old_posts")
    return 0


def _posts(connection: Connection, zone: ZoneInfo, size: int) -> int:
    found = connection.execute(
        "SELECT rowid, post FROM old_bodies ORDER BY rowid LIMIT ?", (size,)
    ).fetchall()
    posts = [decode_post(post) for _, post in found]
    written = [
        rows.Written(document, body)
        for document, body in zip(
            stages.index(posts, zone), bodies.append(connection, posts), strict=True
        )
    ]
    rows.write(connection, written)
    _repeats(connection, posts)
    connection.executemany("DELETE FROM old_bodies WHERE rowid = ?", [one[:1] for one in found])
    return len(found)


def _queue(connection: Connection, zone: ZoneInfo, size: int) -> int:
    found = connection.execute(
        "SELECT seq, id, rank, watchlist, author, weight, post FROM old_queue ORDER BY seq LIMIT ?",
        (size,),
    ).fetchall()
    posts = [decode_post(row[-1]) for row in found]
    contents = bodies.append(connection, posts)
    _repeats(connection, posts)
    connection.executemany(
        "INSERT INTO queue (id, rank, watchlist, author, weight, body) VALUES (?, ?, ?, ?, ?, ?)",
        [(*row[1:-1], body) for row, body in zip(found, contents, strict=True)],
    )
    connection.executemany("DELETE FROM old_queue WHERE seq = ?", [row[:1] for row in found])
    return len(found)


def _repeats(connection: Connection, posts: Sequence[Post]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO reposts (original, id) VALUES (?, ?)",
        [(name, post.id) for post in posts for name in Collected(post).repeats],
    )


def _there(connection: Connection, table: str) -> bool:
    return bool(
        connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchall()
    )

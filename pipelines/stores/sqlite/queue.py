"""What waits to be scored: each post once, with the received records it stands for."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.records import Post
from pipelines.stores.sqlite import bodies
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection
from pipelines.stores.versions import rank_text


def enqueue(connection: Connection, posts: Sequence[tuple[Post, int]]) -> None:
    """Put posts on the queue, each with its number of records, which add up.

    What is stored already is not stored twice: a post that is only scored again keeps its body.
    """
    listed = json_list(post.id for post, _ in posts)
    among = "id IN (SELECT value FROM json_each(?))"
    waiting: dict[str, int] = dict(
        connection.execute(f"SELECT id, body FROM queue WHERE {among}", (listed,)).fetchall()
    )
    stored: dict[str, int] = dict(
        connection.execute(f"SELECT id, body FROM posts WHERE {among}", (listed,)).fetchall()
    )
    rows: dict[str, int] = {}
    if waiting or stored:
        contents = bodies.read(connection, {*waiting.values(), *stored.values()})
        for post, _ in posts:
            for row in (stored.get(post.id), waiting.get(post.id)):
                if row is not None and contents[row] == bodies.content(post):
                    rows[post.id] = row
    new = [post for post, _ in posts if post.id not in rows]
    rows |= zip((post.id for post in new), bodies.append(connection, new), strict=True)
    replaced = {body for name, body in waiting.items() if rows[name] != body}
    bodies.erase(connection, replaced - set(stored.values()))
    connection.executemany(
        "INSERT INTO queue (id, rank, watchlist, author, weight, body, provisional) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET rank = excluded.rank, "
        "watchlist = excluded.watchlist, author = excluded.author, body = excluded.body, "
        "weight = weight + excluded.weight, "
        "provisional = excluded.provisional OR provisional AND body = excluded.body",
        [
            # scored again, it can be found as it is meanwhile
            (p.id, rank_text(p.rank()), p.watchlist, p.author, weight, rows[p.id], not weight)
            for p, weight in posts
        ],
    )


def erase_waiting(
    connection: Connection, condition: str, values: tuple[str, ...]
) -> dict[str, int]:
    """Take posts off the queue, inside the open transaction; return their weights by id.

    Their bodies are overwritten, unless they are those of stored posts.
    """
    removed = connection.execute(
        f"DELETE FROM queue WHERE {condition} RETURNING id, weight, body", values
    ).fetchall()
    if not removed:
        return {}
    kept = connection.execute(
        "SELECT body FROM posts WHERE id IN (SELECT value FROM json_each(?))",
        (json_list(name for name, _, _ in removed),),
    ).fetchall()
    bodies.erase(connection, {body for _, _, body in removed} - {body for (body,) in kept})
    return {name: weight for name, weight, _ in removed}


def pending(connection: Connection, limit: int, condition: str = "1") -> list[Post]:
    """Return up to ``limit`` posts that wait, oldest first."""
    rows = connection.execute(
        "SELECT b.post FROM queue q JOIN bodies b ON b.seq = q.body "
        f"WHERE {condition} ORDER BY q.seq LIMIT ?",
        (limit,),
    ).fetchall()
    return [bodies.decode(body) for (body,) in rows]


def unindexed(connection: Connection, limit: int) -> list[Post]:
    """Return up to ``limit`` posts that wait and can't be found as they are, oldest first."""
    return pending(connection, limit, "q.provisional = 0")


def waiting_of(connection: Connection, ids: Sequence[str]) -> list[Post]:
    """Return those of these posts that wait, in the order of the ids."""
    rows = connection.execute(
        "SELECT q.id, b.post FROM queue q JOIN bodies b ON b.seq = q.body "
        "WHERE q.id IN (SELECT value FROM json_each(?))",
        (json_list(ids),),
    )
    found = {name: bodies.decode(body) for name, body in rows.fetchall()}
    return [found[name] for name in ids if name in found]


def hidden(connection: Connection) -> int:
    """Return how many posts are stored, came new, and can't be found yet."""
    rows = connection.execute("SELECT count(*) FROM queue WHERE provisional = 0 AND weight > 0")
    return int(rows.fetchall()[0][0])

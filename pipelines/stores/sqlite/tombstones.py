"""Tombstones: names of what was deleted, and the posts they remove, now and later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Literal, NamedTuple

from ingest.records import Post
from pipelines.records import Collected, CollectedTombstone
from pipelines.stores.raw_names import RawNames, raw_names
from pipelines.stores.sqlite import ledger
from pipelines.stores.sqlite import twins as twins_here
from pipelines.stores.sqlite.erase import erase
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection
from pipelines.stores.twins import Mark, leading, marks, refused_by
from pipelines.stores.twins import names as mark_names

#: Why a post is refused: a tombstone names it, its author or what it repeats, or its twin.
Refusal = Literal["", "named", "twin"]


class Deleted(NamedTuple):
    """What a deletion did: texts removed, tombstones that were not there before."""

    texts: int
    tombstones: int


def delete(
    connection: Connection,
    tombstones: Sequence[CollectedTombstone],
    refused: Sequence[Post] = (),
) -> Deleted:
    """Write tombstones and remove the posts they name, inside the open transaction.

    ``refused`` are posts that came after their deletion: their twins go as well.
    """
    if not tombstones and not refused:
        return Deleted(0, 0)
    names, written = _write(connection, tombstones)
    ids = names["id"] | _stored_raw(connection, raw_names(tombstones))
    reached, posts = _reached(connection, ids, names["author"], refused)
    twins_here.mark(connection, posts)
    # what repeats them may come later, from anybody
    connection.executemany(
        "INSERT OR IGNORE INTO tombstones (kind, name) VALUES ('id', ?)",
        [(name,) for name in reached - ids],
    )
    removed = erase(connection, ids | reached, names["author"])
    connection.execute(
        "DELETE FROM reposts WHERE id IN (SELECT value FROM json_each(?))",
        (json_list(ids | reached),),
    )
    ledger.add(connection, {"accepted": -removed.weight, "deleted": removed.weight})
    return Deleted(removed.texts, written)


def write(
    connection: Connection,
    tombstones: Sequence[CollectedTombstone],
    refused: Sequence[Post] = (),
) -> set[str]:
    """Write tombstones, inside the open transaction; return the ids of what they reach.

    ``refused`` are posts that came after their deletion: their twins are reached as well.
    """
    names, _ = _write(connection, tombstones)
    reached, _ = _reached(connection, names["id"], names["author"], refused)
    twins_here.mark(connection, leading(refused, partial(twins_here.known, connection)))
    return reached


def reached(connection: Connection, tombstones: Sequence[CollectedTombstone]) -> set[str]:
    """Return the ids of the posts, stored or waiting, that these deletions would remove."""
    names = _names(tombstones)
    ids = names["id"] | _stored_raw(connection, raw_names(tombstones))
    found, _ = _reached(connection, ids, names["author"])
    # A repost that could not be scored is known as one, but no post any more.
    listed = json_list(ids | found)
    rows = connection.execute(
        "SELECT id FROM posts WHERE id IN (SELECT value FROM json_each(?)) "
        "UNION SELECT id FROM queue WHERE id IN (SELECT value FROM json_each(?))",
        (listed, listed),
    )
    return {name for (name,) in rows}


def _reached(
    connection: Connection, ids: set[str], authors: set[str], refused: Sequence[Post] = ()
) -> tuple[set[str], list[Post]]:
    """Return what deletions reach unnamed, and the contents that leave marks.

    Reached are the posts of the authors, what repeats any of these posts and authors, and their
    twins.
    """
    own = _of_authors(connection, authors)
    found = own | _reposts(connection, ids | own | authors)
    contents: list[Post] = []
    left: set[Mark] = set()
    new, posts = ids | found, list(refused)
    while new or posts:
        posts = leading(
            [*posts, *twins_here.stored(connection, new)],
            partial(twins_here.known, connection),
            left,
        )
        left |= marks(posts)
        twins = twins_here.find(connection, posts) - found - ids
        new = twins | (_reposts(connection, twins) - found - ids)
        found |= new
        contents += posts
        posts = []
    return found, contents


def _of_authors(connection: Connection, names: set[str]) -> set[str]:
    """Return the ids of all posts of these authors, stored or waiting."""
    if not names:
        return set()
    authors = json_list(names)
    rows = connection.execute(
        "SELECT id FROM posts WHERE author IN (SELECT value FROM json_each(?)) "
        "UNION SELECT id FROM queue WHERE author IN (SELECT value FROM json_each(?))",
        (authors, authors),
    )
    return {name for (name,) in rows}


def _reposts(connection: Connection, names: set[str]) -> set[str]:
    """Return the ids of what repeats these posts and authors, and of what repeats that."""
    found: set[str] = set()
    new = names
    while new:
        rows = connection.execute(
            "SELECT id FROM reposts WHERE original IN (SELECT value FROM json_each(?))",
            (json_list(new),),
        )
        new = {name for (name,) in rows} - found - names
        found |= new
    return found


def deleted(connection: Connection, posts: Sequence[Collected]) -> list[Refusal]:
    """Tell of each post whether a tombstone names it or its twin."""
    if not connection.execute("SELECT 1 FROM tombstones LIMIT 1").fetchall():
        return [""] * len(posts)
    keys = twins_here.keys(connection)
    of_twins = [mark_names(refused_by(one.post, keys), keys) for one in posts]
    ids = {name for one in posts for name in one.ids}
    authors = json_list({name for one in posts for name in one.authors})
    rows = connection.execute(
        "SELECT kind, name FROM tombstones "
        "WHERE kind = 'id' AND name IN (SELECT value FROM json_each(?)) "
        "OR kind = 'author' AND name IN (SELECT value FROM json_each(?))",
        (json_list(ids.union(*of_twins)), authors),
    )
    found = set(rows.fetchall())
    if not found:
        return [""] * len(posts)
    return [_refusal(one, some, found) for one, some in zip(posts, of_twins, strict=True)]


def _refusal(collected: Collected, marks: Iterable[str], found: set[tuple[str, str]]) -> Refusal:
    if any(("id", name) in found for name in collected.ids) or any(
        ("author", name) in found for name in collected.authors
    ):
        return "named"
    return "twin" if any(("id", name) in found for name in marks) else ""


def _write(
    connection: Connection, tombstones: Sequence[CollectedTombstone]
) -> tuple[dict[str, set[str]], int]:
    """Write tombstones; return the names they hold by their kind, and how many are new."""
    names, chosen = _names(tombstones), _names(tombstones, aliases=False)
    written = sum(
        len(chosen[kind])
        - connection.execute(
            "SELECT count(*) FROM tombstones "
            "WHERE kind = ? AND name IN (SELECT value FROM json_each(?))",
            (kind, json_list(chosen[kind])),
        ).fetchall()[0][0]
        for kind in names
    )
    connection.executemany(
        "INSERT OR IGNORE INTO tombstones (kind, name) VALUES (?, ?)",
        [(kind, name) for kind in names for name in names[kind]],
    )
    return names, written


def _names(
    tombstones: Sequence[CollectedTombstone], *, aliases: bool = True
) -> dict[str, set[str]]:
    """Return what tombstones name by its kind, also under older keys."""
    names: dict[str, set[str]] = {"id": set(), "author": set()}
    for collected in tombstones:
        one = collected.tombstone
        kind, name = ("id", one.id) if one.id else ("author", one.author)
        if name:  # an empty one would be that of every post without an author
            names[kind].update((name, *(collected.aliases if aliases else ())))
    return names


def _stored_raw(connection: Connection, plain: RawNames) -> set[str]:
    """Return the ids of posts that may be stored under these raw account names."""
    ids = set(plain.ids)
    if plain.accounts:
        # Pseudonyms lie between `u_` and the character after the underscore: the index passes
        # over them, so this costs nothing where no raw account names are stored.
        spans = [("\0", "u_"), ("u`", "\U0010ffff")]
        if any(name.startswith("u_") for _, name in plain.accounts):
            spans = [("\0", "\U0010ffff")]
        for table in ("posts", "queue"):
            for first, last in spans:
                rows = connection.execute(
                    f"SELECT id, author FROM {table} WHERE author >= ? AND author < ?",
                    (first, last),
                )
                ids |= {name for name, author in rows if plain.written_by(name, author)}
    return ids

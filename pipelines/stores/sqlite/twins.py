"""Twins of deleted posts (:mod:`pipelines.stores.twins`) in the tables of an SQLite file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from ingest.records import Post
from pipelines.stores import twins
from pipelines.stores.sqlite import bodies
from pipelines.stores.sqlite.numbers import first_number, spread
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection

_MILLION = 1_000_000
#: The second of a post's creation; before 1970 it is rounded down as well.
_SECOND = f"(p.created - (p.created % {_MILLION} + {_MILLION}) % {_MILLION}) / {_MILLION}"
#: Where ``meta`` holds the keys of each kind of marks, in hex, with spaces between.
_KEYS = {kind: f"keys of marks: {kind}" for kind in twins.KINDS}


def keys(connection: Connection) -> dict[twins.Kind, list[bytes]]:
    """Return the keys of the marks that were written so far."""
    found: dict[str, str] = dict(
        connection.execute(
            "SELECT name, value FROM meta WHERE name IN (SELECT value FROM json_each(?))",
            (json_list(_KEYS.values()),),
        ).fetchall()
    )
    return {
        kind: [bytes.fromhex(key) for key in found[name].split()]
        for kind, name in _KEYS.items()
        if name in found
    }


def add_keys(connection: Connection, more: Mapping[twins.Kind, Sequence[bytes]]) -> None:
    """Add keys of another store, whose marks are to be understood here, too."""
    known = keys(connection)
    for kind, given in more.items():
        both = dict.fromkeys([*known.get(kind, ()), *given])
        connection.execute(
            "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
            (_KEYS[kind], " ".join(key.hex() for key in both)),
        )


def known(connection: Connection, marks: Iterable[twins.Mark]) -> set[twins.Mark]:
    """Return those of some marks that deletions have left."""
    named = twins.by_name(marks, keys(connection))
    rows = connection.execute(
        "SELECT name FROM tombstones "
        "WHERE kind = 'id' AND name IN (SELECT value FROM json_each(?))",
        (json_list(named),),
    )
    return {named[name] for (name,) in rows}


def mark(connection: Connection, posts: Iterable[Post]) -> None:
    """Write the marks of deleted posts, inside the open transaction."""
    found = twins.marks(posts)
    if not found:
        return
    there = keys(connection)
    missing = {one.kind for one in found} - there.keys()
    if missing:
        add_keys(connection, {kind: [twins.new_key()] for kind in missing})
        there = keys(connection)
    connection.executemany(
        "INSERT OR IGNORE INTO tombstones (kind, name) VALUES ('id', ?)",
        [(name,) for name in twins.names(found, there)],
    )


def stored(connection: Connection, ids: Iterable[str]) -> list[Post]:
    """Return the contents of posts, stored and waiting: two of one that was edited."""
    listed = json_list(ids)
    rows = connection.execute(
        "SELECT post FROM bodies WHERE seq IN ("
        "SELECT body FROM posts WHERE id IN (SELECT value FROM json_each(?)) "
        "UNION SELECT body FROM queue WHERE id IN (SELECT value FROM json_each(?)))",
        (listed, listed),
    )
    return [bodies.decode(body) for (body,) in rows.fetchall()]


def ids_of_twins(kinds: Set[twins.Kind]) -> tuple[str, str]:
    """Return from which id, and before which, the twins of deleted posts of these kinds lie."""
    if kinds == {"platform"}:  # twins of these are of files alone
        return twins.NO_PLATFORM, twins.NO_PLATFORM[:-1] + ";"
    return "\0", "\U0010ffff"


def find(connection: Connection, posts: Sequence[Post]) -> set[str]:
    """Return the ids of the twins of these posts that are stored or wait."""
    wanted = twins.marks(posts)
    if not wanted:
        return set()
    kinds = {one.kind for one in wanted}
    begin, end = ids_of_twins(kinds)
    found: set[str] = set()
    for name, body in _candidates(connection, posts, begin, end):
        post = bodies.decode(body)
        if not wanted.isdisjoint(twins.refused_by(post, kinds)):
            found.add(name)
    return found


def _candidates(
    connection: Connection, posts: Sequence[Post], begin: str, end: str
) -> Iterator[tuple[str, bytes]]:
    """Yield the ids and bodies of what was made in the same seconds, and of what just came."""
    seconds = {at for post in posts if (at := twins.second(post)) is not None}
    there = "SELECT 1 FROM posts WHERE id >= ? AND id < ? LIMIT 1"
    if connection.execute(there, (begin, end)).fetchall():
        # `+` keeps SQLite from going by the ids: the spans of numbers are the narrow ones.
        yield from connection.execute(
            "SELECT p.id, b.post FROM json_each(?) s CROSS JOIN posts p "
            "JOIN bodies b ON b.seq = p.body WHERE p.number "
            "BETWEEN json_extract(s.value, '$[0]') AND json_extract(s.value, '$[1]') "
            "AND +p.id >= ? AND +p.id < ? "
            f"AND {_SECOND} IN (SELECT value FROM json_each(?))",
            (json_list(_spans(seconds, spread(connection))), begin, end, json_list(seconds)),
        ).fetchall()
    # Numbers are given with the scores: what waits for its first ones has none yet.
    yield from connection.execute(
        "SELECT q.id, b.post FROM queue q JOIN bodies b ON b.seq = q.body "
        "WHERE q.provisional = 0 AND q.id >= ? AND q.id < ?",
        (begin, end),
    ).fetchall()


def _spans(seconds: Set[int], apart: int) -> list[tuple[int, int]]:
    """Return the first and last numbers between which all posts of these seconds lie."""
    found: list[tuple[int, int]] = []
    for number in sorted(first_number(at * _MILLION) for at in seconds):
        first = number
        if found and number <= found[-1][1]:  # numbers of crowded seconds lie in later ones
            first, _ = found.pop()
        found.append((first, number + apart))
    return found

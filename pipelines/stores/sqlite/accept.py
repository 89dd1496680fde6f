"""What becomes of each record of a batch, decided inside the batch's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import NamedTuple

import msgspec

from ingest.records import Counter, Gap, Heartbeat, Post, decode_post
from pipelines.errors import StoreBusy
from pipelines.records import Batch, Collected, CollectedTombstone, Ledger
from pipelines.stores.plain import PlainNames, plain_names
from pipelines.stores.sqlite import ledger
from pipelines.stores.sqlite.erase import erase
from pipelines.stores.versions import Known, rank_text, read_rank, taken_over

_ENCODER = msgspec.json.Encoder()
_COUNTER = msgspec.json.Decoder(Counter)


def post_json(post: Post) -> str:
    """Return the post as it is kept."""
    return _ENCODER.encode(post).decode()


def names_json(names: Iterable[str]) -> str:
    """Return names as the one value of ``IN (SELECT value FROM json_each(?))``."""
    return json.dumps(list(names), ensure_ascii=False)


class Buried(NamedTuple):
    """What a deletion did: texts removed, tombstones that were not there before."""

    texts: int
    tombstones: int


def accept(connection: sqlite3.Connection, batch: Batch) -> tuple[Ledger, int]:
    """Store a batch inside the open transaction.

    Returns the outcomes of its records, and how many texts its tombstones removed (so that the
    file must be cleaned of their bytes). Raises :class:`StoreBusy` if somebody else read the
    input on.
    """
    _move(connection, batch)
    # Tombstones first: one beats every version of its post, also those of the same batch.
    buried = bury(connection, batch.tombstones)
    outcomes = _posts(connection, batch.posts)
    outcomes["filtered"] += batch.filtered
    outcomes["deleted"] += len(batch.tombstones)
    outcomes["dead"] += len(batch.dead)
    outcomes["received"] = outcomes.total()
    changes = Tally(outcomes)
    for letter in batch.dead:
        changes[ledger.DEAD + letter.reason] += 1
    changes.subtract(_revive(connection, batch))
    ledger.add(connection, changes)
    _notices(connection, batch.notices)
    result = Ledger(
        received=outcomes["received"],
        duplicate=outcomes["duplicate"],
        filtered=outcomes["filtered"],
        deleted=outcomes["deleted"],
        dead=outcomes["dead"],
        pending=outcomes["accepted"],
    )
    return result, buried.texts


def _move(connection: sqlite3.Connection, batch: Batch) -> None:
    position = batch.position
    row = connection.execute(
        "SELECT cursor FROM positions WHERE key = ?", (position.key,)
    ).fetchone()
    stored = row[0] if row else ""
    if stored != batch.previous_cursor:
        raise StoreBusy(
            f"Another process has read {position.name} further in the meantime: "
            "wait until it has ended, then repeat the command."
        )
    connection.execute(
        "INSERT INTO positions (key, name, cursor, done, details) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET name = excluded.name, cursor = excluded.cursor, "
        "done = excluded.done, details = excluded.details",
        (position.key, position.name, position.cursor, position.done, position.metadata),
    )


def bury(connection: sqlite3.Connection, tombstones: Sequence[CollectedTombstone]) -> Buried:
    """Write tombstones and remove the rows they name, inside the open transaction."""
    if not tombstones:
        return Buried(0, 0)
    names, written = _write(connection, tombstones)
    doomed = names["id"] | _stored_plain(connection, plain_names(tombstones))
    removed = erase(connection, names_json(doomed), names_json(names["author"]))
    ledger.add(connection, {"accepted": -removed.weight, "deleted": removed.weight})
    return Buried(removed.texts, written)


def condemn(connection: sqlite3.Connection, tombstones: Sequence[CollectedTombstone]) -> set[str]:
    """Write tombstones, inside the open transaction; return the ids of their authors' posts."""
    names, _ = _write(connection, tombstones)
    authors = names_json(names["author"])
    rows = connection.execute(
        "SELECT id FROM posts WHERE author IN (SELECT value FROM json_each(?)) "
        "UNION SELECT id FROM queue WHERE author IN (SELECT value FROM json_each(?))",
        (authors, authors),
    )
    return {name for (name,) in rows}


def _write(
    connection: sqlite3.Connection, tombstones: Sequence[CollectedTombstone]
) -> tuple[dict[str, set[str]], int]:
    """Write tombstones; return the names they hold by their kind, and how many are new."""
    names: dict[str, set[str]] = {"id": set(), "author": set()}
    chosen: dict[str, set[str]] = {"id": set(), "author": set()}
    for collected in tombstones:
        stone = collected.tombstone
        kind, name = ("id", stone.id) if stone.id else ("author", stone.author)
        if not name:  # it would be that of every post without an author
            continue
        chosen[kind].add(name)
        names[kind].update((name, *collected.aliases))
    written = sum(
        len(chosen[kind])
        - connection.execute(
            "SELECT count(*) FROM tombstones "
            "WHERE kind = ? AND name IN (SELECT value FROM json_each(?))",
            (kind, names_json(chosen[kind])),
        ).fetchone()[0]
        for kind in names
    )
    connection.executemany(
        "INSERT OR IGNORE INTO tombstones (kind, name) VALUES (?, ?)",
        [(kind, name) for kind in names for name in names[kind]],
    )
    return names, written


def _stored_plain(connection: sqlite3.Connection, plain: PlainNames) -> set[str]:
    """Return the ids of posts that may be stored under these plain names."""
    ids = set(plain.ids)
    if plain.accounts:
        # Pseudonyms lie between `u_` and the character after the underscore: the index passes
        # over them, so this costs nothing where no plain names are stored.
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


def _posts(connection: sqlite3.Connection, posts: Sequence[Collected]) -> Tally[str]:
    outcomes: Tally[str] = Tally()
    if not posts:
        return outcomes
    buried = _buried(connection, posts)
    known = _known(connection, posts)
    for collected in posts:
        post = collected.post
        if buried and _is_buried(collected, buried):
            outcomes["deleted"] += 1
            continue
        name = next((n for n in (post.id, *collected.aliases) if n in known), post.id)
        named = post if post.id == name else msgspec.structs.replace(post, id=name)
        taken = known.setdefault(name, Known()).takes(named)
        outcomes["accepted" if taken else "duplicate"] += 1
    _retake(connection, known)
    enqueue(
        connection,
        [(s.post, s.weight) for s in known.values() if s.post is not None],
    )
    return outcomes


def refused(connection: sqlite3.Connection, posts: Sequence[Collected]) -> list[str]:
    """Return the ids of those posts that a tombstone names."""
    buried = _buried(connection, posts)
    return [c.post.id for c in posts if buried and _is_buried(c, buried)]


def _is_buried(collected: Collected, buried: set[tuple[str, str]]) -> bool:
    post = collected.post
    return any(("id", name) in buried for name in (post.id, *collected.aliases)) or any(
        ("author", name) in buried for name in (post.author, *collected.author_aliases) if name
    )


def _buried(connection: sqlite3.Connection, posts: Sequence[Collected]) -> set[tuple[str, str]]:
    if connection.execute("SELECT 1 FROM tombstones LIMIT 1").fetchone() is None:
        return set()
    ids = names_json({n for c in posts for n in (c.post.id, *c.aliases)})
    authors = names_json({n for c in posts for n in (c.post.author, *c.author_aliases)})
    rows = connection.execute(
        "SELECT kind, name FROM tombstones "
        "WHERE kind = 'id' AND name IN (SELECT value FROM json_each(?)) "
        "OR kind = 'author' AND name IN (SELECT value FROM json_each(?))",
        (ids, authors),
    )
    return set(rows.fetchall())


def _known(connection: sqlite3.Connection, posts: Sequence[Collected]) -> dict[str, Known]:
    names = names_json({n for c in posts for n in (c.post.id, *c.aliases)})
    rows = connection.execute(
        "SELECT p.id, b.rank, b.watchlist FROM posts p JOIN bodies b ON b.rowid = p.rowid "
        "WHERE p.id IN (SELECT value FROM json_each(?1))",
        (names,),
    ).fetchall()
    # What waits is never older than what is stored, so it comes second and stays.
    rows += connection.execute(
        "SELECT id, rank, watchlist FROM queue WHERE id IN (SELECT value FROM json_each(?))",
        (names,),
    ).fetchall()
    return {name: Known(read_rank(rank), watchlist) for name, rank, watchlist in rows}


def _retake(connection: sqlite3.Connection, known: dict[str, Known]) -> None:
    """Let posts that were matched with another watchlist take over what that changed."""
    retaken = {name: state for name, state in known.items() if state.retaken is not None}
    missing = [name for name, state in retaken.items() if state.post is None]
    stored = {post.id: post for post in newest(connection, missing)}
    for name, state in retaken.items():
        if state.retaken is not None:
            state.post = taken_over(state.post or stored[name], state.retaken)


def newest(connection: sqlite3.Connection, ids: Sequence[str]) -> list[Post]:
    """Return the newest version of each of these posts that is stored or waiting."""
    if not ids:
        return []
    rows = connection.execute(
        "SELECT p.id, b.post FROM posts p JOIN bodies b ON b.rowid = p.rowid "
        "WHERE p.id IN (SELECT value FROM json_each(?1)) "
        "UNION ALL SELECT id, post FROM queue WHERE id IN (SELECT value FROM json_each(?1))",
        (names_json(ids),),
    )
    return [decode_post(post) for post in dict(rows.fetchall()).values()]


def enqueue(connection: sqlite3.Connection, posts: Iterable[tuple[Post, int]]) -> None:
    """Put posts on the waiting list, each with the records it stands for, which add up."""
    connection.executemany(
        "INSERT INTO queue (id, rank, watchlist, author, weight, post) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET rank = excluded.rank, "
        "watchlist = excluded.watchlist, author = excluded.author, post = excluded.post, "
        "weight = weight + excluded.weight",
        [
            (p.id, rank_text(p.rank()), p.watchlist, p.author, weight, post_json(p))
            for p, weight in posts
        ],
    )


def _revive(connection: sqlite3.Connection, batch: Batch) -> Tally[str]:
    """Return what leaves the books because dead letters were tried again in this batch.

    Each letter leaves once, also when a crash made the same retry run twice.
    """
    left: Tally[str] = Tally()
    for letter in batch.retried:
        added = connection.execute(
            "INSERT OR IGNORE INTO revived (origin, line) VALUES (?, ?)",
            (letter.origin, letter.line),
        )
        if added.rowcount:
            left.update({"received": 1, "dead": 1, ledger.DEAD + letter.reason: 1})
    return left


def _notices(connection: sqlite3.Connection, notices: Sequence[Gap | Heartbeat | Counter]) -> None:
    for notice in notices:
        row = _notice(notice)
        if isinstance(notice, Counter) and any(
            (known.page, known.metric) == (notice.page, notice.metric)
            for known in _counters_at(connection, *row[:3])
        ):
            continue
        connection.execute(
            "INSERT INTO notices (kind, source, at, notice) VALUES (?, ?, ?, ?)", row
        )


def _counters_at(
    connection: sqlite3.Connection, kind: str, source: str, at: str
) -> Iterator[Counter]:
    rows = connection.execute(
        "SELECT notice FROM notices WHERE kind = ? AND source = ? AND at = ?", (kind, source, at)
    )
    return (_COUNTER.decode(body) for (body,) in rows.fetchall())


def _notice(notice: Gap | Heartbeat | Counter) -> tuple[str, str, str, str]:
    at = notice.start if isinstance(notice, Gap) else notice.at
    kind = type(notice).__name__.lower()
    # in UTC, so that one moment is one text
    return kind, notice.source, at.astimezone(UTC).isoformat(), _ENCODER.encode(notice).decode()

"""What becomes of each record of a batch, decided inside the batch's transaction."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from datetime import UTC

import msgspec

from ingest.records import Counter, Gap, Heartbeat, Post
from pipelines.errors import StoreBusy
from pipelines.records import Batch, Collected, Ledger
from pipelines.stores.reposts import passed_on
from pipelines.stores.sqlite import bodies, ledger
from pipelines.stores.sqlite.queue import enqueue
from pipelines.stores.sqlite.tombstones import delete, deleted
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection
from pipelines.stores.versions import Known, read_rank, taken_over

_ENCODER = msgspec.json.Encoder()
_COUNTER = msgspec.json.Decoder(Counter)


def accept(connection: Connection, batch: Batch) -> tuple[Ledger, int]:
    """Store a batch inside the open transaction.

    Returns the outcomes of its records, and how many texts its tombstones removed (so that the
    file must be cleaned of their bytes). Raises :class:`StoreBusy` if somebody else read the
    input on.
    """
    _move(connection, batch)
    # Tombstones first: one beats every version of its post, also those of the same batch.
    texts = delete(connection, batch.tombstones).texts
    texts += _refuse_reposts(connection, batch.posts)
    outcomes = _posts(connection, batch.posts)
    outcomes["filtered"] += batch.filtered
    outcomes["deleted"] += len(batch.tombstones)
    outcomes["dead"] += len(batch.dead)
    outcomes["received"] = outcomes.total()
    changes = Tally(outcomes)
    for dead_letter in batch.dead:
        changes[ledger.DEAD + dead_letter.reason] += 1
    changes.subtract(_retried(connection, batch))
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
    return result, texts


def _move(connection: Connection, batch: Batch) -> None:
    position = batch.position
    rows = connection.execute(
        "SELECT cursor FROM positions WHERE key = ?", (position.key,)
    ).fetchall()
    stored = rows[0][0] if rows else ""
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


def _refuse_reposts(connection: Connection, posts: Sequence[Collected]) -> int:
    """Delete what repeats refused posts, and their twins; return how many texts that removed."""
    texts, known = 0, set[str]()
    while True:
        refused = [
            (one, why)
            for one, why in zip(posts, deleted(connection, posts), strict=True)
            if why and one.post.id not in known
        ]
        if not refused:
            return texts
        known.update(one.post.id for one, _ in refused)
        reposts = passed_on([one for one, why in refused if one.repeats or why == "twin"])
        texts += delete(connection, reposts, [one.post for one, _ in refused]).texts


def _posts(connection: Connection, posts: Sequence[Collected]) -> Tally[str]:
    outcomes: Tally[str] = Tally()
    if not posts:
        return outcomes
    repeated: list[tuple[str, str]] = []
    known = _known(connection, posts)
    for collected, refusal in zip(posts, deleted(connection, posts), strict=True):
        post = collected.post
        if refusal:
            outcomes["deleted"] += 1
            continue
        name = next((n for n in (post.id, *collected.aliases) if n in known), post.id)
        named = post if post.id == name else msgspec.structs.replace(post, id=name)
        taken = known.setdefault(name, Known()).takes(named)
        outcomes["accepted" if taken else "duplicate"] += 1
        repeated.extend((original, name) for original in collected.repeats)
    _retake(connection, known)
    enqueue(
        connection,
        [(s.post, s.weight) for s in known.values() if s.post is not None],
    )
    connection.executemany("INSERT OR IGNORE INTO reposts (original, id) VALUES (?, ?)", repeated)
    return outcomes


def _known(connection: Connection, posts: Sequence[Collected]) -> dict[str, Known]:
    names = json_list({n for c in posts for n in (c.post.id, *c.aliases)})
    known = {
        name: Known(post.rank(), post.watchlist)
        for name, post in _stored(connection, names).items()
    }
    # What waits is never older than what is stored, so it comes second and stays.
    rows = connection.execute(
        "SELECT id, rank, watchlist FROM queue WHERE id IN (SELECT value FROM json_each(?))",
        (names,),
    )
    return known | {
        name: Known(read_rank(rank), watchlist) for name, rank, watchlist in rows.fetchall()
    }


def _stored(connection: Connection, names: str) -> dict[str, Post]:
    """Return the contents of the stored posts of these ids (a JSON list)."""
    rows = connection.execute(
        "SELECT p.id, b.post FROM posts p JOIN bodies b ON b.seq = p.body "
        "WHERE p.id IN (SELECT value FROM json_each(?))",
        (names,),
    )
    return {name: bodies.decode(body) for name, body in rows.fetchall()}


def _retake(connection: Connection, known: dict[str, Known]) -> None:
    """Let posts that were matched with another watchlist take over what that changed."""
    retaken = {name: state for name, state in known.items() if state.retaken is not None}
    missing = [name for name, state in retaken.items() if state.post is None]
    stored = {post.id: post for post in newest(connection, missing)}
    for name, state in retaken.items():
        if state.retaken is not None:
            state.post = taken_over(state.post or stored[name], state.retaken)


def newest(connection: Connection, ids: Sequence[str]) -> list[Post]:
    """Return the newest version of each of these posts that is stored or waiting."""
    if not ids:
        return []
    names = json_list(ids)
    waiting = connection.execute(
        "SELECT q.id, b.post FROM queue q JOIN bodies b ON b.seq = q.body "
        "WHERE q.id IN (SELECT value FROM json_each(?))",
        (names,),
    ).fetchall()
    found = _stored(connection, names) | {name: bodies.decode(body) for name, body in waiting}
    return list(found.values())


def _retried(connection: Connection, batch: Batch) -> Tally[str]:
    """Return what leaves the ledger because dead letters were tried again in this batch.

    Each letter leaves once, also when a crash made the same retry run twice.
    """
    left: Tally[str] = Tally()
    for dead_letter in batch.retried:
        added = connection.execute(
            "INSERT OR IGNORE INTO revived (origin, line) VALUES (?, ?) RETURNING 1",
            (dead_letter.origin, dead_letter.line),
        )
        if added.fetchall():
            left.update({"received": 1, "dead": 1, ledger.DEAD + dead_letter.reason: 1})
    return left


def _notices(connection: Connection, notices: Sequence[Gap | Heartbeat | Counter]) -> None:
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


def _counters_at(connection: Connection, kind: str, source: str, at: str) -> Iterator[Counter]:
    rows = connection.execute(
        "SELECT notice FROM notices WHERE kind = ? AND source = ? AND at = ?", (kind, source, at)
    )
    return (_COUNTER.decode(body) for (body,) in rows.fetchall())


def _notice(notice: Gap | Heartbeat | Counter) -> tuple[str, str, str, str]:
    at = notice.start if isinstance(notice, Gap) else notice.at
    kind = type(notice).__name__.lower()
    # in UTC, so that one moment is one text
    return kind, notice.source, at.astimezone(UTC).isoformat(), _ENCODER.encode(notice).decode()

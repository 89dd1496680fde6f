"""Scored posts become searchable."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from ingest.records import Post, Target
from pipelines.records import Document
from pipelines.stores.sqlite import ledger
from pipelines.stores.sqlite.accept import enqueue, names_json, post_json
from pipelines.stores.versions import rank_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSTS = (
    "INSERT OR REPLACE INTO posts (rowid, id, day, hour, created, platform, author, source, "
    "language, label, negative, neutral, positive, flags, model) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_BODIES = "INSERT OR REPLACE INTO bodies (rowid, rank, watchlist, post) VALUES (?, ?, ?, ?)"
_FTS = "INSERT INTO fts (rowid, tokens, keys, variants) VALUES (?, ?, ?, ?)"
_TARGETS = (
    "INSERT OR REPLACE INTO targets (post, entity, label, negative, neutral, positive) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)


def index(connection: sqlite3.Connection, documents: Sequence[Document]) -> None:
    """Write documents and take them off the queue, inside the open transaction.

    One that no longer waits in this version (deleted, edited, matched anew, or indexed by an
    earlier delivery) is left out.
    """
    names = names_json(d.post.id for d in documents)
    waiting: dict[str, tuple[str, str]] = {
        name: (rank, watchlist)
        for name, rank, watchlist in connection.execute(
            "SELECT id, rank, watchlist FROM queue WHERE id IN (SELECT value FROM json_each(?))",
            (names,),
        )
    }
    current = {
        d.post.id: d
        for d in documents
        if waiting.get(d.post.id) == (rank_text(d.post.rank()), d.post.watchlist)
    }
    if not current:
        return
    rowids: dict[str, int] = dict(
        connection.execute(
            "SELECT id, rowid FROM posts WHERE id IN (SELECT value FROM json_each(?))",
            (names_json(current),),
        ).fetchall()
    )
    forget_words(connection, [rowids[name] for name in current if name in rowids])
    # Numbered here, so that every table takes its rows in one go.
    following = connection.execute("SELECT ifnull(max(rowid), 0) + 1 FROM posts").fetchone()[0]
    for name in current:
        if name not in rowids:
            rowids[name] = following
            following += 1
    placed = [(rowids[name], document) for name, document in current.items()]
    place(connection, placed)
    connection.execute(
        "DELETE FROM queue WHERE id IN (SELECT value FROM json_each(?))", (names_json(current),)
    )


def reject(connection: sqlite3.Connection, failed: Sequence[tuple[Post, str]]) -> None:
    """Take posts off the queue as dead, each with its reason, inside the open transaction.

    One that no longer waits in this version is left as it is. What is indexed of an earlier
    version stays, and so does one that only waited to be scored once more.
    """
    for post, reason in failed:
        weights = connection.execute(
            "DELETE FROM queue WHERE id = ? AND rank = ? AND watchlist = ? RETURNING weight",
            (post.id, rank_text(post.rank()), post.watchlist),
        ).fetchall()
        lost = sum(weight for (weight,) in weights)
        changes = {"accepted": -lost, "dead": lost, ledger.DEAD + reason: lost}
        ledger.add(connection, changes)


def forget_words(connection: sqlite3.Connection, rowids: Sequence[int]) -> None:
    """Remove what rows can be found by, inside the open transaction."""
    replaced = [(rowid,) for rowid in rowids]
    connection.executemany("DELETE FROM fts WHERE rowid = ?", replaced)
    connection.executemany("DELETE FROM targets WHERE post = ?", replaced)


def place(connection: sqlite3.Connection, placed: Sequence[tuple[int, Document]]) -> None:
    """Write documents to these rows, whose words were forgotten, inside the open transaction."""
    connection.executemany(_POSTS, (_post_row(rowid, d) for rowid, d in placed))
    connection.executemany(
        _BODIES,
        (
            (rowid, rank_text(d.post.rank()), d.post.watchlist, post_json(d.post))
            for rowid, d in placed
        ),
    )
    connection.executemany(_FTS, ((rowid, d.tokens, d.keys, d.variants) for rowid, d in placed))
    connection.executemany(_TARGETS, (row for rowid, d in placed for row in _targets(rowid, d)))


def requeue(connection: sqlite3.Connection, posts: Sequence[Post]) -> None:
    """Put stored posts back on the queue, inside the open transaction.

    One that was deleted or edited meanwhile is left as it is now. It stands for no received
    record: those were counted when it came.
    """
    names = names_json(p.id for p in posts)
    stored: dict[str, str] = dict(
        connection.execute(
            "SELECT p.id, b.rank FROM posts p JOIN bodies b ON b.rowid = p.rowid "
            "WHERE p.id IN (SELECT value FROM json_each(?1)) "
            "UNION ALL SELECT id, rank FROM queue WHERE id IN (SELECT value FROM json_each(?1))",
            (names,),
        ).fetchall()
    )
    enqueue(connection, [(p, 0) for p in posts if stored.get(p.id) == rank_text(p.rank())])


def _post_row(rowid: int, document: Document) -> tuple[object, ...]:
    post = document.post
    score = post.sentiment
    created = None
    if post.created_at is not None and document.day:
        delta = post.created_at - _EPOCH
        created = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    return (
        rowid,
        post.id,
        document.day,
        document.hour,
        created,
        post.platform,
        post.author,
        post.source,
        post.language,
        score.label if score else "",
        score.negative if score else 0.0,
        score.neutral if score else 0.0,
        score.positive if score else 0.0,
        f" {' '.join(post.flags)} " if post.flags else "",
        post.model,
    )


def _targets(rowid: int, document: Document) -> Iterable[tuple[object, ...]]:
    """Yield one row for each entity; without a label where no attitude was computed."""
    found: dict[str, Target | None] = dict.fromkeys(document.post.entities)
    found.update((t.entity, t) for t in document.post.targets)
    for entity, target in found.items():
        if target is None:
            yield rowid, entity, "", 0.0, 0.0, 0.0
        else:
            t = target
            yield rowid, entity, t.label, t.negative, t.neutral, t.positive

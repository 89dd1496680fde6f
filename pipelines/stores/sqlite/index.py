"""Scored posts become searchable."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.records import Post
from pipelines.records import Document
from pipelines.stores.sqlite import ledger, rows
from pipelines.stores.sqlite.queue import enqueue, erase_waiting
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection
from pipelines.stores.versions import rank_text


def index(connection: Connection, documents: Sequence[Document]) -> None:
    """Write documents and take them off the queue, inside the open transaction.

    Those with provisional scores stay on the queue.

    One that no longer waits in this version (deleted, edited, matched anew, or indexed by an
    earlier delivery) is left out.
    """
    names = json_list(d.post.id for d in documents)
    waiting: dict[str, tuple[str, str, int]] = {
        name: (rank, watchlist, body)
        for name, rank, watchlist, body in connection.execute(
            "SELECT id, rank, watchlist, body FROM queue "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (names,),
        )
    }
    current = {
        d.post.id: d
        for d in documents
        if d.post.id in waiting
        and waiting[d.post.id][:2] == (rank_text(d.post.rank()), d.post.watchlist)
    }
    if not current:
        return
    rows.write(connection, [rows.Written(d, waiting[name][2]) for name, d in current.items()])
    found = json_list(name for name, d in current.items() if d.post.scored)
    done = json_list(name for name, d in current.items() if not d.post.scored)
    among = "WHERE id IN (SELECT value FROM json_each(?))"
    connection.execute(f"UPDATE queue SET provisional = 1 {among}", (found,))
    connection.execute(f"DELETE FROM queue {among}", (done,))


def reject(connection: Connection, failed: Sequence[tuple[Post, str]]) -> None:
    """Take posts off the queue as dead, each with its reason, inside the open transaction.

    One that no longer waits in this version is left as it is. What is indexed of an earlier
    version stays, and so does one that only waited to be scored once more.
    """
    for post, reason in failed:
        removed = erase_waiting(
            connection,
            "id = ? AND rank = ? AND watchlist = ?",
            (post.id, rank_text(post.rank()), post.watchlist),
        )
        weight = sum(removed.values())
        changes = {"accepted": -weight, "dead": weight, ledger.DEAD + reason: weight}
        ledger.add(connection, changes)


def requeue(connection: Connection, posts: Sequence[Post]) -> None:
    """Put stored posts back on the queue, inside the open transaction.

    One that was deleted or edited meanwhile is left as it is now. It stands for no received
    record: those were counted when it came.
    """
    stored = {one.post.id: one.post for one in rows.by_ids(connection, [p.id for p in posts])}
    ranks = {name: rank_text(post.rank()) for name, post in stored.items()}
    ranks |= dict(
        connection.execute(
            "SELECT id, rank FROM queue WHERE id IN (SELECT value FROM json_each(?))",
            (json_list(p.id for p in posts),),
        ).fetchall()
    )
    enqueue(connection, [(p, 0) for p in posts if ranks.get(p.id) == rank_text(p.rank())])

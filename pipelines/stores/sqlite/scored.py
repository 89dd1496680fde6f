"""Batches that come scored: accepted and indexed in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from pipelines.records import Batch, Collected, Document, Ledger
from pipelines.stores.sqlite import bodies
from pipelines.stores.sqlite.accept import accept
from pipelines.stores.sqlite.index import index
from pipelines.stores.sqlite.load import day_text, hour_text
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection
from pipelines.stores.versions import settled


def accept_scored(
    connection: Connection, batch: Batch, documents: Sequence[Document]
) -> tuple[Ledger, int]:
    """Store and index a batch inside the open transaction; returns what :func:`accept` does.

    What it brings waits for a moment, between two statements, and is taken off the waiting list
    as everything is: there is one rule of what counts.
    """
    outcomes, texts = accept(connection, batch)
    index(connection, list(_waiting(connection, batch.posts, documents)))
    return msgspec.structs.replace(outcomes, indexed=outcomes.pending, pending=0), texts


def _waiting(
    connection: Connection, posts: Sequence[Collected], documents: Sequence[Document]
) -> Iterator[Document]:
    """Yield what waits under these posts' names, with the scores that they came with."""
    given: dict[str, list[Document]] = {}
    for collected, document in zip(posts, documents, strict=True):
        for name in (collected.post.id, *collected.aliases):
            given.setdefault(name, []).append(document)
    rows = connection.execute(
        "SELECT q.id, b.post, f.day, f.hour FROM queue q JOIN bodies b ON b.seq = q.body "
        "LEFT JOIN posts p ON p.id = q.id LEFT JOIN facts f ON f.number = p.number "
        "WHERE q.id IN (SELECT value FROM json_each(?))",
        (json_list(given),),
    ).fetchall()
    for name, body, day, hour in rows:
        stored = None if day is None else (day_text(day), hour_text(day, hour))
        waiting = settled(bodies.decode(body), given[name], stored)
        if waiting is not None:
            yield waiting

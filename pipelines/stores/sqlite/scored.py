"""Batches that come scored: accepted and indexed in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import msgspec

from ingest.records import decode_post
from pipelines.records import Batch, Collected, Document, Ledger
from pipelines.stores.sqlite.accept import accept, names_json
from pipelines.stores.sqlite.index import index
from pipelines.stores.versions import settled


def accept_scored(
    connection: sqlite3.Connection, batch: Batch, documents: Sequence[Document]
) -> tuple[Ledger, int]:
    """Store and index a batch inside the open transaction; returns what :func:`accept` does.

    What it brings waits for a moment, between two statements, and is taken off the waiting list
    as everything is: there is one rule of what counts.
    """
    outcomes, texts = accept(connection, batch)
    index(connection, list(_waiting(connection, batch.posts, documents)))
    return msgspec.structs.replace(outcomes, indexed=outcomes.pending, pending=0), texts


def _waiting(
    connection: sqlite3.Connection, posts: Sequence[Collected], documents: Sequence[Document]
) -> Iterator[Document]:
    """Yield what waits under these posts' names, with the scores that they came with."""
    given: dict[str, list[Document]] = {}
    for collected, document in zip(posts, documents, strict=True):
        for name in (collected.post.id, *collected.aliases):
            given.setdefault(name, []).append(document)
    rows = connection.execute(
        "SELECT q.id, q.post, p.day, p.hour FROM queue q LEFT JOIN posts p ON p.id = q.id "
        "WHERE q.id IN (SELECT value FROM json_each(?))",
        (names_json(given),),
    ).fetchall()
    for name, body, day, hour in rows:
        stored = None if day is None else (day, hour)
        waiting = settled(decode_post(body), given[name], stored)
        if waiting is not None:
            yield waiting

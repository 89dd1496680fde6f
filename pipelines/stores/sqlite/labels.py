"""Labels that people gave to posts: a small table by the posts' ids, made when it is needed.

The functions take an open connection and run inside their caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import msgspec

from pipelines.records import HumanLabel
from pipelines.stores.sqlite_file import Connection

_TABLE = """CREATE TABLE IF NOT EXISTS labels (
    post TEXT NOT NULL,
    coder TEXT NOT NULL,
    aspect TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (post, coder, aspect)
) WITHOUT ROWID"""
_DECODER = msgspec.json.Decoder(HumanLabel)
_CHUNK = 2_000


def put(connection: Connection, labels: Sequence[HumanLabel]) -> int:
    """Store labels of posts that are there; return how many these are."""
    connection.execute(_TABLE)
    ids = sorted({label.post for label in labels})
    known: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        rows = connection.execute(
            "SELECT id FROM posts WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids[start : start + _CHUNK]),),
        )
        known.update(name for (name,) in rows)
    taken = [label for label in labels if label.post in known]
    connection.executemany(
        "INSERT OR REPLACE INTO labels (post, coder, aspect, label) VALUES (?, ?, ?, ?)",
        [(one.post, one.coder, one.aspect, msgspec.json.encode(one).decode()) for one in taken],
    )
    return len(taken)


def read(connection: Connection) -> dict[str, list[HumanLabel]]:
    """Return all labels by the ids of their posts, ordered by post, coder and aspect."""
    if not _exists(connection):
        return {}
    found: dict[str, list[HumanLabel]] = {}
    rows = connection.execute("SELECT label FROM labels ORDER BY post, coder, aspect")
    for (text,) in rows:
        label = _DECODER.decode(text)
        found.setdefault(label.post, []).append(label)
    return found


def remove(connection: Connection, posts: Iterable[str]) -> None:
    """Remove the labels of these posts, inside the transaction that removes the posts."""
    if _exists(connection):
        connection.execute(
            "DELETE FROM labels WHERE post IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(posts)),),
        )


def _exists(connection: Connection) -> bool:
    rows = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'labels'"
    )
    return bool(rows.fetchall())

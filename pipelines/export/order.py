"""A random order of posts, so that the place of a row tells nothing about its post."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from ingest.records import encode
from pipelines.export.columns import Exported

_NAME = "order"


def shuffled(posts: Iterable[Exported], folder: Path) -> Iterator[Exported]:
    """Yield posts in a random order; they lie in a file of the folder meanwhile, not in memory."""
    path = folder / _NAME
    path.unlink(missing_ok=True)  # of an export that was killed
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("BEGIN")
        file.execute("CREATE TABLE posts (place INTEGER PRIMARY KEY, post BLOB NOT NULL)")
        for post in posts:
            # 63 bits: two of a million posts meet once in ten million exports; the export fails
            place = secrets.randbits(63)
            file.execute("INSERT INTO posts VALUES (?, ?)", (place, encode(post)))
        for (post,) in file.execute("SELECT post FROM posts ORDER BY place"):
            yield msgspec.json.decode(post, type=Exported)
    path.unlink(missing_ok=True)

"""A copy of a store in one file, and putting it back.

The copy is made by ``VACUUM INTO``: one consistent state while others write, and without what was
deleted, of which a copy page by page would carry the unused rests along.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import apsw

from ingest.records import Tombstone
from pipelines.errors import StoreBusy, StoreError
from pipelines.records import CollectedTombstone
from pipelines.stores.sqlite import erase, schema, tombstones
from pipelines.stores.sqlite.connect import open_reader, open_writer
from pipelines.stores.sqlite.lock import hold
from pipelines.stores.sqlite_file import Connection, explained, writing

_MADE = "backup made"


class Copy(NamedTuple):
    """What a copy holds."""

    posts: int
    tombstones: int
    made: str
    """When it was made, ISO 8601 in UTC; empty for a file that is no backup."""


def back_up(store: Path, target: Path) -> Copy:
    """Copy a store to a new file, readable by its owner alone.

    Raises :class:`~pipelines.errors.StoreError`, also if ``target`` is there already.
    """
    if target.exists():
        raise StoreError(f"{target} is there already: name a new file for the backup.")
    with _part(target) as part:
        with closing(open_reader(store)) as connection, explained(store):
            schema.check(connection, store)
            # the copy may hold nothing but what this one state holds
            connection.execute("PRAGMA query_only = OFF")
            connection.execute("VACUUM INTO ?", (str(part),))
        with closing(open_writer(part)) as copy, explained(part):
            now = datetime.now(UTC).isoformat(timespec="seconds")
            copy.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (_MADE, now))
            found = _look(copy, part)
            copy.execute("PRAGMA journal_mode = DELETE")
        _sync(part)
        os.link(part, target)  # unlike a rename, this fails where somebody made the file meanwhile
    return found


def look(path: Path) -> Copy:
    """Return what a file holds. Raises :class:`~pipelines.errors.StoreError` if it is no store."""
    with closing(open_reader(path)) as connection, explained(path):
        return _look(connection, path)


def put_back(copy: Path, store: Path, *, deleted_in: Iterable[Path] = ()) -> tuple[Copy, int]:
    """Put a copy in the place of a store, without the posts that were deleted since.

    The tombstones of the store that is replaced, and those of the stores ``deleted_in``, hold in
    it. Returns what the store holds then, and how many posts of the copy these removed. Raises
    :class:`~pipelines.errors.StoreError`; the store is as it was then.
    """
    look(copy)
    with hold(Path(f"{store.resolve()}.lock"), "restore"), _part(store) as part:
        with closing(open_reader(copy)) as connection, explained(copy):
            connection.execute("PRAGMA query_only = OFF")
            connection.execute("VACUUM INTO ?", (str(part),))
        removed = 0
        with closing(open_writer(part)) as connection, explained(part):
            schema.migrate(connection, part)
            for other in [*([store] if store.exists() else []), *deleted_in]:
                known = _tombstones(other)
                with writing(connection, part):
                    removed += tombstones.delete(connection, known).texts
            if removed:
                erase.scrub(connection)
                erase.purge(connection)
            connection.execute("DELETE FROM meta WHERE name = ?", (_MADE,))
            found = _look(connection, part)
            connection.execute("PRAGMA journal_mode = DELETE")
        _sync(part)
        if store.exists():
            _alone(store)
        part.replace(store.resolve())
    return found, removed


def _tombstones(path: Path) -> list[CollectedTombstone]:
    with closing(open_reader(path)) as connection, explained(path):
        schema.check(connection, path)
        rows = connection.execute("SELECT kind, name FROM tombstones").fetchall()
    return [
        CollectedTombstone(
            Tombstone(platform=name.partition(":")[0], id=name)
            if kind == "id"
            else Tombstone(platform="", author=name)
        )
        for kind, name in rows
    ]


def _look(connection: Connection, path: Path) -> Copy:
    if schema.check(connection, path) < schema.VERSION:
        raise StoreError(f"{path} was made by another version: run marsad reindex on it first.")
    ((posts,),) = connection.execute("SELECT count(*) FROM posts").fetchall()
    ((names,),) = connection.execute("SELECT count(*) FROM tombstones").fetchall()
    made = connection.execute("SELECT value FROM meta WHERE name = ?", (_MADE,)).fetchall()
    return Copy(posts, names, made[0][0] if made else "")


def _alone(store: Path) -> None:
    """Take in the write-ahead log of the store, which nobody else may have open."""
    try:
        with closing(open_writer(store)) as connection:
            ((mode,),) = connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    except apsw.BusyError:
        mode = "wal"
    if mode != "delete":
        raise StoreBusy(
            f"Another process has {store} open (marsad serve, a worker): stop it, then repeat "
            "the command."
        )


@contextmanager
def _part(target: Path) -> Iterator[Path]:
    """Give a new empty file beside a target, readable by its owner alone; remove it at the end."""
    part = target.resolve().with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(f"{part} can't be written ({error.strerror}).") from error
    try:
        yield part
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{part}{suffix}").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

"""A copy of a store in one file, and putting it back.

The copy is made by ``VACUUM INTO``: one consistent state while others write, and without what was
deleted, of which a copy page by page would carry the unused rests along.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, cast

import apsw

from ingest import zones
from ingest.privacy.protector import Protector, is_pseudonym
from ingest.records import Tombstone
from pipelines.errors import StoreBusy, StoreError
from pipelines.records import Collected, CollectedTombstone
from pipelines.stores.sqlite import convert, erase, schema, tombstones, twins
from pipelines.stores.sqlite.accept import newest
from pipelines.stores.sqlite.connect import open_reader, open_writer
from pipelines.stores.sqlite.lock import hold
from pipelines.stores.sqlite_file import Connection, explained, writing
from pipelines.stores.twins import SIGN, Kind

_MADE = "backup made"
#: The schema since which a file says of itself when it was made.
_WITH_META = 2
#: What SQLite puts beside a file.
_BESIDE = ("-wal", "-shm", "-journal")
#: Posts that are looked at in one step.
_CHUNK = 2_000


class Copy(NamedTuple):
    """What a copy holds."""

    posts: int
    tombstones: int
    made: str
    """When it was made, ISO 8601 in UTC; empty for a file that is no backup."""
    keys: frozenset[str]
    """Check values of the keys that it was written with; empty where none are recorded."""


def back_up(store: Path, target: Path) -> Copy:
    """Copy a store to a new file, readable by its owner alone.

    Raises :class:`~pipelines.errors.StoreError`, also if ``target`` is there already.
    """
    if target.exists():
        raise _taken(target)
    with _part(target) as part:
        with closing(open_reader(store)) as connection, explained(store):
            schema.check(connection, store)
            # the copy may hold nothing but what this one state holds
            connection.execute("PRAGMA query_only = OFF")
            connection.execute("VACUUM INTO ?", (str(part),))
        with closing(open_writer(part)) as copy, explained(part):
            now = datetime.now(UTC).isoformat(timespec="seconds")
            if schema.check(copy, part) >= _WITH_META:
                values = (_MADE, now)
                copy.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", values)
            found = _look(copy, store)
            copy.execute("PRAGMA journal_mode = DELETE")
        _sync(part)
        _name(part, target)
    return found


def _name(part: Path, target: Path) -> None:
    """Give a file its name, unless somebody made a file of that name meanwhile."""
    try:
        try:
            os.link(part, target)  # unlike a rename, this fails where the name is taken
        except FileExistsError:
            raise
        except OSError:  # no hard links, as on FAT and exFAT
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            part.replace(target)
    except FileExistsError:
        raise _taken(target) from None
    except OSError as error:
        raise StoreError(f"{target} can't be written ({error.strerror}).") from error


def _taken(target: Path) -> StoreError:
    return StoreError(f"{target} is there already: name a new file for the backup.")


def look(path: Path) -> Copy:
    """Return what a file holds. Raises :class:`~pipelines.errors.StoreError` if it is no store."""
    with closing(open_reader(path)) as connection, explained(path):
        return _look(connection, path)


def put_back(
    copy: Path,
    store: Path,
    *,
    deleted_in: Iterable[Path] = (),
    protector: Protector | None = None,
) -> tuple[Copy, int]:
    """Put a copy in the place of a store, without the posts that were deleted since.

    The tombstones of the store that is replaced, and those of the stores ``deleted_in``, hold in
    it. They hold pseudonyms only: ``protector`` finds the posts that are stored under raw account
    names. Returns what the store holds then, and how many posts of the copy were removed. Raises
    :class:`~pipelines.errors.StoreError`, also if there are such posts and ``protector`` is
    ``None``; the store is as it was then.
    """
    look(copy)
    with hold(Path(f"{store.resolve()}.lock"), "restore"), _part(store) as part:
        with closing(open_reader(copy)) as connection, explained(copy):
            connection.execute("PRAGMA query_only = OFF")
            connection.execute("VACUUM INTO ?", (str(part),))
        _bring_up(part)
        if store.exists():
            _see_deletions(store)
        others = [*([store] if store.exists() else []), *deleted_in]
        merged: set[tuple[str, str]] = set()
        removed = 0
        # Others may delete while this goes on: the last look is under the lock of the store.
        while True:
            new = {name for one in others for name in _tombstones(one)} - merged
            more, found = _merge(part, others, new, protector)
            removed += more
            merged |= new
            if store.exists():
                _alone(store)
            else:  # SQLite would take in the log of a file that is gone
                for suffix in _BESIDE:
                    Path(f"{store.resolve()}{suffix}").unlink(missing_ok=True)
            if _written_over(store, part, merged):
                return found, removed


def _written_over(store: Path, part: Path, merged: set[tuple[str, str]]) -> bool:
    """Give a store the content of another in one transaction.

    Nothing happens, and it is told, if the store has tombstones by now that are not ``merged``.
    The file stays the same one, so that a process that waits for it writes to what it holds then.
    """
    with (
        closing(open_writer(store)) as target,
        closing(open_reader(part)) as source,
        explained(store),
        cast(apsw.Connection, target).backup("main", cast(apsw.Connection, source), "main") as copy,
    ):
        copy.step(1)  # from here on others wait
        if not merged.issuperset(_tombstones(store)):
            return False
        copy.step(-1)
    with closing(open_writer(store)) as target, explained(store):
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return True


def _merge(
    part: Path,
    others: Iterable[Path],
    names: Collection[tuple[str, str]],
    protector: Protector | None,
) -> tuple[int, Copy]:
    """Let tombstones of other stores hold in a copy.

    Returns how many posts they removed, and what it holds.
    """
    with closing(open_writer(part)) as connection, explained(part):
        with writing(connection, part):
            for one in others:
                twins.add_keys(connection, _mark_keys(one))
            removed = tombstones.delete(connection, [_deletion(*one) for one in names]).texts
            if names:
                raw = _raw_deletions(connection, protector)
                removed += tombstones.delete(connection, raw).texts
            if any(name.startswith(SIGN) for _, name in names):
                removed += tombstones.delete(connection, _twin_deletions(connection)).texts
        if removed:
            erase.scrub(connection)
            erase.purge(connection)
        connection.execute("DELETE FROM meta WHERE name = ?", (_MADE,))
        found = _look(connection, part)
        connection.execute("PRAGMA journal_mode = DELETE")
    return removed, found


def _bring_up(part: Path) -> None:
    """Give a copy the present tables: in those of older versions no deletion would find a post."""
    with closing(open_writer(part)) as connection, explained(part):
        schema.migrate(connection, part)
        zone = _meta(connection).get("timezone", "") or "UTC"
        moving = True
        while moving and convert.is_due(connection):
            with writing(connection, part):
                moving = bool(convert.next_batch(connection, zones.zone(zone), _CHUNK))


def _meta(connection: Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, value FROM meta").fetchall())


def _deletion(kind: str, name: str) -> CollectedTombstone:
    if kind == "id":
        return CollectedTombstone(Tombstone(platform="", id=name))
    return CollectedTombstone(Tombstone(platform="", author=name))


def _raw_deletions(connection: Connection, protector: Protector | None) -> list[CollectedTombstone]:
    """Return the deletions of posts under raw account names that tombstones name by pseudonyms."""
    rows = connection.execute(
        "SELECT id, author FROM posts UNION SELECT id, author FROM queue"
    ).fetchall()
    ids = [name for name, author in rows if author and not is_pseudonym(author)]
    if ids and protector is None:
        raise StoreError(
            "The backup holds posts under raw account names, and the keyring has none of its keys: "
            "which of these posts were deleted can't be told. Set MARSAD_KEYS to the keyring that "
            "the store was written with. Nothing was replaced."
        )
    found = []
    for start in range(0, len(ids), _CHUNK):
        posts = newest(connection, ids[start : start + _CHUNK])
        protected = [protector.protect(post) for post in posts] if protector else []
        named = [
            Collected(one.post, one.aliases, one.author_aliases, one.repost_aliases)
            for one in protected
        ]
        gone = tombstones.deleted(connection, named)
        found += [
            CollectedTombstone(
                Tombstone(platform=post.platform, id=one.post.id),
                raw_name=post.id.partition(":")[2],
            )
            for post, one, is_deleted in zip(posts, named, gone, strict=True)
            if is_deleted
        ]
    return found


def _twin_deletions(connection: Connection) -> list[CollectedTombstone]:
    """Return the deletions of posts that only a mark names: twins of posts deleted elsewhere."""
    begin, end = twins.ids_of_twins(twins.keys(connection).keys())
    rows = connection.execute(
        "SELECT id FROM posts WHERE id >= ? AND id < ? "
        "UNION SELECT id FROM queue WHERE id >= ? AND id < ?",
        (begin, end, begin, end),
    ).fetchall()
    found = []
    for start in range(0, len(rows), _CHUNK):
        posts = newest(connection, [name for (name,) in rows[start : start + _CHUNK]])
        gone = tombstones.deleted(connection, [Collected(post) for post in posts])
        found += [
            _deletion("id", post.id)
            for post, refusal in zip(posts, gone, strict=True)
            if refusal == "twin"
        ]
    return found


def _tombstones(path: Path) -> list[tuple[str, str]]:
    with closing(open_reader(path)) as connection, explained(path):
        if not schema.check(connection, path):  # an empty file
            return []
        return [
            (kind, name)
            for kind, name in connection.execute("SELECT kind, name FROM tombstones").fetchall()
        ]


def _mark_keys(path: Path) -> dict[Kind, list[bytes]]:
    with closing(open_reader(path)) as connection, explained(path):
        return twins.keys(connection) if schema.check(connection, path) >= _WITH_META else {}


def _see_deletions(store: Path) -> None:
    try:
        _tombstones(store)
    except StoreError as error:
        raise StoreError(
            f"{error} Its deletions can't be merged: move it away, restore without --replace, and "
            "repeat the deletions made since the backup."
        ) from error


def _look(connection: Connection, path: Path) -> Copy:
    """Return what a file of any schema holds."""
    if not schema.check(connection, path):
        raise StoreError(f"{path} is empty: it holds no store.")
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    tables = {name for (name,) in rows}
    posts = sum(
        connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        for table in ("posts", "old_bodies")  # those that are not moved yet
        if table in tables
    )
    ((names,),) = connection.execute(
        "SELECT count(*) FROM tombstones WHERE name NOT LIKE ?", (f"{SIGN}%",)
    ).fetchall()
    meta = _meta(connection) if "meta" in tables else {}
    return Copy(posts, names, meta.get(_MADE, ""), frozenset(meta.get("keys", "").split()))


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
        for suffix in ("", *_BESIDE):
            Path(f"{part}{suffix}").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

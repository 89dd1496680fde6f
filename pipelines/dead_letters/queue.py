"""Records that could not be used, kept as they came.

They may hold anything, also names that elsewhere are pseudonyms: so they live in a file of
their own that its owner alone may read, they expire, and a deletion removes those that name
what was deleted. Listings never show raw bytes.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from pipelines.dead_letters.search import finder
from pipelines.errors import StoreBusy, StoreError, StoreFull
from pipelines.records import CollectedTombstone, DeadLetter
from pipelines.stores.sqlite_file import explained, make_or_check, writing

#: How long a dead letter is kept unless told otherwise.
DAYS = 30

#: In the file's header ("MRSL"), so that no other file is taken for it.
_APPLICATION_ID = 0x4D52534C
#: A last part of an id up to this length says too little to be looked for.
_SHORT = 3

_TABLE = """CREATE TABLE IF NOT EXISTS letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    origin TEXT NOT NULL,
    line INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    raw BLOB NOT NULL,
    truncated INTEGER NOT NULL,
    context TEXT NOT NULL,
    at TEXT NOT NULL,
    expires TEXT NOT NULL,
    input TEXT NOT NULL DEFAULT '',
    UNIQUE (origin, line)
)"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter in a listing, without its raw bytes."""

    number: int
    input: str
    """What people call the input: a file's name, a channel; the origin where nothing else is."""
    origin: str
    line: int
    reason: str
    detail: str
    size: int
    """Length of what is kept, in bytes."""
    truncated: bool
    at: datetime
    expires_at: datetime


def _now() -> datetime:
    return datetime.now(UTC)


class DeadLetters(AbstractContextManager["DeadLetters"]):
    """The dead letters of one store, in the file ``<store>.dead``.

    The file is made when the first letter is put there. Every writing removes what has expired,
    and so does :meth:`purge_expired`, called when a store is opened for writing.
    Raises :class:`~pipelines.errors.StoreError` and its children.
    """

    def __init__(
        self, path: str | Path, *, days: float = DAYS, clock: Callable[[], datetime] = _now
    ) -> None:
        self.path = Path(path)
        self._days = days
        self._clock = clock
        self._open: sqlite3.Connection | None = None
        self._unclean = False

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def put(self, dead_letters: Iterable[DeadLetter]) -> None:
        """Keep letters aside. The same place again updates it and extends nothing.

        One without bytes that is truncated was kept on the machine that collected it, which is
        where it can be looked at and tried again.
        """
        dead_letters = [
            dead_letter
            for dead_letter in dead_letters
            if dead_letter.raw or not dead_letter.truncated
        ]
        if not dead_letters:
            return
        at = self._clock()
        with self._writing(create=True) as connection:
            if connection is None:  # pragma: no cover - create=True always connects
                return
            connection.executemany(
                "INSERT INTO letters (origin, line, reason, detail, raw, truncated, context, at, "
                "expires, input) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (origin, line) DO UPDATE "
                "SET reason = excluded.reason, detail = excluded.detail, raw = excluded.raw, "
                "truncated = excluded.truncated, context = excluded.context, "
                "input = excluded.input",
                (
                    (
                        dead_letter.origin,
                        dead_letter.line,
                        dead_letter.reason,
                        dead_letter.detail,
                        dead_letter.raw,
                        dead_letter.truncated,
                        dead_letter.context,
                        _stamp(dead_letter.at),
                        _stamp(at + timedelta(days=self._days)),
                        dead_letter.input,
                    )
                    for dead_letter in dead_letters
                ),
            )

    def purge_expired(self) -> None:
        """Remove what has expired. Where that can't be written now, the next time does it."""
        with suppress(StoreFull, StoreBusy):
            if self._any_expired():
                with self._writing():
                    pass  # each writing begins with it

    def reasons(self) -> dict[str, int]:
        """Return how many letters are kept for each reason, the most frequent first."""
        with self._reading() as connection:
            if connection is None:
                return {}
            rows = connection.execute(
                "SELECT reason, count(*) FROM letters WHERE expires > ? "
                "GROUP BY 1 ORDER BY 2 DESC, 1",
                (_stamp(self._clock()),),
            )
            return dict(rows.fetchall())

    def entries(self, *, reason: str = "", limit: int | None = None, after: int = 0) -> list[Entry]:
        """Return letters in the order they came, from the number after ``after`` on."""
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT number, iif(input = '', origin, input), origin, line, reason, detail, "
                "length(raw), truncated, at, expires FROM letters "
                "WHERE number > ? AND expires > ? AND (? = '' OR reason = ?) "
                "ORDER BY number LIMIT ?",
                (after, _stamp(self._clock()), reason, reason, -1 if limit is None else limit),
            )
            return [
                Entry(
                    number=number,
                    input=name,
                    origin=origin,
                    line=line,
                    reason=why,
                    detail=detail,
                    size=size,
                    truncated=bool(truncated),
                    at=datetime.fromisoformat(at),
                    expires_at=datetime.fromisoformat(expires),
                )
                for number, name, origin, line, why, detail, size, truncated, at, expires in rows
            ]

    def get(self, number: int) -> DeadLetter | None:
        """Return one letter with its raw bytes, ``None`` if there is none (any more)."""
        with self._reading() as connection:
            if connection is None:
                return None
            row = connection.execute(
                "SELECT origin, line, reason, detail, raw, truncated, context, at, input "
                "FROM letters "
                "WHERE number = ? AND expires > ?",
                (number, _stamp(self._clock())),
            ).fetchone()
        if row is None:
            return None
        origin, line, reason, detail, raw, truncated, context, at, name = row
        return DeadLetter(
            origin=origin,
            line=line,
            reason=reason,
            detail=detail,
            raw=bytes(raw),
            truncated=bool(truncated),
            context=context,
            input=name,
            at=datetime.fromisoformat(at),
        )

    def remove(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Remove letters, by their place: a retry took them in."""
        with self._writing() as connection:
            if connection is not None:
                places = [(dead_letter.origin, dead_letter.line) for dead_letter in dead_letters]
                self._delete(connection, "origin = ? AND line = ?", places)

    def forget(self, names: Iterable[str]) -> int:
        """Remove every letter whose raw bytes hold one of these native ids or author names.

        Whole words only, in any encoding a letter may have come in; rather one letter too many
        than one too few. Returns how many were removed.
        """
        named = finder(names)
        if named is None:
            return 0
        with self._writing() as connection:
            if connection is None:
                return 0
            found = [
                (number,)
                for number, raw in connection.execute("SELECT number, raw FROM letters")
                if named(raw)
            ]
            self._delete(connection, "number = ?", found)
            return len(found)

    def _any_expired(self) -> bool:
        with self._reading() as connection:
            if connection is None:
                return False
            found = connection.execute(
                "SELECT 1 FROM letters WHERE expires <= ? LIMIT 1", (_stamp(self._clock()),)
            )
            return found.fetchone() is not None

    @contextmanager
    def _writing(self, create: bool = False) -> Iterator[sqlite3.Connection | None]:
        connection = self._connect(create)
        if connection is None:
            yield None
            return
        with writing(connection, self.path):
            # Every time, not once an opening: an import may run for longer than letters live.
            self._delete(connection, "expires <= ?", [(_stamp(self._clock()),)])
            yield connection
        if self._unclean:
            self._clean(connection)

    def _delete(
        self, connection: sqlite3.Connection, which: str, values: Sequence[tuple[object, ...]]
    ) -> None:
        deleted = connection.executemany(f"DELETE FROM letters WHERE {which}", values).rowcount
        self._unclean = self._unclean or deleted > 0

    def _clean(self, connection: sqlite3.Connection) -> None:
        """Rewrite the file, in whose pages copies of removed letters may remain."""
        # They can't be found any more; where there is no room, the next removal tries again.
        with suppress(StoreFull, StoreBusy):
            with explained(self.path):
                connection.execute("VACUUM")
            self._unclean = False

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        connection = self._connect(create=False)
        with explained(self.path):
            yield connection

    def _connect(self, create: bool) -> sqlite3.Connection | None:
        if self._open is not None:
            return self._open
        if not create and not self.path.exists():
            return None
        try:
            make_or_check(self.path, make=create)
        except OSError as error:
            raise StoreError(
                f"{self.path} can't be opened ({error.strerror}): dead letters may be read "
                "by the account alone that imported it."
            ) from error
        with explained(self.path):
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=60)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        self._open = connection
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        if owner not in {0, _APPLICATION_ID}:
            raise StoreError(f"{self.path} does not hold dead letters: move it away.")
        # A journal that is deleted after each transaction: no raw bytes stay behind in one.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        if owner == 0:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        elif not _has_inputs(connection):
            connection.execute("BEGIN IMMEDIATE")
            if not _has_inputs(connection):  # another process may have done it meanwhile
                connection.execute("ALTER TABLE letters ADD COLUMN input TEXT NOT NULL DEFAULT ''")
            connection.execute("COMMIT")


def _has_inputs(connection: sqlite3.Connection) -> bool:
    """Tell whether a file has the names of inputs, which those of older versions have not."""
    columns = connection.execute("SELECT name FROM pragma_table_info('letters')").fetchall()
    return ("input",) in columns


def raw_names(collected: CollectedTombstone) -> set[str]:
    """Return the names by which dead letters may know what was deleted.

    Raw ones hold the raw account name; those protected before something failed (a post that
    the store or the model refused) its pseudonyms. Of an id also its last part (``set:4711``,
    ``did/post/3kab``), unless it is so short that it would be found everywhere.
    """
    tombstone = collected.tombstone
    if not tombstone.id:
        return {collected.raw_name, tombstone.author, *collected.aliases} - {""}
    natives = [name.partition(":")[2] for name in (tombstone.id, *collected.aliases)]
    names = {collected.raw_name, *natives}
    names |= {last for name in names if len(last := re.split("[:/]", name)[-1]) > _SHORT}
    return names - {""}


def _stamp(moment: datetime) -> str:
    """Return a time that sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")

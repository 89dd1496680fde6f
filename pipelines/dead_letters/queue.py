"""What could not be used, kept as it came: records, and answers of platforms.

A record is in the ledger and can be tried again. An answer is what a platform sent in place of
what was asked for, kept so that somebody can find out why. Both may hold anything, also names
that elsewhere are pseudonyms: so they live in a file of their own that its owner alone may read,
they expire, and a deletion removes those that name what was deleted. Listings never show raw
bytes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from pipelines.dead_letters.schema import prepare
from pipelines.dead_letters.search import finder
from pipelines.errors import StoreBusy, StoreError, StoreFull
from pipelines.records import DeadKind, DeadLetter
from pipelines.stores.sqlite_file import explained, make_or_check, writing

#: How long a dead letter is kept unless told otherwise.
DAYS = 30

#: Answers kept for each source.
NEWEST = 10


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter in a listing, without its raw bytes."""

    number: int
    kind: DeadKind
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
        """Keep letters. The same place again updates it and extends nothing.

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
                "INSERT INTO dead_letters (kind, origin, line, reason, detail, raw, truncated, "
                "context, at, expires, input) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (kind, origin, line) DO UPDATE "
                "SET reason = excluded.reason, detail = excluded.detail, raw = excluded.raw, "
                "truncated = excluded.truncated, context = excluded.context, "
                "input = excluded.input",
                (
                    (
                        dead_letter.kind,
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

    def put_answer(
        self, source: str, at: datetime, body: bytes, *, reason: str, detail: str
    ) -> int | None:
        """Keep what a platform sent instead of an answer; return its number, ``None`` if empty.

        Of each source the newest ones stay.
        """
        if not body:
            return None
        line = int(at.timestamp() * 1_000_000)
        answer = DeadLetter(
            kind="answer", origin=source, line=line, reason=reason, detail=detail, raw=body, at=at
        )
        self.put([answer])
        with self._writing(create=True) as connection:
            assert connection is not None
            numbers = [
                number
                for (number,) in connection.execute(
                    "SELECT number FROM dead_letters WHERE kind = 'answer' AND origin = ? "
                    "ORDER BY number DESC",
                    (source,),
                )
            ]
            self._delete(connection, "number = ?", [(number,) for number in numbers[NEWEST:]])
            return numbers[0] if numbers else None

    def purge_expired(self) -> None:
        """Remove what has expired. Where that can't be written now, the next time does it."""
        with suppress(StoreFull, StoreBusy):
            if self._any_expired():
                with self._writing():
                    pass  # each writing begins with it

    def reasons(self, kind: DeadKind | None = "record") -> dict[str, int]:
        """Return how many letters are kept for each reason, the most frequent first."""
        with self._reading() as connection:
            if connection is None:
                return {}
            rows = connection.execute(
                "SELECT reason, count(*) FROM dead_letters "
                "WHERE expires > ? AND kind = ifnull(?, kind) GROUP BY 1 ORDER BY 2 DESC, 1",
                (_stamp(self._clock()), kind),
            )
            return dict(rows.fetchall())

    def entries(
        self,
        *,
        kind: DeadKind = "record",
        reason: str = "",
        limit: int | None = None,
        after: int = 0,
    ) -> list[Entry]:
        """Return letters in the order they came, from the number after ``after`` on."""
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT number, iif(input = '', origin, input), origin, line, reason, detail, "
                "length(raw), truncated, at, expires FROM dead_letters "
                "WHERE number > ? AND expires > ? AND kind = ? AND (? = '' OR reason = ?) "
                "ORDER BY number LIMIT ?",
                (
                    *(after, _stamp(self._clock()), kind, reason, reason),
                    -1 if limit is None else limit,
                ),
            )
            return [
                Entry(
                    number=number,
                    kind=kind,
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
                "SELECT kind, origin, line, reason, detail, raw, truncated, context, at, input "
                "FROM dead_letters WHERE number = ? AND expires > ?",
                (number, _stamp(self._clock())),
            ).fetchone()
        if row is None:
            return None
        kind, origin, line, reason, detail, raw, truncated, context, at, name = row
        return DeadLetter(
            kind=kind,
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
                places = [(one.kind, one.origin, one.line) for one in dead_letters]
                self._delete(connection, "kind = ? AND origin = ? AND line = ?", places)

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
                for number, raw in connection.execute("SELECT number, raw FROM dead_letters")
                if named(raw)
            ]
            self._delete(connection, "number = ?", found)
            return len(found)

    def _any_expired(self) -> bool:
        with self._reading() as connection:
            if connection is None:
                return False
            found = connection.execute(
                "SELECT 1 FROM dead_letters WHERE expires <= ? LIMIT 1", (_stamp(self._clock()),)
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
        deleted = connection.executemany(f"DELETE FROM dead_letters WHERE {which}", values).rowcount
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
                prepare(connection, self.path)
            except BaseException:
                connection.close()
                raise
        self._open = connection
        return connection


def _stamp(moment: datetime) -> str:
    """Return a time that sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")

"""Whether anything in a store's file has changed, asked in microseconds."""

from __future__ import annotations

import threading
from pathlib import Path

from pipelines.stores.sqlite.connect import open_reader
from pipelines.stores.sqlite_file import Connection, explained

#: Device and inode of a file, and SQLite's ``data_version``.
State = tuple[int, int, int]


class ChangeCounter:
    """Tells the states of one file apart. Safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None

    def value(self) -> State:
        """Return what is another after each change by another connection.

        It is made of the file's device and inode, so that a file in the place of another counts
        as a change, and of SQLite's ``data_version``
        (https://www.sqlite.org/pragma.html#pragma_data_version). Raises
        :class:`~pipelines.errors.StoreError`.
        """
        with self._lock:
            try:
                found = self._path.stat()
                file = (found.st_dev, found.st_ino)
            except OSError:
                file = (0, 0)
            if self._connection is None or file != self._file:
                self._close()
                self._connection = open_reader(self._path)
                self._file = file
            with explained(self._path):
                rows = self._connection.execute("PRAGMA data_version").fetchall()
            return (*file, int(rows[0][0]))

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

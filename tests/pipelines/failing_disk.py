"""A process that changes a store for long, on a disk that fails at a chosen moment.

``python -m tests.pipelines.failing_disk WORK STORE [kill=N] [room=BYTES]``: WORK is ``reindex``,
``purge``, or one of :mod:`tests.pipelines.interrupted_work`. With ``kill`` the process kills itself
at its Nth write, in whichever of the store's files that is; with ``room`` files may grow by so many
bytes altogether, as on a disk that is nearly full. Prints a line of JSON: what became of it, the
writes, and the bytes that files grew.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import apsw

from pipelines.errors import StoreError
from pipelines.stores.sqlite import SqliteStore, erase, reindex

#: What SQLite's own way to open files is called on Linux and macOS.
_SYSTEM = "unix"


class Disk(apsw.VFS):
    """Files as the system has them, with a moment at which they fail."""

    def __init__(self, kill: int, room: int) -> None:
        super().__init__("failing", _SYSTEM, makedefault=True)
        self.kill = kill
        self.room = room
        self.writes = self.grown = self.most = 0

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 (SQLite's name)
        """Open a file of the store, or a temporary one."""
        return File(self, name, flags)

    def written(self, growth: int) -> None:
        """Take note of a write before it is done, and fail if it is time for that."""
        self.writes += 1
        if self.writes == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if growth > 0 and self.grown + growth > self.room:
            error = apsw.FullError("no room")
            error.result = error.extendedresult = apsw.SQLITE_FULL
            raise error
        self.changed(max(growth, 0))

    def changed(self, growth: int) -> None:
        """Take note of how much larger or smaller a file is."""
        self.grown += growth
        self.most = max(self.most, self.grown)


class File(apsw.VFSFile):
    """One file on such a disk."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__(_SYSTEM, name, flags)
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 (SQLite's name)
        """Write, if the disk does not fail."""
        self._disk.written(offset + len(data) - self.xFileSize())
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 (SQLite's name)
        """Cut the file off, which gives room back."""
        self._disk.changed(newsize - self.xFileSize())
        super().xTruncate(newsize)


def work(name: str, path: Path) -> str:
    """Do what is asked for to its end; return what is left, or why it stopped."""
    if name == "reindex":
        reindex.BATCH = 50
        with SqliteStore(path, reindexing=True) as store:
            store.reindex(ZoneInfo("UTC"))
        return ""
    if name != "purge":
        from tests.pipelines import interrupted_work

        done: str = getattr(interrupted_work, name)(path)
        return done
    erase.PURGE_AFTER = timedelta(0)
    with SqliteStore(path) as store:
        left = store.status().unpurged
        return f"{left} not purged" if left else ""


def _told(error: Exception) -> str:
    """Return the store's own words; none if the disk was full when all was done.

    SQLite is silent where the disk is still full when a file is closed; apsw raises that, too.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, StoreError):
        cause = cause.__context__
    if cause is not None:
        return f"{type(cause).__name__}: {cause}"
    if SqliteStore.close.__code__ in [
        frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)
    ]:
        return ""
    raise error


def main() -> None:
    """Read the arguments, work, and tell what became of it."""
    name, path, *options = sys.argv[1:]
    given = {key: int(value) for key, _, value in (one.partition("=") for one in options)}
    disk = Disk(given.get("kill", 0), given.get("room", sys.maxsize))
    try:
        said = work(name, Path(path))
    except (StoreError, apsw.FullError) as error:
        said = _told(error)
    print(json.dumps({"said": said, "writes": disk.writes, "grown": disk.most}))


if __name__ == "__main__":
    main()

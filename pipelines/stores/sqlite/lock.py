"""One import at a time on one store, and who it is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pipelines.errors import StoreBusy, StoreError


class Holder(msgspec.Struct, frozen=True):
    """The process that writes to a store."""

    pid: int
    command: str
    since: datetime


@contextmanager
def hold(path: Path, command: str) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs; the kernel lets go of it on a kill.

    Raises :class:`StoreBusy`, which names the holder, if another process has it. The file is
    left in place: removing it would let two processes hold two files of one name.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StoreError(
            f"{path} can't be written ({error.strerror}): check the rights of the folder "
            f"{path.parent}."
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusy(_busy(handle, path)) from None
        holder = Holder(os.getpid(), command, datetime.now(UTC).replace(microsecond=0))
        os.ftruncate(handle, 0)
        os.pwrite(handle, msgspec.json.encode(holder), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder(path: Path) -> Holder | None:
    """Return who writes to a store, as its lock file ``path`` says; ``None`` if nobody does.

    It takes no lock, so that looking never keeps anyone from writing. After a kill the file still
    names a process, which is not there any more.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # somebody else's, but there
        pass
    return found


def _busy(handle: int, path: Path) -> str:
    store = path.with_suffix("")
    try:
        holder = msgspec.json.decode(os.pread(handle, 10_000, 0), type=Holder)
        who = (
            f"`{holder.command}` (process {holder.pid}, since {holder.since:%Y-%m-%d %H:%M:%S} UTC)"
        )
    except msgspec.DecodeError:  # it has just begun, or is just ending
        who = "another process"
    return (
        f"{store} is being written by {who}: wait until it has ended, then repeat the command. "
        "Searching and trends work meanwhile."
    )

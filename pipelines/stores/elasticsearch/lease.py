"""One import at a time on one store, also from several machines.

On one machine a lock file decides, which the kernel lets go of when a process is killed. Between
machines a document of the store decides, which its holder renews; it runs out if the holder is
gone. Both are a courtesy that spares people confusion: the ledger stays right without them, since
every write is a compare-and-set.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pipelines.errors import StoreBusy, StoreError
from pipelines.stores.elasticsearch import state
from pipelines.stores.elasticsearch.indices import Indices, Seen
from pipelines.stores.sqlite.lock import hold

#: Seconds after which the place of a machine that fell silent is free, and between renewals.
LENGTH, RENEWAL = 60.0, 15.0
#: Seconds that the end of an import waits for a renewal that is under way.
_LAST = 5.0
_NAME = "writer"


class Holder(msgspec.Struct, frozen=True):
    """Who holds the store."""

    host: str
    pid: int
    command: str
    until: float
    """Seconds since 1970."""


@contextmanager
def held(indices: Indices, lock: Path, command: str) -> Iterator[None]:
    """Hold the store for an import while the block runs. Raises :class:`StoreBusy`."""
    lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with hold(lock, command):
        _take(indices, command)
        ended = threading.Event()
        renewing = threading.Thread(target=_renew, args=(indices, command, ended), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            # A renewal that is tried again would take the place once more after its release.
            renewing.join(_LAST)
            if not renewing.is_alive():  # else the server is away: the place runs out by itself
                _release(indices, command)


def _take(indices: Indices, command: str) -> None:
    while True:
        known, seen = state.read(indices, _NAME, Holder)
        # On this machine the lock file has decided already.
        if known and known.host != socket.gethostname() and known.until > time.time():
            raise StoreBusy(
                f"{indices} is being written by `{known.command}` on {known.host} (process "
                f"{known.pid}): wait until it has ended, then repeat the command. Searching and "
                "trends work meanwhile."
            )
        if _hold(indices, seen, command, LENGTH):
            return


def _renew(indices: Indices, command: str, ended: threading.Event) -> None:
    while not ended.wait(RENEWAL):
        try:
            _hold(indices, state.read(indices, _NAME, Holder)[1], command, LENGTH)
        except StoreError:
            continue  # the import itself will tell


def _release(indices: Indices, command: str) -> None:
    """Give the place free, if the server answers at once; else it runs out by itself."""
    before, indices.server.retry_seconds = indices.server.retry_seconds, 0.0
    try:
        _hold(indices, state.read(indices, _NAME, Holder)[1], command, 0.0)
    except StoreError:
        pass
    finally:
        indices.server.retry_seconds = before


def _hold(indices: Indices, seen: Seen | None, command: str, seconds: float) -> bool:
    until = time.time() + seconds
    return state.swap(
        indices, _NAME, Holder(socket.gethostname(), os.getpid(), command, until), seen
    )

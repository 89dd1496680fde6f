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
from typing import Any

import msgspec

from pipelines.errors import StoreBusy, StoreError
from pipelines.stores.elasticsearch.indices import Indices, Seen, Write
from pipelines.stores.sqlite.lock import hold

#: Seconds after which the place of a machine that fell silent is free, and between renewals.
LENGTH, RENEWAL = 60.0, 15.0
_NAME = "writer"


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
            _release(indices, command)


def _take(indices: Indices, command: str) -> None:
    seen = indices.get(indices.state, _NAME)
    if seen is not None:
        body = seen.source["body"]
        # On this machine the lock file has decided already.
        if body["host"] != socket.gethostname() and body["until"] > time.time():
            raise StoreBusy(_busy(indices, body))
    if _write(indices, seen, command, until=time.time() + LENGTH):
        now = indices.get(indices.state, _NAME)
        if now is not None and now.source["body"]["host"] != socket.gethostname():
            raise StoreBusy(_busy(indices, now.source["body"]))


def _busy(indices: Indices, body: dict[str, Any]) -> str:
    return (
        f"{indices} is being written by `{body['command']}` on {body['host']} (process "
        f"{body['pid']}): wait until it has ended, then repeat the command. Searching and trends "
        "work meanwhile."
    )


def _renew(indices: Indices, command: str, ended: threading.Event) -> None:
    while not ended.wait(RENEWAL):
        try:
            seen = indices.get(indices.state, _NAME)
            _write(indices, seen, command, until=time.time() + LENGTH)
        except StoreError:
            continue  # the import itself will tell


def _release(indices: Indices, command: str) -> None:
    """Give the place free, if the server answers at once; else it runs out by itself."""
    before, indices.server.retry_seconds = indices.server.retry_seconds, 0.0
    try:
        _write(indices, indices.get(indices.state, _NAME), command, until=0.0)
    except StoreError:
        pass
    finally:
        indices.server.retry_seconds = before


def _write(indices: Indices, seen: Seen | None, command: str, until: float) -> bool:
    """Write the holder down and tell whether somebody else was quicker."""
    body = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "command": command,
        "until": until,
    }
    document = msgspec.json.encode({"kind": "writer", "body": body})
    write = Write(indices.state, _NAME, document, create=seen is None, seen=seen)
    return indices.bulk([write])[0].conflict

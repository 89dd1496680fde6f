"""Threads that read a store for the page: each opens it once and keeps it.

A store belongs to one thread. The page asks from an event loop that must never wait, so questions
go to a few threads of their own; a question more than there are threads waits for its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pipelines.errors import StoreError
from pipelines.stop import Stop
from pipelines.stores.protocols import Store
from pipelines.stores.sqlite.changes import ChangeCounter

T = TypeVar("T")

#: Threads that read. More of them make no query faster: SQLite reads in the caller's thread.
THREADS = 4
#: A question is stopped after this time, in seconds: others wait for the thread.
LONGEST = 30.0
#: Answers of a server are at most this old, in seconds.
STEP = 2.0


class StoreReaders:
    """Answers questions to one store, each in one of a few threads.

    ``opener`` opens the store for reading; ``path`` is its file (``None`` for a server), looked at
    before each question: a file that was replaced is opened anew.
    """

    def __init__(
        self, opener: Callable[[], Store], path: Path | None, threads: int = THREADS
    ) -> None:
        self._opener = opener
        self._path = path
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="reader")
        self._changes = ChangeCounter(path) if path else None

    async def ask(self, question: Callable[[Store], T]) -> T:
        """Return the answer to a question. Raises :class:`~pipelines.errors.MarsadError`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(self._answer, question))

    def state(self) -> Hashable:
        """Return what is equal as long as answers are; ``None`` where that can't be known.

        Of a server this is the time, in steps of :data:`STEP` seconds.
        """
        if self._changes is None:
            return int(time.monotonic() / STEP)
        try:
            return self._changes.value()
        except StoreError:
            return None

    def close(self) -> None:
        """Stop the threads; what they are at is finished first."""
        self._threads.shutdown()
        if self._changes is not None:
            self._changes.close()

    def _answer(self, question: Callable[[Store], T]) -> T:
        identity = self._identity()
        store: Store | None = getattr(self._local, "store", None)
        if store is None or self._local.identity != identity:
            self._release()
            store = self._opener()
            store.limit_time(LONGEST)
            at_once = Stop()
            at_once.set()  # a reader is told at once that a server is away
            store.retry_until(at_once)
            self._local.store = store
            self._local.identity = identity
        try:
            return question(store)
        except StoreError:
            # A server that was away, a file that was damaged: begin anew with the next question.
            self._release()
            raise

    def _release(self) -> None:
        store: Store | None = getattr(self._local, "store", None)
        self._local.store = None
        if store is not None:
            with contextlib.suppress(StoreError):
                store.close()

    def _identity(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

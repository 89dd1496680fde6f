"""The documents of the batch before, on their way while the next batch is decided.

Most of what taking a scored batch costs is the server's work on its documents, and nothing that
comes next needs its answer: the batch counts since its input was saved, its heads are claimed,
and its journal stays open until the documents are there. At most one batch is under way, of
whichever input; its documents are written before those of the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from pipelines.errors import StoreError
from pipelines.stores.elasticsearch import books
from pipelines.stores.elasticsearch.books import Input
from pipelines.stores.elasticsearch.journal import Journal
from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.requests import Seen
from pipelines.stores.elasticsearch.server import Server

#: Seconds that a journal stays open for the next batch to close it along with its own saving.
_GRACE = 0.2


class _Batch(NamedTuple):
    state: Input
    seen: Seen
    written: Future[None]
    followed: threading.Event
    """Whether the next batch, or who lands it, sees to its journal."""


class Flight:
    """One batch's documents under way, and its journal. For one thread."""

    def __init__(self, server: Server, names: Address) -> None:
        """Have nothing under way."""
        self._server = server
        self._names = names
        self._batch: _Batch | None = None
        self._lock = threading.Lock()

    def start(self, state: Input, seen: Seen, write: Callable[[], object]) -> None:
        """Write documents while the caller goes on; ``state`` is their batch's input, as saved.

        What was under way before must have been waited for.
        """
        batch = _Batch(state, seen, Future(), threading.Event())
        self._batch = batch

        def run() -> None:
            try:
                write()
            except BaseException as error:
                batch.written.set_exception(error)  # raised where it is waited for
                return
            batch.written.set_result(None)
            if not batch.followed.wait(_GRACE):
                with suppress(StoreError):  # as after a crash: who comes next closes it
                    self._close(batch)

        # A daemon: who ends the process does not wait for a server that is away. The journal is
        # open, so the documents are written by whoever comes next.
        threading.Thread(target=run, name="documents", daemon=True).start()

    def follows(self, state: Input) -> bool:
        """Tell whether what an input shows as its last batch is the one under way."""
        batch = self._batch
        return batch is not None and batch.state.token == state.token

    def wait(self) -> None:
        """Wait until the documents are written. Raises what kept them from that."""
        batch = self._batch
        if batch is not None:
            try:
                batch.written.result()
            except BaseException:
                self._batch = None  # its journal stays open
                raise

    def journals(self) -> tuple[tuple[Journal, ...], tuple[Journal, ...]]:
        """Return the journals that are still needed, and those that are not any more.

        For the next batch of the same input (:meth:`follows`), which sees to them from now on.
        """
        with self._lock:
            if self._batch is None:
                return (), ()
            self._batch.followed.set()
            state = self._batch.state
            if self._batch.written.done() and self._batch.written.exception() is None:
                return (), (state.journal, *state.earlier)
            return (state.journal,), state.earlier

    def land(self) -> None:
        """Wait until the documents are written, and close the journal."""
        self.wait()
        if self._batch is not None:
            self._batch.followed.set()
            self._close(self._batch)

    def _close(self, batch: _Batch) -> None:
        """Close a batch's journal, once."""
        with self._lock:
            if self._batch is not batch:
                return
            self._batch = None
            books.close(self._server, self._names, batch.state, batch.seen)

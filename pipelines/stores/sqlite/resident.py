"""The columns of one store's file in memory, shared by all who read it in this process."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from pipelines.errors import StoreBusy, StoreError
from pipelines.stores.sqlite.changes import ChangeCounter, State
from pipelines.stores.sqlite.columns import load
from pipelines.stores.sqlite.connect import open_reader
from pipelines.stores.sqlite.masks import Masks
from pipelines.stores.sqlite_file import Connection, reading

log = logging.getLogger(__name__)

#: Larger stores are asked as they are: columns take 45 bytes a post.
MOST_POSTS = 4_000_000
#: Who asks while they are read waits so long, in seconds: counting without them takes longer, and
#: would keep the processor from reading them.
WAIT = 15.0
#: … unless the file changes meanwhile, which is looked for so often, in seconds.
_LOOK = 0.2
#: Columns are read when the file was left alone for so many times as long as reading them takes.
_PATIENCE = 2.0


class ResidentColumns:
    """Loads columns in a thread of its own, and tells which state they are of.

    While the file changes all the time there are none: the store answers as it does without. Safe
    to use from any thread.
    """

    def __init__(self, path: Path, most_posts: int = MOST_POSTS) -> None:
        self._path = path
        self._most_posts = most_posts
        self._changes = ChangeCounter(path)
        self._lock = threading.Lock()
        self._loaded: tuple[State, Masks] | None = None
        self._loading: State | None = None
        self._refused: State | None = None
        self._thread: threading.Thread | None = None
        self._seen: State | None = None
        self._since = 0.0
        self._took = 0.0
        self._closed = False

    def masks(self) -> tuple[State, Masks] | None:
        """Return the columns of the present state, ``None`` where there are none.

        Begins to load them where they are missing, and waits for them for :data:`WAIT` seconds,
        or until the file is in another state than they will be of.
        """
        found = self.begin()
        thread = self._thread
        if found is not None or thread is None:
            return found
        until = time.monotonic() + WAIT
        while thread.is_alive() and time.monotonic() < until and self._is_present(self._loading):
            thread.join(_LOOK)
        return self._present()

    def _present(self) -> tuple[State, Masks] | None:
        loaded = self._loaded
        return loaded if loaded is not None and self._is_present(loaded[0]) else None

    def _is_present(self, state: State | None) -> bool:
        try:
            return state is not None and self.is_state(state)
        except StoreError:
            return False

    def begin(self) -> tuple[State, Masks] | None:
        """Return the columns of the present state; begin to load them where they are missing."""
        try:
            state = self._changes.value()
        except StoreError:
            return None
        loaded = self._loaded
        if loaded is not None and loaded[0] == state:
            return loaded
        with self._lock:
            if state != self._seen:
                self._seen, self._since = state, time.monotonic()
            quiet = time.monotonic() - self._since >= _PATIENCE * self._took
            idle = self._thread is None or not self._thread.is_alive()
            if quiet and idle and state != self._refused and not self._closed:
                self._loading = state
                self._thread = threading.Thread(
                    target=self._load, args=(state,), name="columns", daemon=True
                )
                self._thread.start()
        return None

    def is_state(self, state: State) -> bool:
        """Tell whether the file is in this state now."""
        return self._changes.value() == state

    def wait(self) -> None:
        """Wait until what is being loaded is there."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def close(self) -> None:
        """Release the file and the memory."""
        with self._lock:
            self._closed = True
        self.wait()
        self._loaded = None
        self._changes.close()

    def _load(self, state: State) -> None:
        begun = time.monotonic()
        try:
            connection = open_reader(self._path)
            try:
                connection.execute("PRAGMA cache_size = -2000")  # everything is read once
                with reading(connection, self._path):
                    self._take(connection, state)
            finally:
                connection.close()
        except StoreBusy as error:
            log.debug("no columns of %s: %s", self._path, error)  # the next question tries again
        except StoreError as error:
            log.debug("no columns of %s: %s", self._path, error)
            self._refused = state
        except Exception:  # as for want of memory: questions are answered without columns
            log.warning("no columns of %s: searches take longer", self._path, exc_info=True)
            self._refused = state
        finally:
            self._took = time.monotonic() - begun

    def _take(self, connection: Connection, state: State) -> None:
        ((posts,),) = connection.execute("SELECT ifnull(sum(posts), 0) FROM sums").fetchall()
        if not self.is_state(state):
            return  # changed before this transaction saw anything: the next question tries again
        if posts > self._most_posts:
            self._refused = state
            return
        self._loaded = None  # what is there of an earlier state makes room
        found = Masks(load(connection))
        if self.is_state(state):  # of a state that has passed they answer nothing
            self._loaded = (state, found)

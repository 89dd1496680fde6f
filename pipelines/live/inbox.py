"""What threads have read and nobody has made durable yet: bounded, in the order it came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ingest.stop import Stopped

T = TypeVar("T")

#: Things held at most: some seconds of a burst, some tens of megabytes.
SIZE = 4_096
_TURN = 0.5


class Inbox(Generic[T]):
    """A queue that holds so many things and makes who puts more wait."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._things: deque[T] = deque()
        lock = threading.Lock()
        self._room = threading.Condition(lock)
        self._more = threading.Condition(lock)

    def __len__(self) -> int:
        return len(self._things)

    def put(self, thing: T, stopped: Callable[[], bool]) -> None:
        """Put a thing in, waiting for room. Raises :class:`Stopped` when the run is to end."""
        with self._room:
            while len(self._things) >= self._size:
                if stopped():
                    raise Stopped
                self._room.wait(_TURN)
            self._things.append(thing)
            if len(self._things) == 1:
                self._more.notify()

    def take(self, most: int, timeout: float) -> list[T]:
        """Take out what is there, waiting so many seconds at most for the first thing."""
        with self._more:
            if not self._things and timeout > 0:
                self._more.wait(timeout)
            taken = [self._things.popleft() for _ in range(min(most, len(self._things)))]
            if taken:
                self._room.notify_all()
            return taken

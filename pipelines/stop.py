"""The one way in which a run is asked to end: an event that signals, threads and waits share."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds between two looks at a parent while waiting: an event can wait for itself alone.
_LOOK = 0.2


class Stop(threading.Event):
    """Whether a run is to end. With a ``parent`` it is set, too, as soon as the parent is."""

    def __init__(self, parent: Stop | None = None) -> None:
        super().__init__()
        self._parent = parent

    def is_set(self) -> bool:
        """Return whether this event or its parent is set."""
        return super().is_set() or (self._parent is not None and self._parent.is_set())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until this event or its parent is set, or for ``timeout`` seconds."""
        if self._parent is None:
            return super().wait(timeout)
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _LOOK if end is None else min(_LOOK, end - time.monotonic())
            if left <= 0:
                break
            super().wait(left)
        return self.is_set()

    @contextmanager
    def on_signals(self) -> Iterator[Stop]:
        """Set this event on SIGTERM and SIGINT inside the block; a second signal interrupts."""

        def ask(number: int, frame: FrameType | None) -> None:
            if self.is_set():
                raise KeyboardInterrupt
            self.set()

        signals = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, ask) for number in signals}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

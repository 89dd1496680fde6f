"""Ending a run in good order when the process is asked to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_signals(stop: threading.Event) -> Iterator[Callable[[], bool]]:
    """Set ``stop`` on SIGTERM and SIGINT; the second of them interrupts at once.

    Gives what tells whether a signal came: ``stop`` is also set when all was read.
    """
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if stop.is_set():
            raise KeyboardInterrupt
        asked = True
        stop.set()

    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, ask) for number in signals}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

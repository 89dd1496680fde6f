"""A time budget for one record, so that no post holds up those behind it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds of processor time that reading one record may take; most take some microseconds.
SECONDS = 10.0


class OverBudget(Exception):
    """One record took longer than its budget."""


@contextmanager
def time_budget(seconds: float = SECONDS) -> Iterator[None]:
    """Raise :class:`OverBudget` in what runs longer than ``seconds`` of processor time.

    Regular expressions are interrupted too: CPython's engine looks for signals as it goes. Only
    the main thread can be interrupted so; in others nothing is limited, and protecting and
    matching, where a text meets most patterns, run in the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _end(number: int, frame: FrameType | None) -> None:
    raise OverBudget

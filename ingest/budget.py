"""A time budget for one record, so that no post holds up those behind it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
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
    if threading.get_ident() != threading.main_thread().ident:
        yield
        return
    _install()
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@cache
def _install() -> None:
    """Install the handler for good: doing so for each record costs more than its time limit.

    Without a running timer the signal never comes.
    """
    signal.signal(signal.SIGVTALRM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    raise OverBudget

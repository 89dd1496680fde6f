"""A time budget for what one record or feed may take, so that nothing holds up what is behind it.

In the main thread a signal ends what takes too long, regular expressions included, since CPython's
engine looks for signals as it goes. In other threads nothing can: there :mod:`ingest.isolation`
lets a process of its own do the work, which can be ended.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType

#: Seconds of processor time that reading one record or feed may take; most take microseconds.
SECONDS = 10.0
#: What swallows the first call to end gets another each second.
_AGAIN = 1.0
#: Whether a budget is being spent.
_spending: set[bool] = set()


class OverBudget(BaseException):
    """It took longer than its budget.

    No ``Exception``, since libraries catch those.
    """


def in_main_thread() -> bool:
    """Say whether what runs here can be interrupted by a signal."""
    return threading.get_ident() == threading.main_thread().ident


@contextmanager
def time_budget(seconds: float = SECONDS) -> Iterator[None]:
    """Raise :class:`OverBudget` in what runs longer than ``seconds`` of processor time.

    It works in the main thread alone, and limits nothing in others.
    """
    if not in_main_thread():
        yield
        return
    _install()
    _spending.add(True)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN)
    try:
        yield
    finally:
        _spending.clear()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@cache
def _install() -> None:
    """Install the handler for good: doing so for each record costs more than its time limit.

    Without a running timer the signal never comes.
    """
    signal.signal(signal.SIGVTALRM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    if _spending:  # else it came when all was done
        raise OverBudget

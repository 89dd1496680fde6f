"""What a process has to do once a day, for as long as it runs."""

from __future__ import annotations

import time
from collections.abc import Callable

_DAY = 86_400


def today() -> int:
    """Return the number of the day (UTC)."""
    # No timer of the machine's: it stands still while the machine sleeps.
    return int(time.time() // _DAY)


class Daily:
    """Does something when it is first called, and when it is first called on another day.

    A call costs nothing on any day that had one, so it can be made for every batch.
    """

    def __init__(self, task: Callable[[], object]) -> None:
        self._task = task
        self._done: int | None = None

    def __call__(self) -> None:
        """Do it if it is time. Raises what the task raises; it is not tried again that day."""
        day = today()
        if day != self._done:
            self._done = day
            self._task()

"""Whether this process lives, and whether it does its work: what probes ask."""

from __future__ import annotations

import time
from threading import Lock

#: Seconds without a turn of the loop after which a worker counts as stuck. More than the five
#: minutes for which a store that is away is waited for: a restart would not bring it back.
STALE = 600.0


class Health:
    """Alive: the loop turned lately. Ready: every condition that was named is met.

    Called by the worker's loop, read by the exporter's threads.
    """

    def __init__(self, stale: float = STALE) -> None:
        self.stale = stale
        self._lock = Lock()
        self._turned = time.monotonic()
        self._conditions: dict[str, bool] = {}

    def turn(self) -> None:
        """Note that the loop turned."""
        with self._lock:
            self._turned = time.monotonic()

    def condition(self, name: str, met: bool) -> None:
        """Note whether something that work needs is there, such as ``store``."""
        with self._lock:
            self._conditions[name] = met

    def alive(self) -> tuple[bool, str]:
        """Return whether the loop turned lately, and a sentence about it."""
        with self._lock:
            age = time.monotonic() - self._turned
        return age <= self.stale, f"last turn {age:.0f} s ago, at most {self.stale:.0f} s allowed"

    def ready(self) -> tuple[bool, str]:
        """Return whether all conditions are met, and a sentence about them."""
        with self._lock:
            missing = [name for name, met in self._conditions.items() if not met]
            known = list(self._conditions)
        if missing:
            return False, f"missing: {', '.join(missing)}"
        return bool(known), f"there: {', '.join(known)}" if known else "not started"

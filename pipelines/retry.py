"""Retries: how long to wait after a failure, and calling again until it works or time is up.

All retries of stores, brokers and pages go through :func:`call`, over the library tenacity. What
may be retried is for the caller to say; a stop ends a wait at once.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import TypeVar, cast

import msgspec
import tenacity

from pipelines.stop import Stop

T = TypeVar("T")
log = logging.getLogger(__name__)

#: Seconds between two heartbeats during a wait.
_HEARTBEAT = 0.5


class RetryPolicy(msgspec.Struct, frozen=True):
    """Pauses in seconds: ``first``, then twice as long after each failure, up to ``longest``."""

    first: float
    longest: float

    @property
    def wait(self) -> tenacity.wait_exponential:
        """Return the policy as the library takes it."""
        return tenacity.wait_exponential(multiplier=self.first, max=self.longest)

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row, 1 or more."""
        return self.wait(cast(tenacity.RetryCallState, SimpleNamespace(attempt_number=failures)))


def call(
    function: Callable[[], T],
    policy: RetryPolicy,
    errors: type[Exception] | tuple[type[Exception], ...],
    *,
    seconds: float = float("inf"),
    stop: Stop | None = None,
    sleep: Callable[[float], None] | None = None,
    heartbeat: Callable[[], None] | None = None,
    before_sleep: Callable[[Exception, float], None] | None = None,
    jitter: bool = False,
    logger: logging.Logger = log,
) -> T:
    """Return what ``function`` returns, calling it again after ``errors``.

    ``seconds`` after the first call it is not called again, nor once ``stop`` is set: the last
    error is raised then. ``sleep`` replaces the wait (tests), ``heartbeat`` is called twice a
    second during it, and ``before_sleep`` gets the error and the pause instead of a warning in
    the log. ``jitter`` takes half to all of each pause, so that several workers do not come back
    at the same moment.
    """
    ends: list[tenacity.stop.stop_base] = [tenacity.stop_after_delay(seconds)]
    if stop is not None:
        ends.append(tenacity.stop_when_event_set(stop))

    def wait(state: tenacity.RetryCallState) -> float:
        return policy.wait(state) * (random.uniform(0.5, 1.0) if jitter else 1.0)

    def before(state: tenacity.RetryCallState) -> None:
        assert state.outcome is not None
        assert state.next_action is not None
        error = cast(Exception, state.outcome.exception())
        if before_sleep is not None:
            before_sleep(error, state.next_action.sleep)
        else:
            logger.warning("%s Retrying in %.0f s.", error, state.next_action.sleep)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(errors),
        wait=wait,
        stop=tenacity.stop_any(*ends),
        sleep=sleep or (lambda pause: _sleep(pause, stop, heartbeat)),
        before_sleep=before,
        reraise=True,
    )(function)


def _sleep(seconds: float, stop: Stop | None, heartbeat: Callable[[], None] | None) -> None:
    """Wait, until ``stop`` is set at most."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not (stop is not None and stop.is_set()):
        turn = left
        if heartbeat is not None:
            heartbeat()
            turn = min(left, _HEARTBEAT)
        if stop is not None:
            stop.wait(turn)
        else:
            time.sleep(turn)

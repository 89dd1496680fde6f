"""How long to wait before a source is tried again, and when to give up. Pure functions."""

from __future__ import annotations

from datetime import timedelta

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from pipelines.retry import RetryPolicy

#: A source that ends by itself is waited for so long at most when it asks to be left alone.
PATIENCE = timedelta(minutes=15)
#: Failures in a row (network, errors of the server) after which such a source is given up.
TRIES = 5
#: Seconds between tries, by why the last one failed: a network may be back any moment, a page
#: that changed its form will not be back within the hour.
_PAUSES: dict[type[SourceError], RetryPolicy] = {
    SourceBlocked: RetryPolicy(30, 3_600),
    SourceChanged: RetryPolicy(30, 3_600),
    SourceGone: RetryPolicy(60, 21_600),
}
_NETWORK = RetryPolicy(1, 60)


def pause(error: SourceError, failures: int) -> float:
    """Return the seconds to wait after so many failures in a row; what a platform asks counts."""
    return error.wait or _PAUSES.get(type(error), _NETWORK).delay(failures)


def gives_up(error: SourceError, failures: int, *, endless: bool, fresh: bool) -> bool:
    """Say whether it makes no sense to try again.

    ``endless``: the source is to be followed for ever. ``fresh``: nothing was ever read of it,
    so that its name or address may be wrong.
    """
    wrong = isinstance(error, SourceGone | SourceChanged)
    if endless:
        return fresh and wrong
    if isinstance(error, SourceBlocked):
        return not 0 < error.wait <= PATIENCE.total_seconds()
    return wrong or failures >= TRIES


def named(error: SourceError) -> str:
    """Return an error with its name, where that says more than that there was one."""
    return str(error) if type(error) is SourceError else f"{error} ({type(error).__name__})"


def code(error: SourceError) -> str:
    """Return a short name of what went wrong, for metrics."""
    if isinstance(error, SourceBlocked):
        return "rate-limit" if error.wait else "blocked"
    names: dict[type[SourceError], str] = {SourceChanged: "changed", SourceGone: "gone"}
    return names.get(type(error), "connection")

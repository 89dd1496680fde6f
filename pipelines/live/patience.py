"""How long to wait before a source is tried again, and when to give up. Pure functions."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone

#: A source that ends by itself is waited for so long at most when it asks to be left alone.
PATIENCE = timedelta(minutes=15)
#: Failures in a row (network, errors of the server) after which such a source is given up.
TRIES = 5


class _Pause(msgspec.Struct, frozen=True):
    first: float
    longest: float


#: Seconds before the second try, doubled from try to try, by why the last one failed: a network
#: may be back any moment, a page that changed its form will not be back within the hour.
_PAUSES: dict[type[SourceError], _Pause] = {
    SourceBlocked: _Pause(30, 3_600),
    SourceChanged: _Pause(30, 3_600),
    SourceGone: _Pause(60, 21_600),
}
_NETWORK = _Pause(1, 60)


def pause(error: SourceError, failures: int) -> float:
    """Return the seconds to wait after so many failures in a row; what a platform asks counts."""
    kind = _PAUSES.get(type(error), _NETWORK)
    return error.wait or min(kind.first * 2.0 ** min(failures - 1, 20), kind.longest)


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


def code(error: SourceError) -> str:
    """Return a short name of what went wrong, for metrics."""
    if isinstance(error, SourceBlocked):
        return "rate-limit" if error.wait else "blocked"
    names: dict[type[SourceError], str] = {SourceChanged: "changed", SourceGone: "gone"}
    return names.get(type(error), "connection")

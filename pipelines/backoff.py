"""How long to wait between tries of what failed: twice as long each time, up to a limit."""

from __future__ import annotations

import msgspec

#: Doublings after which any limit is reached; what comes after would only be large numbers.
_MOST = 30


class Backoff(msgspec.Struct, frozen=True):
    """Pauses in seconds, from the first on."""

    first: float
    longest: float

    def after(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row, 1 or more."""
        return min(self.first * 2.0 ** min(failures - 1, _MOST), self.longest)

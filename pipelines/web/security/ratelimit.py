"""How often one visitor may do what is costly, or what guesses passwords."""

from __future__ import annotations

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

#: By what is done. Reading has no limit on a page without accounts: it is one person's machine.
LIMITS: dict[str, RateLimitItem] = {
    "login": parse("10/5 minutes"),
    "read": parse("1200/minute"),
    "export": parse("30/minute"),
    "upload": parse("20/hour"),
    "delete": parse("60/minute"),
    "author": parse("60/hour"),
    "explain": parse("60/minute"),
}


class RateLimits:
    """Counts in the memory of this process; forgotten when it ends."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def take(self, action: str, who: str) -> bool:
        """Count one more, unless it is too many: then return false."""
        return self._limiter.hit(LIMITS[action], who)

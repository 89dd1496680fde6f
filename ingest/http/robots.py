"""robots.txt as RFC 9309 reads it: wildcards, and the longest matching rule wins."""

from __future__ import annotations

from protego import Protego

#: The product token by which robots.txt may address Marsad.
PRODUCT_TOKEN = "Marsad"
#: Seconds after which robots.txt is read again (RFC 9309, 2.4).
MAX_AGE = 86_400.0
#: Bytes of a robots.txt that are read, the least that RFC 9309 (2.5) asks for.
MAX_BYTES = 500 * 1024


class RobotsRules:
    """The rules of one host for Marsad."""

    def __init__(self, body: bytes) -> None:
        # a mark of the byte order would hide the first line
        text = body[:MAX_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")
        self._rules = Protego.parse(text)

    def allows(self, url: str) -> bool:
        """Say whether the rules let Marsad read an address."""
        return self._rules.can_fetch(url, PRODUCT_TOKEN)

    @property
    def crawl_delay(self) -> float:
        """Seconds between two requests that the host asks for; 0 if it does not."""
        return self._rules.crawl_delay(PRODUCT_TOKEN) or 0.0

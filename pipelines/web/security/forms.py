"""Tokens against forged forms (OWASP: signed double submit, bound to the session)."""

from __future__ import annotations

import hashlib

from itsdangerous import BadData, URLSafeTimedSerializer

#: A form may be sent so long after it was shown, in seconds.
VALID = 12 * 3600


class FormTokens:
    """Makes and checks the token that every form carries."""

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="marsad-form")

    def make(self, visit: str) -> str:
        """Return a token for one visitor: the value of their cookie is what it is bound to."""
        return str(self._signer.dumps(_bound(visit)))

    def good(self, token: str, visit: str) -> bool:
        """Tell whether a token was made for this visitor, not long ago."""
        try:
            return bool(self._signer.loads(token, max_age=VALID) == _bound(visit))
        except BadData:
            return False


def _bound(visit: str) -> str:
    return hashlib.sha256(visit.encode("utf-8", "surrogatepass")).hexdigest()[:32]

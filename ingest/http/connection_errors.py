"""Why a server could not be reached, in words."""

from __future__ import annotations

import socket
import ssl

#: The first that an error, or what it came from, is an instance of.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "there is no such host, or no network"),
    (ConnectionRefusedError, "nothing listens there"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "it speaks no TLS that fits"),
    (TimeoutError, "no answer in time"),
    (ConnectionResetError, "it broke the connection off"),
)


def why(error: BaseException) -> str:
    """Return why a connection failed, by what the error came from; else the error's name.

    Never the error's own words, which may hold the address with its key.
    """
    at: BaseException | None = error
    while at is not None:
        for kind, words in _WORDS:
            if isinstance(at, kind):
                return words
        at = at.__cause__ or at.__context__
    return type(error).__name__

"""Which instance an access token is for: a token goes to its own host alone, over TLS."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

#: The instance that a token without a host belongs to.
DEFAULT_HOST = "mastodon.social"

_HOST = re.compile(r"(?:[\w-]+\.)+[\w-]+(?::\d+)?|localhost(?::\d+)?", re.IGNORECASE)


def token_for(url: str, given: str) -> str:
    """Return the token for an instance, empty if none of those given belongs to it.

    ``given`` is one token, which belongs to :data:`DEFAULT_HOST` (and to servers on this machine),
    or several ``host=token``, separated by spaces or commas.
    """
    if not is_safe(url):
        return ""
    host = urlsplit(url).netloc.rpartition("@")[2].casefold()
    for entry in re.split(r"[\s,]+", given.strip()):
        name, sign, token = entry.partition("=")
        if sign and _HOST.fullmatch(name):
            if name.casefold() == host:
                return token
        elif host == DEFAULT_HOST or _is_loopback(url):
            return entry
    return ""


def may_follow(url: str, other: str) -> bool:
    """Say whether the token of an instance may go to the host that it names for its stream.

    Over TLS, and to the same host or one of the same domain (``streaming.mastodon.social``).
    """
    if not is_safe(other):
        return False
    own, theirs = urlsplit(url).hostname or "", urlsplit(other).hostname or ""
    return own == theirs or theirs.endswith("." + own)


def is_safe(url: str) -> bool:
    """Say whether a token that is sent there can be read by nobody on the way."""
    return urlsplit(url).scheme == "https" or _is_loopback(url)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""The address of a store, and what its indices and documents are called."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

import msgspec

from pipelines.errors import StoreError

_PREFIX = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_PORTS = {"http": 80, "https": 443}
#: Bytes that Elasticsearch takes as an id at most are 512.
_LONGEST = 500


class Address(msgspec.Struct, frozen=True):
    """A server, and the prefix that all indices of one store share."""

    url: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.url}/{self.prefix}"

    @property
    def posts(self) -> str:
        """The alias of the index version that is read: one document for each post."""
        return f"{self.prefix}-posts"

    @property
    def state(self) -> str:
        """Inputs with their counters, notices, and what holds for the whole store."""
        return f"{self.prefix}-state"

    @property
    def tombstones(self) -> str:
        """Deletions by id and by author, kept for good."""
        return f"{self.prefix}-tombstones"

    def version(self, number: int) -> str:
        """Return the name of an index version of the posts."""
        return f"{self.posts}-v{number}"

    def number(self, index: str) -> int:
        """Return the number of an index version, 0 for another index."""
        number = index.removeprefix(f"{self.posts}-v")
        return int(number) if number != index and number.isdecimal() else 0


def address(text: str) -> Address:
    """Read ``http(s)://host:port[/prefix]``; the prefix is ``marsad`` unless one is named.

    Raises :class:`StoreError` for anything else, also for a password in the address, which
    would show in the list of processes and in the shell's history.
    """
    if "@" in text:
        # A password may hold what splits an address otherwise: nothing before the last @ is shown.
        raise StoreError(
            f"--store names a user or a password in the address of {text.rpartition('@')[2]}: set "
            "MARSAD_ELASTICSEARCH_USERNAME and MARSAD_ELASTICSEARCH_PASSWORD, or "
            "MARSAD_ELASTICSEARCH_API_KEY, instead."
        )
    try:
        parts = urlsplit(text)
    except ValueError:  # as of http://[::1
        parts = urlsplit("")
    try:
        port = parts.port or _PORTS[parts.scheme]
        host = parts.hostname or ""
    except (KeyError, ValueError):
        host, port = "", 0
    folder, _, prefix = parts.path.rstrip("/").rpartition("/")
    prefix = prefix or "marsad"
    if not host or parts.query or parts.fragment or not _PREFIX.fullmatch(prefix):
        raise StoreError(
            f"{text} is no address of a store: it reads http://host:9200/name or "
            "https://host:9200/name, the name in small letters, digits, - and _."
        )
    if "-posts" in prefix:
        raise StoreError(f"{text}: a store's name can't hold -posts, which its indices' names do.")
    shown = f"[{host}]" if ":" in host else host
    return Address(f"{parts.scheme}://{shown}:{port}{folder}", prefix)


def short(name: str) -> str:
    """Return a name that the server takes as an id or a keyword: itself, or its hash if long."""
    if len(name) <= _LONGEST // 4:  # no character has more than four bytes
        return name
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) <= _LONGEST:
        return name
    return "~" + hashlib.blake2b(encoded, digest_size=32).hexdigest()


def is_hash(name: str) -> bool:
    """Tell whether :func:`short` gave a hash, so that the name itself is not known."""
    return name.startswith("~")

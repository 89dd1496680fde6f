"""What is called how on the server: indices, documents and their versions."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC
from urllib.parse import urlsplit

import msgspec

from ingest.records import Post
from pipelines.errors import StoreError

#: The part of a month's name where posts without a usable date rest.
UNKNOWN = "unknown"
#: The flags of such dates.
_UNDATED = frozenset({"date-unknown", "date-implausible"})
_PREFIX = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_PORTS = {"http": 80, "https": 443}
#: Elasticsearch takes ids of up to 512 bytes, and keywords are searched as they are.
_LONGEST = 500
#: The highest version that Elasticsearch counts.
HIGHEST = 2**63 - 1


class Address(msgspec.Struct, frozen=True):
    """Where a store is: a server, and the prefix that all its indices share."""

    url: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.url}/{self.prefix}"

    @property
    def posts(self) -> str:
        """The alias that all months stand behind."""
        return f"{self.prefix}-posts"

    @property
    def heads(self) -> str:
        """One small document for each post ever seen; waiting posts rest here too."""
        return f"{self.prefix}-heads"

    @property
    def tombstones(self) -> str:
        """Deletions, kept for good."""
        return f"{self.prefix}-tombstones"

    @property
    def books(self) -> str:
        """Inputs with their counts, notices, and what holds for the whole store."""
        return f"{self.prefix}-books"

    def month(self, month: str, generation: int = 1) -> str:
        """Return the index of one month in one generation."""
        return f"{self.generation(generation)}-{month}"

    def generation(self, number: int) -> str:
        """Return what a generation's template is called, and its months begin with."""
        return self.posts if number == 1 else f"{self.posts}-g{number}"


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
    parts = urlsplit(text)
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


def month_of(post: Post) -> str:
    """Return the month a post rests in, by the author's clock in UTC."""
    if post.created_at is None or not _UNDATED.isdisjoint(post.flags):
        return UNKNOWN
    moment = post.created_at.astimezone(UTC)
    return f"{moment.year:04d}-{moment.month:02d}"


def version_of(version: int) -> int:
    """Return a record's version as Elasticsearch counts: from 0, in 63 bits."""
    return min(max(version, 0), HIGHEST)

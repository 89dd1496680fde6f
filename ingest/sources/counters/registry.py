"""The readers of all platforms' counters. Adding one is adding it to :data:`READERS`."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from ingest.errors import SourceError
from ingest.sources.bluesky.counters import Bluesky
from ingest.sources.counters.base import Figure, Reader, Request
from ingest.sources.facebook.counters import Facebook
from ingest.sources.mastodon.counters import Mastodon
from ingest.sources.telegram.counters import Telegram
from ingest.sources.youtube.counters import YouTube

__all__ = ["READERS", "Figure", "Reader", "Request", "find"]

#: Mastodon last: its pages are recognised by their shape alone, on any host.
READERS: Sequence[Reader] = (Bluesky(), YouTube(), Telegram(), Facebook(), Mastodon())


def find(page: str) -> tuple[Reader, str]:
    """Return the reader of a page and the account there.

    ``page`` is an address (``https://t.me/channel``) or ``platform:account``. Raises
    :class:`~ingest.errors.SourceError`.
    """
    platform, colon, account = page.partition(":")
    for reader in READERS:
        if colon and platform == reader.platform and reader.valid(account):
            return reader, account
    address = urlsplit(page if "://" in page else "")
    for reader in READERS:
        if address.hostname and (found := reader.recognise(address)):
            return reader, found
    forms = ", ".join(reader.form for reader in READERS)
    raise SourceError(
        f"{page!r} is no page whose counter can be read; name an address or one of: {forms}."
    )

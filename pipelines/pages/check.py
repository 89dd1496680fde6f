"""Asking a platform whether the counter of a page can be read now; nothing is stored."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ingest.errors import SourceError
from ingest.records import PAGES
from ingest.sources.counters.fetch import Refusal
from ingest.sources.counters.registry import READERS, Figure, Reader
from pipelines.live.check import advice
from pipelines.pages.choose import watched
from pipelines.pages.watch import Reads, Watched

#: What ``marsad sources`` calls the readers of counters, as their readings are called.
NAMES: Mapping[str, Reader] = {f"{PAGES}{reader.platform}": reader for reader in READERS}


def page_of(reader: Reader, target: str, urls: Mapping[str, str]) -> Watched:
    """Return the page to check a reader with: one that is surely there if none is named.

    ``target`` is an account, an address, or ``platform:account``. Raises
    :class:`~ingest.errors.SourceError` for what is no page of this platform, and for a key that
    is missing.
    """
    account = target or reader.probe
    named = f"{reader.platform}:{account}" if reader.valid(account) else account
    page = watched(named, "", urls, os.environ)
    if page.reader is not reader:
        raise SourceError(f"{target!r} is no page of {reader.platform}: write {reader.form}.")
    return page


def read_once(page: Watched, fetcher: Reads) -> tuple[bool, str]:
    """Read a page's counters once; return whether that works now, and what is to be said."""
    found = fetcher.read(page.reader, page.account, page.key, page.base)
    if isinstance(found, Refusal):
        return False, f"{page.source} does not work now: {found.error}. {advice(found.error)}"
    return True, f"{page.source} works: {', '.join(map(_words, found))}."


def _words(figure: Figure) -> str:
    step = f" ± {figure.granularity:,}" if figure.granularity > 1 else ""
    return f"{figure.value:,}{step} {figure.metric}"

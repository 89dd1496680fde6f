"""Which pages to follow: those named, else those of a watchlist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from ingest.errors import SourceError
from ingest.sources.counters.registry import READERS, find
from ingest.watchlist.loader import Watchlist
from pipelines.pages.watch import Watched

_PLATFORMS = {reader.platform for reader in READERS}


def addresses(configured: Mapping[str, str]) -> dict[str, str]:
    """Return those of the configured addresses that counters can be asked at.

    The others are of sources of posts alone, or of a stream, such as another Jetstream.
    """
    return {
        platform: url
        for platform, url in configured.items()
        if platform in _PLATFORMS and urlsplit(url).scheme in {"http", "https"}
    }


def choose(
    pages: Sequence[str],
    watchlist: Watchlist | None,
    urls: Mapping[str, str],
    environ: Mapping[str, str],
    notify: Callable[[str], None],
) -> list[Watched]:
    """Return the pages that can be followed; each one that can't is told with the reason.

    ``urls`` are base addresses by platform, ``environ`` holds the keys. Raises
    :class:`~ingest.errors.SourceError` where nothing is left.
    """
    if unknown := sorted(set(urls) - _PLATFORMS):
        known = ", ".join(sorted(_PLATFORMS))
        notify(f"No counters are read from {', '.join(unknown)}; known: {known}.")
    if not pages and watchlist is None:
        raise SourceError("No page is named: give addresses, or --watchlist with pages of its own.")
    listed = [(page, "") for page in pages]
    if watchlist and not pages:
        listed = [(page.url, page.entity) for page in watchlist.pages]
    chosen: dict[tuple[str, str], Watched] = {}
    for address, entity in listed:
        try:
            one = watched(address, entity, urls, environ)
        except SourceError as error:
            notify(f"Left out: {error}")
            continue
        chosen.setdefault((one.page, one.source), one)
    if not chosen:
        raise SourceError("None of the pages can be followed.")
    return list(chosen.values())


def watched(
    address: str, entity: str, urls: Mapping[str, str], environ: Mapping[str, str]
) -> Watched:
    """Return one page with what it takes to read it. Raises :class:`SourceError`."""
    if not address:
        raise SourceError(f"a page of {entity} has no url in the watchlist.")
    reader, account = find(address)
    key = environ.get(reader.needs, "") if reader.needs else ""
    if reader.needs and not key:
        raise SourceError(
            f"{address}: {reader.platform} answers only with a key; put yours into the "
            f"environment as {reader.needs} (see docs/pages.md)."
        )
    page = entity or f"{reader.platform}:{account}"
    return Watched(page, reader, account, key, urls.get(reader.platform, ""))

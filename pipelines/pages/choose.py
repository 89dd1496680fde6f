"""Which pages to follow: those named, else those of a watchlist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ingest.errors import SourceError
from ingest.sources.counters import READERS, find
from ingest.watchlist import Watchlist
from pipelines.pages.watch import Watched


def choose(
    pages: Sequence[str],
    watchlist: Watchlist | None,
    urls: Mapping[str, str],
    environ: Mapping[str, str],
    tell: Callable[[str], None],
) -> list[Watched]:
    """Return the pages that can be followed; each one that can't is told with the reason.

    ``urls`` are base addresses by platform, ``environ`` holds the keys. Raises
    :class:`~ingest.errors.SourceError` where nothing is left.
    """
    known = {reader.platform for reader in READERS}
    if unknown := sorted(set(urls) - known):
        tell(f"No counters are read from {', '.join(unknown)}; known: {', '.join(sorted(known))}.")
    if not pages and watchlist is None:
        raise SourceError("No page is named: give addresses, or --watchlist with pages of its own.")
    listed = [(page, "") for page in pages]
    if watchlist and not pages:
        listed = [(page.url, page.entity) for page in watchlist.pages]
    chosen: dict[tuple[str, str], Watched] = {}
    for address, entity in listed:
        try:
            one = _watched(address, entity, urls, environ)
        except SourceError as error:
            tell(f"Left out: {error}")
            continue
        chosen.setdefault((one.page, one.source), one)
    if not chosen:
        raise SourceError("None of the pages can be followed.")
    return list(chosen.values())


def _watched(
    address: str, entity: str, urls: Mapping[str, str], environ: Mapping[str, str]
) -> Watched:
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

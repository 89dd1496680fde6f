"""``marsad ingest reddit`` and the like: why it can't be read any more, and what can instead."""

from __future__ import annotations

import click

from ingest.errors import SourceError
from ingest.sources.snscrape.retired import RETIRED, retired

SNSCRAPE = "snscrape"
#: What snscrape calls its scrapers that still work, and the sources that use them.
_WORKING = {"telegram": "telegram", "weibo": "weibo"}
_ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True}


def command_of(name: str) -> click.Command | None:
    """Return a command that explains, ``None`` for a name that nothing is to be said of."""
    if name != SNSCRAPE and name not in RETIRED:
        return None

    def explain(words: tuple[str, ...]) -> None:
        scraper = words[0] if name == SNSCRAPE and words else name
        raise SourceError(explanation(scraper))

    return click.Command(
        name,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        callback=explain,
        context_settings=_ANYTHING,
        hidden=True,
        help=f"Say why {name} can't be read, and what can instead.",
    )


def explanation(scraper: str) -> str:
    """Return what is to be said of one of snscrape's scrapers, by its own name."""
    if known := retired(scraper):
        return str(known)
    source = _WORKING.get(scraper.partition("-")[0])
    if source:
        return f"snscrape's {scraper} is marsad ingest {source}"
    return (
        "snscrape reads Telegram channels and Weibo accounts: marsad ingest telegram, marsad "
        "ingest weibo. Of its other scrapers none works any more: marsad ingest snscrape NAME "
        "says why"
    )

"""The export formats of all tools: one module each, one table of them all.

A tool is known by the shape of its records, never by a file's name. Its field names come from
its own source or the platform's published schema; ``tests/ingest/fixtures/archives`` cites
them. To add one, write ``knows`` and ``map_item`` (see :class:`~ingest.mapping.tool.Tool`), enter
it here, and add a fixture folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import ItemsView, Iterable, Iterator, Sequence, ValuesView

from ingest.mapping.tool import Record, Tool
from ingest.sources.archive.tools import (
    fourcat,
    marsad,
    own_data,
    scraped,
    site_comments,
    zeeschuimer,
)
from ingest.sources.bluesky import export as bluesky
from ingest.sources.facebook import crowdtangle
from ingest.sources.facebook import export as facebook
from ingest.sources.facebook import tables as facebook_tables
from ingest.sources.mastodon import export as mastodon
from ingest.sources.reddit import export as reddit
from ingest.sources.rss import json_feed
from ingest.sources.snscrape import export as snscrape
from ingest.sources.telegram import clients, telethon
from ingest.sources.telegram import export as telegram
from ingest.sources.tiktok import export as tiktok
from ingest.sources.vk import export as vk
from ingest.sources.x import compliance, tables, tcat, twitter_v1, twitter_v2
from ingest.sources.x import scraped as x_scraped
from ingest.sources.youtube import api_export as youtube_api
from ingest.sources.youtube import export as youtube

#: All tools by name; where two know a record, the first one reads it.
TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        snscrape.TOOL,
        zeeschuimer.TOOL,
        fourcat.TELEGRAM,
        twitter_v1.TOOL,
        twitter_v2.TOOL,
        telegram.TOOL,
        telethon.TOOL,
        clients.TOOL,
        clients.TDLIB,
        clients.TGSTAT,
        bluesky.TOOL,
        bluesky.JETSTREAM,
        mastodon.TOOL,
        mastodon.OUTBOX,
        youtube_api.TOOL,
        youtube_api.DOWNLOADED,
        youtube_api.API_VIDEOS,
        youtube_api.YT_DLP,
        reddit.TOOL,
        tiktok.TOOL,
        tiktok.WEB,
        scraped.GRAPH,
        scraped.APIFY,
        scraped.THREADS,
        scraped.DISCORD,
        crowdtangle.API,
        site_comments.WORDPRESS,
        site_comments.DISQUS,
        tables.TWINT_LINES,
        x_scraped.TOOL,
        vk.TOOL,
        compliance.TOOL,
        json_feed.TOOL,
        facebook.TOOL,
        facebook_tables.SCRAPER,
        own_data.TWITTER,
        own_data.FACEBOOK,
        own_data.INSTAGRAM,
        tcat.TOOL,
        *tables.TOOLS,
        compliance.TABLE,
        facebook.NETVIZZ,
        facebook.SCRIPT,
        *facebook_tables.TOOLS,
        crowdtangle.FACEBOOK,
        crowdtangle.INSTAGRAM,
        youtube.COMMENTS,
        youtube.VIDEOS,
        youtube.TAKEOUT,
        youtube.API_TABLE,
        youtube.VOSON,
        tiktok.PYKTOK,
        reddit.TABLE,
        reddit.WRITTEN,
        fourcat.TABLE,
        marsad.CSV,
        marsad.NDJSON,
    )
}

_OF_RECORDS = [tool for tool in TOOLS.values() if not tool.table]
#: By the keys of a record: the tools that may have written it.
_CANDIDATES: dict[tuple[str, ...], list[Tool]] = {}
_SHAPES = 1_000

#: What the tools make of records: with another version files are read anew.
VERSIONS = sorted((tool.name, tool.version) for tool in TOOLS.values())


def of_record(record: Record) -> Tool | None:
    """Return the tool that wrote a record, if one is known."""
    shape = tuple(record)
    candidates = _CANDIDATES.get(shape)
    if candidates is None:
        if len(_CANDIDATES) >= _SHAPES:
            _CANDIDATES.clear()
        candidates = _CANDIDATES[shape] = [tool for tool in _OF_RECORDS if _may_know(tool, record)]
    return next((tool for tool in candidates if tool.knows(record)), None)


class _Watched(dict[str, object]):
    """A record that notes whether any of its values was read; to look at its keys is none."""

    read = False

    def __getitem__(self, key: str) -> object:
        self.read = True
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:  # so that copies read by __getitem__
        return super().__iter__()

    def get(self, key: str, default: object = None) -> object:
        self.read = self.read or key in self
        return super().get(key, default)

    def items(self) -> ItemsView[str, object]:  # type: ignore[override]
        self.read = True
        return super().items()

    def values(self) -> ValuesView[object]:  # type: ignore[override]
        self.read = True
        return super().values()


def _may_know(tool: Tool, record: Record) -> bool:
    """Tell whether a tool knows this record or might know another one with the same keys.

    A tool that said no without reading a value says no to all records with these keys.
    """
    watched = _Watched(record)
    return tool.knows(watched) or watched.read


def of_records(records: Iterable[Record]) -> Tool | None:
    """Return the tool that wrote most of the records that one is known to have written."""
    known = Counter(tool.name for record in records if (tool := of_record(record)) is not None)
    return TOOLS[known.most_common(1)[0][0]] if known else None


def of_table(columns: Sequence[str]) -> Tool | None:
    """Return the tool whose tables have these columns, if one is known."""
    header = dict.fromkeys(columns, "")
    return next((tool for tool in TOOLS.values() if tool.table and tool.knows(header)), None)

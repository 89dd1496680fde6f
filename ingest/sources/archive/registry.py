"""The export formats of all tools: one module each, one table of them all.

A tool is known by the shape of its records, never by a file's name. Its field names come from
its own source or the platform's published schema; ``tests/ingest/fixtures/archives`` cites
them. To add one, write ``knows`` and ``map_item`` (see :class:`~ingest.mapping.tool.Tool`), enter
it here, and add a fixture folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ingest.mapping.tool import Record, Tool
from ingest.sources.archive.tools import fourcat, marsad, own_data, zeeschuimer
from ingest.sources.bluesky import export as bluesky
from ingest.sources.facebook import crowdtangle
from ingest.sources.facebook import export as facebook
from ingest.sources.mastodon import export as mastodon
from ingest.sources.reddit import export as reddit
from ingest.sources.rss import json_feed
from ingest.sources.snscrape import export as snscrape
from ingest.sources.telegram import export as telegram
from ingest.sources.telegram import telethon
from ingest.sources.tiktok import export as tiktok
from ingest.sources.vk import export as vk
from ingest.sources.x import compliance, tables, tcat, twitter_v1, twitter_v2
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
        bluesky.TOOL,
        bluesky.JETSTREAM,
        mastodon.TOOL,
        mastodon.OUTBOX,
        youtube_api.TOOL,
        youtube_api.DOWNLOADED,
        reddit.TOOL,
        tiktok.TOOL,
        vk.TOOL,
        compliance.TOOL,
        json_feed.TOOL,
        facebook.TOOL,
        own_data.TWITTER,
        own_data.FACEBOOK,
        own_data.INSTAGRAM,
        tcat.TOOL,
        *tables.TOOLS,
        compliance.TABLE,
        facebook.NETVIZZ,
        facebook.SCRIPT,
        crowdtangle.FACEBOOK,
        crowdtangle.INSTAGRAM,
        youtube.COMMENTS,
        youtube.VIDEOS,
        youtube.TAKEOUT,
        fourcat.TABLE,
        marsad.CSV,
        marsad.NDJSON,
    )
}

#: What the tools make of records: with another version files are read anew.
VERSIONS = sorted((tool.name, tool.version) for tool in TOOLS.values())


def of_record(record: Record) -> Tool | None:
    """Return the tool that wrote a record, if one is known."""
    return next((tool for tool in TOOLS.values() if not tool.table and tool.knows(record)), None)


def of_records(records: Iterable[Record]) -> Tool | None:
    """Return the tool that wrote most of the records that one is known to have written."""
    known = Counter(tool.name for record in records if (tool := of_record(record)) is not None)
    return TOOLS[known.most_common(1)[0][0]] if known else None


def of_table(columns: Sequence[str]) -> Tool | None:
    """Return the tool whose tables have these columns, if one is known."""
    header = dict.fromkeys(columns, "")
    return next((tool for tool in TOOLS.values() if tool.table and tool.knows(header)), None)

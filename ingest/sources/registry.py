"""All live sources: what each can give, what it needs, and where its module is.

Commands, ``marsad sources`` and the runner of :mod:`pipelines.live` are made from
:data:`ENTRIES`; a module is imported when its source is asked for. Adding a source is adding
one module, one folder of fixtures and one entry: ``docs/adding-a-source.md``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Literal, cast

import msgspec

from ingest.errors import SourceBlocked, SourceError
from ingest.sources.base import Capabilities, LiveSource, MakesSource, Means, Order
from ingest.sources.snscrape.retired import retired


class Need(msgspec.Struct, frozen=True):
    """A key or token that a source takes from the environment."""

    variable: str
    what: str
    """What it is and where one gets it, in a few words."""
    required: bool = True


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One source."""

    name: str
    """The name of the subcommand, and of the platform in ids of posts."""
    summary: str
    """One sentence for people."""
    load: str
    """``module:class``; the class is a :class:`~ingest.sources.base.MakesSource`."""
    capabilities: Capabilities
    url: str
    """Default base address; empty where the target is an address itself."""
    schema: date
    """Date of the platform's published schema that it was written from."""
    documented: str
    """Where that schema is published."""
    target: str = ""
    """What a target is called in help, such as ``CHANNEL``; empty if it takes none."""
    targets: Literal["none", "optional", "required"] = "none"
    probe: str = ""
    """A target that is surely there, for ``marsad sources check``."""
    example: str = ""
    """Targets as one would type them in an example."""
    slowest: int = 1
    """Seconds that lie between two readings at least: more where pages made for people are
    fetched, or feeds."""
    needs: Sequence[Need] = ()
    zoneless: bool = False
    """Its dates may name no time zone, so that its command takes ``--timezone``."""
    verified: date | None = None
    """When it was last seen to work on the real platform; ``None``: not yet."""


_X_TOKEN = Need(
    "MARSAD_X_BEARER", "a bearer token of an app with credits for the X API (console.x.com)"
)

#: In the order of help and lists.
ENTRIES: Sequence[Entry] = (
    Entry(
        name="bluesky",
        summary="All posts of Bluesky as they are published, by Jetstream.",
        load="ingest.sources.bluesky.live:Bluesky",
        capabilities=Capabilities(live=True, history=True, deletions=True),
        url="wss://jetstream2.us-east.bsky.network/subscribe",
        schema=date(2025, 2, 1),
        documented="https://github.com/bluesky-social/jetstream",
    ),
    Entry(
        name="mastodon",
        summary="Posts with a hashtag, or all public ones, of any Mastodon instance.",
        load="ingest.sources.mastodon.live:Mastodon",
        capabilities=Capabilities(live=True, history=True, deletions=True),
        url="https://mastodon.social",
        schema=date(2025, 10, 1),
        documented="https://docs.joinmastodon.org/methods/streaming/",
        target="TAG",
        targets="optional",
        probe="news",
        example="protest",
        needs=(
            Need(
                "MARSAD_MASTODON_TOKEN",
                "an access token with read:statuses; without one most instances give no stream",
                required=False,
            ),
        ),
    ),
    Entry(
        name="telegram",
        summary="Posts of public Telegram channels, by their web preview (snscrape).",
        load="ingest.sources.telegram.live:Telegram",
        capabilities=Capabilities(history=True),
        url="https://t.me",
        schema=date(2026, 10, 1),
        documented="https://github.com/JustAnotherArchivist/snscrape",
        target="CHANNEL",
        targets="required",
        slowest=60,
        probe="telegram",
        example="@channel",
    ),
    Entry(
        name="weibo",
        summary="Posts of Weibo accounts, by their mobile pages (snscrape).",
        load="ingest.sources.weibo.live:Weibo",
        capabilities=Capabilities(history=True),
        url="https://m.weibo.cn",
        schema=date(2026, 10, 1),
        documented="https://github.com/JustAnotherArchivist/snscrape",
        target="ACCOUNT",
        targets="required",
        slowest=60,
        probe="2803301701",
        example="1234567890",
    ),
    Entry(
        name="youtube",
        summary="Comments under YouTube videos, or under all videos of a channel.",
        load="ingest.sources.youtube.live:YouTube",
        capabilities=Capabilities(history=True),
        url="https://www.googleapis.com",
        schema=date(2025, 8, 1),
        documented="https://developers.google.com/youtube/v3/docs/commentThreads",
        target="VIDEO|CHANNEL",
        targets="required",
        probe="jNQXAC9IVRw",
        example="https://youtu.be/jNQXAC9IVRw",
        needs=(
            Need(
                "MARSAD_YOUTUBE_KEY",
                "a key of the YouTube Data API v3 (console.cloud.google.com, free of charge)",
            ),
        ),
    ),
    Entry(
        name="rss",
        summary="Articles of the press and of blogs, by their RSS or Atom feeds.",
        load="ingest.sources.rss.live:Rss",
        capabilities=Capabilities(history=True),
        url="",
        schema=date(2009, 3, 30),
        documented="https://www.rssboard.org/rss-specification",
        target="FEED",
        targets="required",
        slowest=60,
        probe="https://www.w3.org/blog/feed/",
        example="https://www.example.org/feed.xml",
        zoneless=True,
    ),
    Entry(
        name="x",
        summary="Posts of X of the last seven days that a query finds (paid).",
        load="ingest.sources.x.search:Search",
        capabilities=Capabilities(history=True),
        url="https://api.x.com",
        schema=date(2026, 8, 1),
        documented="https://docs.x.com/x-api/posts/recent-search",
        target="QUERY",
        targets="required",
        probe="news lang:fr",
        example="'(voip OR whatsapp) lang:fr'",
        needs=(_X_TOKEN,),
    ),
    Entry(
        name="x-stream",
        summary="Posts of X that a query finds, as they are published (paid).",
        load="ingest.sources.x.stream:Stream",
        capabilities=Capabilities(live=True, history=True),
        url="https://api.x.com",
        schema=date(2026, 8, 1),
        documented="https://docs.x.com/x-api/posts/filtered-stream/introduction",
        target="QUERY",
        targets="required",
        probe="news lang:fr",
        example="'(voip OR whatsapp) lang:fr'",
        needs=(_X_TOKEN,),
    ),
)


def find(name: str) -> Entry:
    """Return a source by its name. Raises :class:`~ingest.errors.SourceError`."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    if known := retired(name):
        raise SourceError(str(known))
    raise SourceError(unknown(name, [entry.name for entry in ENTRIES]))


def unknown(name: str, names: Sequence[str]) -> str:
    """Return what is to be said of a name that no source has."""
    near = get_close_matches(name, names, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    return f"there is no source {name!r}; there are: {', '.join(names)}.{guess}"


def secrets(entry: Entry, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the keys of a source that are set.

    Raises :class:`~ingest.errors.SourceBlocked` if a required one is not.
    """
    for need in entry.needs:
        if need.required and not environ.get(need.variable):
            raise SourceBlocked(
                f"{entry.name} needs {need.what}: set {need.variable} in the environment"
            )
    names = [need.variable for need in entry.needs]
    return {name: environ[name] for name in names if environ.get(name)}


def make(entry: Entry, order: Order, means: Means) -> LiveSource:
    """Import a source's module and make the source of one target.

    Raises :class:`~ingest.errors.SourceError` for a target that can't be.
    """
    module, _, name = entry.load.partition(":")
    made = cast(MakesSource, getattr(importlib.import_module(module), name))
    return made(order, means)

"""All live sources: what each can give, what it needs, and where its module is.

Commands, ``marsad sources`` and the runner of :mod:`pipelines.live` are made from
:data:`ENTRIES`; a module is imported when its source is asked for. Adding a source is adding
one module, one folder of fixtures and one entry: ``docs/adding-a-source.md``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, cast

import msgspec

from ingest.errors import SourceBlocked, SourceError
from ingest.sources.base import Capabilities, LiveSource, MakesSource, Means, Order


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
    needs: Sequence[Need] = ()
    verified: date | None = None
    """When it was last seen to work on the real platform; ``None``: not yet."""


#: In the order of help and lists.
ENTRIES: Sequence[Entry] = (
    Entry(
        name="bluesky",
        summary="All posts of Bluesky as they are published, by Jetstream.",
        load="ingest.sources.bluesky:Bluesky",
        capabilities=Capabilities(live=True, history=True, deletions=True),
        url="wss://jetstream2.us-east.bsky.network/subscribe",
        schema=date(2025, 2, 1),
        documented="https://github.com/bluesky-social/jetstream",
    ),
    Entry(
        name="mastodon",
        summary="Posts with a hashtag, or all public ones, of any Mastodon instance.",
        load="ingest.sources.mastodon:Mastodon",
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
)


def find(name: str) -> Entry:
    """Return a source by its name. Raises :class:`~ingest.errors.SourceError`."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in ENTRIES)
    raise SourceError(f"there is no source {name!r}; there are: {names}")


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

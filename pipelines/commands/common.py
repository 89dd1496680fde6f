"""What several subcommands share: options, opening a store, building a query."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ingest.keyring import Keyring
from ingest.masking import handle_name
from ingest.privacy import Protector, is_pseudonym
from ingest.watchlist import Watchlist
from ingest.watchlist import load as load_watchlist
from pipelines import settings as settings_module
from pipelines.query import Node, all_of, only, parse, rewrite
from pipelines.settings import Settings
from pipelines.stores.base import Store

F = TypeVar("F", bound=Callable[..., Any])

#: For commands with a QUERY: `-word` is part of it, not an option (they have long ones alone).
QUERY_SETTINGS = {"ignore_unknown_options": True, "help_option_names": ["--help"]}

#: Exit code for "nothing found".
NOTHING = 3


def store_option(function: F) -> F:
    """Add ``--store``."""
    return click.option(
        "--store",
        metavar="PATH|URL",
        help="SQLite file, or Elasticsearch: http://host:9200/name (default: marsad.db).",
    )(function)


def watchlist_option(function: F) -> F:
    """Add ``--watchlist``."""
    return click.option(
        "--watchlist",
        metavar="NAME|FILE|none",
        help="What to look for; `none` keeps every post (default: as configured, else none).",
    )(function)


def filter_options(function: F) -> F:
    """Add the options that narrow a query: dates, language, sentiment, entity, platform."""
    for option in reversed(
        [
            click.option("--since", metavar="DATE", help="First day, inclusive (YYYY-MM-DD)."),
            click.option("--until", metavar="DATE", help="Day after the last, exclusive."),
            click.option("--lang", multiple=True, metavar="CODE", help="fr, ar, ary, ary-Latn, …"),
            click.option("--sentiment", multiple=True, metavar="LABEL", help="negative, …"),
            click.option("--entity", multiple=True, metavar="ID", help="A watched entity."),
            click.option("--platform", multiple=True, metavar="NAME", help="twitter, youtube, …"),
        ]
    ):
        function = option(function)
    return function


def configured() -> Settings:
    """Return the settings in force."""
    return settings_module.load()


def open_store(path: str | None, *, readonly: bool = True) -> Store:
    """Open the store that the option names, else the configured one.

    Raises :class:`~pipelines.errors.StoreError` with what to do.
    """
    settings = configured()
    if (path or settings.store).startswith(("http://", "https://")):
        from pipelines.stores.elasticsearch import ElasticsearchStore

        return ElasticsearchStore(
            path or settings.store,
            readonly=readonly,
            timezone=settings.timezone,
            dead_days=settings.dead_days,
        )
    from pipelines.stores.sqlite import SqliteStore

    return SqliteStore(
        Path(path or settings.store),
        readonly=readonly,
        timezone=settings.timezone,
        dead_days=settings.dead_days,
    )


def open_existing(path: str | None) -> Store:
    """Open a store for writing that must be there: a mistyped name is no new store.

    Raises :class:`~pipelines.errors.StoreError` with what to do.
    """
    open_store(path).close()
    return open_store(path, readonly=False)


def chosen_watchlist(name: str | None) -> Watchlist | None:
    """Return the watchlist that the option names, else the configured one."""
    return load_watchlist(name or configured().watchlist)


def protector(watchlist: Watchlist | None, *, keep_authors: bool = False) -> Protector:
    """Return what protects authors, with the user's keys; makes the first key."""
    return Protector(
        Keyring().use(),
        handles=frozenset(map(handle_name, watchlist.handles)) if watchlist else frozenset(),
        country=watchlist.country if watchlist else None,
        keep_authors=keep_authors,
    )


def query_node(
    query: Sequence[str],
    since: str | None = None,
    until: str | None = None,
    lang: Sequence[str] = (),
    sentiment: Sequence[str] = (),
    entity: Sequence[str] = (),
    platform: Sequence[str] = (),
) -> Node:
    """Return the query that words and options ask for together.

    Raises :class:`~pipelines.errors.QueryError`.
    """
    for word in query:
        if word.startswith("--"):  # `-word` is a word to leave out, this can only be a mistake
            raise click.NoSuchOption(word)
    options = {
        "since": (since,),
        "until": (until,),
        "lang": lang,
        "sentiment": sentiment,
        "entity": entity,
        "platform": platform,
    }
    filters = []
    for field, given in options.items():
        values = [value for option in given if option for value in option.split(",")]
        if values:
            filters.append(only(field, *values))
    return all_of(parse(" ".join(query)), *filters)


def known_authors(node: Node, store: Store) -> Node:
    """Return the query with plain names of ``author:`` as the pseudonyms they have in a store."""

    def pseudonyms(name: str) -> list[str]:
        keys = Keyring().all()
        if is_pseudonym(name) or not keys:
            return []
        protect = Protector(keys)
        platforms = store.status().platforms
        found = [one for platform in platforms for one in protect.pseudonyms(platform, name)]
        return [name, *found]  # a store that keeps authors has the plain name

    return rewrite(node, "author", pseudonyms)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 post``, ``2,000 posts``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say(message: str) -> None:
    """Tell people something, on standard error."""
    click.echo(message, err=True)


def write_line(line: bytes) -> None:
    """Write one line of data to standard output."""
    sys.stdout.buffer.write(line + b"\n")


def nothing_found(message: str) -> None:
    """Say that nothing was found and leave with its exit code."""
    say(message)
    raise click.exceptions.Exit(NOTHING)

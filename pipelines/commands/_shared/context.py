"""What several subcommands share: options, opening a store, building a query."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console

from ingest.privacy.keyring import Keyring
from ingest.privacy.masking import handle_name
from ingest.privacy.protector import Protector
from ingest.watchlist.loader import Watchlist
from ingest.watchlist.loader import load as load_watchlist
from pipelines import settings as settings_module
from pipelines.dead_letters.quarantine import Aside, beside
from pipelines.query import Node, all_of, only, parse
from pipelines.query.fields import entity_id
from pipelines.settings import Settings
from pipelines.stores.protocols import Store

if TYPE_CHECKING:
    from pipelines.kafka.connection import Brokers
    from pipelines.kafka.intake import KafkaSink

F = TypeVar("F", bound=Callable[..., Any])

#: For commands with a QUERY: `-word` is part of it, not an option (they have long ones alone).
QUERY_SETTINGS = {"ignore_unknown_options": True, "help_option_names": ["--help"]}


class QueryCommand(click.Command):
    """A command with a QUERY, of which `-h` alone is a call for help all the same."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See :meth:`click.Command.parse_args`."""
        own = args[: args.index("--")] if "--" in args else args
        return super().parse_args(ctx, ["--help"] if "-h" in own else args)


#: Options that narrow a query, with their metavar and help; their names are fields of queries.
_FILTERS = {
    "since": ("DATE", "First day, inclusive (YYYY-MM-DD)."),
    "until": ("DATE", "Day after the last, exclusive."),
    "lang": ("CODE", "fr, ar, ary, ary-Latn, …"),
    "sentiment": ("LABEL", "negative, …"),
    "entity": ("ID", "A watched entity, by id or name."),
    "platform": ("NAME", "twitter, youtube, …"),
}

#: The options of ``_FILTERS`` that were given: one value for a date, else several.
Filters = Mapping[str, str | tuple[str, ...]]

#: Options that say where records are kept aside; a command that takes both takes one of them.
_PLACES = ("store", "brokers")

#: Exit code for "nothing found".
NOTHING = 3


def store_option(function: F) -> F:
    """Add ``--store``."""
    return click.option(
        "--store",
        metavar="PATH|URL",
        help="SQLite file, or Elasticsearch: http://host:9200/name (default: marsad.db).",
    )(function)


def brokers_option(function: F) -> F:
    """Add ``--brokers``."""
    return click.option(
        "--brokers",
        metavar="HOST:PORT,…",
        help="Kafka brokers between the stages (default: as configured).",
    )(function)


def watchlist_option(function: F) -> F:
    """Add ``--watchlist``."""
    return click.option(
        "--watchlist",
        metavar="NAME|FILE|none",
        help="What to look for; `none` keeps every post (default: as configured, else none).",
    )(function)


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that narrow a query; the command gets those given as ``filters``."""

    @functools.wraps(function)
    def packed(*arguments: Any, **options: Any) -> Any:
        given = {name: options.pop(name) for name in _FILTERS}
        filters = {name: value for name, value in given.items() if value}
        if "entity" in filters:
            filters["entity"] = tuple(entity_id(one) for one in values_of(filters["entity"]))
        return function(*arguments, filters=filters, **options)

    for name, (metavar, explanation) in reversed(_FILTERS.items()):
        once = name in {"since", "until"}
        packed = click.option(f"--{name}", metavar=metavar, help=explanation, multiple=not once)(
            packed
        )
    return packed


def configured() -> Settings:
    """Return the settings in force."""
    return settings_module.load()


def on_server(store: str | None) -> bool:
    """Tell whether the store that the option names, else the configured one, is a server."""
    return (store or configured().store).lower().startswith(("http://", "https://"))


def open_store(
    path: str | None,
    *,
    readonly: bool = True,
    reindexing: bool = False,
    case: Watchlist | None = None,
) -> Store:
    """Open the store that the option names, else the configured one.

    ``reindexing`` opens also one that must be re-indexed before it can be used. A store that is
    made counts its days in the configured time zone, else in that of the watchlist ``case``.

    Raises :class:`~pipelines.errors.StoreError` with what to do.
    """
    settings = configured()
    place = path or settings.store
    if not readonly:
        Aside(beside(place), settings.dead_days).purge_expired()
    new_timezone = case.timezone if case else settings_module.TIMEZONE
    if on_server(path):
        from pipelines.stores.elasticsearch import ElasticsearchStore

        return ElasticsearchStore(
            place,
            readonly=readonly,
            timezone=settings.timezone,
            new_timezone=new_timezone,
            dead_days=settings.dead_days,
            reindexing=reindexing,
        )
    from pipelines.stores.sqlite import SqliteStore

    return SqliteStore(
        Path(place),
        readonly=readonly,
        timezone=settings.timezone,
        new_timezone=new_timezone,
        dead_days=settings.dead_days,
        reindexing=reindexing,
    )


def open_existing(path: str | None, *, reindexing: bool = False) -> Store:
    """Open a store for writing that must be there: a mistyped name is no new store.

    Raises :class:`~pipelines.errors.StoreError` with what to do.
    """
    open_store(path, reindexing=reindexing).close()
    return open_store(path, readonly=False, reindexing=reindexing)


def chosen_brokers(addresses: str | None) -> Brokers | None:
    """Return the brokers that the option names, else the configured ones, ``None`` without any.

    Raises :class:`~pipelines.errors.SettingsError`.
    """
    settings = configured()
    named = addresses or settings.brokers
    if not named:
        return None
    from pipelines.kafka.connection import brokers

    return brokers(named, settings.kafka)


def destination(store: str | None, brokers: str | None) -> Brokers | None:
    """Return the brokers that a command is about, ``None`` for a store.

    A store that is named counts more than brokers that are only configured.
    """
    if store and brokers:
        raise click.UsageError("name --store or --brokers: this is about one of them")
    return None if store else chosen_brokers(brokers)


@contextmanager
def intake(where: Brokers) -> Iterator[KafkaSink]:
    """Open the way into the topics, for the length of a command.

    Raises :class:`~pipelines.errors.BrokerError`.
    """
    from pipelines.kafka.intake import KafkaSink
    from pipelines.kafka.log import quiet

    quiet()
    days = configured().dead_days
    Aside(beside(""), days).purge_expired()
    with KafkaSink(where, dead_days=days) as opened:
        yield opened


def needed_brokers(addresses: str | None) -> Brokers:
    """Return the brokers, for a command that can't do without. Raises ``click.UsageError``."""
    where = chosen_brokers(addresses)
    if where is None:
        raise click.UsageError(
            "name the Kafka brokers: --brokers host:port, MARSAD_BROKERS, or brokers in marsad.toml"
        )
    return where


def dead_list() -> str:
    """Return the command that lists what the running one kept aside, in the place it was given."""
    context = click.get_current_context(silent=True)
    given = context.params if context else {}
    places = [f" --{name} {shlex.quote(given[name])}" for name in _PLACES if given.get(name)]
    return "marsad dead list" + "".join(places)


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


def query_node(query: Sequence[str], filters: Filters = MappingProxyType({})) -> Node:
    """Return the query that words and options ask for together.

    Raises :class:`~pipelines.errors.QueryError`.
    """
    for word in query:
        if word.startswith("--"):  # `-word` is a word to leave out, this can only be a mistake
            raise click.NoSuchOption(word)
    nodes = [only(field, *values_of(given)) for field, given in filters.items()]
    return all_of(parse(" ".join(query)), *nodes)


def values_of(given: str | tuple[str, ...]) -> list[str]:
    """Return the values of one option, which may be repeated or hold several with commas."""
    options = (given,) if isinstance(given, str) else given
    return [value for option in options for value in option.split(",") if value]


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 post``, ``2,000 posts``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def console(*, soft_wrap: bool = False) -> Console:
    """Return where tables and lines for people go; data stays as it is, ``:kenya:`` too."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap)


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

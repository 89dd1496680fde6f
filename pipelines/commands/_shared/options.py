"""Options that several subcommands have, and the query that words and options make."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import click

from pipelines.query import Node, all_of, only, parse
from pipelines.query.fields import entity_id

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
    "lang": ("NAME", "darija, arabizi, french, …, or a code: ary, ary-Latn (Darija), fr, ar, en."),
    "sentiment": ("LABEL", "negative, …"),
    "entity": ("ID", "A watched entity, by id or name."),
    "platform": ("NAME", "twitter, youtube, …"),
}


#: The options of ``_FILTERS`` that were given: one value for a date, else several.
Filters = Mapping[str, str | tuple[str, ...]]


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


def query_node(query: Sequence[str], filters: Filters = MappingProxyType({})) -> Node:
    """Return the query that words and options ask for together.

    Raises :class:`~pipelines.errors.QueryError`.
    """
    for word in query:
        if word.startswith("--"):  # `-word` is a word to leave out, this can only be a mistake
            raise click.NoSuchOption(word, possibilities=_options_like(word))
    nodes = [only(field, *values_of(given)) for field, given in filters.items()]
    return all_of(parse(" ".join(query)), *nodes)


def _options_like(word: str) -> list[str]:
    """Return the options of the running command that ``word`` may be a mistyped one of."""
    context = click.get_current_context(silent=True)
    params = context.command.params if context else []
    names = [name for param in params for name in param.opts if name.startswith("--")]
    return difflib.get_close_matches(word.partition("=")[0], names, 2)


def values_of(given: str | tuple[str, ...]) -> list[str]:
    """Return the values of one option, which may be repeated or hold several with commas."""
    options = (given,) if isinstance(given, str) else given
    return [value for option in options for value in option.split(",") if value]


#: Between two pairs of ``--map``.
_PAIRS = re.compile(r",(?=[^,=]*=)|,\s*$")


def field_mapping(options: tuple[str, ...]) -> dict[str, str]:
    """Return what ``--map`` says. Raises ``click.UsageError`` for anything but pairs.

    A comma is part of a column's name where no other pair follows it.
    """
    pairs = [pair for option in options for pair in _PAIRS.split(option) if pair.strip()]
    mapping: dict[str, str] = {}
    for pair in pairs:
        field, equals, name = pair.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"--map takes FIELD=NAME pairs, as in text=body; not {pair!r}")
        mapping[field.strip()] = name.strip()
    return mapping

"""The subcommands of ``marsad ingest`` that read platforms: one for each source, and ``all``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import msgspec

from ingest import dates
from ingest.errors import SourceError
from ingest.sources.counters.table import parse_when
from ingest.sources.registry import ENTRIES, Entry
from ingest.watchlist.loader import Watchlist
from pipelines import metrics
from pipelines.commands import ingest_retired
from pipelines.commands._shared.context import (
    chosen_watchlist,
    configured,
    destination,
    kafka_sink,
    open_store,
    protector,
    require_own_keys,
)
from pipelines.commands._shared.monitoring import instrumented, monitored
from pipelines.commands._shared.options import brokers_option, store_option, watchlist_option
from pipelines.commands._shared.output import ledger_line, notify
from pipelines.commands._shared.scoring import make_scorer, tell_days
from pipelines.commands._shared.study import record_study
from pipelines.commands._shared.subscriptions import read_subscriptions
from pipelines.embedded import drain_some
from pipelines.errors import SettingsError
from pipelines.live.choose import Wanted, check, duration, means, subscriptions
from pipelines.live.run import Outcome
from pipelines.settings import Settings, SourceSettings, file_name, zone
from pipelines.stop import Stop
from pipelines.stores.protocols import Sink

#: Posts scored at a time while sources are read: new ones wait for as long as that takes.
SLICE = 64

ALL = "all"


def names() -> list[str]:
    """Return the names of the subcommands."""
    return [*(entry.name for entry in ENTRIES), ALL]


def command_of(name: str) -> click.Command | None:
    """Return a subcommand, ``None`` if there is none of this name."""
    if name == ALL:
        return read_all
    found = next((_command(entry) for entry in ENTRIES if entry.name == name), None)
    return found or ingest_retired.command_of(name)


def _command(entry: Entry) -> click.Command:
    def read(targets: tuple[str, ...] = (), **options: Any) -> None:
        _read_one(entry, targets, **options)

    parameters: list[click.Parameter] = []
    if entry.targets != "none":
        shown = f"{entry.target}…" if entry.targets == "required" else f"[{entry.target}…]"
        parameters.append(
            click.Argument(
                ["targets"], nargs=-1, required=entry.targets == "required", metavar=shown
            )
        )
    made = click.Command(
        entry.name,
        params=parameters,
        callback=read,
        help=_help(entry),
        short_help=entry.summary,
    )
    for option in (*_OPTIONS, *([_TIMEZONE] if entry.zoneless else [])):
        option(made)
    return made


def _help(entry: Entry) -> str:
    words = f" {entry.example}" if entry.example else ""
    needs = "".join(
        f"\n{'Needs' if need.required else 'Takes'} {need.variable} in the environment: "
        f"{need.what}."
        for need in entry.needs
    )
    end = (
        "It goes on until it is stopped, or until --until or --limit; the same command goes on "
        "where it was."
        if entry.capabilities.live
        else "It ends when it has read what there is; the same command reads what came since, and "
        "--every does so by itself."
    )
    return (
        f"{entry.summary}\n\n{end} What the platform allows: docs/sources.md.\n{needs}\n\n\b\n"
        f"Examples:\n  marsad ingest {entry.name}{words}\n"
        f"  marsad ingest {entry.name}{words} --since 2026-11-01 --limit 1000 --store study.db\n"
    )


def _moment(ctx: click.Context, option: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return _at(text, configured())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _at(text: str, settings: Settings) -> datetime:
    return datetime.now(UTC) if text == "now" else parse_when(text, zone(settings.timezone)).at


def _zone(ctx: click.Context, option: click.Parameter, name: str | None) -> str | None:
    if name:
        try:
            dates.zone_named(name)
        except ValueError as error:
            raise click.BadParameter(f"{error}; write Europe/Paris or +01:00") from None
    return name


def _time(ctx: click.Context, option: click.Parameter, text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        return duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_TIMEZONE = click.option(
    "--timezone",
    metavar="ZONE",
    callback=_zone,
    help="Zone of dates that name none (else UTC is assumed, and their posts say so).",
)
_URL = click.option("--url", metavar="URL", help="Base address: an instance, a mirror, your own.")
#: Options that narrow what is read.
_NARROW: Sequence[Callable[[Any], Any]] = (
    click.option(
        "--since",
        metavar="DATE",
        callback=_moment,
        help="From this moment on, unless a later place is saved.",
    ),
    click.option(
        "--until", metavar="DATE", callback=_moment, help="Before this moment; `now` is one."
    ),
    click.option(
        "--limit", type=click.IntRange(1), metavar="N", help="At most N records of each this time."
    ),
)
_OPTIONS: Sequence[Callable[[Any], Any]] = (
    _URL,
    *_NARROW,
    click.option(
        "--every",
        metavar="TIME",
        callback=_time,
        help="When it ends, read it again after this time: 90s, 10m, 2h, 1d.",
    ),
    watchlist_option,
    store_option,
    brokers_option,
)


def _read_one(
    entry: Entry,
    targets: tuple[str, ...],
    *,
    url: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    every: timedelta | None,
    watchlist: str | None,
    store: str | None,
    brokers: str | None,
    timezone: str | None = None,
) -> None:
    wanted = Wanted(
        source=entry.name,
        timezone=timezone or "",
        targets=targets,
        url=url or "",
        since=since,
        until=until,
        every=every,
        limit=limit,
    )
    read_sources([wanted], f"ingest {entry.name}", watchlist, store, brokers)


def _narrowing(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_NARROW):
        command = option(command)
    return command


@click.command(ALL)
@_narrowing
@watchlist_option
@store_option
@brokers_option
def read_all(
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    watchlist: str | None,
    store: str | None,
    brokers: str | None,
) -> None:
    """Read all [[sources]] of marsad.toml together, until it is stopped.

    Each is read in a thread of its own; one that fails is tried again and keeps no other. What
    ends by itself is read again every so often where its `every` says so. --since, --until and
    --limit are for all of them and count more than what is written there.

    \b
    Examples:
      marsad ingest all --watchlist morocco-2016
      marsad ingest all --until now
    """
    given = {"since": since, "until": until, "limit": limit}
    chosen = {name: value for name, value in given.items() if value is not None}
    wanted = [msgspec.structs.replace(one, **chosen) for one in configured_sources(configured())]
    read_sources(wanted, "ingest all", watchlist, store, brokers)


def configured_sources(settings: Settings) -> list[Wanted]:
    """Return what the ``[[sources]]`` of the settings ask for.

    Raises :class:`~pipelines.errors.SettingsError`.
    """
    if not settings.sources:
        raise SettingsError(
            f"{file_name()} has no [[sources]]: list what to read there (docs/settings.md), or "
            "name one source, as in marsad ingest bluesky"
        )
    return [_wanted(one, number, settings) for number, one in enumerate(settings.sources, start=1)]


def _wanted(one: SourceSettings, number: int, settings: Settings) -> Wanted:
    def wrong(what: object) -> SettingsError:
        return SettingsError(f"{file_name()}: [[sources]] number {number} ({one.source}): {what}")

    try:
        wanted = Wanted(
            source=one.source,
            label=one.name,
            targets=one.targets,
            url=one.url,
            since=_at(one.since, settings) if one.since else None,
            until=_at(one.until, settings) if one.until else None,
            limit=one.limit or None,
            timezone=one.timezone,
            every=duration(one.every) if one.every else None,
            persistent=True,
        )
        check(wanted)
    except (ValueError, SourceError) as error:
        raise wrong(error) from error
    return wanted


def read_sources(
    wanted: Sequence[Wanted],
    command: str,
    watchlist: str | None,
    store: str | None,
    brokers: str | None,
) -> None:
    """Read sources into a store, or into Kafka, until they end or the process is to end."""
    where = destination(store, brokers)
    case = chosen_watchlist(watchlist)
    stop = Stop()
    given = means(stop, notify)
    try:
        made = subscriptions(wanted, given, environ=os.environ, urls=configured().urls)
        with (
            monitored(),
            stop.on_signals(),
            _target(command, store, where, watchlist, case, stop) as (taking, drain),
        ):
            outcomes = read_subscriptions(
                made, taking, protector(case), case, stop=stop, drain=drain
            )
    finally:
        given.client.close()
    _tell(outcomes)


@contextmanager
def _target(
    command: str,
    store: str | None,
    where: Any,
    watchlist: str | None,
    case: Watchlist | None,
    stop: Stop,
) -> Iterator[tuple[Sink, Callable[[], int] | None]]:
    """Give what takes the posts, and what scores some of them."""
    if where:
        with kafka_sink(where) as opened_topics:
            require_own_keys(opened_topics)
            metrics.ready("brokers", True)
            yield opened_topics, None
        return
    opened = open_store(store, readonly=False, case=case)
    opened.retry_until(stop)
    try:
        with opened.writer(command):
            require_own_keys(opened)
            tell_days(opened, case)
            record_study(opened, watchlist, case)
            scorer = make_scorer()  # one that does not load is told before anything is read
            local = zone(opened.timezone())
            metrics.build(scorer.version)
            metrics.ready("store", True)
            yield (
                opened,
                instrumented(opened, lambda: drain_some(opened, lambda: scorer, local, SLICE)),
            )
        total = opened.ledger()
    finally:
        opened.close()
    notify(ledger_line("in the store", total))


def _tell(outcomes: Sequence[Outcome]) -> None:
    for one in outcomes:
        notify(ledger_line(one.subscription.source.name, one.outcomes, read=True))
    if any(one.given_up for one in outcomes):
        raise click.exceptions.Exit(1)

"""What several subcommands share: options, opening a store, building a query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.privacy.keyring import Keyring
from ingest.privacy.masking import handle_name
from ingest.privacy.protector import Protector
from ingest.watchlist.loader import Watchlist
from ingest.watchlist.loader import load as load_watchlist
from pipelines import settings as settings_module
from pipelines.commands._shared.output import notify
from pipelines.errors import StoreError
from pipelines.settings import Settings
from pipelines.stores.protocols import Store
from pipelines.stores.zone_data import notice

if TYPE_CHECKING:
    from pipelines.kafka.connection import Brokers
    from pipelines.kafka.sink import KafkaSink
    from pipelines.stores.sqlite.resident import ResidentColumns


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
    columns: ResidentColumns | None = None,
) -> Store:
    """Open the store that the option names, else the configured one.

    ``reindexing`` opens also one that must be re-indexed before it can be used. A store that is
    made counts its days in the configured time zone, else in that of the watchlist ``case``.
    ``columns`` of its file in memory make answers sooner.

    Raises :class:`~pipelines.errors.StoreError` with what to do.
    """
    settings = configured()
    place = path or settings.store
    if "\0" in place:
        raise StoreError("The name of the store holds a NUL character: name another --store.")
    new_timezone = case.timezone if case else settings_module.TIMEZONE
    opened: Store
    if on_server(path):
        from pipelines.stores.elasticsearch import ElasticsearchStore

        opened = ElasticsearchStore(
            place,
            readonly=readonly,
            timezone=settings.timezone,
            new_timezone=new_timezone,
            dead_days=settings.dead_days,
            reindexing=reindexing,
        )
    else:
        opened = _file_store(columns)(
            Path(place),
            readonly=readonly,
            timezone=settings.timezone,
            new_timezone=new_timezone,
            dead_days=settings.dead_days,
            reindexing=reindexing,
        )
    if not reindexing:
        _notify_once(notice(place, opened.zone_data()))
    return opened


def _file_store(columns: ResidentColumns | None) -> Callable[..., Store]:
    if columns is None:
        from pipelines.stores.sqlite import SqliteStore

        return SqliteStore
    from pipelines.stores.sqlite.column_store import ColumnStore

    return partial(ColumnStore, columns=columns)


@cache
def _notify_once(text: str) -> None:
    if text:
        notify(text)


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
def kafka_sink(where: Brokers) -> Iterator[KafkaSink]:
    """Open the way into the topics, for the length of a command.

    Raises :class:`~pipelines.errors.BrokerError`.
    """
    from pipelines.kafka.log import quiet
    from pipelines.kafka.sink import KafkaSink

    quiet()
    with KafkaSink(where, dead_days=configured().dead_days) as opened:
        yield opened


def needed_brokers(addresses: str | None) -> Brokers:
    """Return the brokers, for a command that can't do without. Raises ``click.UsageError``."""
    where = chosen_brokers(addresses)
    if where is None:
        raise click.UsageError(
            "name the Kafka brokers: --brokers host:port, MARSAD_BROKERS, or brokers in marsad.toml"
        )
    return where


def chosen_watchlist(name: str | None) -> Watchlist | None:
    """Return the watchlist that the option names, else the configured one."""
    return load_watchlist(name or configured().watchlist)


def require_own_keys(target: Store | KafkaSink) -> None:
    """Refuse to write to a store, or to topics, with a keyring that has none of their keys.

    Makes the first key only where nothing was written yet. Raises
    :class:`~pipelines.errors.StoreError`.
    """
    keyring = Keyring()
    if not keyring.check_values():
        target.require_keys(keyring.path, frozenset())
        keyring.use()
    target.require_keys(keyring.path, keyring.check_values())


def protector(watchlist: Watchlist | None, *, keep_authors: bool = False) -> Protector:
    """Return what protects authors, with the user's keys; makes the first key."""
    return Protector(
        Keyring().use(),
        handles=frozenset(map(handle_name, watchlist.handles)) if watchlist else frozenset(),
        country=watchlist.country if watchlist else None,
        keep_authors=keep_authors,
    )

"""``marsad worker``: run one stage, as many times as the work needs."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipelines.commands._shared.context import (
    chosen_watchlist,
    configured,
    needed_brokers,
    open_store,
)
from pipelines.commands._shared.monitoring import monitored
from pipelines.commands._shared.options import brokers_option, store_option, watchlist_option
from pipelines.commands._shared.output import count, notify
from pipelines.commands._shared.scoring import make_scorer
from pipelines.errors import StoreError, StoreFull, StoreMissing
from pipelines.settings import zone
from pipelines.stores.protocols import Store

if TYPE_CHECKING:
    from pipelines.stop import Stop

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def command() -> None:
    """Run one stage of many machines: collect, score or index.

    The stages read and write Kafka topics (marsad topics create); start as many workers of one
    stage as its work needs. A worker ends in good order on SIGTERM and loses nothing when it is
    killed.

    \b
    Example:
      marsad worker score --brokers localhost:9092
    """


def worker_options(function: F) -> F:
    """Add what every worker takes."""
    for option in (
        click.option(
            "--metrics-port",
            type=click.IntRange(0, 65535),
            metavar="N",
            help="Serve Prometheus metrics and probes at this port (0: a free one).",
        ),
        click.option(
            "--instance",
            default="",
            metavar="NAME",
            help="Name of this worker, one of its own for each: restarted soon, it goes on with "
            "its partitions and the others do not notice.",
        ),
        brokers_option,
    ):
        function = option(function)
    return function


@command.command()
@worker_options
def score(brokers: str | None, instance: str, metrics_port: int | None) -> None:
    """Score what was collected: language, sentiment, attitude to what is mentioned.

    \b
    Examples:
      marsad worker score --brokers localhost:9092
      marsad worker score --instance score-1 --metrics-port 9401
    """
    from pipelines import metrics
    from pipelines.kafka.loop import Worker
    from pipelines.kafka.score import ScoreStage

    where = needed_brokers(brokers)
    with _working(metrics_port) as stop:
        scorer = make_scorer()
        metrics.build(scorer.version)
        stage = ScoreStage(where, scorer, instance or uuid.uuid4().hex)
        try:
            notify(f"Scoring with {scorer.version} from {where.addresses}.")
            Worker(where, stage, stop, instance=instance).run()
        finally:
            stage.close()
    notify("Stopped.")


@command.command()
@store_option
@worker_options
def index(store: str | None, brokers: str | None, instance: str, metrics_port: int | None) -> None:
    """Bring what was scored, deleted and counted into the store.

    \b
    Examples:
      marsad worker index --brokers localhost:9092 --store http://localhost:9200/marsad
      marsad worker index --instance index-1 --metrics-port 9402
    """
    from pipelines import metrics
    from pipelines.kafka import store_identity
    from pipelines.kafka.index import IndexStage
    from pipelines.kafka.loop import Worker

    where = needed_brokers(brokers)
    with _working(metrics_port) as stop:
        metrics.build()
        store_identity.before_new(where, IndexStage.name, lambda: _is_there(store))
        opened = _with_room(store, stop)
        try:
            opened.retry_until(stop)
            # Another zone than the store's is told now: an error amid the work is waited out.
            stage = IndexStage(where, opened, zone(opened.timezone()))
            try:
                notify(f"Indexing from {where.addresses}.")
                Worker(where, stage, stop, instance=instance).run()
            finally:
                stage.close()
        finally:
            opened.close()
    notify("Stopped.")


def _is_there(address: str | None) -> bool:
    """Tell whether there is a store; what else is wrong with it, opening it for writing tells."""
    try:
        open_store(address).close()
    except StoreMissing:
        return False
    except StoreError:
        pass
    return True


def _with_room(address: str | None, stop: Stop) -> Store:
    """Open the store; one without room is retried, as it is in the midst of work."""
    from pipelines import metrics
    from pipelines.kafka.connection import AWAY
    from pipelines.retry import call

    # Only a new store takes its days from it, and only where no setting does.
    case = None if configured().timezone else chosen_watchlist(None)
    return call(
        lambda: open_store(address, readonly=False, case=case),
        AWAY,
        StoreFull,
        stop=stop,
        heartbeat=metrics.turn,
    )


@command.command()
@watchlist_option
@worker_options
def collect(
    watchlist: str | None, brokers: str | None, instance: str, metrics_port: int | None
) -> None:
    """Read the [[sources]] of marsad.toml, each in one collector at a time.

    Start several with the same marsad.toml: they share the sources, and when one ends or dies,
    the others go on where it was.

    \b
    Examples:
      marsad worker collect --brokers localhost:9092 --watchlist morocco-2016
      marsad worker collect --instance collect-1 --metrics-port 9400
    """
    from pipelines.commands._shared.collecting import Reading
    from pipelines.commands.ingest_live import configured_sources
    from pipelines.kafka.leases import Leases
    from pipelines.kafka.leases import collect as share

    where = needed_brokers(brokers)
    reading = Reading(configured_sources(configured()), chosen_watchlist(watchlist), where)
    with _working(metrics_port) as stop:
        leases = Leases(where, reading.count, instance=instance)
        try:
            notify(f"Sharing {count(reading.count, 'source')} with the other collectors.")
            share(leases, reading.some, stop)
        finally:
            leases.close()
    notify("Stopped.")


@contextmanager
def _working(metrics_port: int | None) -> Iterator[Any]:
    """Set up what a process needs that runs for long: log, metrics, an end in good order."""
    from pipelines.kafka.log import quiet
    from pipelines.stop import Stop

    quiet()
    with monitored(metrics_port), Stop().on_signals() as stop:
        yield stop

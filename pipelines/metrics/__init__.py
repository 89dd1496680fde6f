"""What this process tells a monitoring system about itself: counts and times, never contents.

Everything here may be called from any thread, at any time, whether or not :func:`serve` was
called; it costs microseconds a batch. Names and meanings: ``docs/metrics.md``. Importing this
loads nothing; the first call loads prometheus-client.

A worker's loop calls::

    metrics.serve(port, address)                   # once, at start
    metrics.begin("score")                         # its series are there before they count
    metrics.build(scorer.version)                  # once the model is known
    metrics.ready("assigned", True)                # the group gave partitions (or none)
    metrics.ready("store", True)                   # the server answered
    while …:
        metrics.turn()                             # every turn, with or without records
        with metrics.batch("score"):               # only around a batch that holds something
            …
        metrics.records("score", "passed", 512)    # after the batch has its outcome downstream
        metrics.dead("score", "too-large")         # counts the record's outcome, too
        metrics.lag("score", {("marsad.posts", 0): 17})

and a live source ``source_up``, ``source_heartbeat``, ``source_posts``, ``source_gap`` and
``source_silent``, named as the operator named it in ``marsad.toml``: a channel or an account
must not stand in a label.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, get_args

from pipelines.metrics.health import Health
from pipelines.metrics.labels import OTHER, Outcome, Stage

if TYPE_CHECKING:
    from pipelines.metrics.exporter import Exporter
    from pipelines.metrics.instruments import Instruments

__all__ = [
    "OTHER",
    "Outcome",
    "Stage",
    "batch",
    "begin",
    "build",
    "dead",
    "lag",
    "paused",
    "pending",
    "ready",
    "records",
    "serve",
    "source_gap",
    "source_heartbeat",
    "source_posts",
    "source_silent",
    "source_up",
    "store_retry",
    "turn",
]

_health = Health()
_lags: dict[str, set[tuple[str, int]]] = {}
_lock = Lock()


def serve(port: int, address: str = "127.0.0.1") -> Exporter:
    """Serve ``/metrics``, ``/healthz`` and ``/readyz``; port 0 takes a free one (``.port``).

    Raises :class:`~pipelines.errors.SettingsError` if the port is taken.
    """
    from pipelines.metrics.exporter import Exporter

    return Exporter(port, address, _made().registry, _health)


def turn() -> None:
    """Note that the main loop turned: this process is alive."""
    _health.turn()


def ready(condition: str, met: bool) -> None:
    """Note whether something that the work needs is there; ready is who has all it named."""
    _health.condition(condition, met)


def begin(stage: Stage) -> None:
    """Make the series of a stage, at zero: the first record that counts is then an increase."""
    made = _made()
    for outcome in get_args(Outcome):
        made.records.labels(stage, outcome)
    made.batch.labels(stage)
    made.paused.labels(stage).set(False)


def build(model: str = "") -> None:
    """Tell the versions of Marsad and of the model in use."""
    _made().build.info({"version": version("marsad"), "model": model})


def records(stage: Stage, outcome: Outcome, number: int = 1) -> None:
    """Count posts and deletions that had their outcome (for dead ones see :func:`dead`)."""
    if number:
        _made().records.labels(stage, outcome).inc(number)


def dead(stage: Stage, reason: str, number: int = 1) -> None:
    """Count records that became dead letters, by reason and as the outcome ``dead``."""
    made = _made()
    made.dead_letters.labels(stage, made.reasons(reason)).inc(number)
    made.records.labels(stage, "dead").inc(number)


@contextmanager
def batch(stage: Stage) -> Iterator[None]:
    """Time a batch; one that ended in an error is not counted."""
    start = time.perf_counter()
    yield
    made = _made()
    made.batch.labels(stage).observe(time.perf_counter() - start)
    made.last_batch.labels(stage).set_to_current_time()


def lag(stage: Stage, partitions: Mapping[tuple[str, int], int]) -> None:
    """Tell how many records wait in each partition (topic, number) that this worker has now.

    A partition that is not named any more is taken off: another worker tells of it.
    """
    gauge = _made().lag
    with _lock:
        for topic, partition in _lags.get(stage, set()) - partitions.keys():
            gauge.remove(stage, topic, str(partition))
        _lags[stage] = set(partitions)
    for (topic, partition), number in partitions.items():
        gauge.labels(stage, topic, str(partition)).set(number)


def paused(stage: Stage, is_paused: bool) -> None:
    """Tell whether a stage takes nothing more for a while, because what follows is slow."""
    _made().paused.labels(stage).set(is_paused)


def pending(posts: int) -> None:
    """Tell how many posts wait in the store to be scored."""
    _made().pending.set(posts)


def store_retry(cause: str) -> None:
    """Count a request to the store that is made again: ``429``, ``timeout``, ``connection``."""
    made = _made()
    made.store_retries.labels(made.causes(cause)).inc()


def source_up(source: str, up: bool) -> None:
    """Tell whether a source is connected, or its last fetch succeeded."""
    made = _made()
    made.source_up.labels(made.sources(source)).set(up)


def source_heartbeat(source: str, at: datetime) -> None:
    """Tell when a source was last known to be listening."""
    made = _made()
    made.source_heartbeat.labels(made.sources(source)).set(at.timestamp())


def source_posts(source: str, number: int) -> None:
    """Count posts that a source gave, before the watchlist (0 makes the series known)."""
    made = _made()
    made.source_posts.labels(made.sources(source)).inc(number)


def source_gap(source: str, cause: str) -> None:
    """Count an interruption; ``cause`` is a short code such as ``rate-limit``."""
    made = _made()
    made.source_gaps.labels(made.sources(source), made.causes(cause)).inc()


def source_silent(source: str, silent: bool) -> None:
    """Tell whether a source gives nothing although it usually would by then."""
    made = _made()
    made.source_silent.labels(made.sources(source)).set(silent)


@cache
def _made() -> Instruments:
    # Loaded late: commands that end within a second need none of it.
    from pipelines.metrics.instruments import Instruments

    return Instruments()

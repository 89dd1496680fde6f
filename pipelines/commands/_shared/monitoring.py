"""What commands that run for long share: metrics and probes, while they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipelines import metrics
from pipelines.commands._shared.context import configured
from pipelines.commands._shared.output import notify
from pipelines.stores.protocols import Store

#: Seconds between two looks at how much waits in the store.
_LOOK = 10.0


@contextmanager
def monitored(port: int | None = None) -> Iterator[None]:
    """Serve metrics and probes inside the block, at ``port`` (0: a free one) or as configured.

    Raises :class:`~pipelines.errors.SettingsError` if the port is taken.
    """
    settings = configured()
    if port is None and not settings.metrics_port:
        yield
        return
    metrics.build()
    chosen = settings.metrics_port if port is None else port
    exporter = metrics.serve(chosen, settings.metrics_address)
    notify(f"Metrics: http://{exporter.address}:{exporter.port}/metrics")
    try:
        yield
    finally:
        exporter.close()


def instrumented(store: Store, drain: Callable[[], int]) -> Callable[[], int]:
    """Return ``drain``, which scores and indexes some posts of the store, with its metrics."""
    looked = 0.0

    def drained() -> int:
        nonlocal looked
        done = drain()
        metrics.records("score", "passed", done)
        metrics.records("index", "indexed", done)
        if not done:
            metrics.pending(0)
        elif time.monotonic() - looked >= _LOOK:
            metrics.pending(store.ledger().pending)
            looked = time.monotonic()
        return done

    return drained

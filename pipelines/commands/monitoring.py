"""What commands that run for long share: metrics and probes, while they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines import metrics
from pipelines.commands.common import configured, say


@contextmanager
def monitored() -> Iterator[None]:
    """Serve metrics and probes inside the block, if ``metrics_port`` is set.

    Raises :class:`~pipelines.errors.SettingsError` if the port is taken.
    """
    settings = configured()
    if not settings.metrics_port:
        yield
        return
    metrics.build(settings.model)
    exporter = metrics.serve(settings.metrics_port, settings.metrics_address)
    say(f"Metrics at http://{settings.metrics_address}:{exporter.port}/metrics")
    try:
        yield
    finally:
        exporter.close()

"""All metrics, by name: the only place where one is made.

They follow the conventions of Prometheus (https://prometheus.io/docs/practices/naming/): base
units, ``_total`` for what only grows, ``_timestamp_seconds`` for moments. ``docs/metrics.md``
lists them; a test compares.
"""

from __future__ import annotations

import prometheus_client as prometheus

from pipelines.metrics import labels

#: Seconds; a batch takes milliseconds without a model, seconds with one, minutes while a server
#: is waited for.
_BATCH = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Instruments:
    """One registry with everything in it."""

    def __init__(self) -> None:
        # A second series for each, which nothing reads.
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=registry)
        self.sources = labels.sources()
        self.reasons = labels.codes()
        self.causes = labels.codes()
        self.build = prometheus.Info(
            "marsad_build", "Version of Marsad and of the model in use.", registry=registry
        )
        self.records = prometheus.Counter(
            "marsad_records",
            "Posts and deletions that had their outcome in a stage.",
            ["stage", "outcome"],
            registry=registry,
        )
        self.dead_letters = prometheus.Counter(
            "marsad_dead_letters",
            "Dead letters, by reason (docs/dead-letters.md).",
            ["stage", "reason"],
            registry=registry,
        )
        self.batch = prometheus.Histogram(
            "marsad_batch_seconds",
            "Time from taking a batch to its outcome being durable.",
            ["stage"],
            buckets=_BATCH,
            registry=registry,
        )
        self.last_batch = prometheus.Gauge(
            "marsad_last_batch_timestamp_seconds",
            "When a batch last had its outcome.",
            ["stage"],
            registry=registry,
        )
        self.lag = prometheus.Gauge(
            "marsad_consumer_lag_records",
            "Records in a partition that this worker has not yet committed.",
            ["stage", "topic", "partition"],
            registry=registry,
        )
        self.paused = prometheus.Gauge(
            "marsad_worker_paused",
            "1 while a stage takes nothing more because what follows it is slow.",
            ["stage"],
            registry=registry,
        )
        self.pending = prometheus.Gauge(
            "marsad_pending_posts",
            "Posts that are durable in the store but not yet scored.",
            registry=registry,
        )
        self.store_retries = prometheus.Counter(
            "marsad_store_retries",
            "Requests to the store that were refused or not answered, and repeated.",
            ["cause"],
            registry=registry,
        )
        self.source_up = prometheus.Gauge(
            "marsad_source_up",
            "1 while a source is connected or its last fetch succeeded.",
            ["source"],
            registry=registry,
        )
        self.source_heartbeat = prometheus.Gauge(
            "marsad_source_last_heartbeat_timestamp_seconds",
            "When a source was last known to be listening.",
            ["source"],
            registry=registry,
        )
        self.source_posts = prometheus.Counter(
            "marsad_source_posts",
            "Posts that a source gave, before the watchlist.",
            ["source"],
            registry=registry,
        )
        self.source_gaps = prometheus.Counter(
            "marsad_source_gaps",
            "Interruptions of a source in which posts may have been missed.",
            ["source", "cause"],
            registry=registry,
        )
        self.source_silent = prometheus.Gauge(
            "marsad_source_silent",
            "1 while a source gives nothing although it usually would by then.",
            ["source"],
            registry=registry,
        )

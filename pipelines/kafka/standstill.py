"""Partitions on which records wait and none come: somebody's transaction was never ended.

Readers of committed records wait for the end of every transaction that began before them. Brokers
end a transaction whose producer died; a broker that was killed just then may come back and never
do so. No request fails then, so a worker would wait for ever without saying why.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from kafka import TopicPartition

from pipelines.kafka.connection import TRANSACTION

log = logging.getLogger(__name__)

#: Seconds after which that can't be a transaction that is still to end, and between two warnings.
SECONDS = 60.0


class Standstill:
    """Remembers since when partitions stand still. For one worker."""

    def __init__(self) -> None:
        self._since: dict[TopicPartition, tuple[int, float]] = {}

    def look(self, waiting: Mapping[TopicPartition, tuple[int, int]], now: float) -> None:
        """Tell of partitions that stand still.

        ``waiting`` are those on which records wait although a poll brought none: the offset
        that is read next, and how many wait.
        """
        before, self._since = self._since, {}
        for partition, (offset, records) in waiting.items():
            known, since = before.get(partition, (offset, now))
            if known != offset:
                since = now
            if now - since >= SECONDS:
                log.warning(
                    "%s/%d: %d records wait behind offset %d, where a transaction is open for "
                    "longer than it may be. Brokers end one after %d s: if this stays so, restart "
                    "the broker that leads this partition (kafka-transactions.sh find-hanging "
                    "shows such transactions). Nothing is lost meanwhile.",
                    *partition,
                    records,
                    offset,
                    TRANSACTION // 1000,
                )
                since = now
            self._since[partition] = offset, since

"""Who reads which source: each in exactly one collector at a time.

The collectors are a group on a topic without messages; a source belongs to who has its
partition. The group decides that within seconds, also when a collector dies. What makes it safe
is not this but :mod:`pipelines.kafka.sink`, where a process that opens an input fences
the one that read it before: a collector that was away and does not know of its loss
can write nothing any more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import kafka.errors as kafka_errors
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from pipelines import metrics
from pipelines.errors import BrokerAway, BrokerError, StoreBusy
from pipelines.kafka import topics
from pipelines.kafka.connection import Brokers, explain
from pipelines.stop import Stop

log = logging.getLogger(__name__)

#: Milliseconds of one turn of the thread that keeps the leases.
_TURN = 500
#: Seconds to wait before an input is opened again that another collector read on.
_BUSY = 5.0


class Leases:
    """This collector's share of so many sources. A thread keeps it; :meth:`close` gives it up.

    Raises :class:`~pipelines.errors.BrokerError`.
    """

    def __init__(self, where: Brokers, sources: int, *, instance: str = "") -> None:
        topics.require(where, topics.LEASES)
        self._where = where
        self._sources = sources
        self._lock = threading.Condition()
        self._mine: frozenset[int] | None = None
        self._failure: BrokerError | None = None
        self._watchers: set[Stop] = set()
        self._closing = Stop()
        # Sources one after the other to collectors one after the other: an even share.
        self._consumer = where.consumer(
            "collect", instance=instance, assignor=RoundRobinPartitionAssignor
        )
        self._consumer.subscribe(topics=[where.topic(topics.LEASES)])
        self._thread = threading.Thread(target=self._keep, name="leases", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the group: others take over at once."""
        self._closing.set()
        self._thread.join(timeout=10)
        self._consumer.close(timeout_ms=5_000)

    def mine(self, end: Stop) -> frozenset[int]:
        """Return the numbers of the sources to read; sets ``end`` when that changes.

        Waits for the group's decision, until ``end`` is set: then none. Raises
        :class:`~pipelines.errors.BrokerError` if there can be none.
        """
        with self._lock:
            self._watchers.add(end)
            while self._mine is None and not end.is_set() and self._failure is None:
                self._lock.wait(0.2)
            if self._failure is not None:
                raise self._failure
            return self._mine or frozenset()

    def _keep(self) -> None:
        while not self._closing.is_set():
            metrics.turn()
            try:
                self._consumer.poll(timeout_ms=_TURN)
                mine = self._share()
            except kafka_errors.KafkaError as error:
                told = explain(self._where, error)
                if not isinstance(told, BrokerAway):
                    self._decide(None, told)
                    return
                self._closing.wait(1)
                continue
            except Exception as error:
                # Whatever it is: the group gives the sources to others, so they are read no more.
                log.exception("the collector's place in its group is lost")
                self._decide(None, _lost(error))
                return
            self._decide(mine)

    def _share(self) -> frozenset[int] | None:
        numbers = {tp.partition for tp in self._consumer.assignment()}
        if not self._stable(numbers):
            return None
        width = self._width()
        return frozenset(n for n in range(self._sources) if n % width in numbers)

    def _width(self) -> int:
        partitions = self._consumer.partitions_for_topic(self._where.topic(topics.LEASES))
        return len(partitions or {0})

    def _stable(self, numbers: set[int]) -> bool:
        return bool(numbers) or self._consumer.group_metadata().generation_id >= 0

    def _decide(self, mine: frozenset[int] | None, failure: BrokerError | None = None) -> None:
        with self._lock:
            if mine == self._mine and failure is None:
                return
            self._mine, self._failure = mine, failure
            metrics.ready("assigned", mine is not None)
            for end in self._watchers:
                end.set()
            self._watchers.clear()
            self._lock.notify_all()


def _lost(error: Exception) -> BrokerError:
    return BrokerError(
        f"The collector lost its place among the others ({type(error).__name__}; see the log): "
        "start it again. It goes on where it stopped."
    )


def collect(
    leases: Leases,
    read: Callable[[frozenset[int], Stop], None],
    stop: Stop,
) -> None:
    """Read the sources that are this collector's, until ``stop`` is set.

    ``read`` gets their numbers and an event at which it has to end soon. Raises
    :class:`~pipelines.errors.MarsadError`.
    """
    while not stop.is_set():
        end = Stop(stop)
        mine = leases.mine(end)
        if mine and not end.is_set():
            log.info("reading %d sources", len(mine))
            try:
                read(mine, end)
            except StoreBusy as error:
                # Until the group has told everybody, two may believe that a source is theirs.
                log.warning("%s", error)
                end.wait(_BUSY)
                continue
        end.wait()

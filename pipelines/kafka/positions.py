"""How far each input has been read: the newest record of its key on a compacted topic."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import kafka.errors as kafka_errors
from kafka import TopicPartition
from kafka.admin import OffsetSpec

from pipelines.errors import BrokerAway
from pipelines.kafka.connection import ELECTION, TRANSACTION, Brokers, with_retry
from pipelines.kafka.messages import NEWER, BadMessage, PositionMessage, Reader, newer
from pipelines.kafka.topics import POSITIONS

log = logging.getLogger(__name__)

#: Seconds to wait for a transaction whose collector died: brokers end it after less.
_PATIENCE = 60.0
#: The position that holds, as its cursor, the check values of the keys that posts were written
#: with: see :mod:`pipelines.stores.keys`. It is of no input.
KEYS = "marsad:keys"
_READ = Reader(PositionMessage)


class Positions:
    """The positions of all inputs, read as far as the topic goes whenever they are asked for."""

    def __init__(self, where: Brokers) -> None:
        """Connect. Raises :class:`~pipelines.errors.BrokerError`."""
        self._where = where
        self._known: dict[str, PositionMessage] = {}
        self._admin = where.admin()
        try:
            self._consumer = where.consumer()
        except BaseException:
            self._admin.close()
            raise
        self._partitions: list[TopicPartition] = []

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()
        self._admin.close()

    def all(self) -> dict[str, PositionMessage]:
        """Return the positions of all inputs by their keys.

        Everything that was committed before this call is among them: where an earlier record
        belongs to a transaction that is still open, this waits for its end. Raises
        :class:`~pipelines.errors.BrokerError`.
        """
        with_retry(self._where, self._read_on, ELECTION)
        return self._known

    def _read_on(self) -> None:
        self._assign()
        # What others read as committed may end before our own record: the end of the log itself
        # is what has to be reached.
        ends = self._ends()
        goals = {tp: found.offset for tp, found in ends.items()}
        deadline = time.monotonic() + _PATIENCE
        while any(self._consumer.position(tp) < goal for tp, goal in goals.items()):
            if time.monotonic() > deadline:
                raise BrokerAway(
                    f"The positions at {self._where.addresses} can't be read to their end: "
                    "a transaction is open for longer than it may be. Brokers end one after "
                    f"{TRANSACTION // 1000} s: if this stays so, restart the broker that leads "
                    "the topic (kafka-transactions.sh find-hanging shows such transactions)."
                )
            for records in self._consumer.poll(timeout_ms=200, max_records=5000).values():
                for record in records:
                    self._note(record)

    def _note(self, record: Any) -> None:
        """Take in one record; an empty one forgets its key.

        One that nobody can read says of no input that it was read further. Raises
        :class:`~pipelines.errors.BrokerError` at one of a later Marsad, each time again.
        """
        if record.value is None:
            self._known.pop((record.key or b"").decode(errors="replace"), None)
            return
        try:
            message = _READ(record)
        except BadMessage as bad:
            if bad.reason == NEWER:
                self._partitions = []  # the next look begins anew
                raise newer(record) from bad
            log.warning(
                "%s/%d, offset %d is passed over: %s (%s)",
                record.topic,
                record.partition,
                record.offset,
                bad.reason,
                bad.detail,
            )
            return
        self._known[message.position.key] = message

    def _ends(self) -> Mapping[TopicPartition, Any]:
        latest = dict.fromkeys(self._partitions, OffsetSpec.LATEST)
        try:
            found: Mapping[TopicPartition, Any] = self._admin.list_partition_offsets(latest)
        except kafka_errors.KafkaError:
            # It would go on asking a leader that died: a new one asks who leads now.
            self._admin.close()
            self._admin = self._where.admin()
            raise
        return found

    def _assign(self) -> None:
        if self._partitions:
            return
        topic = self._where.topic(POSITIONS)
        numbers = self._consumer.partitions_for_topic(topic) or {0}
        self._partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        self._consumer.assign(self._partitions)
        self._consumer.seek_to_beginning(*self._partitions)

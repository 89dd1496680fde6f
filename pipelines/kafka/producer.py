"""A producer that waits for nothing without limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kafka.errors as kafka_errors
from kafka import KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

#: Seconds to wait for brokers to take what was sent, or to end a transaction.
PATIENCE = 60.0


class Producer(KafkaProducer):  # type: ignore[misc]  # the library has no types
    """The library's producer, whose transactions end in time.

    The library (3.0.12) asks brokers that are lost for good for ever how a transaction ended.
    After ``KafkaTimeoutError`` its outcome is not known here: give the producer up. Whoever opens
    the next one under the same id ends what this one left open, and finds on the topics whether
    it counts.
    """

    def flush(self, timeout: float | None = PATIENCE) -> None:
        """Wait until brokers have taken what was sent. Raises ``KafkaError``."""
        super().flush(timeout=timeout)

    def send_offsets_to_transaction(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata], group_metadata: Any
    ) -> None:
        """Make offsets a part of the transaction. Raises ``KafkaError``."""
        self._await(self._transaction_manager.send_offsets_to_transaction(offsets, group_metadata))

    def commit_transaction(self) -> None:
        """Send what is left, and end the transaction, so that it counts. Raises ``KafkaError``."""
        self.flush()
        self._await(self._transaction_manager.begin_commit())

    def give_up(self) -> None:
        """Close at once; what was not sent is void."""
        try:
            self.close(timeout=1)
        except kafka_errors.KafkaError:
            # It waits for brokers that are away, and its thread would do so for ever.
            self._sender.force_close()

    def _await(self, result: Any) -> None:
        self._sender.wakeup()
        if not result.wait(timeout_ms=PATIENCE * 1000):
            raise kafka_errors.KafkaTimeoutError(
                f"the brokers did not say within {PATIENCE:.0f} s how a transaction ended"
            )

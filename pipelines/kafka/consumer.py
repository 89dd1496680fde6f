"""A consumer that comes back into its group."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer


class Consumer(KafkaConsumer):  # type: ignore[misc]  # the library has no types
    """The library's consumer, which ends what it began.

    A member that leads its group joins again when topics changed. If that takes longer than one
    poll, the library (3.0.12) has forgotten in the next one that it wanted to: nobody waits for
    the answer, no heartbeat is sent any more, and polls turn without a pause and bring nothing.
    """

    def poll(
        self, timeout_ms: float = 0, max_records: int | None = None, update_offsets: bool = True
    ) -> dict[Any, Any]:
        """Return records by partition, after so many milliseconds at most.

        Raises ``KafkaError``.
        """
        if self._coordinator.rejoining:
            self._coordinator.request_rejoin()
        found: dict[Any, Any] = super().poll(timeout_ms, max_records, update_offsets)
        return found

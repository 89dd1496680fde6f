"""A consumer that comes back into its group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import kafka.errors as kafka_errors
from kafka import KafkaConsumer


class Consumer(KafkaConsumer):  # type: ignore[misc]  # the library has no types
    """The library's consumer, which ends what it began.

    To join a group may take longer than one poll, and the library (3.0.12) goes on with that in
    the next one, but for two cases. A member that leads its group and joins again because topics
    changed has forgotten that it wanted to: nobody waits for the answer, no heartbeat is sent any
    more, and polls turn without a pause and bring nothing. And an answer that comes between two
    polls is thrown away and the group asked again, so that all others have to join again as well:
    while a worker does something else between its polls, that may go on for minutes. An earlier
    kind of it: https://github.com/dpkp/kafka-python/issues/1547.
    """

    def poll(
        self, timeout_ms: float = 0, max_records: int | None = None, update_offsets: bool = True
    ) -> dict[Any, Any]:
        """Return records by partition, after so many milliseconds at most.

        Raises ``KafkaError``.
        """
        coordinator = self._coordinator
        if coordinator.rejoining:
            coordinator.request_rejoin()
            if coordinator._join_task is not None:
                coordinator._join_task = _Unheard.of(coordinator._join_task)
        found: dict[Any, Any] = super().poll(timeout_ms, max_records, update_offsets)
        return found


class _Unheard:
    """A group's answer, there or not, that is still to be listened to."""

    is_done = False

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.add_callback: Callable[..., Any] = answer.add_callback
        self.add_errback: Callable[..., Any] = answer.add_errback

    @staticmethod
    def of(task: Any) -> Any:
        answer = task.answer if isinstance(task, _Unheard) else task
        # The library takes this error for its own, of having waited long enough.
        late = isinstance(answer.exception, kafka_errors.KafkaTimeoutError)
        return answer if late else _Unheard(answer)

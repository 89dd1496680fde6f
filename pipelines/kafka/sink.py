"""Where collectors write: what a batch produced and how far it got, in one transaction.

The transaction's id belongs to the input, so a process that opens an input anew fences the process
that read it before: two can't read one input at the same time, and the cursor on the topic is
never ahead of the posts it covers, nor behind them.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

from ingest.records import RAW_LIMIT, Counter, Gap, Heartbeat
from pipelines.daily import Daily
from pipelines.dead_letters.owner import DeadLetterOwner
from pipelines.dead_letters.queue import DAYS
from pipelines.errors import BrokerAway, StoreBusy
from pipelines.kafka import messages, topics
from pipelines.kafka.connection import AWAY, MESSAGE_LIMIT, Brokers, explained
from pipelines.kafka.messages import HEADERS, DeadRecord, LedgerMessage, PositionMessage
from pipelines.kafka.positions import KEYS, Positions
from pipelines.kafka.producer import Producer
from pipelines.records import Batch, DeadLetter, Ledger, Position
from pipelines.retry import call
from pipelines.stages import utc_now
from pipelines.stop import Stop
from pipelines.stores.keys import keys_to_write

T = TypeVar("T")


class KafkaSink(DeadLetterOwner, AbstractContextManager["KafkaSink"]):
    """Takes what was collected to the topics; fulfils :class:`~pipelines.stores.protocols.Sink`.

    What could not be used stays raw on this machine, in a file that its owner alone may read;
    its count and reason travel. While brokers are away, calls are retried for ``seconds``, until
    ``stop`` is set at most. All methods raise :class:`~pipelines.errors.BrokerError`.
    """

    def __init__(
        self,
        where: Brokers,
        *,
        dead_days: float = DAYS,
        seconds: float = 600.0,
        stop: Stop | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        topics.require(
            where,
            topics.POSITIONS,
            write=(topics.POSTS, topics.TOMBSTONES, topics.LEDGER, topics.POSITIONS),
        )
        self._where = where
        self._dead_days = dead_days
        self._seconds = seconds
        self._stop = stop
        self._sleep = sleep
        self._positions = Positions(where)
        self._producers: dict[str, Producer] = {}
        self.dead_path = dead_path(where)
        self._expire = Daily(self._remove_expired)
        self._expire()

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; inputs can be opened by others without a wait."""
        for key in list(self._producers):
            self.release(key)
        self._positions.close()

    def release(self, key: str) -> None:
        """Close what one input needs."""
        producer = self._producers.pop(key, None)
        if producer is not None:
            producer.give_up()

    def position(self, key: str) -> Position | None:
        """Return how far an input has been read, and shut out who read it before.

        One that was read to its end is opened no more: there is nothing to write.
        """
        found = self._retry(lambda: self._found(key))
        return found.position if found else None

    def accept(self, batch: Batch) -> Ledger:
        """Make a batch durable with its position, in one transaction.

        Returns its outcomes as far as they are known here: posts are pending. Raises
        :class:`~pipelines.errors.StoreBusy` if another process has read the input on.
        """
        batch = _without_oversized(batch)
        # Before the moment from which they count: keeping them twice is keeping them once.
        self._keep(batch.dead)
        self._forget(batch.tombstones)
        token = uuid.uuid4().hex
        self._retry(lambda: self._write(batch, token))
        self._remove_letters(batch.retried)
        if batch.position.done:
            self.release(batch.position.key)
        self._expire()
        return _outcomes(batch)

    def require_keys(self, keyring: Path, own: frozenset[str]) -> None:
        """Refuse a keyring that has none of the keys the topics were written with.

        See :meth:`pipelines.stores.protocols.Administration.require_keys`.
        """
        place = f"What is on the topics of {self._where.addresses}"
        instead = "use other topics (kafka.prefix)"
        while True:
            found = self.position(KEYS)
            before = found.cursor if found else ""
            values = keys_to_write(place, keyring, frozenset(before.split()), own, instead=instead)
            if values is None:
                return
            position = Position(key=KEYS, name="keys", cursor=" ".join(sorted(values)), done=True)
            with suppress(StoreBusy):  # somebody else wrote theirs: look again
                self.accept(Batch(position=position, previous_cursor=before))
                return

    def housekeeping(self) -> None:
        """Remove what has expired; see :meth:`pipelines.stores.protocols.Sink.housekeeping`."""
        self._expire()

    def _found(self, key: str) -> PositionMessage | None:
        found = self._positions.all().get(key)
        finished = found is not None and found.position.done
        return found if key in self._producers or finished else self._open(key)

    def _open(self, key: str) -> PositionMessage | None:
        # One that was made while a broker died asks that one for ever: each try makes its own.
        producer = self._where.producer(self._where.topic(f"collect-{key}"))
        try:
            with explained(self._where):
                producer.init_transactions()
            found = self._positions.all().get(key)
        except BaseException:
            producer.give_up()
            raise
        self._producers[key] = producer
        return found

    def _retry(self, ask: Callable[[], T]) -> T:
        return call(
            ask, AWAY, BrokerAway, seconds=self._seconds, stop=self._stop, sleep=self._sleep
        )

    def _write(self, batch: Batch, token: str) -> None:
        """Bring a batch to the topics, unless an earlier try did."""
        if self._taken(batch, token):
            return
        try:
            with explained(self._where):
                self._produce(batch, token)
        except BaseException:
            # Whether it was taken is unknown, and the library's producer stays failed: opening
            # the input anew ends what is open.
            self.release(batch.position.key)
            raise

    def _taken(self, batch: Batch, token: str) -> bool:
        """Return whether the topics have the batch; opens its input where that is needed."""
        key = batch.position.key
        if key not in self._producers:
            found = self._open(key)
            if found and found.token == token:
                return True
            if (found.position.cursor if found else "") != batch.previous_cursor:
                self.release(key)
                raise StoreBusy(
                    f"Another process has read {batch.position.name} further in the meantime: "
                    "wait until it has ended, then repeat the command."
                )
        return False

    def _produce(self, batch: Batch, token: str) -> None:
        producer, topic = self._producers[batch.position.key], self._where.topic

        def send(name: str, key: str, message: msgspec.Struct | None) -> None:
            value = None if message is None else messages.encode(message)
            producer.send(topic(name), value=value, key=key.encode(), headers=HEADERS)

        producer.begin_transaction()
        for post in batch.posts:
            send(topics.POSTS, post.post.id, messages.post_message(post))
        for deletion in batch.tombstones:
            tombstone = deletion.tombstone
            named = messages.tombstone_key(deletion).decode()
            send(topics.TOMBSTONES, named, messages.tombstone_message(deletion))
            for name in (tombstone.id, *deletion.aliases) if tombstone.id else ():
                send(topics.POSTS, name, None)
        if (counted := _ledger_message(batch)) != LedgerMessage():
            send(topics.LEDGER, batch.position.key, counted)
        send(topics.POSITIONS, batch.position.key, PositionMessage(batch.position, token))
        producer.commit_transaction()


def dead_path(where: Brokers) -> Path:
    """Return the file for dead letters on this machine.

    It goes by the prefix alone: a deletion finds it by whatever addresses the brokers have.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", where.prefix.lower()).strip("-")
    digest = hashlib.blake2b(where.prefix.encode(), digest_size=4).hexdigest()
    return platformdirs.user_data_path("marsad") / "stores" / f"kafka-{slug}-{digest}.dead"


def _without_oversized(batch: Batch) -> Batch:
    """Return a batch whose posts are small enough to travel; others become dead letters."""
    oversized = [
        (post, body)
        for post in batch.posts
        if len(body := messages.encode(messages.post_message(post))) > MESSAGE_LIMIT
    ]
    if not oversized:
        return batch
    dead_letters = [
        DeadLetter(
            origin=f"collect:{post.post.id}",
            line=0,
            reason=messages.TOO_LARGE,
            detail=f"{len(body):,} bytes; at most {MESSAGE_LIMIT:,} travel",
            raw=body[:RAW_LIMIT],
            truncated=True,
            at=utc_now(),
        )
        for post, body in oversized
    ]
    left_out = {id(post) for post, _ in oversized}
    return msgspec.structs.replace(
        batch,
        posts=[post for post in batch.posts if id(post) not in left_out],
        dead=[*batch.dead, *dead_letters],
    )


def _ledger_message(batch: Batch) -> LedgerMessage:
    def places(dead_letters: Sequence[DeadLetter]) -> tuple[DeadRecord, ...]:
        return tuple(
            DeadRecord(dead_letter.origin, dead_letter.line, dead_letter.reason)
            for dead_letter in dead_letters
        )

    return LedgerMessage(
        filtered=batch.filtered,
        dead=places(batch.dead),
        retried=places(batch.retried),
        gaps=tuple(n for n in batch.notices if isinstance(n, Gap)),
        heartbeats=tuple(n for n in batch.notices if isinstance(n, Heartbeat)),
        counters=tuple(n for n in batch.notices if isinstance(n, Counter)),
    )


def _outcomes(batch: Batch) -> Ledger:
    posts, deleted, dead = len(batch.posts), len(batch.tombstones), len(batch.dead)
    return Ledger(
        received=posts + deleted + dead + batch.filtered,
        pending=posts,
        deleted=deleted,
        filtered=batch.filtered,
        dead=dead,
    )

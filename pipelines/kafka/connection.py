"""Connections to the brokers: settings become clients, failures become sentences."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from kafka import KafkaAdminClient
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from pipelines.errors import BrokerAway, BrokerError, SettingsError
from pipelines.kafka import failures
from pipelines.kafka.consumer import Consumer
from pipelines.kafka.producer import Producer
from pipelines.retry import RetryPolicy, call
from pipelines.settings import KafkaSettings

T = TypeVar("T")
log = logging.getLogger(__name__)

#: The largest message that is produced, in bytes; a larger post becomes a dead letter instead.
#: Topics take twice as much, so that somebody else's can become a dead letter as well.
MESSAGE_LIMIT = 4_000_000
_REQUEST_LIMIT = 2 * MESSAGE_LIMIT

#: Milliseconds until a broker must have answered for the first time.
START = 15_000
#: Seconds without an answer after which a warning is logged.
_SOON = 2.0
#: When that was last done, by addresses (seconds of the monotonic clock).
_warned: dict[str, float] = {}
#: Seconds until the brokers have agreed who leads in place of one that died.
ELECTION = 60.0
#: Seconds between two tries while brokers, or what lies behind them, are away.
AWAY = RetryPolicy(1.0, 30.0)
_ASK_AGAIN = RetryPolicy(1.0, 1.0)
#: Milliseconds after which brokers end a transaction whose producer died. Readers wait for it.
TRANSACTION = 15_000
#: What brokers show Marsad as in their logs and metrics.
CLIENT = "marsad"
#: Milliseconds after which the group gives the partitions of a silent worker to others.
SESSION = 15_000


class Brokers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the brokers are and how to log in; makes clients."""

    addresses: str
    """``host:port``, several with commas."""
    prefix: str
    """What the names of topics, groups and transactions begin with."""
    security: dict[str, Any] = {}
    """Configuration of kafka-python, the password included: never shown."""

    def __repr__(self) -> str:
        return f"Brokers({self.addresses})"

    def topic(self, name: str) -> str:
        """Return the full name of a topic, as of a group or a transaction."""
        return self.prefix + name

    def admin(self) -> KafkaAdminClient:
        """Return a client that asks about topics. Raises :class:`BrokerError`."""
        return with_retry(self, lambda: KafkaAdminClient(**self._common()))

    def producer(self, transactional_id: str | None = None) -> Producer:
        """Return an idempotent producer, in transactions if it has an id for them.

        Raises :class:`BrokerError`.
        """
        return with_retry(
            self,
            lambda: Producer(
                **self._common(),
                metrics_enabled=False,
                transactional_id=transactional_id,
                transaction_timeout_ms=TRANSACTION,
                acks="all",
                compression_type="zstd",
                # A batch of the stages fills these; the flush at its end sends what is left.
                linger_ms=20,
                batch_size=256 * 1024,
                max_request_size=_REQUEST_LIMIT,
                max_block_ms=30_000,
                allow_auto_create_topics=False,
            ),
        )

    def consumer(
        self,
        group: str | None = None,
        *,
        instance: str = "",
        client: str = CLIENT,
        assignor: type = CooperativeStickyAssignor,
    ) -> Consumer:
        """Return a consumer of what was committed, in a group or on its own.

        ``instance`` makes it a static member: restarted within the session's time, it gets the
        same partitions back without the others noticing. ``client`` is what the brokers show it
        as. Raises :class:`BrokerError`.
        """
        return with_retry(
            self,
            lambda: Consumer(
                **self._common() | {"client_id": client},
                metrics_enabled=False,
                group_id=self.topic(group) if group else None,
                group_instance_id=instance or None,
                partition_assignment_strategy=[assignor],
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                session_timeout_ms=SESSION,
                heartbeat_interval_ms=SESSION // 5,
                max_partition_fetch_bytes=_REQUEST_LIMIT,
                # One that reads a topic to its end once asks many things between.
                fetch_max_wait_ms=500 if group else 20,
                allow_auto_create_topics=False,
            ),
        )

    def _common(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.addresses.split(","),
            "client_id": CLIENT,
            "bootstrap_timeout_ms": START,
            "reconnect_backoff_max_ms": 2_000,
            **self.security,
        }


def brokers(
    addresses: str, settings: KafkaSettings, environ: Mapping[str, str] = os.environ
) -> Brokers:
    """Return the brokers that are configured. Raises :class:`SettingsError`."""
    named = [part.strip() for part in addresses.split(",") if part.strip()]
    for part in named:
        host, colon, port = part.rpartition(":")
        if not (colon and host and port.isdigit()):
            raise SettingsError(
                f"brokers: {part!r} is no address; they read host:port, several with commas"
            )
    if not named:
        raise SettingsError("brokers: name at least one, as in --brokers localhost:9092")
    return Brokers(
        addresses=",".join(named),
        prefix=settings.prefix,
        security=_security(settings, environ),
    )


def _security(settings: KafkaSettings, environ: Mapping[str, str]) -> dict[str, Any]:
    layers = ("SASL_" if settings.sasl else "") + ("SSL" if settings.tls else "PLAINTEXT")
    made: dict[str, Any] = {"security_protocol": layers}
    if settings.tls:
        files = {
            "ssl_cafile": settings.ca,
            "ssl_certfile": settings.certificate,
            "ssl_keyfile": settings.certificate_key,
        }
        for name in filter(None, files.values()):
            if not Path(name).is_file():
                raise SettingsError(f"kafka: there is no file {name}; it is named for TLS")
        made |= {name: value for name, value in files.items() if value}
    if settings.sasl:
        if not settings.user:
            raise SettingsError(f"kafka: sasl is {settings.sasl}, but no user is named")
        made |= {
            "sasl_mechanism": settings.sasl,
            "sasl_plain_username": settings.user,
            "sasl_plain_password": _password(settings, environ),
        }
    return made


def _password(settings: KafkaSettings, environ: Mapping[str, str]) -> str:
    password = environ.get("MARSAD_KAFKA_PASSWORD", "")
    if not password:
        raise SettingsError(
            f"kafka: no password for {settings.user}: put it into the variable "
            "MARSAD_KAFKA_PASSWORD, or into a file that MARSAD_KAFKA_PASSWORD_FILE names"
        )
    return password


def explained(where: Brokers) -> AbstractContextManager[None]:
    """Turn what the client library raises inside the block into :class:`BrokerError`."""
    return failures.explained(where.addresses, where.prefix)


def with_retry(where: Brokers, ask: Callable[[], T], seconds: float | None = None) -> T:
    """Return the answer to a question; ask again for a while if there is none.

    A broker that died a moment ago is asked until the others have noticed. They get so many
    ``seconds``, or the time in which a broker must have answered for the first time. Raises
    :class:`BrokerError`.
    """

    def once() -> T:
        with explained(where):
            return ask()

    limit = START / 1000 if seconds is None else seconds
    early = threading.Timer(_SOON, _warn, [where, time.monotonic() + limit])
    early.daemon = True
    early.start()
    try:
        return call(
            once, _ASK_AGAIN, BrokerAway, seconds=limit, before_sleep=lambda error, pause: None
        )
    finally:
        early.cancel()


def _warn(where: Brokers, end: float) -> None:
    """Warn before the time is up: the broker may be one that only just starts.

    Once, although one question may be a part of another, and threads may ask at the same time.
    """
    now = time.monotonic()
    if now - _warned.get(where.addresses, 0.0) < START / 1000:
        return
    _warned[where.addresses] = now
    left = max(0.0, end - now)
    log.warning("No answer from %s yet. Retrying for %.0f s more.", where.addresses, left)


def explain(where: Brokers, error: Exception) -> BrokerError:
    """Return a failure as a sentence that says what to do."""
    return failures.explain(where.addresses, where.prefix, error)


def missing(where: Brokers) -> BrokerError:
    """Return the error for topics that are not there."""
    return failures.missing(where.addresses, where.prefix)

"""What the client library raises, as sentences that say what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import kafka.errors as kafka_errors

from pipelines.errors import BrokerAway, BrokerError

#: Failures that a wait does not mend.
_LASTING = (
    kafka_errors.KafkaConfigurationError,
    kafka_errors.UnsupportedVersionError,
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.InvalidRecordError,
    kafka_errors.InvalidTopicError,
    kafka_errors.InvalidTransactionTimeoutError,
    kafka_errors.InvalidReplicationFactorError,
    kafka_errors.InvalidConfigurationError,
    kafka_errors.PolicyViolationError,
    kafka_errors.InconsistentGroupProtocolError,
)
#: Failures of who was away for too long: others took over.
_ELSEWHERE = (
    kafka_errors.CommitFailedError,
    kafka_errors.IllegalGenerationError,
    kafka_errors.UnknownMemberIdError,
    kafka_errors.RebalanceInProgressError,
    kafka_errors.ProducerFencedError,
    kafka_errors.InvalidProducerEpochError,
)
#: What a broker says before it hangs up.
_SAID = (
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.AuthorizationError,
)
#: Where the library tells why it does not connect; what it raises is only that it took too long.
_CONNECTING = logging.getLogger("kafka.net.manager")


class _Causes(logging.Handler):
    """Remembers why connections failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last: Exception | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one message of the library."""
        values = record.args if isinstance(record.args, tuple) else ()
        found = [one for one in values if isinstance(one, Exception)]
        # What a broker said tells more than that it hung up afterwards.
        if found and (self.last is None or not isinstance(self.last, _SAID)):
            self.last = found[0]


@contextmanager
def explained(addresses: str, prefix: str) -> Iterator[None]:
    """Turn failures inside the block into :class:`BrokerError`."""
    causes = _Causes()
    _CONNECTING.addHandler(causes)
    try:
        yield
    except kafka_errors.KafkaError as error:
        timed_out = isinstance(error, kafka_errors.KafkaTimeoutError)
        cause = causes.last if timed_out and causes.last else error
        raise explain(addresses, prefix, cause) from error
    except OSError as error:  # certificates that can't be loaded, among others
        raise BrokerError(
            f"No connection to {addresses} can be set up ({error}): check the files named in "
            "[kafka]."
        ) from error
    finally:
        _CONNECTING.removeHandler(causes)


def explain(addresses: str, prefix: str, error: Exception) -> BrokerError:
    """Return a failure as a sentence that says what to do."""
    name = type(error).__name__.removesuffix("Error")
    if isinstance(error, kafka_errors.SaslAuthenticationFailedError):
        return BrokerError(
            f"The brokers at {addresses} refuse the user or the password: check kafka.user, "
            "kafka.sasl and MARSAD_KAFKA_PASSWORD."
        )
    if isinstance(error, kafka_errors.UnsupportedSaslMechanismError):
        return BrokerError(
            f"The brokers at {addresses} do not have this way to log in: set kafka.sasl to one "
            "that they have."
        )
    if isinstance(error, kafka_errors.AuthorizationError):
        return BrokerError(
            f"The brokers at {addresses} do not allow this user what it needs ({name}): grant it "
            f"the rights on topics, groups and transactions named {prefix}… that "
            "docs/operations.md lists."
        )
    if isinstance(error, kafka_errors.UnknownTopicOrPartitionError):
        return missing(addresses, prefix)
    if isinstance(error, kafka_errors.FencedInstanceIdError):
        return BrokerError(
            "Another worker runs under the same --instance: give each one a name of its own."
        )
    if isinstance(error, kafka_errors.InvalidTimestampError):
        return BrokerError(
            f"The brokers at {addresses} refuse records because the clock of this machine differs "
            "from theirs by an hour or more: set the clock (NTP), or run marsad topics create "
            "--alter, after which brokers stamp the records themselves (LogAppendTime)."
        )
    if isinstance(error, _LASTING):
        return BrokerError(f"The brokers at {addresses} refuse what they are asked: {error}")
    if isinstance(error, _ELSEWHERE):
        return BrokerAway(f"Another worker has this work by now ({name}); nothing of it is lost.")
    if "SSL" in str(error):
        return BrokerAway(
            f"No TLS with the brokers at {addresses}: {error}. Check kafka.tls, and whether "
            "kafka.ca is who signed their certificate."
        )
    return BrokerAway(
        f"No broker answers at {addresses} ({name}). Likely causes: the address is wrong, or the "
        "brokers do not run; they want TLS (kafka.tls) or a login (kafka.sasl, kafka.user, the "
        "password in MARSAD_KAFKA_PASSWORD), or have none although marsad.toml sets one; they "
        "advertise a name (advertised.listeners) that this machine does not know."
    )


def missing(addresses: str, prefix: str) -> BrokerError:
    """Return the error for topics that are not there."""
    return BrokerError(
        f"Topics named {prefix}… are missing at {addresses}: "
        f"run marsad topics create --brokers {addresses}"
    )

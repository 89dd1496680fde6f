"""Why no broker answers: a look at the named addresses without the client library.

It tells in the end only that its time ran out. One question, which every broker answers before a
login, tells more: ``SaslHandshake`` (key 17, version 1; kafka.apache.org/protocol) for a way to
log in that nobody has. A listener with logins names those that it has, one without says that
there is none, and what is no broker says something else.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Mapping
from typing import Any

import msgspec

#: Seconds for each step at one address.
_PATIENCE = 2.0
_NUMBER = 1
_ASK = struct.pack(">hhih6sh1s", 17, 1, _NUMBER, 6, b"marsad", 1, b"-")
#: Error codes of the protocol: a way to log in that it does not have; not a place to log in.
_OTHER_WAY, _NO_LOGIN = 33, 34
_LONGEST = 10_000


class Listener(msgspec.Struct, frozen=True):
    """What is known of whoever listens at an address."""

    tls: bool
    logins: tuple[str, ...] | None = None
    """Ways to log in that it wants, none if it wants no login; ``None`` if it did not say."""


def why(addresses: str, security: Mapping[str, Any]) -> str:
    """Return what is wrong with each address as it is configured; empty if nothing is seen."""
    found = [_wrong(address, security) for address in addresses.split(",")]
    return "; ".join(filter(None, found))


def _wrong(address: str, security: Mapping[str, Any]) -> str:
    host, _, port = address.rpartition(":")
    try:
        listener = _look(host.strip("[]"), int(port))
    except socket.gaierror as error:
        return f"the name {host} is not known here ({error.strerror})"
    except ConnectionRefusedError:
        return f"nothing listens at {address}"
    except OSError as error:
        return f"{address} can't be reached ({error.strerror or error})"
    return _misfit(address, listener, security) if listener else f"{address} is no Kafka broker"


def _misfit(address: str, listener: Listener, security: Mapping[str, Any]) -> str:
    """Return where a listener and the settings do not fit."""
    protocol, way = security.get("security_protocol", ""), security.get("sasl_mechanism", "")
    if listener.tls and not protocol.endswith("SSL"):
        return f"{address} wants TLS: set kafka.tls"
    if not listener.tls and protocol.endswith("SSL"):
        return f"{address} has no TLS, but kafka.tls is set"
    if listener.logins is None:
        return ""
    if listener.logins and not way:
        return f"{address} wants a login by {' or '.join(listener.logins)}: set kafka.sasl"
    if way and not listener.logins:
        return f"{address} has no login, but kafka.sasl is set"
    if way and way not in listener.logins:
        return f"{address} has no login by {way}, but by {' or '.join(listener.logins)}"
    return ""


def _look(host: str, port: int) -> Listener | None:
    """Return what listens there, ``None`` if it is no broker. Raises ``OSError``."""
    with socket.create_connection((host, port), _PATIENCE) as plain:
        spoken, logins = _ask(plain)
    if spoken:
        return Listener(tls=False, logins=logins)
    # Only to see whether there is any: nothing is trusted here, and nothing of ours is sent.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), _PATIENCE) as bare,
            context.wrap_socket(bare, server_hostname=host) as wrapped,
        ):
            return Listener(tls=True, logins=_ask(wrapped)[1])
    except OSError:  # ssl.SSLError among them
        return None


def _ask(connection: socket.socket) -> tuple[bool, tuple[str, ...] | None]:
    """Return whether a broker answers, and the ways to log in that it wants."""
    try:
        connection.sendall(struct.pack(">i", len(_ASK)) + _ASK)
        with connection.makefile("rb") as answer:
            size, number = struct.unpack(">ii", answer.read(8))
            if number != _NUMBER or not 10 <= size <= _LONGEST:
                return False, None
            body = answer.read(size - 4)
        code, count = struct.unpack_from(">hi", body)
        if code == _NO_LOGIN:
            return True, ()
        return True, _names(body[6:], count) if code == _OTHER_WAY else None
    except (OSError, struct.error, UnicodeDecodeError):
        return False, None


def _names(data: bytes, count: int) -> tuple[str, ...]:
    found = []
    for _ in range(count):
        (length,) = struct.unpack_from(">h", data)
        found.append(data[2 : 2 + length].decode())
        data = data[2 + length :]
    return tuple(found)

"""One deadline for a whole answer: connection, headers and body, however slowly they drip.

The client's own timeouts count from one byte to the next, so that a server which sends a byte
every few seconds could keep a source for days. Here each wait on a connection lasts no longer
than what is left until the deadline of the thread that waits.
"""

from __future__ import annotations

import math
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpcore2
import httpx2

from ingest.http.addresses import public_address

Waited = TypeVar("Waited")


class Overdue(httpcore2.ReadTimeout):
    """The deadline is over, though bytes may still come."""


def overdue(error: httpx2.HTTPError) -> bool:
    """Say whether an error of the client means that the deadline was over."""
    return isinstance(error.__cause__, Overdue)


class Deadlines(threading.local):
    """Until when the answer must be there that a thread waits for; each thread has its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = math.inf
        self.public_host = ""
        """The host that this thread may ask only at a public address."""

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let what this thread waits for, all together, last no longer."""
        before, self._at = self._at, self._clock() + seconds
        try:
            yield
        finally:
            self._at = before

    def wait(self, on: Callable[[float | None], Waited], timeout: float | None) -> Waited:
        """Call what waits with the seconds that it may. Raises :class:`Overdue` after those."""
        left = self._at - self._clock()
        if left <= 0:
            raise Overdue
        if left > (math.inf if timeout is None else timeout) or left == math.inf:
            return on(timeout)
        try:
            return on(left)
        except httpcore2.TimeoutException:
            raise Overdue from None

    def watch(self, client: httpx2.Client) -> None:
        """Keep to the deadlines in all that a client reads and writes."""
        # httpx2 has no public way to choose what opens connections; httpcore2 has.
        for transport in (client._transport, *client._mounts.values()):
            if isinstance(transport, httpx2.HTTPTransport):
                pool = transport._pool
                pool._network_backend = _Backend(pool._network_backend, self)


class _Backend(httpcore2.NetworkBackend):
    """Opens connections on which no wait is longer than the deadline."""

    def __init__(self, backend: httpcore2.NetworkBackend, deadlines: Deadlines) -> None:
        self._backend = backend
        self._deadlines = deadlines

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to a host."""

        guarded = self._deadlines.public_host == host

        def connect(seconds: float | None) -> httpcore2.NetworkStream:
            # the address that was looked at is the one that is asked
            place = public_address(host, port) if guarded else host
            return self._backend.connect_tcp(place, port, seconds, local_address, socket_options)

        return _Stream(self._deadlines.wait(connect, timeout), self._deadlines)


class _Stream(httpcore2.NetworkStream):
    """A connection on which no wait is longer than the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadlines: Deadlines) -> None:
        self._stream = stream
        self._deadlines = deadlines

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for bytes."""
        return self._deadlines.wait(lambda left: self._stream.read(max_bytes, left), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Wait until bytes are taken."""
        self._deadlines.wait(lambda left: self._stream.write(buffer, left), timeout)

    def close(self) -> None:
        """End the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Wait for the handshake."""

        def shake(seconds: float | None) -> httpcore2.NetworkStream:
            return self._stream.start_tls(ssl_context, server_hostname, seconds)

        return _Stream(self._deadlines.wait(shake, timeout), self._deadlines)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact of the connection."""
        return self._stream.get_extra_info(info)

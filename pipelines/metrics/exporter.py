"""The small HTTP server that Prometheus and the probes of Kubernetes ask."""

from __future__ import annotations

import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING

from pipelines.errors import SettingsError
from pipelines.metrics.health import Health

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: Seconds after which a client that says nothing is hung up on.
_PATIENCE = 10


class Exporter:
    """A running server: ``/metrics``, ``/healthz`` (alive?) and ``/readyz`` (at work?)."""

    def __init__(
        self, port: int, address: str, registry: CollectorRegistry, health: Health
    ) -> None:
        """Serve in a thread of its own; port 0 takes a free one. Raises ``SettingsError``."""
        self.address = address
        try:
            self._server = _Server(address, port, registry, health)
        except (OSError, OverflowError) as error:
            raise SettingsError(
                f"metrics can't be served at {address}, port {port} ({error}): name a free port "
                "and an address of this machine."
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving and release the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    # A client that hangs holds up neither others nor the end of the process.
    daemon_threads = True

    def __init__(
        self, address: str, port: int, registry: CollectorRegistry, health: Health
    ) -> None:
        self.registry = registry
        self.health = health
        if ":" in address:
            self.address_family = socket.AF_INET6
        super().__init__((address, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

            body = generate_latest(self.server.registry)
            self._answer(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, body)
        elif path == "/healthz":
            self._probe(*self.server.health.alive())
        elif path == "/readyz":
            self._probe(*self.server.health.ready())
        else:
            body = b"There are /metrics, /healthz and /readyz.\n"
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", body)

    def _probe(self, good: bool, words: str) -> None:
        status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, "text/plain", f"{words}\n".encode())

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: a probe every ten seconds is no news."""

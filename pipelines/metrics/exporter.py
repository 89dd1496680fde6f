"""The small HTTP server that Prometheus and the probes of Kubernetes ask."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from pipelines.errors import SettingsError
from pipelines.metrics.health import Health

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

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
            self._server = make_server(
                address, port, _app(registry, health), _server_class(address), _Handler
            )
        except (OSError, OverflowError) as error:
            raise SettingsError(
                f"metrics can't be served at {address}, port {port} ({error}): name a free port "
                "and an address of this machine."
            ) from error
        self.port: int = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving and release the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _server_class(address: str) -> type[WSGIServer]:
    """Return the library's server, for IPv6 where the address is one."""
    from prometheus_client.exposition import ThreadingWSGIServer

    class Server(ThreadingWSGIServer):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

    return Server


def _app(registry: CollectorRegistry, health: Health) -> WSGIApplication:
    """Return what answers: the library for ``/metrics``, the state of the process for probes."""
    from prometheus_client import make_wsgi_app

    metrics: WSGIApplication = make_wsgi_app(registry, disable_compression=True)
    probes = {"/healthz": health.alive, "/readyz": health.ready}

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start)
        if path in probes:
            good, words = probes[path]()
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
        else:
            status, words = HTTPStatus.NOT_FOUND, "There are /metrics, /healthz and /readyz."
        start(f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{words}\n".encode()]

    return answer


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: a probe every ten seconds is no news."""

"""A redirect leads to no address of this machine or its network, unless the source is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ingest.errors import SourceChanged, SourceError
from ingest.http import addresses
from ingest.http.client import Client


class Server:
    """A harmless server on one of the addresses of the loopback network."""

    def __init__(self, address: str, location: str = "") -> None:
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                self.send_response(302 if location else 200)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *values: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://{address}:{self.port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client(sleep=lambda seconds: None)
    yield made
    made.close()


@pytest.fixture
def inner() -> Iterator[Server]:
    """What only this machine can reach."""
    server = Server("127.0.0.2")
    yield server
    server.close()


def public_is(monkeypatch: pytest.MonkeyPatch, *public: str) -> None:
    """Let some addresses of the loopback network stand for the open internet."""
    monkeypatch.setattr(addresses, "is_public", lambda address: address in public)


def test_a_redirect__of_a_public_source_to_a_private_address_is_refused(
    client: Client, inner: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    public_is(monkeypatch, "127.0.0.1")
    outer = Server("127.0.0.1", location=inner.url)
    with pytest.raises(SourceChanged, match=r"it sends to 127\.0\.0\.2"):
        client.get(outer.url)
    assert (len(outer.asked), inner.asked) == (1, [])
    outer.close()


def test_a_redirect__of_a_private_source_is_followed(client: Client, inner: Server) -> None:
    outer = Server("127.0.0.1", location=inner.url)
    assert client.get(outer.url).body == b"ok"
    outer.close()


def test_a_redirect__between_public_addresses_is_followed(
    client: Client, inner: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    public_is(monkeypatch, "127.0.0.1", "127.0.0.2")
    outer = Server("127.0.0.1", location=inner.url)
    assert client.get(outer.url).body == b"ok"
    outer.close()


def test_a_redirect__to_a_name_that_changes_its_address_is_refused(
    client: Client, inner: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    public_is(monkeypatch, "127.0.0.1")
    known, asked = addresses.resolve, []

    def changing(host: str, port: int = 0) -> list[str]:
        if host != "feed.example":
            return known(host, port)
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    monkeypatch.setattr(addresses, "resolve", changing)
    outer = Server("127.0.0.1", location=f"http://feed.example:{inner.port}/")
    with pytest.raises(SourceError, match=r"feed\.example"):
        client.get(outer.url)
    assert inner.asked == []
    assert len(asked) == 2
    outer.close()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("::1", False),
        ("fe80::1%eth0", False), ("fd00::1", False), ("::ffff:10.0.0.1", False),
        ("64:ff9b::10.1.2.3", False), ("64:ff9b::93.184.215.14", True), ("::10.1.2.3", False),
        ("2002:a01:203::1", False), ("::", False), ("224.0.0.1", False), ("no address", False),
    ],
)  # fmt: skip
def test_an_address__is_public_or_not(address: str, public: bool) -> None:
    assert addresses.is_public(address) is public

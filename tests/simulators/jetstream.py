"""A Jetstream on this machine: ``/subscribe`` with ``wantedCollections`` and ``cursor``.

Events are made from the fixtures in ``tests/ingest/fixtures/bluesky/``, whose README names the
documents that their fields come from.
"""

from __future__ import annotations

import http
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.simulators import base
from tests.simulators.base import Fault

FIXTURES = Path(__file__).parent.parent / "ingest" / "fixtures" / "bluesky"
#: In microseconds, as a Jetstream counts.
START = int(base.START.timestamp()) * 1_000_000
MINUTE = 60_000_000
PAGES = {
    Fault.HTML: b"<html><body>Welcome!</body></html>",
    Fault.LOGIN: b'<form><input type="password"></form>',
    Fault.CAPTCHA: b'<div class="g-recaptcha"></div>',
}


def fixture(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return event


class Jetstream:
    """Keeps events and sends them: those from the cursor on first, then new ones."""

    name = "bluesky"
    target = ""

    def __init__(self) -> None:
        self.url = ""
        self.secrets: dict[str, str] = {}
        self.events: list[tuple[int, str]] = []
        self.asked: list[dict[str, str]] = []
        self.fault: Fault | None = None
        self.keeps_from = 0
        """Events before this ``time_us`` are forgotten."""
        self.hang_up_after: int | None = None
        """Close a connection after so many messages."""
        self.finds_after = 0.0
        """Seconds until it has found the place that a cursor names."""
        self._post = fixture("post")
        self._number = 0
        self._more = threading.Condition()
        self._closed = False
        self._connections: set[ServerConnection] = set()

    # What a test tells it

    def publish(self, count: int) -> Sequence[str]:
        ids = []
        for _ in range(count):
            self._number += 1
            did, rkey = f"did:plc:{self._number % 7:024d}", f"3k{self._number:011d}"
            self.send(self.post(did, rkey, f"post number {self._number}"))
            ids.append(f"bluesky:at://{did}/app.bsky.feed.post/{rkey}")
        return ids

    def post(self, did: str, rkey: str, text: str, **record: Any) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(json.dumps(self._post))
        event["did"] = did
        event["commit"]["rkey"] = rkey
        event["commit"]["record"] |= {"text": text, **record}
        return event

    def delete(self, post_id: str) -> None:
        event = fixture("delete")
        _, _, event["did"], _, event["commit"]["rkey"] = post_id.replace(
            "bluesky:at://", "//"
        ).split("/")
        self.send(event)

    def send(self, event: dict[str, Any]) -> int:
        """Send an event a minute after the last one; return its time."""
        at = (self.events[-1][0] if self.events else START) + MINUTE
        event["time_us"] = at
        self.send_raw(json.dumps(event, ensure_ascii=False), at)
        return at

    def send_raw(self, message: str, at: int) -> None:
        self.send_many([(at, message)])

    def send_many(self, events: Sequence[tuple[int, str]]) -> None:
        with self._more:
            self.events.extend(events)
            self._more.notify_all()

    def fail(self, fault: Fault | None) -> None:
        self.fault = fault
        if fault is not None:
            self.hang_up()

    def hang_up(self) -> None:
        """Break all connections off."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def accounts(self) -> Sequence[str]:
        return sorted({json.loads(event)["did"] for _, event in self.events})

    # What it does

    def process(self, connection: ServerConnection, request: Request) -> Response | None:
        fault = self.fault
        answers = {Fault.TOO_MANY: 429, Fault.BROKEN: 500, Fault.MISSING: 404, Fault.NOWHERE: 302}
        if fault in answers:
            response = connection.respond(http.HTTPStatus(answers[fault]), "no\n")
            if fault is Fault.TOO_MANY:
                response.headers["Retry-After"] = "7"
            if fault is Fault.NOWHERE:
                response.headers["Location"] = "http://127.0.0.1:1/"
            return response
        if fault in PAGES:
            body = PAGES[fault]
            headers = Headers({"Content-Type": "text/html", "Content-Length": str(len(body))})
            return Response(200, "OK", headers, body)
        return None

    def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        parts = urlsplit(connection.request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        place = len(self.events)  # who waits for this connection may send at once
        self.asked.append(query)
        self._connections.add(connection)
        with suppress(ConnectionClosed, OSError):
            if self.fault is Fault.CHANGED:
                for _ in range(100):
                    connection.send(json.dumps({"op": 1, "t": "#commit"}))
            elif self.fault is Fault.HALF:
                connection.send(self.events[0][1][:40])
                connection.socket.shutdown(socket.SHUT_RDWR)
            else:
                self._events(connection, query, place)
        self._connections.discard(connection)

    def _events(self, connection: ServerConnection, query: dict[str, str], place: int) -> None:
        cursor = int(query["cursor"]) if "cursor" in query else None
        if cursor is not None:
            place = 0
            time.sleep(self.finds_after)
        sent = 0
        while not self._closed:
            with self._more:
                if place >= len(self.events):
                    self._more.wait(0.1)
            batch = self.events[place:]
            place += len(batch)
            for at, event in batch:
                if at < max(cursor or 0, self.keeps_from):
                    continue
                connection.send(event)
                sent += 1
                if self.hang_up_after is not None and sent >= self.hang_up_after:
                    connection.close()
                    return

    def close(self) -> None:
        self._closed = True
        self.hang_up()

    def wait_for_connection(self, number: int = 1) -> None:
        """Wait until so many connections have been made in all."""
        while len(self.asked) < number:
            time.sleep(0.01)


@contextmanager
def jetstream() -> Iterator[Jetstream]:
    simulator = Jetstream()
    with serve(
        simulator.serve, "127.0.0.1", 0, process_request=simulator.process, compression=None
    ) as server:
        simulator.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/subscribe"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield simulator
        finally:
            simulator.close()
            server.shutdown()
            thread.join()

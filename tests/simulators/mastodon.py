"""A Mastodon instance on this machine: timelines with their paging, and the stream.

Statuses are made from the fixtures in ``tests/ingest/fixtures/mastodon/``, whose README names
the documents that their fields come from.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.simulators.base import Fault, moment, over_http

FIXTURES = Path(__file__).parent.parent / "ingest" / "fixtures" / "mastodon"
MOST = 40


class Instance:
    """Keeps statuses, gives pages of them, and streams what is new."""

    name = "mastodon"
    target = "coupure"

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[dict[str, Any]] = []
        self.events: list[tuple[str, str]] = []
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.secrets = {"MARSAD_MASTODON_TOKEN": "a-user-token"}
        self.fault: Fault | None = None
        self.stream_fault: Fault | None = None
        self.forward = True
        """Whether ``min_id`` gives what comes next, as the documentation says."""
        self.headers: dict[str, str] = {}
        self._status = json.loads((FIXTURES / "status.json").read_text(encoding="utf-8"))
        self._number = 0
        self._more = threading.Condition()
        self.closed = False
        self.listening = 0
        self.generation = 0

    # What a test tells it

    def publish(self, count: int) -> Sequence[str]:
        return [self.id_of(self.write(f"post number {self._number + 1}")) for _ in range(count)]

    def write(self, content: str, **fields: Any) -> dict[str, Any]:
        self._number += 1
        at = moment(self._number)
        name = f"writer{self._number % 7}"
        status: dict[str, Any] = json.loads(json.dumps(self._status))
        native = str(int(at.timestamp() * 1000) << 16)
        status |= {
            "id": native,
            "created_at": at.isoformat().replace("+00:00", ".000Z"),
            "content": f"<p>{content}</p>",
            "url": f"{self.url}/@{name}/{native}",
            "uri": f"{self.url}/users/{name}/statuses/{native}",
            **fields,
        }
        status["account"] |= {"username": name, "acct": name, "url": f"{self.url}/@{name}"}
        self.statuses.append(status)
        self.stream("update", json.dumps(status, ensure_ascii=False))
        return status

    def id_of(self, status: dict[str, Any]) -> str:
        return f"mastodon:{urlsplit(self.url).netloc}/{status['id']}"

    def delete(self, post_id: str) -> None:
        native = post_id.rpartition("/")[2]
        while not self.listening:  # only who listens is told
            time.sleep(0.01)
        self.statuses = [one for one in self.statuses if one["id"] != native]
        self.stream("delete", native)

    def edit(self, status: dict[str, Any], content: str, at: str) -> None:
        status |= {"content": f"<p>{content}</p>", "edited_at": at}
        self.stream("status.update", json.dumps(status))

    def stream(self, kind: str, payload: str) -> None:
        with self._more:
            self.events.append((kind, payload))
            self._more.notify_all()

    def fail(self, fault: Fault | None) -> None:
        self.fault = fault
        if fault is not None:
            self.hang_up()

    def hang_up(self) -> None:
        """Break all streams off."""
        with self._more:
            self.generation += 1
            self._more.notify_all()

    def accounts(self) -> Sequence[str]:
        return sorted({status["account"]["acct"] for status in self.statuses})

    # What it does

    def page(self, query: dict[str, str]) -> list[dict[str, Any]]:
        limit = min(int(query.get("limit", 20)), MOST)
        chosen = [
            status
            for status in self.statuses
            if int(status["id"]) > int(query.get("min_id", query.get("since_id", "0")))
            and ("max_id" not in query or int(status["id"]) < int(query["max_id"]))
        ]
        if "min_id" in query and self.forward:
            return chosen[:limit][::-1]
        return chosen[::-1][:limit]

    def wait(self, place: int, generation: int) -> list[tuple[str, str]] | None:
        """Return events from a place on, nothing after a while, ``None`` at the end."""
        with self._more:
            if place >= len(self.events) and generation == self.generation:
                self._more.wait(0.2)
            if self.closed or generation != self.generation:
                return None
            return self.events[place:]


class _Handler(BaseHTTPRequestHandler):
    instance: Instance
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        path = unquote(address.path)
        self.instance.asked.append((path, query, dict(self.headers)))
        streaming = path.startswith("/api/v1/streaming/")
        fault = self.instance.fault or (self.instance.stream_fault if streaming else None)
        if fault is not None:
            return self._fault(fault)
        if path == "/api/v2/instance":
            about = (FIXTURES / "instance.json").read_text(encoding="utf-8")
            streaming_url = self.instance.url.replace("http", "ws", 1)
            return self._json(json.loads(about.replace("{streaming}", streaming_url)))
        if path in {f"/api/v1/timelines/tag/{self.instance.target}", "/api/v1/timelines/public"}:
            return self._page(address.path, query)
        if streaming:
            return self._stream(query)
        return self._json({"error": "Record not found"}, 404)

    def _page(self, path: str, query: dict[str, str]) -> None:
        page = self.instance.page(query)
        headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "299"}
        if page:
            older = urlencode({**query, "max_id": page[-1]["id"]})
            newer = urlencode({**query, "min_id": page[0]["id"]})
            base = f"{self.instance.url}{path}"
            headers["Link"] = f'<{base}?{older}>; rel="next", <{base}?{newer}>; rel="prev"'
        self._json(page, 200, {**headers, **self.instance.headers})

    def _stream(self, query: dict[str, str]) -> None:
        if self.headers.get("Authorization") != "Bearer a-user-token":
            return self._json({"error": "Access token is missing"}, 401)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        place, generation = len(self.instance.events), self.instance.generation
        self.instance.listening += 1
        with suppress(OSError):
            while (events := self.instance.wait(place, generation)) is not None:
                place += len(events)
                for kind, payload in events:
                    self.wfile.write(f"event: {kind}\ndata: {payload}\n\n".encode())
                if not events:
                    self.wfile.write(b":thump\n")
                self.wfile.flush()
        self.close_connection = True
        return None

    def _fault(self, fault: Fault) -> None:
        answer = over_http(fault)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) + 10 * answer.cut))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = True

    def _json(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def mastodon() -> Iterator[Instance]:
    instance = Instance()
    handler = type("Handler", (_Handler,), {"instance": instance})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    instance.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield instance
    finally:
        instance.closed = True
        instance.hang_up()
        server.shutdown()
        thread.join()
        server.server_close()

"""A platform on this machine that answers single requests: a function from one to an answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.platform_server import Answer, Asked, in_json, page
from tests.simulators.base import Fault, over_http

__all__ = ["FIXTURES", "Answer", "Asked", "HttpSimulator", "in_json", "page", "serving"]

FIXTURES = Path(__file__).parent.parent / "ingest" / "fixtures"


class HttpSimulator:
    """Counts what it was asked; subclasses answer. ``instead`` is given before they do."""

    name = ""
    target = ""
    url = ""
    secrets: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.posted: list[Any] = []
        self.fault: Fault | None = None
        self.instead: Callable[[Asked], Answer | None] = lambda asked: None

    def fail(self, fault: Fault | None) -> None:
        self.fault = fault

    def delete(self, post_id: str) -> None:
        raise NotImplementedError("this platform tells of no deletions")

    def answer(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def streamed(self, asked: Asked) -> Iterator[bytes] | None:
        """Return an answer without end, where this is asked for one."""
        return None

    def respond(self, asked: Asked) -> Answer | Iterator[bytes]:
        if asked.path == "/robots.txt":
            return Answer(b"there is none", 404)
        self.asked.append(asked)
        if self.fault is not None:
            fault = over_http(self.fault)
            return Answer(fault.body, fault.status, fault.headers, fault.cut)
        return self.instead(asked) or self.streamed(asked) or self.answer(asked)


@contextmanager
def serving(simulator: HttpSimulator) -> Iterator[None]:
    """Answer for a simulator, whose ``url`` is set, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            answer = simulator.respond(Asked(unquote(address.path), query, dict(self.headers)))
            if not isinstance(answer, Answer):
                return self._stream(answer)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value.replace("{url}", simulator.url))
            self.send_header("Content-Length", str(len(answer.body) + 10 * answer.cut))
            self.end_headers()
            self.wfile.write(answer.body)
            return None

        def _stream(self, pieces: Iterator[bytes]) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            simulator.posted.append(json.loads(self.rfile.read(size)))
            self.do_GET()

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    simulator.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

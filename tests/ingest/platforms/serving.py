"""Platforms on this machine: one function from a request to an answer, over a real socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.platform_server import Answer, Asked, in_json, page

__all__ = ["Answer", "Asked", "Served", "in_json", "page", "served"]


class Served:
    """A platform's address, and what it was asked. ``instead`` answers before the platform does."""

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.instead: Callable[[Asked], Answer | None] = lambda asked: None
        self._answer = answer

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/robots.txt":
            return Answer(b"no such page", 404)
        self.asked.append(asked)
        return self.instead(asked) or self._answer(asked)

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


@contextmanager
def served(answer: Callable[[Asked], Answer]) -> Iterator[Served]:
    platform = Served(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            answer = platform(Asked(address.path, query, dict(self.headers)))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value.replace("{url}", platform.url))
            self.send_header("Content-Length", str(len(answer.body) + 10 * answer.cut))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    platform.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

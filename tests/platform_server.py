"""A platform on this machine: answers over a real socket what a test tells it to answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit


class Answer(NamedTuple):
    """One answer; ``cut`` closes the connection before all of the body was sent."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}
    cut: bool = False


class Asked(NamedTuple):
    """One request as it came."""

    path: str
    query: dict[str, str]
    headers: Mapping[str, str]


def in_json(content: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(
        json.dumps(content).encode(), status, {"Content-Type": "application/json", **headers}
    )


def page(html: str, status: int = 200) -> Answer:
    return Answer(html.encode(), status, {"Content-Type": "text/html; charset=utf-8"})


class Platform:
    """Answers by path; of several answers each is given once, the last one for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self.url = ""

    def on(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def next(self, path: str) -> Answer:
        waiting: Sequence[Answer] = self.answers.get(path, [])
        if not waiting:
            return Answer(b"nothing here", 404)
        return waiting[0] if len(waiting) == 1 else self.answers[path].pop(0)


@contextmanager
def platform() -> Iterator[Platform]:
    told = Platform()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told.asked.append(Asked(address.path, query, dict(self.headers)))
            answer = told.next(address.path)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value.replace("{url}", told.url))
            self.send_header("Content-Length", str(len(answer.body) + 10 * answer.cut))
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_PUT = do_GET  # noqa: N815 - the names that the library calls

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

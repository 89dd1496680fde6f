"""Elasticsearch stores of one test, what is in them, and a proxy that loses answers."""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import json
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from elasticsearch import Elasticsearch, helpers

from pipelines.stores.elasticsearch.address import address
from pipelines.stores.elasticsearch.record import FOUND
from tests.servers import Elastic

PREFIXES = itertools.count()


@pytest.fixture
def url(
    real_elasticsearch: Elastic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a store of its own, removed afterwards."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    prefix = f"own{os.getpid()}-{next(PREFIXES)}"
    yield f"{real_elasticsearch.url}/{prefix}"
    with asking(real_elasticsearch.url) as client:
        remove(client, prefix)


def asking(url: str) -> Elasticsearch:
    """A client of a server that may have much to do."""
    return Elasticsearch(url, request_timeout=120)


def remove(client: Elasticsearch, prefix: str) -> None:
    there = [name for name in client.indices.get_alias() if name.startswith(f"{prefix}-")]
    if there:
        client.indices.put_settings(
            index=there, settings={"index.blocks.read_only_allow_delete": None}
        )
        client.indices.delete(index=there)


#: What a document's version record remembers of the way a post came.
_WAY = ("applied", "indexed", "deleted", "dead", "reason")


def contents(url: str) -> str:
    """A hash over ids and sources of all documents that can be found.

    Without what the version record remembers of the way: batches are another's each time.
    """
    names = address(url)
    digest = hashlib.sha256()
    with asking(names.url) as client:
        ready(client, names.posts)
        query = {"query": {"terms": {"state": FOUND}}, "sort": ["id"]}
        for hit in helpers.scan(client, index=names.posts, query=query, preserve_order=True):
            source = {name: value for name, value in hit["_source"].items() if name not in _WAY}
            digest.update(json.dumps([hit["_id"], source], sort_keys=True).encode())
    return digest.hexdigest()


def stored(url: str) -> dict[str, list[str]]:
    """The index versions in which each post can be found."""
    names = address(url)
    found: dict[str, list[str]] = {}
    query = {"query": {"terms": {"state": FOUND}}}
    with asking(names.url) as client:
        ready(client, names.posts)
        for hit in helpers.scan(client, index=names.posts, query=query):
            found.setdefault(hit["_id"], []).append(hit["_index"].partition("-posts-")[2])
    return found


def ready(client: Elasticsearch, index: str) -> None:
    """Wait until all of an index can be asked: right after a start, parts of it can't."""
    client.cluster.health(index=index, wait_for_status="yellow", timeout="60s")
    client.indices.refresh(index=index)


#: How Elasticsearch says that an account lacks a right.
FORBIDDEN = (
    b'{"error":{"root_cause":[{"type":"security_exception","reason":"action is unauthorized"}],'
    b'"type":"security_exception","reason":"action is unauthorized"},"status":403}'
)


#: Headers of an answer.
ANSWER = [("content-type", "application/json"), ("x-elastic-product", "Elasticsearch")]
#: How Elasticsearch says in the answer to a bulk request that it had no room for one write.
REJECTED = {
    "status": 429,
    "error": {
        "type": "es_rejected_execution_exception",
        "reason": "rejected execution of coordinating operation",
    },
}


def without(body: bytes, rejects: Callable[[int], bool]) -> tuple[bytes, list[int]]:
    """Take writes out of a bulk request; return it and the places of what was taken."""
    lines = iter(body.splitlines())
    kept, taken = [], []
    for number, head in enumerate(lines):
        write = [head] if b'"delete"' in head[:10] else [head, next(lines)]
        if rejects(number):
            taken.append(number)
        else:
            kept += write
    return b"".join(line + b"\n" for line in kept), taken


def with_rejections(data: bytes, places: Sequence[int]) -> bytes:
    """Return the answer to a bulk request with those writes as rejected."""
    answer = json.loads(data)
    for place in places:
        answer["items"].insert(place, {"index": REJECTED})
    return json.dumps(answer).encode()


class Certificate(NamedTuple):
    """A certificate for this machine, signed by nobody but itself."""

    file: Path
    context: ssl.SSLContext
    fingerprint: str


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl, which makes the certificate")
    file, key = tmp_path / "server.pem", tmp_path / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=a test", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", file],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    bare = ssl.PEM_cert_to_DER_cert(file.read_text())
    return Certificate(file, context, hashlib.sha256(bare).hexdigest())


class Proxy:
    """Stands before a server: loses some of its answers, encrypts, asks who is there.

    The server of the tests knows no accounts; what a client sends is looked at here instead.
    """

    def __init__(self, target: str, tls: ssl.SSLContext | None = None) -> None:
        self.lose: Callable[[int], bool] = lambda number: False
        self.password = ""
        self.api_key = ""
        self.forbidden = ""
        """What the account may not ask for: a part of a path."""
        self.rejects: Callable[[int], bool] = lambda number: False
        """Which writes of bulk requests find the server too busy, counted from 1."""
        self.rejected = 0
        self.writes = itertools.count(1)
        self.seen = 0
        self.lost = 0
        host, port = urlsplit(target).hostname or "", urlsplit(target).port
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                given = self.headers.get("authorization")
                encoded = base64.b64encode(f"reader:{proxy.password}".encode()).decode()
                if (proxy.password and given != f"Basic {encoded}") or (
                    proxy.api_key and given != f"ApiKey {proxy.api_key}"
                ):
                    self.reply(401, b'{"error":"who are you?"}', [])
                    return
                if proxy.forbidden and proxy.forbidden in self.path:
                    self.reply(403, FORBIDDEN, [("content-type", "application/json")])
                    return
                busy: list[int] = []
                if "/_bulk" in self.path:
                    body, busy = without(body, lambda _: proxy.rejects(next(proxy.writes)))
                    proxy.rejected += len(busy)
                    del self.headers["content-length"]
                    if not body:
                        self.reply(200, with_rejections(b'{"items": []}', busy), ANSWER)
                        return
                onward = http.client.HTTPConnection(host, port, timeout=60)
                onward.request(self.command, self.path, body, dict(self.headers))
                answer = onward.getresponse()
                data = answer.read()
                if busy:
                    data = with_rejections(data, busy)
                proxy.seen += 1
                if proxy.lose(proxy.seen):
                    proxy.lost += 1
                    self.close_connection = True
                    self.connection.close()
                    return
                skipped = {"transfer-encoding", "content-length", "content-encoding", "connection"}
                headers = [h for h in answer.getheaders() if h[0].lower() not in skipped]
                self.reply(answer.status, data, headers)

            def reply(self, status: int, data: bytes, headers: list[tuple[str, str]]) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def proxy(real_elasticsearch: Elastic) -> Iterator[Proxy]:
    one = Proxy(real_elasticsearch.url)
    yield one
    one.http.shutdown()
    one.http.server_close()

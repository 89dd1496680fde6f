"""Elasticsearch stores of one test, what is in them, and a proxy that loses answers."""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from elasticsearch import Elasticsearch, helpers

from ingest.records import Post
from pipelines.stores.elasticsearch.names import address
from tests.conformance.corpus import (
    post,
)
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
    with Elasticsearch(real_elasticsearch.url) as client:
        remove(client, prefix)


def remove(client: Elasticsearch, prefix: str) -> None:
    there = [name for name in client.indices.get_alias() if name.startswith(f"{prefix}-")]
    if there:
        client.indices.put_settings(
            index=there, settings={"index.blocks.read_only_allow_delete": None}
        )
        client.indices.delete(index=there)


def contents(url: str) -> str:
    """A hash over ids, versions, sources and months of all documents of posts."""
    names = address(url)
    digest = hashlib.sha256()
    with Elasticsearch(names.url) as client:
        client.indices.refresh(index=names.posts)
        query = {"query": {"match_all": {}}, "version": True, "sort": ["id"]}
        for hit in helpers.scan(client, index=names.posts, query=query, preserve_order=True):
            month = hit["_index"].removeprefix(names.prefix)
            place = [month, hit["_id"], hit["_version"], hit["_source"]]
            digest.update(json.dumps(place, sort_keys=True).encode())
    return digest.hexdigest()


def stored(url: str) -> dict[str, list[str]]:
    """The months in which each post has a document."""
    names = address(url)
    found: dict[str, list[str]] = {}
    with Elasticsearch(names.url) as client:
        client.indices.refresh(index=names.posts)
        for hit in helpers.scan(client, index=names.posts):
            found.setdefault(hit["_id"], []).append(hit["_index"].partition("-posts-")[2])
    return found


def in_month(month: int, **more: object) -> Post:
    return post("t:1", created_at=datetime(2016, month, 3, tzinfo=UTC), **more)


class Proxy:
    """Stands before a server: loses some of its answers, or asks for a password."""

    def __init__(self, target: str) -> None:
        self.lose: Callable[[int], bool] = lambda number: False
        self.password = ""
        self.seen = 0
        self.lost = 0
        host, port = urlsplit(target).hostname or "", urlsplit(target).port
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                wanted = base64.b64encode(f"reader:{proxy.password}".encode()).decode()
                if proxy.password and self.headers.get("authorization") != f"Basic {wanted}":
                    self.reply(401, b'{"error":"who are you?"}', [])
                    return
                onward = http.client.HTTPConnection(host, port, timeout=60)
                onward.request(self.command, self.path, body, dict(self.headers))
                answer = onward.getresponse()
                data = answer.read()
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
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def proxy(real_elasticsearch: Elastic) -> Iterator[Proxy]:
    one = Proxy(real_elasticsearch.url)
    yield one
    one.http.shutdown()
    one.http.server_close()

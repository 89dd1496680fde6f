"""Everything that the page in a browser gives of a store, for whoever looks for planted tokens."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from fastapi.routing import APIRoute

from pipelines.web.api import ROUTERS as API_ROUTES
from pipelines.web.pages import ROUTERS as PAGES
from pipelines.web.service import Options
from tests.web.conftest import Site, serving

#: What stands in an address, and one of its values; ids of jobs and posts come later.
VALUES = {"form": ("svg", "png", "csv", "xlsx"), "field": ("hashtags", "links", "authors")}
#: Needs an id that a job has given.
OF_JOBS = ("/jobs/{job_id}", "/api/v1/jobs/{job_id}", "/export/{job_id}.zip")


def addresses(ids: list[str]) -> Iterator[str]:
    """Yield an address of each page and answer that can be asked for without a job."""
    routes = {
        route.path
        for router in (*PAGES, *API_ROUTES)
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in route.methods
    }
    for path in sorted(route for route in routes if "{" not in route):
        yield path
    for path in sorted(routes - set(OF_JOBS)):
        for name, values in VALUES.items():
            if f"{{{name}}}" in path:
                yield from (path.replace(f"{{{name}}}", value) for value in values)
        if "{post_id:path}" in path:
            yield from (path.replace("{post_id:path}", quote(one)) for one in ids)
    yield from (f"/post?id={quote(one, safe='')}&why=1" for one in ids[:1])
    yield from (f"/post?id={quote(one, safe='')}" for one in ids)
    yield from (f"/search?lang-ui={language}&sort=relevance" for language in ("fr", "ar"))


def given(store: Path, accounts: Path, ids: list[str], files: Path) -> Iterator[tuple[str, bytes]]:
    """Serve a store, and yield what each page gives, and each file it keeps meanwhile."""
    options = Options(store=str(store), accounts=accounts, threads=1)
    with serving(options) as site:
        for path in addresses(ids):
            answer = site.client.get(path, follow_redirects=True)
            assert answer.status_code < 500, (path, answer.text)
            yield path, answer.content
            yield f"headers of {path}", repr(answer.headers).encode()
        yield from job(site, "/export", formats="ndjson")
        for path in files.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()


def job(site: Site, path: str, **fields: str) -> Iterator[tuple[str, bytes]]:
    """Yield what the page says of a job, and what the job made."""
    answer = site.post(path, token=site.token(path), **fields)
    yield f"job of {path}", site.done(answer).encode()
    number = answer.headers["location"].rpartition("/")[2]
    yield "API of the job", site.get(f"/api/v1/jobs/{number}").content
    yield "zip", site.get(f"/export/{number}.zip").content


def readable(content: bytes) -> bytes:
    """Return a content with what is compressed in it, as in archives, sheets and PDF files."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = [readable(packed.read(name)) for name in packed.namelist()]
    else:
        parts = list(map(_inflated, re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL)))
    return b"\n".join([content, *parts])


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""

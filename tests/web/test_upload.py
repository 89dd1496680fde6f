"""Uploading a file on the page: looked at first, then imported with what was corrected."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx2

from tests.web.conftest import Site

#: Fictional posts.
FILE = b"id,text,created_at\n1,inwi rah zwin,2016-02-27 10:00\n2,,2016-02-27 11:00\n"


def look(site: Site, content: bytes = FILE, name: str = "posts.csv") -> httpx2.Response:
    data = {"token": site.token("/upload"), "watchlist": "none"}
    return site.client.post("/upload", data=data, files={"file": (name, content)})


def test_upload__imports_what_was_looked_at(serve: Callable[..., Site]) -> None:
    site = serve(None)
    answer = look(site)
    assert answer.status_code == 200
    assert "posts.csv" in answer.text
    assert "created_at from created_at" in answer.text
    assert "2016-02-27 10:00Z  inwi rah zwin" in answer.text
    assert not Path(site.options.store).exists()
    job = re.search(r'name="job" value="([^"]+)"', answer.text)
    assert job
    fields = {"job": job[1], "watchlist": "none", "timezone": "Africa/Casablanca"}
    token = re.search(r'name="token" value="([^"]+)"', answer.text)
    assert token
    page = site.done(
        site.post("/upload/again", token=token[1], what="import", platform="twitter", **fields)
    )
    assert "2 received" in page
    assert "posts.csv: done" in page
    assert "/posts.csv" not in page
    assert "inwi rah zwin" in site.page("/search?q=zwin").replace(
        '<mark class="exact">', ""
    ).replace("</mark>", "")


def test_upload__of_nothing_says_so(site: Site) -> None:
    token = site.token("/upload")
    assert site.client.post("/upload", data={"token": token}).status_code == 400


def test_upload__without_the_token_of_its_form_is_refused(site: Site) -> None:
    site.page("/upload")
    answer = site.client.post("/upload", data={}, files={"file": ("a.csv", FILE)})
    assert answer.status_code == 403


def test_upload__larger_than_allowed_is_refused(serve: Callable[..., Site]) -> None:
    site = serve(upload_bytes=1_000)
    assert look(site, b"x" * 5_000).status_code == 413
    assert look(site, b"x" * 3_000_000).status_code == 413


def test_upload__keeps_the_name_inside_its_own_folder(site: Site) -> None:
    answer = look(site, name="../../etc/passwd")
    assert answer.status_code == 200
    assert "<bdi>passwd</bdi>" in answer.text

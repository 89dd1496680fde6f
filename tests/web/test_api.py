"""The JSON API: its answers, and that nothing asked of it is a failure of ours."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies

from pipelines.web.jobs import Job, Jobs
from tests.web.conftest import POSTS, Site


def test_api__search_finds_what_the_page_finds(site: Site) -> None:
    found = site.get("/api/v1/search?q=whatsapp").json()
    assert found["total"] == 2
    assert [one["post"]["id"] for one in found["posts"]] == ["twitter:3", "twitter:2"]
    assert found["facets"]["lang"] == {"ary": 1, "ary-Latn": 1}
    start, end = found["posts"][0]["highlights"][0]
    assert found["posts"][0]["post"]["text"][start:end] == "whatsapp"


def test_api__trends_are_those_of_the_page(site: Site) -> None:
    row = site.get("/api/v1/trends?q=inwi").json()["rows"][0]
    assert (row["bucket"], row["posts"]) == ("2016-02-27", 3)


def test_api__says_what_is_watched_and_how_often_it_is_named(site: Site) -> None:
    entities = site.get("/api/v1/entities").json()["entities"]
    assert {one["id"]: one["posts"] for one in entities} == {"inwi": 2, "whatsapp": 2}
    top = site.get("/api/v1/top/platform").json()
    assert [one["value"] for one in top["values"]] == ["twitter", "youtube"]


def test_api__ledger_is_that_of_the_command(site: Site) -> None:
    ledger = site.get("/api/v1/status").json()["ledger"]
    assert ledger["indexed"] == ledger["received"] == len(POSTS)


def test_api__shows_a_deletion_before_it_does_it(serve: Callable[..., Site]) -> None:
    site = serve()
    answer = site.client.post("/api/v1/deletions", json={"post": "twitter:1"}).json()
    assert answer == {"posts": 1, "platforms": {"twitter": 1}, "job": None}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/search?q=(", 400),
        ("/api/v1/search?page=0", 422),
        ("/api/v1/posts/twitter:99", 404),
        ("/api/v1/jobs/none", 404),
        ("/api/v1/nothing", 404),
    ],
)
def test_api__failures_say_what_and_where(site: Site, path: str, code: int) -> None:
    answer = site.get(path)
    assert answer.status_code == code
    assert answer.json()["error"]["message"]


def test_api__without_a_store_says_what_to_do(serve: Callable[..., Site]) -> None:
    answer = serve(None).get("/api/v1/search")
    assert answer.status_code == 503
    assert "marsad ingest" in answer.json()["error"]["message"]


def test_api__export_is_fetched_where_the_description_says(site: Site) -> None:
    page = site.page("/api")
    assert "``" not in page
    assert "<code>formats</code> (needed)" in page
    named = re.search(r"<code>(/export[^<]*)</code>", page)
    assert named
    job = site.client.post("/api/v1/exports?q=inwi", json={"formats": ["ndjson"]}).json()
    while (state := site.get(f"/api/v1/jobs/{job['id']}").json()["state"]) == "running":
        time.sleep(0.2)
    assert state == "done"
    assert site.get(named[1].replace("{id}", job["id"])).content.startswith(b"PK")


def test_api__forms_of_other_sites_can_not_delete(site: Site) -> None:
    body = '{"post": "twitter:1", "sure": true}'
    headers = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
    assert site.client.post("/api/v1/deletions", content=body, headers=headers).status_code == 403


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the page start no process: what is asked of it is tried here, not what comes of it."""

    def start(self: Jobs, kind: str, arguments: list[str], **given: object) -> Job:
        job = Job(kind, str(given["owner"]), Path(str(given["folder"])), str(given.get("title")))
        job.state = "done"
        job.finished.set()
        self._jobs[job.id] = job
        return job

    monkeypatch.setattr(Jobs, "start", start)


def tried(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def test_api__every_request_that_its_description_allows_is_answered(
    serve: Callable[..., Site], no_work: None
) -> None:
    # Here, since every process reads this file and one alone needs the library.
    import schemathesis
    from schemathesis.checks import not_a_server_error

    site = serve()
    schema = schemathesis.openapi.from_dict(site.get("/api/openapi.json").json())
    asked: Counter[str] = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()

        @tried(15)
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            asked[case.method.upper()] += 1
            case.call_and_validate(base_url=site.url, checks=[not_a_server_error])

        ask()
    assert asked["GET"] >= 50
    assert asked["POST"] >= 20


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "OPTIONS", "HEAD"])
def test_api__other_methods_are_refused_and_not_failures(site: Site, method: str) -> None:
    for path in ("/api/v1/search", "/api/v1/deletions", "/api/v1/exports", "/", "/upload"):
        assert site.client.request(method, path).status_code in {200, 403, 405}


#: The forms of the page with their fields.
FORMS = {
    "/label": ("post_id", "label", "next"),
    "/delete/preview": ("post_id", "author", "platform"),
    "/delete": ("post_id", "author", "platform", "sure"),
    "/export?q=inwi": ("formats",),
    "/upload/again": ("job", "what", "watchlist", "timezone", "date-order", "map-text"),
    "/status/retry": (),
    "/login": ("name", "password", "next"),
    "/logout": (),
}


@pytest.mark.parametrize("path", FORMS)
def test_form__of_any_content_is_no_failure(
    serve: Callable[..., Site], no_work: None, path: str
) -> None:
    site = serve()
    token = site.token("/upload")
    text = strategies.text(max_size=40).map(encodable)

    @tried(12)
    @given(fields=strategies.fixed_dictionaries({}, optional=dict.fromkeys(FORMS[path], text)))
    def send(fields: dict[str, str]) -> None:
        for own in ({"token": token}, {}):
            answer = site.post(path, **fields, **own)
            assert answer.status_code < 500, answer.text

    send()


def encodable(text: str) -> str:
    """What a form can carry."""
    return text.encode("utf-8", "ignore").decode()

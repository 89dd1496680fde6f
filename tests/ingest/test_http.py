"""The one client of all sources: polite to a host whoever asks, and clear about refusals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.sources import http
from ingest.sources.base import Stopped
from ingest.sources.http import SPACING, Client, wait_of
from tests.platform_server import Answer, Platform, in_json, page, platform
from tests.stands.mastodon import Instance, mastodon


@pytest.fixture
def server() -> Iterator[Platform]:
    with platform() as told:
        yield told


class Asking:
    """A client that notes its pauses instead of making them."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.client = Client(clock=lambda: 1_000.0, sleep=self.pauses.append)


@pytest.fixture
def asking() -> Iterator[Asking]:
    made = Asking()
    yield made
    made.client.close()


def test_all_threads_together_ask_a_host_once_a_second(server: Platform, asking: Asking) -> None:
    server.on("/", in_json({}))
    threads = [
        threading.Thread(target=asking.client.get, args=(f"{server.url}/",)) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asking.pauses) == [SPACING * number for number in range(5)]


def test_hosts_are_spared_each_by_itself(server: Platform, asking: Asking) -> None:
    server.on("/", in_json({}))
    with platform() as other:
        other.on("/", in_json({}))
        asking.client.get(f"{server.url}/")
        asking.client.get(f"{other.url}/")
    assert asking.pauses == [0, 0]


def test_a_limit_that_is_used_up_is_not_asked_beyond(server: Platform, asking: Asking) -> None:
    reset = datetime.now(UTC) + timedelta(seconds=120)
    used_up = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset.isoformat()}
    server.on("/", in_json({}, 200, **used_up))
    asking.client.get(f"{server.url}/")
    with pytest.raises(SourceBlocked, match="used up") as caught:
        asking.client.get(f"{server.url}/")
    assert 100 < caught.value.wait <= 120
    assert len(server.asked) == 1


def test_a_pause_may_end_a_run(server: Platform) -> None:
    def sleep(seconds: float) -> None:
        raise Stopped

    client = Client(sleep=sleep)
    with pytest.raises(Stopped):
        client.get(f"{server.url}/")
    client.close()
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, SourceBlocked), (401, SourceBlocked), (403, SourceBlocked), (451, SourceBlocked),
     (404, SourceGone), (410, SourceGone), (500, SourceError), (503, SourceError),
     (400, SourceChanged), (418, SourceChanged)],
)  # fmt: skip
def test_a_status_says_what_kind_of_refusal_it_is(
    server: Platform, asking: Asking, status: int, error: type[SourceError]
) -> None:
    server.on("/", page("why", status))
    with pytest.raises(error) as caught:
        asking.client.get(f"{server.url}/")
    assert type(caught.value) is error
    assert caught.value.body == b"why"
    assert asking.client.get(f"{server.url}/", expected={status}).status == status


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after": "30"}, 30, 30),
        ({"retry-after": "soon"}, 0, 0),
        ({"retry-after": "999999999"}, 86_400, 86_400),
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "9999999999"}, 0, 0),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "9999999999"}, 86_400, 86_400),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "40"}, 40, 40),
        ({"x-ratelimit-remaining": "0"}, 0, 0),
        ({}, 0, 0),
    ],
)
def test_how_long_to_wait_is_read_from_what_platforms_write(
    headers: dict[str, str], low: float, high: float
) -> None:
    assert low <= wait_of(headers) <= high


@pytest.mark.parametrize("how", ["keys", "secret"])
def test_a_key_goes_nowhere_else_and_into_no_message(
    server: Platform, asking: Asking, how: str
) -> None:
    server.on("/", Answer(status=302, headers={"Location": "{url}/elsewhere"}))
    with pytest.raises(SourceChanged) as caught:
        asking.client.get(f"{server.url}/", **{how: {"token": "a-secret"}})  # type: ignore[arg-type]
    assert "a-secret" not in str(caught.value)
    assert [asked.path for asked in server.asked] == ["/"]


def test_every_request_names_the_project(server: Platform, asking: Asking) -> None:
    server.on("/", in_json({}))
    asking.client.get(f"{server.url}/")
    assert server.asked[0].headers["User-Agent"].startswith("Marsad/")


# Answers without end


@pytest.fixture
def instance() -> Iterator[Instance]:
    with mastodon() as made:
        yield made


def stream(client: Client, instance: Instance, token: str = "a-user-token") -> Iterator[str]:
    keys = {"Authorization": f"Bearer {token}"}
    with client.stream(f"{instance.url}/api/v1/streaming/public", keys=keys) as lines:
        yield from lines


def test_lines_come_as_they_are_sent_and_the_end_is_an_error(
    asking: Asking, instance: Instance
) -> None:
    lines = stream(asking.client, instance)
    assert next(lines) == ":thump"
    instance.stream("delete", "1")
    assert "event: delete" in [next(lines) for _ in range(9)]
    instance.hang_up()
    with pytest.raises(SourceError):
        list(lines)


def test_a_stream_that_is_refused_says_why(asking: Asking, instance: Instance) -> None:
    with pytest.raises(SourceBlocked) as caught:
        next(stream(asking.client, instance, "a wrong token"))
    assert b"Access token" in caught.value.body
    assert "a wrong token" not in str(caught.value)


def test_a_line_without_end_is_another_stream(
    asking: Asking, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LONGEST_LINE", 1_000)
    lines = stream(asking.client, instance)
    next(lines)
    instance.stream("update", "x" * 100_000)
    with pytest.raises(SourceChanged, match="without end"):
        list(lines)


def test_a_stream_that_is_not_there_is_an_error(asking: Asking) -> None:
    with pytest.raises(SourceError), asking.client.stream("http://127.0.0.1:1/"):
        pass

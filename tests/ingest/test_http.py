"""The one client of all sources: polite to a host for every source, and clear about refusals."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.http import client as http
from ingest.http.client import LARGEST, LONGEST_ANSWER, SPACING, Client, refuse_walls, wait_of
from ingest.http.connection_errors import why
from ingest.stop import Stopped
from tests.platform_server import Answer, Platform, in_json, page, platform
from tests.simulators.mastodon import Instance, mastodon


@pytest.fixture
def server() -> Iterator[Platform]:
    with platform() as told:
        yield told


class Asking:
    """A client that notes its pauses instead of making them."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.said: list[str] = []
        self.client = Client(clock=lambda: 1_000.0, sleep=self.pauses.append, say=self.said.append)


@contextmanager
def accepting(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that answers each connection as a test says."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


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


def test_a_long_pause_that_a_host_asks_for_is_made_and_told(
    server: Platform, asking: Asking
) -> None:
    server.on("/robots.txt", Answer(b"User-agent: *\nCrawl-delay: 300\n"))
    server.on("/", page("posts"))
    for _ in range(2):
        asking.client.get(f"{server.url}/", robots=True)
    assert asking.pauses == [0, SPACING, 300]
    assert [said.partition(": ")[2] for said in asking.said] == [
        "its robots.txt asks for long pauses, the next one is 300 s."
    ]


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
     (400, SourceBlocked), (418, SourceBlocked), (402, SourceBlocked)],
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
    assert f"{server.url}/elsewhere," in str(caught.value)
    assert [asked.path for asked in server.asked] == ["/"]


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://[", "gopher://example.org"])
def test_a_redirect_to_no_address_of_the_web_is_not_followed(
    server: Platform, asking: Asking, place: str
) -> None:
    server.on("/", Answer(status=302, headers={"Location": place}))
    with pytest.raises(SourceChanged, match="it sends to no address"):
        asking.client.get(f"{server.url}/")


# Answers that are packed, too large or too slow


def packed(body: bytes, kind: str = "gzip") -> Answer:
    return Answer(body, headers={"Content-Encoding": kind})


def test_a_packed_answer_is_unpacked(server: Platform, asking: Asking) -> None:
    server.on("/", packed(gzip.compress(b"posts" * 100_000)))
    assert asking.client.get(f"{server.url}/").body == b"posts" * 100_000
    assert server.asked[0].headers["Accept-Encoding"] == "gzip"


def test_a_bomb_is_put_down_before_it_has_filled_the_memory(
    server: Platform, asking: Asking
) -> None:
    server.on("/", packed(gzip.compress(bytes(120_000_000), 1)))
    tracemalloc.start()
    try:
        with pytest.raises(SourceChanged, match="larger than any"):
            asking.client.get(f"{server.url}/")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * LARGEST


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (packed(b"no gzip at all"), "can't be unpacked"),
        (packed(gzip.compress(b"posts")[:-4]), "breaks off"),
        (packed(gzip.compress(gzip.compress(b"posts")), "gzip, gzip"), "nobody asked for"),
        (packed(b"posts", "zstd"), "nobody asked for"),
    ],
)
def test_what_can_not_be_unpacked_was_reached_all_the_same(
    server: Platform, asking: Asking, answer: Answer, words: str
) -> None:
    server.on("/", answer)
    with pytest.raises(SourceError, match=words):
        asking.client.get(f"{server.url}/")


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_that_comes_in_drops_ends_when_its_time_is_over(status: int) -> None:
    def drops(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 %d OK\r\n\r\n" % status)
        with suppress(OSError):
            while True:
                connection.sendall(b".")

    clock = itertools.count(0.0, LONGEST_ANSWER / 10)
    client = Client(clock=lambda: next(clock), sleep=lambda seconds: None)
    with accepting(drops) as url:
        with pytest.raises(SourceError, match="does not end") as caught:
            client.get(f"{url}/")
        assert caught.value.body.startswith(b".")
        if status != 200:
            with pytest.raises(SourceError, match="does not end"), client.stream(f"{url}/"):
                pass
    client.close()


def dripping(begun: bytes) -> Callable[[socket.socket], None]:
    """What sends a byte every so often, for longer than anybody should wait."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        with suppress(OSError):
            connection.sendall(begun)
            for _ in range(500):
                connection.sendall(b".")
                time.sleep(0.01)

    return talk


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 OK\r\nX-Drops: ",
        b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n1;",
    ],
    ids=["headers", "the size of a piece"],
)
def test_the_time_of_an_answer_holds_for_all_of_it_and_not_for_its_body_alone(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LONGEST_ANSWER", 0.2)
    client = Client(sleep=lambda seconds: None)
    with accepting(dripping(begun)) as url:
        with pytest.raises(SourceError, match="its answer does not end"):
            client.get(f"{url}/")
        with (
            pytest.raises(SourceError, match="its answer does not end"),
            client.stream(f"{url}/"),
        ):
            pass
    client.close()


# What stands on a page


@pytest.mark.parametrize(
    ("page", "wall"),
    [
        (b'<form><input type="password" name=p></form>', "login"),
        (b"<form><INPUT name=p TYPE=password></form>", "login"),
        (b"<input class='a' type = 'password'/>", "login"),
        (b"<p>Are you human?</p><img src=/captcha.png>", "captcha"),
        (b"<p>the type=password of an input</p>", ""),
        (b"<?xml version='1.0'?><rss><item>On captchas & robots", ""),
    ],
)
def test_a_page_that_wants_a_login_or_a_human_is_known(page: bytes, wall: str) -> None:
    if not wall:
        return refuse_walls(page)
    with pytest.raises(SourceBlocked, match=wall):
        refuse_walls(page)
    return None


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
    with (
        pytest.raises(SourceError, match=r"127\.0\.0\.1:1 can't be reached: nothing listens there"),
        asking.client.stream("http://127.0.0.1:1/"),
    ):
        pass


def test_a_server_without_an_address_is_told_without_its_name_in_the_error() -> None:
    outer = OSError("https://nowhere.example/?key=secret")
    outer.__cause__ = socket.gaierror(-2, "Name or service not known")
    assert why(outer) == "there is no such host, or no network"
    assert why(OSError("https://nowhere.example/?key=secret")) == "OSError"

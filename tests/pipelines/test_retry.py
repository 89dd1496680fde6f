"""Retries: pauses that double, a limit in time, and a stop that ends a wait at once."""

from __future__ import annotations

import threading
import time

import pytest
from elasticsearch import Elasticsearch

from pipelines.errors import StoreError
from pipelines.retry import RetryPolicy, call
from pipelines.stop import Stop
from pipelines.stores.elasticsearch.server import Server


class Failing:
    """Fails so many times, then returns how often it was called."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or ConnectionError("away")
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return self.calls


def test_policy__doubles_the_pause_up_to_its_limit() -> None:
    policy = RetryPolicy(1.5, 20.0)
    assert [policy.delay(failures) for failures in (1, 2, 3, 4, 5, 10_000)] == [
        1.5,
        3.0,
        6.0,
        12.0,
        20.0,
        20.0,
    ]


def test_call__tries_again_after_the_errors_that_it_was_given() -> None:
    pauses: list[float] = []
    asked = Failing(3)
    assert call(asked, RetryPolicy(1, 30), ConnectionError, sleep=pauses.append) == 4
    assert pauses == [1, 2, 4]


def test_call__raises_any_other_error_at_once() -> None:
    asked = Failing(3, KeyError("unknown"))
    with pytest.raises(KeyError):
        call(asked, RetryPolicy(1, 30), ConnectionError, sleep=lambda pause: None)
    assert asked.calls == 1


def test_call__raises_the_last_error_when_its_time_is_up() -> None:
    asked = Failing(100)
    with pytest.raises(ConnectionError, match="away"):
        call(asked, RetryPolicy(0.01, 0.01), ConnectionError, seconds=0.05)
    assert asked.calls > 1


def test_call__that_has_no_time_tries_once() -> None:
    asked = Failing(1)
    with pytest.raises(ConnectionError):
        call(asked, RetryPolicy(1, 1), ConnectionError, seconds=0)
    assert asked.calls == 1


def test_call__ends_its_wait_when_the_run_is_to_end() -> None:
    stop, asked = Stop(), Failing(2)
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(ConnectionError):
        call(asked, RetryPolicy(3_600, 3_600), ConnectionError, stop=stop)
    assert asked.calls == 2  # the wait ended, and this try was the last


def test_call__tells_of_each_retry(caplog: pytest.LogCaptureFixture) -> None:
    call(Failing(1), RetryPolicy(7, 30), ConnectionError, sleep=lambda pause: None)
    assert [record.message for record in caplog.records] == ["away Retrying in 7 s."]


def test_call__gives_signs_of_life_while_it_waits() -> None:
    beats: list[float] = []
    call(
        Failing(1),
        RetryPolicy(0.01, 0.01),
        ConnectionError,
        heartbeat=lambda: beats.append(time.monotonic()),
    )
    assert beats


def test_call__with_jitter_waits_half_the_pause_at_least() -> None:
    pauses: list[float] = []
    call(Failing(50), RetryPolicy(1, 1), ConnectionError, jitter=True, sleep=pauses.append)
    assert all(0.5 <= pause <= 1.0 for pause in pauses)
    assert len(set(pauses)) > 1


def test_stop__is_set_with_its_parent() -> None:
    parent = Stop()
    stop = Stop(parent)
    assert not stop.wait(0.01)
    parent.set()
    assert stop.is_set()
    assert stop.wait()


def test_stop__does_not_set_its_parent() -> None:
    parent = Stop()
    Stop(parent).set()
    assert not parent.is_set()


def test_a_server__that_is_away_is_asked_until_the_run_is_to_end() -> None:
    server = Server("http://127.0.0.1:9")  # where nothing answers
    server.retry_seconds = 600.0
    server.stop = Stop()
    asked: list[float] = []

    def ask(client: Elasticsearch) -> None:
        asked.append(time.monotonic())
        if len(asked) == 3:
            server.stop.set()
        client.info()

    with pytest.raises(StoreError, match="No Elasticsearch server answers"):
        server.do(ask)
    assert len(asked) == 3


def test_a_server__is_not_asked_again_where_no_time_is_given() -> None:
    server = Server("http://127.0.0.1:9")
    server.retry_seconds = 0.0
    asked: list[Elasticsearch] = []
    with pytest.raises(StoreError):
        server.do(lambda client: asked.append(client) or client.info())
    assert len(asked) == 1

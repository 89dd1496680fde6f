"""Platforms read by the installed command, from servers on this machine."""

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import Marsad, balanced
from tests.simulators.rss import newspaper
from tests.simulators.telegram import telegram
from tests.simulators.weibo import weibo
from tests.simulators.x import x
from tests.simulators.youtube import error, youtube

pytestmark = pytest.mark.e2e

Simulators = Callable[[], AbstractContextManager[Any]]


@pytest.mark.parametrize("simulator", [telegram, weibo, youtube, newspaper, x])
def test_a_source_is_read_in_steps_and_nothing_is_lost_doubled_or_named(
    simulator: Simulators, marsad: Marsad, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator() as platform:
        platform.start = datetime.now(UTC) - timedelta(days=1)  # X reaches a week back
        for name, secret in platform.secrets.items():
            monkeypatch.setenv(name, secret)
        command = ("ingest", platform.name, platform.target, "--url", platform.url)
        platform.publish(5)
        marsad(*command, "--limit", "3")
        platform.publish(2)
        told = marsad(*command).stderr
        accounts = platform.accounts()
    rows = marsad.rows("search", "--json", "--limit", "100")
    assert len({row["id"] for row in rows}) == len(rows) == 7
    assert {row["text"].split("\n")[0] for row in rows} == {f"post number {n}" for n in range(1, 8)}
    assert all(row["language"] and row["sentiment"] for row in rows)
    ledger = marsad.ledger()
    assert balanced(ledger)
    assert ledger["indexed"] == 7
    for row in rows:
        shown = json.dumps({**row, "text": ""}, ensure_ascii=False).casefold()
        assert not any(account.casefold() in shown for account in accounts), shown
    assert "given up" not in told


def test_the_stream_of_x_is_followed_until_the_limit(
    marsad: Marsad, monkeypatch: pytest.MonkeyPatch
) -> None:
    with x("x-stream") as platform:
        monkeypatch.setenv("MARSAD_X_BEARER", "a-bearer")
        listened = threading.Event()
        monkeypatch.setattr(platform, "heard", listened.set)

        def publish() -> None:
            if listened.wait(120):
                platform.publish(2)

        thread = threading.Thread(target=publish)
        thread.start()
        marsad("ingest", "x-stream", platform.target, "--url", platform.url, "--limit", "2")
        thread.join()
    assert marsad.ledger()["indexed"] == 2


def test_a_missing_key_and_a_refusal_are_told_in_words(
    marsad: Marsad, monkeypatch: pytest.MonkeyPatch
) -> None:
    with youtube() as platform:
        command = ("ingest", "youtube", platform.target, "--url", platform.url)
        assert "MARSAD_YOUTUBE_KEY" in marsad(*command, code=1).stderr
        monkeypatch.setenv("MARSAD_YOUTUBE_KEY", "a-key")
        platform.instead = lambda asked: error(403, "commentsDisabled", "They are disabled.")
        told = marsad(*command, code=1).stderr
        assert "comments are turned off: They are disabled." in told
        assert "Traceback" not in told
        (kept,) = marsad.rows("dead", "list", "--kind", "answer", "--json")
        assert "commentsDisabled" in marsad("dead", "show", str(kept["number"])).stdout
        marsad("dead", "list", code=3)  # it is no record


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (("twitter", "search", "--since", "2016-02-27"), "marsad ingest x"),
        (("snscrape", "mastodon-profile", "@a@b"), "marsad ingest mastodon"),
    ],
)
def test_what_snscrape_can_not_read_any_more_is_explained(
    marsad: Marsad, words: tuple[str, ...], instead: str
) -> None:
    assert instead in marsad("ingest", *words, code=1).stderr

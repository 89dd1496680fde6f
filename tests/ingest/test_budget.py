"""A record that takes too long becomes a dead letter; the records behind it are read."""

from __future__ import annotations

import codecs
import json
import signal
import threading
import timeit
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import budget, isolation
from ingest.budget import OverBudget, time_budget
from ingest.errors import SourceChanged
from ingest.mapping import unexpected
from ingest.mapping.items import Seen
from ingest.mapping.unexpected import SMALL, kept
from ingest.privacy.keyring import Key
from ingest.privacy.protector import Protected, Protector
from ingest.records import Item, Post, Reject
from ingest.sources.mastodon import status as mastodon
from ingest.sources.rss import feed
from pipelines.stages import Collector

NOW = datetime(2024, 1, 1, tzinfo=UTC)
KEYS = [Key("ktest", datetime(2016, 1, 1, tzinfo=UTC), "11" * 32)]


def endless() -> None:
    while True:
        pass


def test_a_budget__ends_what_runs_longer() -> None:
    with pytest.raises(OverBudget), time_budget(0.05):
        endless()
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_a_budget__limits_nothing_in_another_thread() -> None:
    done: list[bool] = []

    def run() -> None:
        with time_budget(0.01):
            done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done == [True]


def in_a_thread(run: Callable[[], object]) -> object:
    """Return what a function gives in a thread, or the error that it raises."""
    found: list[object] = []

    def work() -> None:
        try:
            found.append(run())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "SECONDS", 0.1)
    monkeypatch.setattr(isolation, "_BEYOND", 0.2)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    "endless",
    [
        lambda: isolation.call(timeit.timeit, number=10**12),  # a loop of Python's
        lambda: isolation.call(sum, range(10**12)),  # one that looks for no signals
    ],
)
def test_a_budget__ends_what_runs_longer_in_any_thread(endless: Callable[[], object]) -> None:
    assert isinstance(in_a_thread(endless), OverBudget)
    assert in_a_thread(lambda: isolation.call(int, "12")) == 12, "the next one is served"


def test_a_call_in_a_thread__raises_what_the_function_raises() -> None:
    error = in_a_thread(lambda: isolation.call(feed.read, b"no feed", "", "https://a.example"))
    assert isinstance(error, SourceChanged)
    assert error.body == b"no feed"
    error = in_a_thread(lambda: isolation.call(int, "twelve"))
    assert isinstance(error, isolation.IsolatedMistake)
    assert (error.kind, "twelve" in error.where) == ("ValueError", False)


@pytest.mark.usefixtures("short")
def test_a_large_record__of_a_live_source_becomes_a_dead_letter_when_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unexpected, "told", set())
    raw = b"x" * (SMALL + 1)
    made = in_a_thread(lambda: kept(raw, timeit.timeit, number=10**12))
    assert isinstance(made, Reject)
    assert (made.reason, made.detail, made.raw) == ("mapping-failed", unexpected.TOO_LONG, raw)
    made = in_a_thread(lambda: kept(raw, codecs.lookup, "none such"))
    assert isinstance(made, Reject)
    assert made.detail == "unexpected LookupError"
    assert in_a_thread(lambda: kept(raw, int, "12")) == 12


#: Parts of what patterns look for: a long row of one of them is what costs most.
PARTS = st.sampled_from(
    (
        *("@", "a.b@", "06", "+212", "(at)", " at ", "https://", "www.", "a-", "a.", "/", "&#1;"),
        *("&amp;", "<p", "<a href=", "</", "[", "(", "\\u064", "\\x0", "0", "1-", "IBAN", "MA00"),
        *("CIN", "#a", "\N{ARABIC LETTER MEEM}", "\u200f", "\ufeff", "\uff20", "'", '"', ":", ";"),
        *("?", "%40", "u/", "u_", "\u00d8\u00a7", "\u00c3\u00a9", "b'", " ", "\n", "-"),
    )
)


@settings(max_examples=40)
@given(parts=st.lists(PARTS, min_size=1, max_size=3))
def test_a_small_record__ends_within_its_budget_whatever_it_repeats(parts: list[str]) -> None:
    """Threads map records up to this size by themselves."""
    joined = "".join(parts)
    text = (joined * SMALL)[:SMALL]
    seen = Seen(source="a", now=NOW, host="a.example")
    status = {"id": "1", "content": text, "account": {"acct": text}, "created_at": text}
    with time_budget(5):
        mastodon.map_item(json.dumps(status).encode(), seen)
        entry = feed.Entry(guid=text, link=text, title=text, body=text, author=text, published=text)
        feed.map_item(entry, seen)


class Slow(Protector):
    """Never ends with the text "slow"."""

    def protect(self, post: Post) -> Protected:
        if post.text == "slow":
            endless()
        return super().protect(post)


def forum_items(*texts: str) -> list[Item]:
    posts = [Post(id=f"forum:{n}", platform="forum", text=text) for n, text in enumerate(texts)]
    return [Item(post, str(n), line=n + 1) for n, post in enumerate(posts)]


def test_a_collector__keeps_a_post_that_takes_too_long_and_reads_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unexpected, "time_budget", lambda: budget.time_budget(0.1))
    made = Collector(Slow(KEYS), None)(forum_items("slow", "ok"), NOW)
    assert [one.post.text for one in made.posts] == ["ok"]
    (dead,) = made.dead
    assert (dead.reason, dead.line) == ("mapping-failed", 1)
    assert "longer than" in dead.detail
    assert b'"text":"slow"' in dead.raw


def test_a_collector__that_stops_when_overdue_ends_behind_a_post_that_took_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unexpected, "time_budget", lambda: budget.time_budget(0.1))
    items = forum_items("ok", "slow", "ok")
    made = Collector(Slow(KEYS), None, stop_when_overdue=True)(items, NOW)
    assert (made.taken, len(made.posts), len(made.dead)) == (2, 1, 1)
    made = Collector(Slow(KEYS), None, stop_when_overdue=True)(items[made.taken :], NOW)
    assert (made.taken, len(made.posts), len(made.dead)) == (1, 1, 0)

"""X's interface on this machine: recent search, rules, and the filtered stream.

Posts are made from ``tests/ingest/fixtures/x/``, whose README names the documents.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from ingest.sources.x.tweets import first_id
from tests.simulators.base import START
from tests.simulators.http import FIXTURES, Answer, Asked, HttpSimulator, in_json, serving

TOKEN = "a-bearer"
USERS = {"9000001": "nora_fictive", "9000002": "karim_exemple"}


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / "x" / f"{name}.json").read_text(encoding="utf-8"))


def problem(status: int, **headers: str) -> Answer:
    return in_json(fixture("problems")[str(status)], status, **headers)


class X(HttpSimulator):
    """Keeps posts that a query finds, and sends new ones to its listeners."""

    target = "(voip OR from:karim_exemple) lang:fr"
    secrets: Mapping[str, str] = {"MARSAD_X_BEARER": TOKEN}

    def __init__(self, name: str = "x") -> None:
        super().__init__()
        self.name = name
        self.posts: list[dict[str, Any]] = []
        self.rules: list[dict[str, str]] = []
        self.page = 10
        """Posts of a page: fewer than a page may hold, so that tests need fewer."""
        self.start = START
        """The first post is a minute later."""
        self.now: Callable[[], datetime] | None = None
        """The time, where search is to find what is half a minute old and no newer."""
        self.closed = False
        self.listening = 0
        self._lines: list[bytes] = []
        self._more = threading.Condition()

    # What a test tells it

    def publish(self, count: int) -> Sequence[str]:
        return [f"twitter:{self.write()['id']}" for _ in range(count)]

    def write(self, text: str = "", **fields: Any) -> dict[str, Any]:
        number = len(self.posts) + 1
        at = self.start + timedelta(minutes=number)
        native = str(first_id(at) + number)
        post = fixture("post") | {
            "id": native,
            "edit_history_tweet_ids": [native],
            "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "author_id": list(USERS)[number % 2],
            "text": text or f"post number {number}",
            **fields,
        }
        self.posts.append(post)
        rules = [{"id": rule["id"], "tag": rule["tag"]} for rule in self.rules]
        self.send(json.dumps({**self._with_users([post]), "data": post, "matching_rules": rules}))
        return post

    def send(self, line: str) -> None:
        """Send a line to the listeners."""
        with self._more:
            self._lines.append(f"{line}\r\n".encode())
            self._more.notify_all()

    def accounts(self) -> Sequence[str]:
        return [*USERS, *USERS.values()]

    def heard(self) -> None:
        """Called when somebody listens; a test may replace it."""

    # What it does

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return problem(401)
        if asked.path == "/2/tweets/search/recent":
            return self._search(asked.query)
        if asked.path == "/2/tweets/search/stream/rules":
            return self._rules(asked)
        return Answer(b"", 404)

    def streamed(self, asked: Asked) -> Iterator[bytes] | None:
        known = asked.headers.get("Authorization") == f"Bearer {TOKEN}"
        if asked.path != "/2/tweets/search/stream" or not known:
            return None
        return self._stream(len(self._lines))

    def _stream(self, place: int) -> Iterator[bytes]:
        self.listening += 1
        self.heard()
        while not self.closed:
            with self._more:
                if place >= len(self._lines):
                    self._more.wait(0.2)
                lines = self._lines[place:]
            place += len(lines)
            yield b"".join(lines) or b"\r\n"

    def _rules(self, asked: Asked) -> Answer:
        added = []
        for sent in self.posted:
            for rule in sent["add"]:
                added.append({**rule, "id": str(100 + len(self.rules))})
                self.rules.append(added[-1])
        self.posted.clear()
        meta = {"sent": "2026-11-01T00:00:00.000Z"}
        if added:
            return in_json({"data": added, "meta": {**meta, "summary": {"created": 1}}}, 201)
        return in_json({**({"data": self.rules} if self.rules else {}), "meta": meta})

    def _search(self, query: dict[str, str]) -> Answer:
        assert query["query"] == self.target
        assert query["sort_order"] == "recency"
        low, high = int(query.get("since_id", 0)), int(query.get("until_id", 1 << 63))
        if "start_time" in query:
            low = max(low, first_id(datetime.fromisoformat(query["start_time"])) - 1)
        if "end_time" in query:
            high = min(high, first_id(datetime.fromisoformat(query["end_time"])))
        elif self.now is not None:
            high = min(high, first_id(self.now() - timedelta(seconds=30)))
        found = [post for post in reversed(self.posts) if low < int(post["id"]) < high]
        start = int(query.get("next_token", "0"))
        shown = found[start : start + min(self.page, int(query["max_results"]))]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if start + len(shown) < len(found):
            meta["next_token"] = str(start + len(shown))
        data = {"data": shown, **self._with_users(shown)} if shown else {}
        return in_json({**data, "meta": meta})

    def _with_users(self, posts: Sequence[dict[str, Any]]) -> dict[str, Any]:
        ids = sorted({post["author_id"] for post in posts})
        users = [{"id": one, "name": "x", "username": USERS[one]} for one in ids]
        return {"includes": {"users": users}}


@contextmanager
def x(name: str = "x") -> Iterator[X]:
    simulator = X(name)
    with serving(simulator):
        try:
            yield simulator
        finally:
            simulator.closed = True

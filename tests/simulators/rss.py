"""A newspaper's feed on this machine, with ETag; made from ``tests/ingest/fixtures/rss/``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.utils import format_datetime
from string import Template
from typing import Any

from tests.simulators.base import moment
from tests.simulators.http import FIXTURES, Answer, Asked, HttpSimulator, serving

PATH = "/nouvelles/feed.xml"


def template(name: str) -> Template:
    return Template((FIXTURES / "rss" / f"{name}.xml").read_text(encoding="utf-8"))


class Newspaper(HttpSimulator):
    """One feed, which shows its newest entries first, ``shown`` of them at most."""

    name = "rss"

    def __init__(self) -> None:
        super().__init__()
        self.items: list[str] = []
        self.shown = 100
        self.type = "application/rss+xml; charset=utf-8"
        self.body: bytes | None = None
        """What is given instead of the feed that was made."""

    @property
    def target(self) -> str:  # type: ignore[override]
        return f"{self.url}{PATH}"

    def publish(self, count: int) -> Sequence[str]:
        ids = []
        for _ in range(count):
            number = len(self.items) + 1
            self.items.append(self.item(number, f"post number {number}"))
            ids.append(f"rss:127.0.0.1/journal-{number}")
        return ids

    def item(self, number: int, title: str, **values: Any) -> str:
        date = format_datetime(moment(number))
        return template("item").substitute(
            {"number": number, "title": title, "date": date} | values
        )

    def accounts(self) -> Sequence[str]:
        return ["Nadia Fictive"]

    def feed(self) -> bytes:
        items = "".join(reversed(self.items[-self.shown :]))
        return template("channel").substitute(items=items).encode()

    def answer(self, asked: Asked) -> Answer:
        if asked.path != PATH:
            return Answer(b"Not Found", 404)
        body = self.feed() if self.body is None else self.body
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if asked.headers.get("If-None-Match") == tag:
            return Answer(b"", 304, {"ETag": tag})
        return Answer(body, 200, {"Content-Type": self.type, "ETag": tag})


@contextmanager
def newspaper() -> Iterator[Newspaper]:
    simulator = Newspaper()
    with serving(simulator):
        yield simulator

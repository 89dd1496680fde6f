"""Reads a source on a simulator without ever waiting, at a moment that a test chooses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from ingest.http.client import Client
from ingest.records import Gap, Item, Post, Reject
from ingest.sources.base import LiveSource, Means, Order
from ingest.sources.registry import find, make
from tests.simulators.base import START, Simulator


class Reading:
    """A simulator, a clock, and the messages to people."""

    def __init__(self, simulator: Simulator, client: Client) -> None:
        self.simulator = simulator
        self.client = client
        self.now = START + timedelta(days=1)
        self.said: list[str] = []

    def source(self, **order: Any) -> LiveSource:
        """The source of the simulator's target, or of another."""
        wanted = {
            "url": self.simulator.url,
            "target": self.simulator.target,
            "secrets": self.simulator.secrets,
            **order,
        }
        means = Means(
            client=self.client,
            now=lambda: self.now,
            sleep=lambda seconds: None,
            stopped=lambda: False,
            say=self.said.append,
        )
        return make(find(self.simulator.name), Order(**wanted), means)

    def items(self, cursor: str = "", **order: Any) -> list[Item]:
        return list(self.source(**order).open(cursor))

    def posts(self, cursor: str = "", **order: Any) -> list[Post]:
        return posts(self.items(cursor, **order))


def posts(items: list[Item]) -> list[Post]:
    return [item.record for item in items if isinstance(item.record, Post)]


def rejects(items: list[Item]) -> list[Reject]:
    return [item.record for item in items if isinstance(item.record, Reject)]


def gaps(items: list[Item]) -> list[Gap]:
    return [item.record for item in items if isinstance(item.record, Gap)]


def ids(items: list[Item]) -> list[str]:
    """Native ids of the posts, in the order they came."""
    return [post.id.partition(":")[2].rpartition("/")[2] for post in posts(items)]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@contextmanager
def reading(simulator: Simulator) -> Iterator[Reading]:
    client = Client(sleep=lambda seconds: None)
    try:
        yield Reading(simulator, client)
    finally:
        client.close()

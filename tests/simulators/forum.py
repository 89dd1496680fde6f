"""The forum of docs/adding-a-source.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.platform_server import Answer, Asked, in_json
from tests.simulators.base import moment
from tests.simulators.http import HttpSimulator, serving

PAGE = 20


class Forum(HttpSimulator):
    name = "forum"
    target = "network-problems"

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def publish(self, count: int) -> Sequence[str]:
        numbers = range(self.count + 1, self.count + count + 1)
        self.count += count
        return [f"forum:{number}" for number in numbers]

    def accounts(self) -> Sequence[str]:
        return [f"member_{number}" for number in range(5)]

    def answer(self, asked: Asked) -> Answer:
        if asked.path != f"/api/v1/topics/{self.target}/posts":
            return in_json({"error": "no such topic"}, 404)
        first = int(asked.query["after"]) + 1
        numbers = range(first, min(self.count, first + PAGE - 1) + 1)
        return in_json({"posts": [self.post(number) for number in numbers]})

    def post(self, number: int) -> dict[str, object]:
        return {
            "number": number,
            "text": f"post number {number}",
            "date": moment(number).isoformat(),
            "author": f"member_{number % 5}",
        }


@contextmanager
def forum() -> Iterator[Forum]:
    simulator = Forum()
    with serving(simulator):
        yield simulator

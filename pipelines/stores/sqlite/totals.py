"""Running totals: posts and their probabilities by day, group, language and label.

They move in the transaction of what they count, by whole numbers, so that they are exactly what
counting all rows anew would give.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from pipelines.stores.sqlite_file import Connection

_Key = tuple[int, int, int, int, int]
_NOTHING = (0, 0, 0, 0)


class Fact(NamedTuple):
    """A row of ``facts``."""

    number: int
    day: int
    hour: int
    platform: int
    language: int
    label: int
    negative: int
    neutral: int
    positive: int
    confidence: int
    model: int
    provisional: int
    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None
    views: int | None = None


class TargetRow(NamedTuple):
    """A row of ``targets``."""

    number: int
    place: int
    day: int
    hour: int
    language: int
    entity: int
    label: int
    negative: int
    neutral: int
    positive: int
    provisional: int


class Totals:
    """Changes of the running totals, collected and then written at once."""

    def __init__(self) -> None:
        self._posts: dict[_Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._targets: dict[_Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._models: dict[int, int] = defaultdict(int)

    def count(self, facts: Iterable[Fact], targets: Iterable[TargetRow], sign: int) -> None:
        """Add rows that were written (``sign`` 1), or subtract removed ones (-1)."""
        for f in facts:
            total = self._posts[f.day, f.platform, f.language, f.label, f.provisional]
            _move(total, f.negative, f.neutral, f.positive, sign)
            self._models[f.model] += sign
        for t in targets:
            total = self._targets[t.day, t.entity, t.language, t.label, t.provisional]
            _move(total, t.negative, t.neutral, t.positive, sign)

    def write(self, connection: Connection) -> None:
        """Move the totals, inside the open transaction."""
        for table, group, changes in (
            ("sums", "platform", self._posts),
            ("target_sums", "entity", self._targets),
        ):
            moved = [(*key, *total) for key, total in changes.items() if tuple(total) != _NOTHING]
            connection.executemany(
                f"INSERT INTO {table} (day, {group}, language, label, provisional, posts, "
                "negative, neutral, positive) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO "
                "UPDATE SET posts = posts + excluded.posts, negative = negative + "
                "excluded.negative, neutral = neutral + excluded.neutral, "
                "positive = positive + excluded.positive",
                moved,
            )
            connection.executemany(
                f"DELETE FROM {table} WHERE day = ? AND {group} = ? AND language = ? "
                "AND label = ? AND provisional = ? AND posts = 0",
                [row[:5] for row in moved if row[5] < 0],
            )
        connection.executemany(
            "INSERT INTO models (model, posts) VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET posts = posts + excluded.posts",
            [(model, change) for model, change in self._models.items() if change],
        )
        connection.execute("DELETE FROM models WHERE posts = 0")


def _move(total: list[int], negative: int, neutral: int, positive: int, sign: int) -> None:
    total[0] += sign
    total[1] += sign * negative
    total[2] += sign * neutral
    total[3] += sign * positive

"""Posts as they are stored, put together from their body and their scores."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import msgspec

from ingest.records import Label, Post, Sentiment, Target
from pipelines.stores.sqlite import bodies
from pipelines.stores.sqlite.names import Names
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection

#: Probabilities are stored as whole numbers of this part, so that sums are exact.
MILLION = 1_000_000
_LABELS: tuple[Label, ...] = ("neutral", "negative", "neutral", "positive")


class Stored(NamedTuple):
    """A stored post with what is known of it beside its content."""

    number: int
    body: int
    post: Post
    day: int
    hour: int


def day_text(day: int) -> str:
    """Return a calendar day, ``YYYY-MM-DD``; empty where it is unknown."""
    return date.fromordinal(day).isoformat() if day else ""


def hour_text(day: int, hour: int) -> str:
    """Return an hour, ``YYYY-MM-DDTHH``; empty where the day is unknown."""
    return f"{day_text(day)}T{hour:02}" if day else ""


def load(connection: Connection, numbers: Iterable[int]) -> list[Stored]:
    """Return the posts of these numbers, in their order; those that are gone are left out."""
    wanted = list(numbers)
    if not wanted:
        return []
    listed = json_list(wanted)
    names = Names(connection)
    targets: dict[int, list[Target]] = {}
    for number, entity, label, *chances in connection.execute(
        "SELECT number, entity, label, negative, neutral, positive FROM targets "
        "WHERE number IN (SELECT value FROM json_each(?)) AND label > 0 ORDER BY number, place",
        (listed,),
    ):
        target = Target(names[entity], _LABELS[label], *_chances(chances))
        targets.setdefault(number, []).append(target)
    found: dict[int, Stored] = {}
    for (
        number,
        row,
        body,
        day,
        hour,
        language,
        label,
        *chances,
        confidence,
        model,
        provisional,
    ) in connection.execute(
        "SELECT p.number, p.body, b.post, f.day, f.hour, f.language, f.label, f.negative, "
        "f.neutral, f.positive, f.confidence, f.model, f.provisional "
        "FROM posts p JOIN bodies b ON b.seq = p.body JOIN facts f ON f.number = p.number "
        "WHERE p.number IN (SELECT value FROM json_each(?))",
        (listed,),
    ):
        post = msgspec.structs.replace(
            bodies.decode(body),
            language=names[language],
            language_confidence=confidence / MILLION,
            sentiment=Sentiment(_LABELS[label], *_chances(chances)) if label else None,
            targets=tuple(targets.get(number, ())),
            model=names[model],
            scored="provisional" if provisional else "",
        )
        found[number] = Stored(number, row, post, day, hour)
    return [found[number] for number in wanted if number in found]


def _chances(values: list[int]) -> tuple[float, float, float]:
    negative, neutral, positive = values
    return negative / MILLION, neutral / MILLION, positive / MILLION

"""Writing and removing posts in all tables at once, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Sentiment, Target
from pipelines import counts, stages
from pipelines.records import Document
from pipelines.stores.sqlite import bodies, words
from pipelines.stores.sqlite.load import MILLION, Stored, day_text, load
from pipelines.stores.sqlite.names import refs
from pipelines.stores.sqlite.numbers import allocate, microseconds
from pipelines.stores.sqlite.totals import Fact, TargetRow, Totals
from pipelines.stores.sqlite.words import LABELS, json_list, ordinal
from pipelines.stores.sqlite_file import Connection

_UTC = ZoneInfo("UTC")
_FACTS = f"INSERT OR REPLACE INTO facts VALUES ({', '.join('?' * len(Fact._fields))})"
_TARGETS = "INSERT INTO targets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_POSTS = "INSERT OR REPLACE INTO posts (number, id, body, created, author) VALUES (?, ?, ?, ?, ?)"


class Written(NamedTuple):
    """A document, and the row of its content in ``bodies``."""

    document: Document
    body: int


def write(connection: Connection, given: Sequence[Written]) -> None:
    """Store documents in place of what was stored under their ids, inside the open transaction."""
    stored = {one.post.id: one for one in by_ids(connection, [w.document.post.id for w in given])}
    dates = [_created(one.document) for one in given]
    fresh: list[int] = []
    moved: set[str] = set()
    for place, one in enumerate(given):
        known = stored.get(one.document.post.id)
        if known is None or dates[place] != _stored_created(known):
            fresh.append(place)
            if known is not None:
                moved.add(known.post.id)
    numbers = [
        stored[w.document.post.id].number if w.document.post.id in stored else 0 for w in given
    ]
    for place, number in zip(
        fresh, allocate(connection, [dates[place] for place in fresh]), strict=True
    ):
        numbers[place] = number
    known_refs = refs(
        connection,
        {name for one in given for name in words.named(one.document.post)}
        | {name for one in stored.values() for name in words.named(one.post)},
    )
    lines = [words.line(one.document, known_refs) for one in given]
    old_lines = dict(zip(stored, _lines(list(stored.values()), known_refs), strict=True))
    unchanged = {
        one.document.post.id
        for one, line in zip(given, lines, strict=True)
        if one.document.post.id not in moved and old_lines.get(one.document.post.id) == line
    }
    words.remove(
        connection,
        [(one.number, old_lines[name]) for name, one in stored.items() if name not in unchanged],
    )
    totals = Totals()
    _remove_rows(connection, list(stored.values()), totals, moved)
    written_bodies = {one.body for one in given}
    bodies.erase(connection, {one.body for one in stored.values()} - written_bodies)
    connection.executemany(
        _POSTS,
        sorted(
            (number, one.document.post.id, one.body, date, one.document.post.author)
            for number, one, date in zip(numbers, given, dates, strict=True)
        ),
    )
    placed = [(n, one.document) for n, one in zip(numbers, given, strict=True)]
    _add_rows(connection, placed, totals, known_refs)
    totals.write(connection)
    words.add(
        connection,
        [
            (number, line)
            for number, one, line in zip(numbers, given, lines, strict=True)
            if one.document.post.id not in unchanged
        ],
    )


def remove(connection: Connection, stored: Sequence[Stored]) -> None:
    """Remove stored posts, inside the open transaction; their bodies are overwritten."""
    if not stored:
        return
    known_refs = refs(connection, {name for one in stored for name in words.named(one.post)})
    lines = _lines(stored, known_refs)
    words.remove(connection, [(one.number, line) for one, line in zip(stored, lines, strict=True)])
    totals = Totals()
    _remove_rows(connection, stored, totals, {one.post.id for one in stored})
    totals.write(connection)
    bodies.erase(connection, {one.body for one in stored})


def reanalyse(connection: Connection, given: Sequence[tuple[Stored, Document]]) -> None:
    """Write words, days and counts of posts anew, inside the open transaction.

    Their content stays.
    """
    dated: list[tuple[Stored, Document]] = []
    others: list[tuple[Stored, Document]] = []
    for stored, document in given:
        same = bool(stored.day) == bool(document.day)  # else the number says another date
        (dated if same else others).append((stored, document))
    known_refs = refs(connection, {name for one, _ in given for name in words.named(one.post)})
    words.add_anew(
        connection,
        [(one.number, words.line(doc, known_refs)) for one, doc in dated],
    )
    connection.executemany(
        "UPDATE facts SET likes = ?, reposts = ?, replies = ?, views = ? WHERE number = ?",
        [(*counts.stored(one.post.counts), one.number) for one, _ in dated if one.post.counts],
    )
    moved = [
        (one, doc)
        for one, doc in dated
        if (one.day, one.hour) != (ordinal(doc.day), int(doc.hour[11:13] or 0))
    ]
    totals = Totals()
    _remove_rows(connection, [one for one, _ in moved], totals, set())
    placed = [(one.number, doc) for one, doc in moved]
    _add_rows(connection, placed, totals, known_refs)
    totals.write(connection)
    for one, document in others:
        write(connection, [Written(document, one.body)])


def by_ids(connection: Connection, ids: Sequence[str]) -> list[Stored]:
    """Return the stored posts of these ids."""
    rows = connection.execute(
        "SELECT number FROM posts WHERE id IN (SELECT value FROM json_each(?))", (json_list(ids),)
    )
    return load(connection, [number for (number,) in rows.fetchall()])


def _lines(stored: Sequence[Stored], known_refs: dict[str, int]) -> list[str]:
    """Return the terms that stored posts are found by: the same analysis gives the same terms."""
    documents = stages.index([one.post for one in stored], _UTC)
    return [
        words.line(msgspec.structs.replace(document, day=day_text(one.day)), known_refs)
        for one, document in zip(stored, documents, strict=True)
    ]


def _remove_rows(
    connection: Connection, stored: Sequence[Stored], totals: Totals, gone: set[str]
) -> None:
    """Remove the rows of posts; those of ``posts`` only where the number is not used again."""
    if not stored:
        return
    numbers = json_list(one.number for one in stored)
    among = "WHERE number IN (SELECT value FROM json_each(?))"
    facts = connection.execute(f"SELECT * FROM facts {among}", (numbers,))
    targets = connection.execute(f"SELECT * FROM targets {among}", (numbers,))
    totals.count(
        [Fact(*row) for row in facts.fetchall()],
        [TargetRow(*row) for row in targets.fetchall()],
        -1,
    )
    connection.execute(f"DELETE FROM targets {among}", (numbers,))
    removed = json_list(one.number for one in stored if one.post.id in gone)
    connection.execute(f"DELETE FROM facts {among}", (removed,))
    connection.execute(f"DELETE FROM posts {among}", (removed,))


def _add_rows(
    connection: Connection,
    placed: Sequence[tuple[int, Document]],
    totals: Totals,
    known: dict[str, int],
) -> None:
    facts = [_fact(number, document, known) for number, document in placed]
    targets = [row for number, document in placed for row in _targets(number, document, known)]
    connection.executemany(_FACTS, sorted(facts))
    connection.executemany(_TARGETS, sorted(targets))
    totals.count(facts, targets, 1)


def _created(document: Document) -> int | None:
    created = document.post.created_at
    return microseconds(created) if created is not None and document.day else None


def _stored_created(stored: Stored) -> int | None:
    created = stored.post.created_at
    return microseconds(created) if created is not None and stored.day else None


def _fact(number: int, document: Document, known: dict[str, int]) -> Fact:
    post = document.post
    score = post.sentiment
    return Fact(
        number,
        ordinal(document.day),
        int(document.hour[11:13] or 0),
        known[post.platform],
        known[post.language],
        LABELS[score.label if score else ""],
        *(_millionths(score) if score else (0, 0, 0)),
        round(post.language_confidence * MILLION),
        known[post.model],
        int(bool(post.scored)),
        *counts.stored(post.counts),
    )


def _targets(number: int, document: Document, known: dict[str, int]) -> list[TargetRow]:
    """Return one row for each entity; without a label where no attitude was computed."""
    post = document.post
    found: dict[str, Target | None] = {target.entity: target for target in post.targets}
    found |= {entity: None for entity in post.entities if entity not in found}
    day, hour = ordinal(document.day), int(document.hour[11:13] or 0)
    return [
        TargetRow(
            number,
            place,
            day,
            hour,
            known[post.language],
            known[entity],
            LABELS[target.label if target else ""],
            *(_millionths(target) if target else (0, 0, 0)),
            int(bool(post.scored)),
        )
        for place, (entity, target) in enumerate(found.items())
    ]


def _millionths(score: Target | Sentiment) -> tuple[int, int, int]:
    return (
        round(score.negative * MILLION),
        round(score.neutral * MILLION),
        round(score.positive * MILLION),
    )

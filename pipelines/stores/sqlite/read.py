"""The answers: each function runs inside one reading transaction of its caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Literal

import msgspec

from ingest.records import Counter, Gap, decode_post
from pipelines.query import Node
from pipelines.records import Hit, Page, Position, Split, Status, Sum
from pipelines.stores.sqlite import ledger
from pipelines.stores.sqlite.compile import condition

_GAP = msgspec.json.Decoder(Gap)
_COUNTER = msgspec.json.Decoder(Counter)


def search(connection: sqlite3.Connection, query: Node, limit: int, offset: int) -> Page:
    """Return one page of matches, newest first, and how many match in all."""
    where, values = condition(query)
    total = connection.execute(f"SELECT count(*) FROM posts p WHERE {where}", values).fetchone()[0]
    rows = connection.execute(
        # the page is chosen on the narrow table; only its posts are read
        "SELECT b.post, n.day FROM (SELECT p.rowid AS number, p.id, p.day, p.created "
        f"FROM posts p WHERE {where} ORDER BY p.created DESC, p.id LIMIT ? OFFSET ?) n "
        "JOIN bodies b ON b.rowid = n.number ORDER BY n.created DESC, n.id",
        (*values, limit, offset),
    )
    hits = [Hit(decode_post(post), day) for post, day in rows]
    waiting = connection.execute("SELECT count(*) FROM queue WHERE weight > 0").fetchone()[0]
    return Page(hits=hits, total=total, pending=waiting)


def scan(connection: sqlite3.Connection, query: Node) -> Iterator[Hit]:
    """Yield every match, ordered by id."""
    where, values = condition(query)
    rows = connection.execute(
        "SELECT b.post, p.day FROM posts p CROSS JOIN bodies b ON b.rowid = p.rowid "
        f"WHERE {where} ORDER BY p.id",
        values,
    )
    for post, day in rows:
        yield Hit(decode_post(post), day)


def sums(
    connection: sqlite3.Connection, query: Node, by: Literal["day", "hour"], split: Split
) -> list[Sum]:
    """Return the sums that trends are made of."""
    where, values = condition(query)
    if split == "entity":
        tables, score, group = "posts p JOIN targets s ON s.post = p.rowid", "s", "s.entity"
    else:
        tables, score = "posts p", "p"
        group = {"": "''", "language": "p.language", "platform": "p.platform"}[split]
    bucket = {"day": "p.day", "hour": "p.hour"}[by]
    rows = connection.execute(
        f"SELECT {bucket} AS bucket, {group} AS grp, p.language, {score}.label, count(*), "
        f"sum({score}.negative), sum({score}.neutral), sum({score}.positive) "
        f"FROM {tables} WHERE {where} AND p.day <> '' AND {score}.label <> '' "
        f"GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        values,
    )
    return [Sum(*row) for row in rows]


def count(connection: sqlite3.Connection, query: Node) -> tuple[int, int]:
    """Return how many posts match, and how many of those have no day."""
    where, values = condition(query)
    row = connection.execute(
        f"SELECT count(*), ifnull(sum(p.day = ''), 0) FROM posts p WHERE {where}", values
    ).fetchone()
    return int(row[0]), int(row[1])


def counters(connection: sqlite3.Connection, page: str | None) -> list[Counter]:
    """Return the readings of one page, or of all, ordered by time, page, metric, source."""
    rows = connection.execute("SELECT notice FROM notices WHERE kind = 'counter'")
    readings = (_COUNTER.decode(notice) for (notice,) in rows)
    return sorted(
        (reading for reading in readings if page in {None, reading.page}),
        key=lambda reading: (reading.at, reading.page, reading.metric, reading.source),
    )


def timezone(connection: sqlite3.Connection) -> str:
    """Return the zone that the store's days are counted in, empty if none was named yet."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'timezone'").fetchone()
    return str(row[0]) if row else ""


def status(connection: sqlite3.Connection, name: str) -> Status:
    """Return the state of the store."""
    posts, unknown = connection.execute(
        "SELECT count(*), ifnull(sum(day = ''), 0) FROM posts"
    ).fetchone()
    first, last = connection.execute(
        "SELECT ifnull(min(day), ''), ifnull(max(day), '') FROM posts WHERE day <> ''"
    ).fetchone()
    return Status(
        store=name,
        timezone=timezone(connection),
        ledger=ledger.read(connection),
        posts=posts,
        first_day=first,
        last_day=last,
        unknown_date=unknown,
        languages=_tally(connection, "language"),
        platforms=_tally(connection, "platform"),
        models=_tally(connection, "model"),
        dead_reasons=ledger.dead_reasons(connection),
        inputs=[
            Position(key=key, name=label, cursor=cursor, done=bool(done), metadata=details)
            for key, label, cursor, done, details in connection.execute(
                "SELECT key, name, cursor, done, details FROM positions ORDER BY rowid"
            )
        ],
        gaps=[
            _GAP.decode(notice)
            for (notice,) in connection.execute(
                "SELECT notice FROM notices WHERE kind = 'gap' ORDER BY at, rowid"
            )
        ],
    )


def _tally(connection: sqlite3.Connection, column: str) -> dict[str, int]:
    rows = connection.execute(f"SELECT {column}, count(*) FROM posts GROUP BY 1 ORDER BY 2 DESC, 1")
    return dict(rows.fetchall())

"""The answers: each function runs inside one reading transaction of its caller."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

import msgspec

from ingest.records import Counter, Gap
from pipelines.query import All, Filter, Node, asks_for
from pipelines.records import Hit, Page, Position, Split, Status, Study, Sum
from pipelines.stores.sqlite import erase, ledger, numbers, queue, ranked, tally
from pipelines.stores.sqlite.compile import Selection, select
from pipelines.stores.sqlite.load import MILLION, day_text, hour_text, load
from pipelines.stores.sqlite.names import Names
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection
from pipelines.stores.zone_data import ZoneData, parse

#: The row of ``meta`` with the zone data that days were counted with.
ZONE_DATA = "zone data"
#: The row with the study that posts were matched for.
STUDY = "study"
#: The row with the posts that were scored a second.
PACE = "posts a second"

_GAP = msgspec.json.Decoder(Gap)
_COUNTER = msgspec.json.Decoder(Counter)
_LABELS = ("", "negative", "neutral", "positive")
#: Posts that a scan reads at once.
_CHUNK = 500
#: Pages that end so far down are found whole, with all matches where these are fewer.
_FEW = 1_000
#: So many matches are sorted by id in memory, however few posts there are;
_SORTED = 50_000
#: up to this part of all posts, since to go through the index of ids would take longer;
_SORTED_PART = 0.1
#: but never more than these, for the memory that it takes.
_SORTED_MOST = 250_000


def search(connection: Connection, query: Node, limit: int, offset: int) -> Page:
    """Return one page of matches, newest first, and how many match in all."""
    selection = select(connection, query)
    found, total = _newest(connection, selection, limit, offset)
    return Page(
        hits=[Hit(one.post, day_text(one.day)) for one in load(connection, found)],
        total=_count(connection, query, selection) if total is None else total,
        pending=queue.hidden(connection),
    )


def newest(connection: Connection, query: Node, limit: int, offset: int) -> list[int]:
    """Return the numbers of one page of matches, newest first."""
    return _newest(connection, select(connection, query), limit, offset)[0]


def _newest(
    connection: Connection, selection: Selection, limit: int, offset: int
) -> tuple[list[int], int | None]:
    """Return the numbers of one page: newest first, unknown dates last, ties by id.

    Beside them stands how many posts match, where these are so few that all were found.

    Numbers are nearly in this order. The last number that a page of them would have tells how
    far down those lie that may belong to it: further than the store's spread, none does.
    """
    most = max(limit + offset, 1)
    last = connection.execute(
        f"SELECT {selection.number} FROM {selection.tables} WHERE {selection.where} "
        f"ORDER BY {selection.number} DESC LIMIT ? OFFSET ?",
        (*selection.values, *((most, 0) if most <= _FEW else (1, most - 1))),
    ).fetchall()
    if len(last) < most <= _FEW:
        all_of_them = [number for (number,) in last]
        return ranked.newest(connection, all_of_them, limit, offset), len(all_of_them)
    if last and last[-1][0] >= numbers.DATED:
        selection = selection.above(last[-1][0] - numbers.spread(connection))
    tables = selection.tables
    if tables != "posts p":
        tables = selection.joined("posts", "p")
    rows = connection.execute(
        f"SELECT p.number FROM {tables} WHERE {selection.where} "
        "ORDER BY p.created DESC, p.id LIMIT ? OFFSET ?",
        (*selection.values, limit, offset),
    )
    return [number for (number,) in rows.fetchall()], None


def scan(connection: Connection, query: Node) -> Iterator[Hit]:
    """Yield every match, ordered by id."""
    numbers_by_id = _by_id(connection, select(connection, query))
    while chunk := list(islice(numbers_by_id, _CHUNK)):
        for one in load(connection, chunk):
            yield Hit(one.post, day_text(one.day))


def _by_id(connection: Connection, selection: Selection) -> Iterator[int]:
    """Yield the numbers of the matches, ordered by id.

    SQLite would keep all ids in memory to sort them. So the posts are gone through in the order
    of the index of ids where many match, and many of all, of which 8 bytes each are kept then.
    """
    rows = connection.execute(
        f"SELECT {selection.number} FROM {selection.tables} WHERE {selection.where} "
        f"ORDER BY {selection.number}",
        selection.values,
    )
    found = array("q", (number for (number,) in rows))
    if len(found) <= _SORTED or (not selection.everything and _few(connection, len(found))):
        rows = connection.execute(
            "SELECT number FROM posts WHERE number IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json_list(found),),
        )
        yield from (number for (number,) in rows.fetchall())
        return
    for (number,) in connection.execute("SELECT number FROM posts ORDER BY id"):
        place = bisect_left(found, number)
        if place < len(found) and found[place] == number:
            yield number


def _few(connection: Connection, matches: int) -> bool:
    """Say whether matches are so few of all posts that they are looked up one by one."""
    return matches <= min(_SORTED_MOST, _SORTED_PART * _posts(connection))


def _posts(connection: Connection) -> int:
    """Return how many posts there are."""
    return tally.count(connection, All()) or 0


def sums(
    connection: Connection, query: Node, by: Literal["day", "hour"], split: Split
) -> list[Sum]:
    """Return the sums that trends are made of: without provisional scores, unless asked for."""
    if query == Filter("scored", ("final",)):
        query = All()
    group = {"": "", "entity": "s.entity"}.get(split, f"s.{split}")
    of_totals = tally.condition(query, entities=split == "entity") if by == "day" else None
    if of_totals is not None:
        tables = f"{'target_sums' if split == 'entity' else 'sums'} s"
        (where, values), posts = of_totals, "sum(s.posts)"
    else:
        selection = select(connection, query)
        table = "targets" if split == "entity" else "facts"
        tables = f"{table} s" if selection.everything else selection.joined(table, "s")
        where, values, posts = selection.where, selection.values, "count(*)"
    hour = "s.hour" if by == "hour" else ""
    final = "" if asks_for(query, "scored") else "AND s.provisional = 0"
    # In the order of the running totals' keys, and without constants: nothing is sorted then.
    grouped = ", ".join(filter(None, ("s.day", hour, group, "s.language", "s.label")))
    rows = connection.execute(
        f"SELECT s.day, {hour or 0}, {group or 0}, s.language, s.label, {posts}, "
        f"sum(s.negative), sum(s.neutral), sum(s.positive) FROM {tables} "
        f"WHERE {where} AND s.day > 0 AND s.label > 0 {final} GROUP BY {grouped}",
        values,
    )
    return summed(Names(connection), by, rows)


def summed(
    names: Names,
    by: Literal["day", "hour"],
    rows: Iterable[tuple[int, int, int, int, int, int, int, int, int]],
) -> list[Sum]:
    """Return sums in order, from rows of numbers.

    Each has day, hour, group (0 without one), language, label, posts, and probabilities in
    millionths.
    """
    texts = _Buckets(by)
    found = sorted(
        (
            texts[day, hour],
            names[ref] if ref else "",
            names[language],
            _LABELS[label],
            posts,
            negative / MILLION,
            neutral / MILLION,
            positive / MILLION,
        )
        for day, hour, ref, language, label, posts, negative, neutral, positive in rows
    )
    return [Sum(*one) for one in found]


class _Buckets(dict[tuple[int, int], str]):
    """The texts of days or hours, each made once."""

    def __init__(self, by: Literal["day", "hour"]) -> None:
        super().__init__()
        self._by = by

    def __missing__(self, moment: tuple[int, int]) -> str:
        day, hour = moment
        text = self[moment] = hour_text(day, hour) if self._by == "hour" else day_text(day)
        return text


def count(connection: Connection, query: Node) -> tuple[int, int]:
    """Return how many posts match, and how many of those have no day."""
    selection = select(connection, query)
    undated = _rows(connection, selection.below(numbers.DATED))
    return _count(connection, query, selection), undated


def _count(connection: Connection, query: Node, selection: Selection) -> int:
    total = tally.count(connection, query)
    return _rows(connection, selection) if total is None else total


def _rows(connection: Connection, selection: Selection) -> int:
    sql = f"SELECT count(*) FROM {selection.tables} WHERE {selection.where}"
    rows = connection.execute(sql, selection.values)
    return int(rows.fetchall()[0][0])


def counters(connection: Connection, page: str | None) -> list[Counter]:
    """Return the readings of one page, or of all, ordered by time, page, metric, source."""
    rows = connection.execute("SELECT notice FROM notices WHERE kind = 'counter'")
    readings = (_COUNTER.decode(notice) for (notice,) in rows)
    return sorted(
        (reading for reading in readings if page in {None, reading.page}),
        key=lambda reading: (reading.at, reading.page, reading.metric, reading.source),
    )


def timezone(connection: Connection) -> str:
    """Return the zone that the store's days are counted in, empty if none was named yet."""
    rows = connection.execute("SELECT value FROM meta WHERE name = 'timezone'").fetchall()
    return str(rows[0][0]) if rows else ""


def study(connection: Connection) -> Study | None:
    """Return the study that was recorded, ``None`` without one."""
    rows = connection.execute("SELECT value FROM meta WHERE name = ?", (STUDY,)).fetchall()
    return msgspec.json.decode(rows[0][0], type=Study) if rows else None


def _pace(connection: Connection) -> float:
    rows = connection.execute("SELECT value FROM meta WHERE name = ?", (PACE,)).fetchall()
    return float(rows[0][0]) if rows else 0.0


def zone_data(connection: Connection) -> ZoneData:
    """Return which zone data the days were counted with, empty where that was not recorded."""
    rows = connection.execute("SELECT value FROM meta WHERE name = ?", (ZONE_DATA,)).fetchall()
    return parse(str(rows[0][0])) if rows else ZoneData()


def status(connection: Connection, name: str) -> Status:
    """Return the state of the store."""
    ((posts, unknown, first, last, provisional),) = connection.execute(
        "SELECT ifnull(sum(posts), 0), ifnull(sum(posts) FILTER (WHERE day = 0), 0), "
        "ifnull(min(day) FILTER (WHERE day > 0), 0), max(0, ifnull(max(day), 0)), "
        "ifnull(sum(posts) FILTER (WHERE provisional), 0) FROM sums"
    ).fetchall()
    purge = erase.unpurged(connection)
    return Status(
        store=name,
        timezone=timezone(connection),
        zone_data=zone_data(connection).edition,
        ledger=ledger.read(connection),
        posts=posts,
        first_day=day_text(first),
        last_day=day_text(last),
        unknown_date=unknown,
        languages=_tally(connection, "sums", "language"),
        platforms=_tally(connection, "sums", "platform"),
        models=_tally(connection, "models", "model"),
        provisional=provisional,
        unpurged=purge.removals if purge else 0,
        purge_due=purge.due if purge else None,
        posts_a_second=_pace(connection),
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


def _tally(connection: Connection, table: str, column: str) -> dict[str, int]:
    rows = connection.execute(
        f"SELECT n.name, sum(t.posts) FROM {table} t JOIN names n ON n.ref = t.{column} "
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return dict(rows.fetchall())

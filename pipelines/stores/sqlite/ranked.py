"""The posts that are worth most to a query, inside one reading transaction of its caller."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from pipelines.query import Node
from pipelines.query.ranking import Clause
from pipelines.records import Hit
from pipelines.stores.protocols import Order
from pipelines.stores.sqlite.compile import Selection, select
from pipelines.stores.sqlite.load import day_text, load
from pipelines.stores.sqlite.words import json_list
from pipelines.stores.sqlite_file import Connection


def best(
    connection: Connection, query: Node, clauses: Sequence[Clause], limit: int
) -> list[tuple[Hit, int]]:
    """Return the matches with the highest sums of weights, ties newest first, then by id."""
    weights = dict.fromkeys(_numbers(connection, query), 0)
    for clause in clauses:
        for number in _numbers(connection, clause.node):
            if number in weights:
                weights[number] += clause.weight
    if not weights or limit < 1:
        return []
    least = heapq.nlargest(limit, weights.values())[-1]
    heaviest = {number: weight for number, weight in weights.items() if weight >= least}
    return ordered(connection, heaviest, limit)


def ordered(
    connection: Connection, weights: Mapping[int, int], limit: int
) -> list[tuple[Hit, int]]:
    """Return the posts of the highest weights, ties newest first, then by id."""
    # sorting is stable: of equal weights the newest stays first
    order = sorted(newest(connection, weights), key=lambda number: -weights[number])[:limit]
    return [
        (Hit(one.post, day_text(one.day)), weights[one.number]) for one in load(connection, order)
    ]


def newest(
    connection: Connection, numbers: Iterable[int], limit: int = -1, offset: int = 0
) -> list[int]:
    """Return posts by their numbers, newest first, unknown dates last, ties by id."""
    rows = connection.execute(
        "SELECT number FROM posts WHERE number IN (SELECT value FROM json_each(?)) "
        "ORDER BY created DESC, id LIMIT ? OFFSET ?",
        (json_list(numbers), limit, offset),
    )
    return [number for (number,) in rows.fetchall()]


def page(connection: Connection, query: Node, order: Order, limit: int, offset: int) -> list[Hit]:
    """Return one page of matches in an order; see :meth:`.protocols.Ranking.ordered`."""
    found = select(connection, query)
    if order == "oldest":
        tables = found.tables if found.tables == "posts p" else found.joined("posts", "p")
        where, values = found.where, found.values
        by = "p.created IS NULL, p.created, p.id"
    else:
        narrow = "facts f" if found.everything else found.joined("facts", "f")
        where, values = _most(connection, found, narrow, order, limit + offset)
        posts = "" if found.tables == "posts p" and not found.everything else _POSTS
        tables = narrow + posts
        by = f"f.{order} IS NULL, f.{order} DESC, p.created DESC, p.id"
    rows = connection.execute(
        f"SELECT p.number FROM {tables} WHERE {where} ORDER BY {by} LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    numbers = [number for (number,) in rows.fetchall()]
    return [Hit(one.post, day_text(one.day)) for one in load(connection, numbers)]


_POSTS = " CROSS JOIN posts p ON p.number = f.number"


def _most(
    connection: Connection, found: Selection, tables: str, order: Order, posts: int
) -> tuple[str, tuple[str | int, ...]]:
    """Return the condition that leaves the posts among which those with most are.

    The count that so many posts reach is found in narrow rows; what follows looks up dates and
    ids, for few.
    """
    least = connection.execute(
        f"SELECT f.{order} FROM {tables} WHERE {found.where} AND f.{order} IS NOT NULL "
        f"ORDER BY f.{order} DESC LIMIT 1 OFFSET ?",
        (*found.values, max(posts - 1, 0)),
    ).fetchall()
    if not least:
        return found.where, found.values
    return f"{found.where} AND f.{order} >= ?", (*found.values, least[0][0])


def _numbers(connection: Connection, node: Node) -> list[int]:
    found = select(connection, node)
    rows = connection.execute(
        f"SELECT {found.number} FROM {found.tables} WHERE {found.where}", found.values
    )
    return [number for (number,) in rows.fetchall()]

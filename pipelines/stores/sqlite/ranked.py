"""The posts that are worth most to a query, inside one reading transaction of its caller."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from pipelines.query import Node
from pipelines.query.ranking import Clause
from pipelines.records import Hit
from pipelines.stores.sqlite.compile import select
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


def _numbers(connection: Connection, node: Node) -> list[int]:
    found = select(connection, node)
    rows = connection.execute(
        f"SELECT {found.number} FROM {found.tables} WHERE {found.where}", found.values
    )
    return [number for (number,) in rows.fetchall()]

"""Counts of facets: two passes over narrow rows, whatever is counted."""

from __future__ import annotations

from collections import Counter

from pipelines.query import Node
from pipelines.records import Facets
from pipelines.stores.sqlite.compile import select
from pipelines.stores.sqlite.load import day_text
from pipelines.stores.sqlite.names import Names
from pipelines.stores.sqlite.words import LABELS
from pipelines.stores.sqlite_file import Connection

#: Several numbers as one, so that SQLite sorts by one; names have fewer than 2**20.
_PACKED = "(s.{0} << 42) | (s.{1} << 22) | (s.{2} << 2) | s.label"
_MASK = (1 << 20) - 1
_NAMES = {number: label for label, number in LABELS.items()}


def facets(connection: Connection, query: Node) -> Facets:
    """Return how many of the posts that match have each value."""
    names = Names(connection)
    days: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    platforms: Counter[str] = Counter()
    for (day, platform, language, label), posts in _grouped(connection, query, "facts").items():
        if day:
            days[day_text(day)] += posts
        languages[names[language]] += posts
        platforms[names[platform]] += posts
        if label:
            labels[_NAMES[label]] += posts
    entities: Counter[str] = Counter()
    targets: Counter[str] = Counter()
    for (_, entity, _, label), posts in _grouped(connection, query, "targets").items():
        entities[names[entity]] += posts
        if label:
            targets[f"{names[entity]}={_NAMES[label]}"] += posts
    return Facets(
        days=dict(sorted(days.items())),
        languages=dict(languages.most_common()),
        labels=dict(labels.most_common()),
        platforms=dict(platforms.most_common()),
        entities=dict(entities.most_common()),
        targets=dict(targets.most_common()),
    )


def _grouped(
    connection: Connection, query: Node, table: str
) -> dict[tuple[int, int, int, int], int]:
    """Return posts by day, platform (or entity), language and label."""
    selection = select(connection, query)
    posts = "count(*)"
    tables = selection.joined(table, "s")
    if selection.everything:
        posts, tables = "sum(s.posts)", {"facts": "sums s", "targets": "target_sums s"}[table]
    day, group = ("day", "platform") if table == "facts" else ("provisional", "entity")
    packed = _PACKED.format(day, group, "language" if table == "facts" else "provisional")
    rows = connection.execute(
        f"SELECT {packed}, {posts} FROM {tables} WHERE {selection.where} GROUP BY 1",
        selection.values,
    )
    return {(key >> 42, key >> 22 & _MASK, key >> 2 & _MASK, key & 3): posts for key, posts in rows}

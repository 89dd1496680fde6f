"""Counts of facets: two passes over narrow rows, whatever is counted."""

from __future__ import annotations

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
#: The numbers again, out of the packed one.
_DAY, _GROUP, _LANGUAGE, _LABEL = (
    "key >> 42",
    f"(key >> 22) & {_MASK}",
    f"(key >> 2) & {_MASK}",
    "key & 3",
)
_NAMES = {number: label for label, number in LABELS.items()}


def facets(connection: Connection, query: Node) -> Facets:
    """Return how many of the posts that match have each value."""
    names = Names(connection)
    days, platforms, languages, labels = _counted(
        connection, query, "facts", (_DAY, _GROUP, _LANGUAGE, _LABEL)
    )
    entities, targets = _counted(
        connection, query, "targets", (_GROUP, f"(({_GROUP}) << 2) | ({_LABEL})")
    )
    return Facets(
        days={day_text(day): posts for day, posts in sorted(days.items()) if day},
        languages={names[one]: posts for one, posts in languages.items()},
        labels={_NAMES[one]: posts for one, posts in labels.items() if one},
        platforms={names[one]: posts for one, posts in platforms.items()},
        entities={names[one]: posts for one, posts in entities.items()},
        targets={
            f"{names[one >> 2]}={_NAMES[one & 3]}": posts
            for one, posts in targets.items()
            if one & 3
        },
    )


def _counted(
    connection: Connection, query: Node, table: str, wanted: tuple[str, ...]
) -> list[dict[int, int]]:
    """Return posts by each of some numbers, most posts first.

    The posts are grouped once by all of them; the few groups are then counted in each way.
    """
    selection = select(connection, query)
    posts = "count(*)"
    tables = selection.joined(table, "s")
    if selection.everything:
        posts, tables = "sum(s.posts)", {"facts": "sums s", "targets": "target_sums s"}[table]
    day, group = ("day", "platform") if table == "facts" else ("provisional", "entity")
    packed = _PACKED.format(day, group, "language" if table == "facts" else "provisional")
    ways = " UNION ALL ".join(
        f"SELECT {way}, {number}, sum(posts) FROM grouped GROUP BY {number}"
        for way, number in enumerate(wanted)
    )
    rows = connection.execute(
        f"WITH grouped (key, posts) AS MATERIALIZED (SELECT {packed}, {posts} FROM {tables} "
        f"WHERE {selection.where} GROUP BY 1) {ways}",
        selection.values,
    )
    found: list[dict[int, int]] = [{} for _ in wanted]
    for way, number, count in sorted(rows, key=lambda row: (-row[2], row[1])):
        found[way][number] = count
    return found

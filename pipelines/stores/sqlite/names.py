"""Values that repeat (languages, platforms, sources, entities, models) and their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pipelines.stores.sqlite_file import Connection


def refs(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of these names, inside the open transaction; new names get one."""
    wanted = set(names)
    found = find(connection, wanted)
    missing = sorted(wanted - found.keys())
    if missing:
        connection.executemany("INSERT INTO names (name) VALUES (?)", [(one,) for one in missing])
        found |= find(connection, missing)
    return found


def find(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of those names that have one."""
    rows = connection.execute(
        "SELECT name, ref FROM names WHERE name IN (SELECT value FROM json_each(?))",
        (json.dumps(list(names), ensure_ascii=False),),
    )
    return dict(rows.fetchall())


class Names(dict[int, str]):
    """Names by their numbers, as one reading transaction sees them; each is read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def __missing__(self, ref: int) -> str:
        rows = self._connection.execute("SELECT name FROM names WHERE ref = ?", (ref,))
        name = self[ref] = str(rows.fetchall()[0][0])
        return name

"""The ledger: counters that move in the transaction of what they count."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.records import Ledger
from pipelines.stores.sqlite_file import Connection

#: Prefix of the counters of dead letters by reason.
DEAD = "dead:"
#: Counter that triggers keep: the received records that wait to be scored.
WAITING = "waiting"


def add(connection: Connection, changes: Mapping[str, int]) -> None:
    """Move counters inside the open transaction."""
    connection.executemany(
        "INSERT INTO counters (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        [(name, change) for name, change in changes.items() if change],
    )


def read(connection: Connection) -> Ledger:
    """Return the ledger.

    ``accepted`` counts the posts and edits that became pending; those whose weight still
    stands in the queue are pending, the others were indexed.
    """
    stored: dict[str, int] = dict(connection.execute("SELECT name, value FROM counters"))
    waiting = stored.get(WAITING, 0)
    return Ledger(
        received=stored.get("received", 0),
        indexed=stored.get("accepted", 0) - waiting,
        duplicate=stored.get("duplicate", 0),
        filtered=stored.get("filtered", 0),
        deleted=stored.get("deleted", 0),
        dead=stored.get("dead", 0),
        pending=waiting,
    )


def dead_reasons(connection: Connection) -> dict[str, int]:
    """Return how many records are dead for each reason."""
    rows = connection.execute(
        "SELECT substr(name, ?), value FROM counters WHERE name GLOB ? AND value > 0 ORDER BY 1",
        (len(DEAD) + 1, f"{DEAD}*"),
    )
    return dict(rows.fetchall())

"""Ids of posts that are gone: answers of X's compliance jobs (``twarc2 compliance-job``).

Each line, or row of twarc-csv's table of them, has ``id``, ``action``, ``created_at``,
``redacted_at`` and ``reason`` (https://docs.x.com/x-api/compliance/batch-compliance). What is to be
deleted is deleted for good, whatever the reason. Jobs for accounts write the same with ids of
accounts: those are told by their dates, since the id of a post is a time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ingest.dates import read
from ingest.mapping.tool import Around, Deletion, Mapped, Record, Tool, word
from ingest.sources.x.tweets import time_of

_COLUMNS = frozenset({"id", "action", "redacted_at", "reason"})
_FIRST_TIMED = datetime(2010, 11, 5, tzinfo=UTC)
_NEAR = timedelta(days=1)


def knows(record: Record) -> bool:
    """Tell whether a record is a line of a job's answer, or such a table's header."""
    return record.keys() >= _COLUMNS and "text" not in record


def map_item(record: Record, around: Around) -> Mapped:
    """Return the deletion of a post."""
    if not knows(record):
        return None
    native = word(record.get("id"))
    if word(record.get("action")) != "delete" or not _is_post(native, record.get("created_at")):
        return {}
    return Deletion("twitter", native, record.get("redacted_at"))


def _is_post(native: str, created: object) -> bool:
    """Say whether an id is a post's: since November 2010 it is the time it was made at."""
    if not native.isdecimal() or len(native) > 20:
        return False
    moment = read(word(created), UTC).moment
    if moment is None or moment < _FIRST_TIMED:
        return True
    return abs(time_of(int(native)) - moment) < _NEAR


TOOL = Tool(name="x-compliance", version=1, knows=knows, map_item=map_item)
TABLE = Tool(name="x-compliance-csv", version=1, knows=knows, map_item=map_item, table=True)

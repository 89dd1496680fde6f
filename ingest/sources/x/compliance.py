"""Ids of posts that are gone: answers of X's compliance jobs (``twarc2 compliance-job``).

Each line, or row of twarc-csv's table of them, has ``id``, ``action``, ``created_at``,
``redacted_at`` and ``reason`` (https://docs.x.com/x-api/compliance/batch-compliance). What is to be
deleted is deleted for good, whatever the reason. Jobs for accounts write the same with ids of
accounts: those are told by their dates, since the id of a post is a time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ingest.dates import read
from ingest.mapping.tool import Around, Deletion, Mapped, Record, Tool, dig, word
from ingest.sources.x.tweets import time_of

_COLUMNS = frozenset({"id", "action", "redacted_at", "reason"})
_EVENTS = frozenset(
    {"delete", "withheld", "drop", "undrop", "tweet_edit", "scrub_geo", "user_delete"}
    | {"user_undelete", "user_withheld", "user_protect", "user_unprotect", "user_suspend"}
    | {"user_unsuspend", "user_profile_modification"}
)
_FIRST_TIMED = datetime(2010, 11, 5, tzinfo=UTC)
_NEAR = timedelta(days=1)


def knows(record: Record) -> bool:
    """Tell whether a record is a line of a job's answer, or such a table's header."""
    return _is_event(record) or _is_row(record)


def _is_event(record: Record) -> bool:
    """Say whether a record is an event of X's compliance stream: ``{"data": {"delete": …}}``."""
    data = record.get("data")
    return record.keys() == {"data"} and isinstance(data, dict) and data.keys() <= _EVENTS


def _is_row(record: Record) -> bool:
    return record.keys() >= _COLUMNS and "text" not in record


def map_item(record: Record, around: Around) -> Mapped:
    """Return the deletion of a post."""
    if not knows(record):
        return None
    if _is_event(record):
        event = dig(record, "data", "delete")
        gone = word(dig(event, "tweet", "id"))
        return Deletion("twitter", gone, dig(event, "event_at")) if gone else {}
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


TOOL = Tool(name="x-compliance", version=2, knows=knows, map_item=map_item)
TABLE = Tool(name="x-compliance-csv", version=1, knows=knows, map_item=map_item, table=True)

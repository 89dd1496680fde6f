"""Whether a record lies between the ``--since`` and ``--until`` of a command. Pure functions."""

from __future__ import annotations

from datetime import datetime

from ingest.records import Gap, Post, Record
from ingest.sources.base import Order


def left_out(source: str, start: datetime, end: datetime) -> Gap:
    """Return the gap of what a command with a later ``--since`` passes over.

    Of a source that goes on behind it, as streams do, it is for good.
    """
    return Gap(source=source, start=start, end=end, cause="left out on request (--since)")


def too_new(order: Order, record: Record) -> bool:
    """Tell whether a post is newer than what is wanted: where to stop that reads oldest first."""
    date = record.created_at if isinstance(record, Post) else None
    return bool(order.until and date and date >= order.until)


def within(order: Order, record: Record) -> bool:
    """Say whether ``--since`` and ``--until`` want a post, as far as its date tells.

    What has no date, and what is no post, is wanted.
    """
    at = record.created_at if isinstance(record, Post) else None
    if at is None:
        return True
    return not ((order.since and at < order.since) or too_new(order, record))

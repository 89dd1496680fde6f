"""What a run makes good of the time before it, and what it leaves out (``--since``). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.live.reader import Feed
from pipelines.live.state import Details

#: A stop that was shorter is no interruption.
SHORT = timedelta(minutes=1)


def gives_back(feed: Feed) -> bool:
    """Say whether a source can read what was missed; who reads what is there now and then does."""
    can = feed.source.capabilities
    return can.history or not can.live


def still_failing(feed: Feed, cursor: str, before: Details) -> datetime | None:
    """Return since when an earlier run could not read what this one reads from there on."""
    since = before.failing_since
    if since is None or not cursor or not gives_back(feed):
        return None
    return since if reads_from(feed, since) else None


def left_out(feed: Feed, cursor: str, before: Details) -> datetime | None:
    """Return from when on a run leaves out what a later one can read, if it does.

    A live source goes on behind it, and tells so itself: it knows its place.
    """
    last = min(filter(None, (before.heard, before.failing_since)), default=None)
    if not cursor or feed.since is None or last is None or feed.source.capabilities.live:
        return None
    return last if feed.since - last > SHORT else None


def reads_from(feed: Feed, moment: datetime) -> bool:
    """Say whether a run reads all that was published from a moment on."""
    return feed.until is None and (feed.since is None or feed.since <= moment)

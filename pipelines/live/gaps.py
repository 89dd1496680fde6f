"""What a run makes good of the time before it, and what it leaves out (``--since``). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.live.reader import Subscription
from pipelines.live.state import SourceState

#: A stop that was shorter is no interruption.
SHORT = timedelta(minutes=1)


def can_backfill(subscription: Subscription) -> bool:
    """Say whether a source can read what was missed; who reads what is there now and then does."""
    can = subscription.source.capabilities
    return can.history or not can.live


def still_failing(subscription: Subscription, cursor: str, before: SourceState) -> datetime | None:
    """Return since when an earlier run could not read what this one reads from there on."""
    since = before.failing_since
    if since is None or not cursor or not can_backfill(subscription):
        return None
    return since if reads_from(subscription, since) else None


def left_out(subscription: Subscription, cursor: str, before: SourceState) -> datetime | None:
    """Return from when on a run leaves out what a later one can read, if it does.

    A live source goes on behind it, and tells so itself: it knows its place.
    """
    last = min(filter(None, (before.last_seen, before.failing_since)), default=None)
    if (
        not cursor
        or subscription.since is None
        or last is None
        or subscription.source.capabilities.live
    ):
        return None
    return last if subscription.since - last > SHORT else None


def reads_from(subscription: Subscription, moment: datetime) -> bool:
    """Say whether a run reads all that was published from a moment on."""
    return subscription.until is None and (
        subscription.since is None or subscription.since <= moment
    )

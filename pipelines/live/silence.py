"""The activity baseline of a source, and when a silence is longer than usual. Pure.

The rule: a silence is an alert when nothing came for :data:`TIMES` times the longest silence of
the last :data:`DAYS` days in which the source was read, and for :data:`SHORTEST` at least; a
source needs :data:`POSTS` posts to have a baseline. Nights and weekends are in those days, so a
quiet night is no alert.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

TIMES = 3
DAYS = 14
SHORTEST = timedelta(minutes=10)
POSTS = 100


class ActivityBaseline(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of a source's silences."""

    posts: int = 0
    quiet_since: datetime | None = None
    """When something came last, or when listening began after that."""
    longest: dict[str, float] = {}
    """The longest silence (seconds) that ended on a day, ``YYYY-MM-DD`` in UTC."""

    def listening(self, now: datetime) -> ActivityBaseline:
        """Return the habit when listening begins: time before it was no silence."""
        return msgspec.structs.replace(self, quiet_since=now)

    def gave(self, posts: int, now: datetime) -> ActivityBaseline:
        """Return the habit after something came."""
        silence = (now - self.quiet_since).total_seconds() if self.quiet_since else 0.0
        today = now.date().isoformat()
        first = (now - timedelta(days=DAYS)).date().isoformat()
        kept = {day: seconds for day, seconds in self.longest.items() if day > first}
        kept[today] = round(max(kept.get(today, 0.0), silence), 1)
        return ActivityBaseline(self.posts + posts, now, kept)

    def silent(self, now: datetime) -> timedelta | None:
        """Return for how long nothing has come, if that is longer than usual."""
        if self.posts < POSTS or self.quiet_since is None or not self.longest:
            return None
        quiet = now - self.quiet_since
        return quiet if quiet > max(SHORTEST, TIMES * self.usual) else None

    @property
    def usual(self) -> timedelta:
        """The longest silence of the last days."""
        return timedelta(seconds=max(self.longest.values(), default=0.0))

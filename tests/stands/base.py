"""What the suite of sources needs of a platform on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol


class Fault(Enum):
    """What a platform answers instead of posts."""

    TOO_MANY = "429 with Retry-After: 7"
    BROKEN = "500"
    HTML = "a page instead of data"
    LOGIN = "a login wall"
    CAPTCHA = "a captcha"
    HALF = "an answer that breaks off in the middle"
    NOWHERE = "a redirect to an address where nothing is"
    CHANGED = "data (or a page) of another form"
    MISSING = "404"


class Stand(Protocol):
    """A platform with one channel, tag, video, feed… that a source can read.

    ``publish`` numbers posts from 1 on, over all calls; what a number looks like as an id is
    the platform's own matter. Its fixtures are in ``tests/ingest/fixtures/<source>/``.
    """

    name: str
    """The source's name in the registry."""
    url: str
    target: str
    secrets: Mapping[str, str]

    def publish(self, count: int) -> Sequence[str]:
        """Publish so many more posts, a minute apart in time; return the ids that posts are
        stored with before accounts are protected, oldest first."""

    def delete(self, post_id: str) -> None:
        """Delete a post. Only asked of a source that is capable of deletions."""

    def fail(self, fault: Fault | None) -> None:
        """Answer everything from now on with a fault, or properly again."""

    def accounts(self) -> Sequence[str]:
        """Return the names of the accounts that wrote: none may be seen after protection."""

"""What the suite of sources needs of a platform on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple, Protocol

#: The first post that a simulator publishes is a minute later, the second two, and so on.
START = datetime(2026, 11, 1, tzinfo=UTC)


def moment(number: int) -> datetime:
    """When a simulator's post of this number (from 1 on) was published."""
    return START + timedelta(minutes=number)


class Fault(Enum):
    """What a platform answers instead of posts."""

    TOO_MANY = "429 with Retry-After: 7"
    BROKEN = "500"
    HTML = "a page instead of data (for pages: a page without posts)"
    LOGIN = "a login wall"
    CAPTCHA = "a captcha"
    HALF = "an answer that breaks off in the middle"
    NOWHERE = "a redirect to an address where nothing is"
    CHANGED = "data of another form"
    MISSING = "404"


class Simulator(Protocol):
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
        """Publish so many more posts at their :func:`moment`; return the ids that a source
        gives them (before accounts are protected), oldest first."""

    def delete(self, post_id: str) -> None:
        """Delete a post. Only asked of a source that is capable of deletions."""

    def fail(self, fault: Fault | None) -> None:
        """Answer everything from now on with a fault, or properly again."""

    def accounts(self) -> Sequence[str]:
        """Return the names of the accounts that wrote, and of those that the target names: none
        may be seen in any field after protection."""


class FaultAnswer(NamedTuple):
    """A fault as an answer over HTTP; ``cut``: less is sent than was announced."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    cut: bool = False


_HTML = {"Content-Type": "text/html; charset=utf-8"}
_JSON = {"Content-Type": "application/json"}


def over_http(fault: Fault, whole: bytes = b'[{"id": "1", "content": "half of a') -> FaultAnswer:
    """Return what an HTTP server answers; ``whole`` is what breaks off in the middle."""
    return {
        Fault.TOO_MANY: FaultAnswer(429, b'{"error": "Too many"}', {**_JSON, "Retry-After": "7"}),
        Fault.BROKEN: FaultAnswer(500, b"Internal error", _HTML),
        Fault.HTML: FaultAnswer(200, b"<html><body><h1>Welcome</h1></body></html>", _HTML),
        Fault.LOGIN: FaultAnswer(200, b'<form><input type="password"></form>', _HTML),
        Fault.CAPTCHA: FaultAnswer(200, b'<div class="g-recaptcha"></div>', _HTML),
        Fault.HALF: FaultAnswer(200, whole[: len(whole) // 2], _JSON, cut=True),
        Fault.NOWHERE: FaultAnswer(302, b"", {"Location": "http://127.0.0.1:1/"}),
        Fault.CHANGED: FaultAnswer(200, b'{"payload": {"v": 9, "rows": [1, 2]}}', _JSON),
        Fault.MISSING: FaultAnswer(404, b"<html>Not found</html>", _HTML),
    }[fault]

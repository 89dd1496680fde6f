"""What a platform answered, and what it means where it is no answer. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone

#: Headers that say how many requests are left.
REMAINING = ("x-ratelimit-remaining", "x-rate-limit-remaining")
_RESETS = ("x-ratelimit-reset", "x-rate-limit-reset")
_LONGEST_WAIT = 86_400.0
_PASSWORD = re.compile(rb"""<input\b[^>]*\btype\s*=\s*["']?password\b""")
_FEED = re.compile(rb"<(?:rss|feed|rdf:rdf)\b")


class Answer(msgspec.Struct, frozen=True):
    """What a platform answered. Names of headers are in small letters."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    url: str = ""
    """Where the answer came from in the end."""

    @property
    def wait(self) -> float:
        """Seconds for which the platform asks to be left alone, at most a day."""
        return wait_of(self.headers)

    def json(self) -> Any:
        """Return what the JSON of the answer says.

        Raises :class:`SourceBlocked` for a login or captcha instead, else ``SourceChanged``.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            refuse_walls(self.body)
            raise SourceChanged("it answered something else than JSON", body=self.body) from None


def refuse_walls(body: bytes) -> None:
    """Raise :class:`~ingest.errors.SourceBlocked` for a page that wants a login or a human."""
    page = body.lower()
    if _FEED.search(page[:2_000]):
        return  # a broken feed may well speak of captchas
    if b"captcha" in page or b"cf-challenge" in page or b"challenge-platform" in page:
        raise SourceBlocked("it asks for a captcha", body=body)
    if _PASSWORD.search(page):
        raise SourceBlocked("it asks for a login", body=body)


def status_error(answer: Answer) -> SourceError:
    """Return what an error status means."""
    kind, words = _meaning(answer.status)
    return kind(words, body=answer.body, wait=answer.wait)


def _meaning(status: int) -> tuple[type[SourceError], str]:
    if status == 429:
        return SourceBlocked, "it asks for fewer requests (429)"
    if status in {404, 410}:
        return SourceGone, f"there is nothing (any more) ({status})"
    if 400 <= status < 500:
        return SourceBlocked, f"it refuses ({status})"
    if status >= 500:
        return SourceError, f"it fails ({status})"
    return SourceChanged, f"it answers {status}"


def wait_of(headers: Mapping[str, str]) -> float:
    """Return the seconds that ``Retry-After``, or the reset of a used-up limit, asks for."""
    if value := headers.get("retry-after", ""):
        return _seconds(value, since_epoch=False)
    left = next((headers[name] for name in REMAINING if name in headers), "0")
    reset = next((headers[name] for name in _RESETS if name in headers), "")
    return _seconds(reset, since_epoch=True) if left.strip() == "0" and reset else 0.0


def _seconds(value: str, *, since_epoch: bool) -> float:
    value = value.strip()
    now = datetime.now(UTC)
    if value.isdecimal():
        number = float(value)
        # a reset is a moment; who writes a small number means seconds from now
        seconds = number - now.timestamp() if since_epoch and number > 1e9 else number
        return min(max(0.0, seconds), _LONGEST_WAIT)
    try:
        moment = datetime.fromisoformat(value) if since_epoch else parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), _LONGEST_WAIT)

"""Asking the Data API: which question for which target, and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.http.client import Answer, refuse_walls, status_error
from ingest.mapping.items import NOT_JSON
from ingest.sources.base import Means, Order
from ingest.zones import zone

KEY: Final = "MARSAD_YOUTUBE_KEY"
_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
_CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}")
_HANDLE = re.compile(r"@[\w.·-]{3,30}")
_IN_PATH = re.compile(r"/(?:shorts|live|embed|v)/([A-Za-z0-9_-]{11})")
_HOSTS = {"www.youtube.com", "youtube.com", "m.youtube.com", "music.youtube.com"}
#: Quotas begin anew at midnight in this zone.
_QUOTA_ZONE = zone("America/Los_Angeles")
_QUOTA = {"quotaExceeded", "dailyLimitExceeded"}
_GONE = {
    "commentsDisabled": "comments are turned off",
    "videoNotFound": "there is no such video (any more)",
    "channelNotFound": "there is no such channel (any more)",
    "commentThreadNotFound": "there is no such thread (any more)",
    "commentNotFound": "there is no such comment (any more)",
}
_EXPLAINED = (400, 401, 403, 404, 429)


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """One page of a list; its entries are read one by one."""

    kind: str
    """There in every answer, so that an answer without items is known from anything else."""
    items: list[msgspec.Raw] = []
    next_page_token: str = ""


class _Channel(msgspec.Struct, frozen=True):
    id: str


class _Reason(msgspec.Struct, frozen=True):
    reason: str = ""


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    errors: list[_Reason] = []


class _Refused(msgspec.Struct, frozen=True):
    error: _Error


class BadToken(Exception):
    """A page token is not known any more: the list is to be read from its beginning."""

    def __init__(self, words: str, body: bytes) -> None:
        super().__init__(words)
        self.body = body


def target(text: str) -> str:
    """Return the video (11 characters), channel (``UC…``) or handle (``@name``) that is meant.

    Raises :class:`~ingest.errors.SourceError`.
    """
    named = text.strip()
    address = urlsplit(named if "://" in named else "")
    if address.hostname == "youtu.be":
        named = address.path.strip("/")
    elif address.hostname in _HOSTS:
        found = _IN_PATH.match(address.path)
        named = (
            (found[1] if found else "")
            or parse_qs(address.query).get("v", [""])[0]
            or unquote(address.path).removeprefix("/channel").strip("/").partition("/")[0]
        )
    if any(form.fullmatch(named) for form in (_VIDEO, _CHANNEL, _HANDLE)):
        return named
    raise SourceError(
        f"{text!r} is neither a video nor a channel; give an address, the 11 characters of a "
        "video, UC… or @handle"
    )


def filter_of(named: str, order: Order, means: Means) -> dict[str, str]:
    """Return the filter that lists the threads of a target; a handle is looked up first."""
    if _VIDEO.fullmatch(named):
        return {"videoId": named}
    if named.startswith("@"):
        found = ask(order, means, "channels", {"part": "id", "forHandle": named}).items
        if not found:
            raise SourceGone(f"there is no channel {named} (any more)")
        try:
            named = msgspec.json.decode(found[0], type=_Channel).id
        except NOT_JSON:
            raise SourceChanged("its channel has no id", body=bytes(found[0])) from None
    return {"allThreadsRelatedToChannelId": named}


def ask(order: Order, means: Means, what: str, params: Mapping[str, str]) -> Page:
    """Return a page of a list.

    Raises :class:`BadToken`, and :class:`~ingest.errors.SourceError` in the words of the API.
    """
    answer = means.client.get(
        f"{order.url}/youtube/v3/{what}",
        params,
        # a header, which no log of addresses keeps
        keys={"X-Goog-Api-Key": order.secrets.get(KEY, "")},
        expected=_EXPLAINED,
    )
    if answer.status >= 400:
        raise refusal(answer, means.now(), paged="pageToken" in params)
    try:
        return msgspec.json.decode(answer.body, type=Page)
    except NOT_JSON:
        refuse_walls(answer.body)
        raise SourceChanged("its answer is no list of items", body=answer.body) from None


def refusal(answer: Answer, now: datetime, *, paged: bool) -> Exception:
    """Return what an error status means."""
    try:
        error = msgspec.json.decode(answer.body, type=_Refused).error
    except NOT_JSON:
        return status_error(answer)
    reasons = {each.reason for each in error.errors}
    words, body = error.message[:300], answer.body
    if reasons & _QUOTA:
        return SourceBlocked(
            f"the units that the key may use a day are used up: {words}",
            body=body,
            wait=_until_midnight(now),
        )
    for reason in reasons & _GONE.keys():
        return SourceGone(f"{_GONE[reason]}: {words}", body=body)
    if answer.status == 400 and paged and "key" not in words.lower():
        return BadToken(words, body)
    if answer.status == 404:
        return SourceGone(f"there is nothing (any more): {words}", body=body)
    if answer.status == 400 and "key" not in words.lower():
        return SourceChanged(f"it finds the question wrong: {words}", body=body)
    return SourceBlocked(f"it refuses ({answer.status}): {words}", body=body, wait=answer.wait)


def _until_midnight(now: datetime) -> float:
    there = now.astimezone(_QUOTA_ZONE)
    midnight = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight.astimezone(UTC) - now).total_seconds()

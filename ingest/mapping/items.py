"""What a live source read becomes a post, or a reject with its reason. Pure functions.

The rules are those of archives (:mod:`ingest.mapping.posts`): dates that can't be true
are kept and flagged, ids are strings, hashtags come from the field or else from the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

import msgspec

from ingest.mapping.objects import Bad
from ingest.mapping.posts import Frame, build
from ingest.mapping.reasons import REASONS as ARCHIVE_REASONS
from ingest.records import Post, Reject

#: What only live sources keep aside; explained in ``docs/dead-letters.md``.
REASONS: Final = {
    "feed-broken": "the feed is no valid XML, or its letters can't be read",
    "item-unknown": "the item has not the form that the platform's schema describes",
}

#: What reading JSON raises for bytes that are none, or that nest deeper than anything sane.
NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when an item was read."""

    source: str
    """What stands in ``Post.source``: never an account, nor what may name one. It is exported."""
    now: datetime
    host: str = ""
    """The host it came from, where ids or accounts count within one."""
    zone: tzinfo | None = None
    """Zone of dates that name none; without one UTC is assumed, and the post says so."""


def post(
    seen: Seen,
    platform: str,
    *,
    native: str,
    text: str | None,
    created_at: str | datetime | int | None = None,
    edited_at: str | datetime | int | None = None,
    author: str = "",
    url: str = "",
    reply_to: str = "",
    repost_of: str = "",
    repost_author: str = "",
    hashtags: Sequence[str] | None = None,
    counts: Mapping[str, int | None] | None = None,
    version: int | None = None,
    raw: bytes = b"",
) -> Post | Reject:
    """Return a post, or why it can't be one with ``raw`` kept.

    ``native`` is the platform's id, ``reply_to`` and ``repost_of`` native ids too. ``counts``
    may hold ``likes``, ``reposts``, ``replies``, ``quotes`` and ``views``. ``version`` is the
    platform's own clock; without one it is the time of the edit or creation.
    """
    values: dict[str, object] = {
        "id": native,
        "text": text,
        "created_at": _written(created_at),
        "edited_at": _written(edited_at),
        "author": author,
        "url": url,
        "reply_to_id": reply_to or None,
        "repost_of_id": repost_of or None,
        "repost_author": repost_author or None,
        "hashtags": None if hashtags is None else list(hashtags),
        **{name: str(n) for name, n in (counts or {}).items() if n is not None},
    }
    frame = Frame(
        dataset="",
        platform=platform,
        platform_first=True,
        zone=seen.zone or UTC,
        zone_told=seen.zone is not None,
        styles={},
        now=seen.now,
    )
    try:
        made = build({k: v for k, v in values.items() if v is not None}, frame)
    except Bad as bad:
        return reject(bad.reason, raw)
    made = msgspec.structs.replace(made, source=seen.source, collected_at=None)
    return made if version is None else msgspec.structs.replace(made, version=version)


def reject(reason: str, raw: bytes, detail: str = "") -> Reject:
    """Return the dead letter of an item that is no post; ``detail`` holds none of its text."""
    sentence = detail or REASONS.get(reason) or ARCHIVE_REASONS[reason]
    return Reject.of(reason, sentence, raw)


def _written(moment: str | datetime | int | None) -> str | None:
    if isinstance(moment, datetime):
        return moment.isoformat()
    return str(moment) if isinstance(moment, int) else moment

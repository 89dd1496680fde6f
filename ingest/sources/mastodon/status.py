"""What a status of Mastodon says. Pure."""

from __future__ import annotations

import msgspec

from ingest.mapping.html import text_of
from ingest.mapping.items import NOT_JSON, Seen, post, reject
from ingest.records import Post, Reject

PLATFORM = "mastodon"


class _Account(msgspec.Struct, frozen=True):
    acct: str


class _Tag(msgspec.Struct, frozen=True):
    name: str = ""


class _Status(msgspec.Struct, frozen=True):
    id: str
    content: str
    account: _Account
    created_at: str | None = None
    edited_at: str | None = None
    spoiler_text: str | None = None
    visibility: str | None = None
    url: str | None = None
    uri: str | None = None
    in_reply_to_id: str | None = None
    reblog: _Status | None = None
    tags: list[_Tag] = []
    replies_count: int | None = None
    reblogs_count: int | None = None
    favourites_count: int | None = None
    quotes_count: int | None = None


def map_item(raw: bytes, seen: Seen) -> Post | Reject | None:
    """Return the post that a status is; ``None`` for one that was not meant for everybody.

    ``seen.host`` is the instance.
    """
    try:
        status = msgspec.json.decode(raw, type=_Status)
    except msgspec.ValidationError:
        return reject("item-unknown", raw)
    except NOT_JSON:
        return reject("json-invalid", raw)
    if status.visibility in {"private", "direct"}:
        return None
    own, shown = status, status.reblog or status
    return post(
        seen,
        PLATFORM,
        native=f"{seen.host}/{own.id}" if own.id else "",
        text="\n\n".join(filter(None, (shown.spoiler_text, text_of(shown.content)))),
        created_at=own.created_at,
        edited_at=own.edited_at,
        author=_account(own, seen.host),
        url=own.url or own.uri or "",
        reply_to=f"{seen.host}/{own.in_reply_to_id}" if own.in_reply_to_id else "",
        repost_of=f"{seen.host}/{own.reblog.id}" if own.reblog else "",
        repost_author=_account(own.reblog, seen.host) if own.reblog else "",
        hashtags=[tag.name for tag in shown.tags] or None,
        counts={
            "likes": own.favourites_count,
            "reposts": own.reblogs_count,
            "replies": own.replies_count,
            "quotes": own.quotes_count,
        },
        raw=raw,
    )


def _account(status: _Status, host: str) -> str:
    """Return the whole name: that of a local account lacks its instance."""
    name = status.account.acct
    return name if "@" in name or not name else f"{name}@{host}"

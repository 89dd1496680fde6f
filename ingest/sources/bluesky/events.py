"""What events of a Jetstream mean. Pure functions.

Schema: see :mod:`ingest.sources.bluesky`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ingest.mapping.items import NOT_JSON, Seen, post, reject
from ingest.records import Post, Reject, Tombstone

PLATFORM = "bluesky"
COLLECTION = "app.bsky.feed.post"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class _Commit(msgspec.Struct, frozen=True):
    operation: str
    collection: str
    rkey: str
    record: msgspec.Raw = msgspec.Raw(b"null")


class _Account(msgspec.Struct, frozen=True):
    active: bool = True
    status: str = ""


class Event(msgspec.Struct, frozen=True):
    """One message of the stream, as far as it is read."""

    did: str
    time_us: int
    kind: str
    commit: _Commit | None = None
    account: _Account | None = None


class _Link(msgspec.Struct, frozen=True):
    uri: str = ""


class _Reply(msgspec.Struct, frozen=True):
    parent: _Link = _Link()


class _Record(msgspec.Struct, frozen=True, rename="camel"):
    text: str
    created_at: str | None = None
    reply: _Reply | None = None
    tags: list[str] = []
    facets: Any = None


_EVENT = msgspec.json.Decoder(Event)
_RECORD = msgspec.json.Decoder(_Record)


def map_item(raw: bytes, source: str = PLATFORM) -> Post | Tombstone | Reject | None:
    """Return what an event says; ``None`` for one that says nothing about posts."""
    event, bad = decoded(raw)
    return bad if event is None else mapped(event, raw, source)


def decoded(raw: bytes) -> tuple[Event | None, Reject | None]:
    """Return the event of a message, or why it is none."""
    try:
        return _EVENT.decode(raw), None
    except msgspec.ValidationError:
        return None, reject("item-unknown", raw)
    except NOT_JSON:
        return None, reject("json-invalid", raw)


def mapped(event: Event, raw: bytes, source: str) -> Post | Tombstone | Reject | None:
    """Return what an event says of posts; ``None`` for nothing."""
    if event.kind == "account" and event.account:
        # A deactivated, suspended or taken-down account may come back; a deleted one does not.
        if event.account.active or event.account.status != "deleted":
            return None
        return Tombstone(
            platform=PLATFORM,
            author=event.did,
            deleted_at=moment(event.time_us),
            reason="account deleted on the platform",
        )
    commit = event.commit
    if event.kind != "commit" or commit is None or commit.collection != COLLECTION:
        return None
    native = f"at://{event.did}/{COLLECTION}/{commit.rkey}"
    if commit.operation == "delete":
        return Tombstone(
            platform=PLATFORM,
            id=f"{PLATFORM}:{native}",
            deleted_at=moment(event.time_us),
            reason="deleted on the platform",
        )
    try:
        record = _RECORD.decode(commit.record)
    except NOT_JSON:
        return reject("item-unknown", raw)
    return post(
        # a date is judged by when the event happened, not by when it is read
        Seen(source=source, now=moment(event.time_us)),
        PLATFORM,
        native=native,
        text=record.text,
        created_at=record.created_at,
        author=event.did,
        url=f"https://bsky.app/profile/{event.did}/post/{commit.rkey}",
        reply_to=record.reply.parent.uri if record.reply else "",
        hashtags=_tags(record) or None,
        version=event.time_us,
        raw=raw,
    )


def _tags(record: _Record) -> list[str]:
    """Return the hashtags that the author's program marked in the text, or beside it."""
    facets = record.facets if isinstance(record.facets, list) else []
    features = [
        feature
        for facet in facets
        if isinstance(facet, dict) and isinstance(facet.get("features"), list)
        for feature in facet["features"]
        if isinstance(feature, dict)
    ]
    marked = [
        feature["tag"]
        for feature in features
        if feature.get("$type") == "app.bsky.richtext.facet#tag"
        and isinstance(feature.get("tag"), str)
    ]
    return [*marked, *record.tags]


def micro(at: datetime) -> int:
    """Return a moment in microseconds since 1970."""
    return (at - _EPOCH) // MICROSECOND


def moment(time_us: int) -> datetime:
    """Return the moment of a ``time_us``, the earliest or latest there is where it has none."""
    try:
        return _EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if time_us > 0 else _EPOCH

"""Tweets as Twitter's first API gave them: twarc 1, stream archives of 2010-2023.

With deletion notices of the stream. A quoted tweet inside another is no post of its own.
"""

from __future__ import annotations

from ingest.mapping.tool import (
    Around,
    Deletion,
    Fields,
    Mapped,
    Record,
    Tool,
    dig,
    filled,
    first,
    take,
)
from ingest.sources.x.tweets import address, repost, restored

#: Messages of a stream that are neither tweets nor deletions.
_NOTICES = frozenset(
    [
        "limit",
        "scrub_geo",
        "status_withheld",
        "user_withheld",
        "disconnect",
        "warning",
        "friends",
        "event",
    ]
)

#: What a tweet has beside an id without ``id_str``, and a post of Weibo has not.
_MARKS = frozenset({"retweet_count", "favorite_count", "retweeted", "in_reply_to_status_id"})


def knows(record: Record) -> bool:
    """Tell whether a record is a tweet with its account, or a deletion notice."""
    if "user" in record:
        return (
            ("id_str" in record or ("id" in record and not _MARKS.isdisjoint(record)))
            and "created_at" in record
            and ("full_text" in record or "text" in record)
            and dig(record, "user", "screen_name") is not None
        )
    return dig(record, "delete", "status") is not None


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a tweet."""
    if knows(record):
        return _deletion(record) if "user" not in record else fields_of(record)
    return {} if len(record) == 1 and next(iter(record)) in _NOTICES else None


def fields_of(tweet: Record) -> Fields:
    """Return the fields of a tweet; the author is missing where the tool left it out."""
    native = take(tweet, "id_str", "id")
    original = tweet.get("retweeted_status")
    original = original if isinstance(original, dict) else None
    fields: Fields = {
        "platform": "twitter",
        "id": native,
        "text": _text(tweet),
        "created_at": take(tweet, "created_at", "timestamp_ms"),
        "author": first(dig(tweet, "user", "screen_name"), dig(tweet, "user", "id_str")),
        "url": address(native),
        "reply_to_id": take(tweet, "in_reply_to_status_id_str", "in_reply_to_status_id"),
        "hashtags": _hashtags(tweet),
        "likes": tweet.get("favorite_count"),
        "reposts": tweet.get("retweet_count"),
        "replies": tweet.get("reply_count"),
        "quotes": tweet.get("quote_count"),
    }
    if original is not None:
        name = dig(original, "user", "screen_name")
        fields["text"] = restored(fields["text"], name, _text(original))
        fields["hashtags"] = first(_hashtags(original), fields["hashtags"])
        fields["repost_of_id"] = take(original, "id_str", "id")
        fields = repost(fields)
    return filled(fields)


def _text(tweet: Record) -> object:
    """Return the whole text: beyond 140 characters it stands apart from ``text``."""
    return first(
        dig(tweet, "extended_tweet", "full_text"), tweet.get("full_text"), tweet.get("text")
    )


def _hashtags(tweet: Record) -> object:
    return first(
        dig(tweet, "extended_tweet", "entities", "hashtags"), dig(tweet, "entities", "hashtags")
    )


def _deletion(record: Record) -> Deletion:
    notice = record["delete"]
    native = first(dig(notice, "status", "id_str"), dig(notice, "status", "id"))
    return Deletion("twitter", native, dig(notice, "timestamp_ms"))


TOOL = Tool(name="twitter-v1", version=2, knows=knows, map_item=map_item)

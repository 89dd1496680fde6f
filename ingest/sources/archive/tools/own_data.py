"""What Twitter, Facebook and Instagram give their users as "your data".

Facebook and Instagram write every byte of UTF-8 as a character of its own (``Ã©`` for ``é``).
Their files have no ids; the protection of authors makes one of the content.
"""

from __future__ import annotations

from ingest.mapping.tool import (
    Around,
    Fields,
    Mapped,
    Record,
    Tool,
    account,
    dig,
    filled,
    first,
    or_empty,
)
from ingest.sources.x import twitter_v1
from ingest.sources.x.tweets import repost, reposted_name


def knows_tweet(record: Record) -> bool:
    """Tell whether a record is an own tweet, as in ``tweets.js``."""
    tweet = record.get("tweet", record)
    return (
        isinstance(tweet, dict)
        and "user" not in tweet
        and {"id_str", "full_text", "created_at", "retweeted"} <= tweet.keys()
    )


def refuse_tweets(around: Around) -> str:
    """Return why a file of deleted tweets is not read."""
    if around.get("ytd", "").startswith("deleted"):
        return "these tweets were deleted by their author"
    return ""


def map_tweet(record: Record, around: Around) -> Mapped:
    """Return the fields of an own tweet; the file does not say whose it is."""
    if not knows_tweet(record):
        return None
    fields = twitter_v1.fields_of(record.get("tweet", record))
    if name := reposted_name(fields.get("text")):
        fields = repost({**fields, "repost_of": account(name)})
    return fields


def repaired(text: object) -> object:
    """Return a text whose bytes of UTF-8 were written as characters; others as they are."""
    if not isinstance(text, str) or text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def knows_facebook(record: Record) -> bool:
    """Tell whether a record is an own post or comment."""
    return "timestamp" in record and any(
        isinstance(entry, dict) and ("post" in entry or "comment" in entry)
        for entry in _entries(record)
    )


def _entries(record: Record) -> list[object]:
    data = record.get("data")
    return data if isinstance(data, list) else []


def map_facebook(record: Record, around: Around) -> Mapped:
    """Return the fields of an own post or comment; entries without words are none."""
    if "timestamp" not in record or not ("data" in record or "attachments" in record):
        return None
    fields: Fields = {"platform": "facebook", "created_at": record["timestamp"]}
    for entry in _entries(record):
        comment = dig(entry, "comment")
        if isinstance(comment, dict):
            fields["text"] = repaired(comment.get("comment"))
            fields["author"] = repaired(comment.get("author"))
            fields["created_at"] = first(comment.get("timestamp"), fields["created_at"])
        elif (post := dig(entry, "post")) is not None:
            fields["text"] = repaired(post)
        if (edited := dig(entry, "update_timestamp")) is not None:
            fields["edited_at"] = edited
    return filled(fields) if fields.get("text") else {}


def knows_instagram(record: Record) -> bool:
    """Tell whether a record is an own post or comment."""
    return dig(record, "string_map_data", "Comment", "value") is not None or (
        dig(record, "media", 0, "creation_timestamp") is not None
        and dig(record, "media", 0, "uri") is not None
    )


def map_instagram(record: Record, around: Around) -> Mapped:
    """Return the fields of an own post or comment; whom a comment answers is left out."""
    if not knows_instagram(record):
        return None
    comment = dig(record, "string_map_data", "Comment", "value")
    if comment is not None:
        text, time = comment, dig(record, "string_map_data", "Time", "timestamp")
    else:
        # The caption of a single picture stands with the picture.
        text = or_empty(first(record.get("title"), dig(record, "media", 0, "title")))
        time = first(
            record.get("creation_timestamp"), dig(record, "media", 0, "creation_timestamp")
        )
    return filled({"platform": "instagram", "text": repaired(text), "created_at": time})


TWITTER = Tool(
    name="twitter-own", version=1, knows=knows_tweet, map_item=map_tweet, refuse=refuse_tweets
)
FACEBOOK = Tool(name="facebook-own", version=1, knows=knows_facebook, map_item=map_facebook)
INSTAGRAM = Tool(name="instagram-own", version=1, knows=knows_instagram, map_item=map_instagram)

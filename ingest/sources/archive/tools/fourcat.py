"""4CAT's CSV of any of its data sources, and its NDJSON of Telegram.

All tables have ``id``, ``thread_id``, ``body``, ``author`` and ``timestamp``; which platform
they are of is seen in the other columns or the addresses. Times are in UTC.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ingest.mapping.addresses import post_at
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
    take,
    utc,
    word,
)
from ingest.sources.telegram.export import message_id, sender
from ingest.sources.x.tweets import address, repost

_COLUMNS = frozenset({"id", "thread_id", "body", "author", "timestamp"})
#: Columns that only one platform's tables have.
_OWN = {
    "tiktok_url": "tiktok",
    "author_forwarded_from_username": "telegram",
    "retweet_count": "twitter",
    "page_likes": "facebook",
    "isReplyTo": "youtube",
    "videoId": "youtube",
}
_HOSTS = {
    "instagram.com": "instagram",
    "threads.net": "threads",
    "threads.com": "threads",
    "x.com": "twitter",
    "twitter.com": "twitter",
    "facebook.com": "facebook",
    "tiktok.com": "tiktok",
    "bsky.app": "bluesky",
    "vk.com": "vk",
    "youtube.com": "youtube",
    "t.me": "telegram",
}
_HIDDEN = frozenset({"REDACTED"})
_YES = frozenset({"yes", "true", "1"})
_TELEGRAM_ID = re.compile(r"\d+")


def knows_table(columns: Record) -> bool:
    """Tell whether a table has the columns that all of 4CAT's have."""
    return columns.keys() >= _COLUMNS


def map_row(row: Record, around: Around) -> Mapped:
    """Return the fields of a row."""
    url = word(take(row, "url", "link", "tiktok_url", "post_url"))
    platform = _platform(row, url)
    author = word(row.get("author"))
    fields: Fields = {
        "platform": platform,
        "id": row.get("id"),
        "text": row.get("body"),
        "created_at": first(row.get("unix_timestamp"), utc(row.get("timestamp"))),
        "edited_at": first(row.get("unix_timestamp_edited"), utc(row.get("timestamp_edited"))),
        "author": "" if author in _HIDDEN else author,
        "url": url,
        "hashtags": row.get("hashtags"),
        "likes": take(row, "like_count", "num_likes", "amount_likes", "likes", "likeCount"),
        "reposts": take(row, "retweet_count", "repost_count", "reposts", "amount_shares", "shares"),
        "replies": take(
            row,
            "reply_count",
            "num_comments",
            "amount_comments",
            "comments",
            "replies",
            "replyCount",
            "commentCount",
        ),
        "quotes": take(row, "quote_count", "quotes"),
        "views": take(
            row, "impression_count", "views_post", "amount_plays", "plays", "views", "viewCount"
        ),
    }
    if platform == "twitter":
        fields = _tweet(fields, row)
    elif platform == "telegram":
        fields = _telegram(fields, row)
    elif platform == "youtube":
        # The other tools have the channel's id, which also never changes.
        fields["author"] = first(take(row, "authorChannelId", "channelId"), fields["author"])
        fields["reply_to_id"] = take(row, "isReplyTo", "isReplyToId")
    elif platform == "bluesky":
        # The live source knows accounts by their DID, which never changes.
        fields["author"] = first(row.get("author_id"), fields["author"])
        fields["hashtags"] = first(row.get("tags"), fields["hashtags"])
        fields["reply_to_id"] = _bluesky_post(row.get("in_reply_to"))
    elif platform == "facebook":
        fields["author"] = first(fields["author"], row.get("page_id"))
    return filled(fields)


def _platform(row: Record, url: str) -> str:
    for column, platform in _OWN.items():
        if column in row:
            return platform
    if word(row.get("id")).startswith("at://"):
        return "bluesky"
    host = urlsplit(url).hostname if url.startswith("http") else None
    return _HOSTS.get((host or "").removeprefix("www."), "")


def _bluesky_post(value: object) -> object:
    """Return the URI of a post that an address or a URI names."""
    found = post_at(word(value))
    return found.native if found is not None and found.platform == "bluesky" else None


def _tweet(fields: Fields, row: Record) -> Fields:
    fields["url"] = address(row.get("id"))
    if word(row.get("is_reply")) in _YES:
        # Only whom it answers is in the table, not which post.
        fields["reply_to"] = account(take(row, "replied_author", "replied_user", "reply_to"))
    if word(row.get("is_retweet")) in _YES:
        fields["repost_of"] = account(row.get("retweeted_user"))
        fields = repost(fields)
    return fields


def _telegram(fields: Fields, row: Record) -> Fields:
    chat = word(take(row, "chat", "thread_id"))
    number = word(row.get("id")).removeprefix(f"{chat}-")
    reply = word(row.get("reply_to"))
    return {
        **fields,
        "id": message_id(chat, number),
        "author": sender(row.get("author_username"), fields["author"]),
        "url": f"https://t.me/{chat}/{number}" if not chat.isdigit() else "",
        "reply_to_id": message_id(chat, reply) if _TELEGRAM_ID.fullmatch(reply) else None,
        "repost_of": account(
            take(row, "author_forwarded_from_username", "author_forwarded_from_name")
        ),
    }


def knows_message(record: Record) -> bool:
    """Tell whether a record is a Telegram message as 4CAT stores it."""
    return "_chat" in record and "message" in record and "date" in record and "id" in record


def map_message(record: Record, around: Around) -> Mapped:
    """Return the fields of a Telegram message."""
    if not knows_message(record):
        return None
    chat = word(first(dig(record, "_chat", "username"), dig(record, "_chat", "id")))
    number = word(record.get("id"))
    reply = word(first(dig(record, "reply_to", "reply_to_msg_id"), record.get("reply_to_msg_id")))
    forwarded = record.get("fwd_from")
    return filled(
        {
            "platform": "telegram",
            "id": message_id(chat, number),
            "text": or_empty(record.get("message")),
            "created_at": record.get("date"),
            "edited_at": record.get("edit_date"),
            "author": sender(dig(record, "_sender", "username"), dig(record, "_sender", "id")),
            "url": f"https://t.me/{chat}/{number}" if not chat.isdigit() else "",
            "reply_to_id": message_id(chat, reply) if reply else None,
            "repost_of": account(
                first(dig(record, "_forward", "_chat", "username"), dig(forwarded, "from_name"))
            ),
            "views": record.get("views"),
        }
    )


TABLE = Tool(name="4cat-csv", version=2, knows=knows_table, map_item=map_row, table=True)
TELEGRAM = Tool(name="4cat-telegram", version=1, knows=knows_message, map_item=map_message)

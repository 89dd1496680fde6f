"""Tweets as services write them that read X's website: Apify's actors, twitterapi.io.

Fields: https://apify.com/apidojo/tweet-scraper (its example of an output),
https://docs.twitterapi.io/api-reference/endpoint/tweet_advanced_search.
"""

from __future__ import annotations

from ingest.mapping.tool import Around, Fields, Mapped, Record, Tool, dig, filled, first
from ingest.sources.x.tweets import address, repost, restored


def knows(record: Record) -> bool:
    """Tell whether a record is such a tweet."""
    return {"id", "text", "createdAt", "author"} <= record.keys() and (
        record.get("type") == "tweet" or dig(record, "author", "userName") is not None
    )


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a tweet; the original inside a retweet completes it."""
    if not knows(record):
        return None
    native = record.get("id")
    fields: Fields = {
        "platform": "twitter",
        "id": native,
        "text": first(record.get("fullText"), record.get("text")),
        "created_at": record.get("createdAt"),
        "author": first(dig(record, "author", "userName"), dig(record, "author", "id")),
        "url": address(native),
        "reply_to_id": record.get("inReplyToId"),
        "hashtags": dig(record, "entities", "hashtags"),
        "likes": record.get("likeCount"),
        "reposts": record.get("retweetCount"),
        "replies": record.get("replyCount"),
        "quotes": record.get("quoteCount"),
        "views": record.get("viewCount"),
    }
    original = first(record.get("retweet"), record.get("retweeted_tweet"))
    if isinstance(original, dict):
        whole = first(original.get("fullText"), original.get("text"))
        fields["text"] = restored(fields["text"], dig(original, "author", "userName"), whole)
        fields["repost_of_id"] = original.get("id")
        fields = repost(fields)
    return filled(fields)


TOOL = Tool(name="x-scraped", version=1, knows=knows, map_item=map_item)

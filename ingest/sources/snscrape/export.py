"""snscrape's JSONL: every object says its class under ``_type``."""

from __future__ import annotations

import re
from collections.abc import Callable

from ingest.mapping.tool import (
    Around,
    Fields,
    Mapped,
    Record,
    Tool,
    dig,
    filled,
    first,
    joined,
    or_empty,
    take,
    word,
)
from ingest.sources.facebook.urls import account_of, post_id
from ingest.sources.x.tweets import address, repost, reposted_name, restored

_TELEGRAM = re.compile(r"https?://t\.me/(?:s/)?(\w+)/(\d+)")
_PASSED_ON = re.compile(r"(?<!:)//\s*@")
#: What Reddit writes instead of what was deleted.
_GONE = ("[deleted]", "[removed]")
_INSTAGRAM = re.compile(r"instagram\.com/(?:[\w.]+/)?(?:p|reel|tv)/([\w-]+)")


def knows(record: Record) -> bool:
    """Tell whether a record is one of snscrape's classes that is read here."""
    return _kind(record) in _SHAPES


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a post; accounts, placeholders and what was deleted are none."""
    kind = _kind(record)
    if kind in _SHAPES:
        return fields_of(record)
    return {} if kind in _NO_POSTS else None


def fields_of(record: Record) -> Fields:
    """Return the fields of a post, which a record must be."""
    return filled(_SHAPES[_kind(record)](record))


def _kind(record: Record) -> str:
    kind = record.get("_type")
    return kind.removeprefix("snscrape.modules.") if isinstance(kind, str) else ""


def _number(record: Record, name: str) -> object:
    # Written beside a number for programs that round it.
    return take(record, f"{name}.str", name)


def _tweet(tweet: Record) -> Fields:
    native = _number(tweet, "id")
    text = take(tweet, "rawContent", "content", "renderedContent")
    fields: Fields = {
        "platform": "twitter",
        "id": native,
        "text": text,
        "created_at": tweet.get("date"),
        "author": first(dig(tweet, "user", "username"), dig(tweet, "user", "id")),
        "url": address(native),
        "reply_to_id": _number(tweet, "inReplyToTweetId"),
        "hashtags": tweet.get("hashtags"),
        "likes": tweet.get("likeCount"),
        "reposts": tweet.get("retweetCount"),
        "replies": tweet.get("replyCount"),
        "quotes": tweet.get("quoteCount"),
        "views": tweet.get("viewCount"),
    }
    original = tweet.get("retweetedTweet")
    if isinstance(original, dict):
        name = first(dig(original, "user", "username"), reposted_name(text))
        whole = take(original, "rawContent", "content")
        fields["text"] = restored(fields["text"], name, whole)
        fields["repost_of_id"] = _number(original, "id")
        fields["hashtags"] = first(original.get("hashtags"), fields["hashtags"])
        fields = repost(fields)
    return fields


def _telegram(post: Record) -> Fields:
    place = _TELEGRAM.match(word(post.get("url")))
    return {
        "platform": "telegram",
        "id": f"{place[1]}/{place[2]}" if place else None,
        "text": or_empty(post.get("content")),
        "created_at": post.get("date"),
        "author": place[1] if place else None,
        "url": f"https://t.me/{place[1]}/{place[2]}" if place else None,
    }


def _weibo(post: Record) -> Fields:
    text = post.get("text")
    fields: Fields = {
        "platform": "weibo",
        "id": _number(post, "id"),
        # behind the author's own words stand those of others who passed the post on
        "text": _PASSED_ON.split(text, 1)[0] if isinstance(text, str) else text,
        "created_at": post.get("createdAt"),
        "author": first(dig(post, "user", "screenname"), dig(post, "user", "uid")),
        "url": post.get("url"),
        "likes": post.get("likesCount"),
        "reposts": post.get("repostsCount"),
        "replies": post.get("commentsCount"),
    }
    if isinstance(original := post.get("repostedPost"), dict):
        fields["repost_of_id"] = _number(original, "id")
        fields["repost_author"] = first(
            dig(original, "user", "screenname"), dig(original, "user", "uid")
        )
    return fields


def _submission(post: Record) -> Fields:
    if post.get("selftext") in _GONE:
        return {}
    parts = (word(post.get("title")), word(post.get("selftext")))
    return {**_reddit(post), "text": joined(parts, "\n\n")}


def _comment(post: Record) -> Fields:
    if post.get("body") in _GONE:
        return {}
    return {**_reddit(post), "text": post.get("body"), "reply_to_id": post.get("parentId")}


def _reddit(post: Record) -> Fields:
    return {
        "platform": "reddit",
        "id": post.get("id"),
        "created_at": take(post, "date", "created"),
        "author": None if post.get("author") in _GONE else post.get("author"),
        "url": post.get("url"),
    }


def _facebook(post: Record) -> Fields:
    url = word(post.get("cleanUrl"))
    return {
        "platform": "facebook",
        "id": post_id(url),
        "text": or_empty(post.get("content")),
        "created_at": post.get("date"),
        "author": account_of(url),
        "url": url if post_id(url) and account_of(url) else None,
    }


def _instagram(post: Record) -> Fields:
    code = _INSTAGRAM.search(word(post.get("url")))
    return {
        "platform": "instagram",
        "id": code[1] if code else None,
        "text": or_empty(post.get("content")),
        "created_at": post.get("date"),
        "author": post.get("username"),
        "url": f"https://www.instagram.com/p/{code[1]}/" if code else None,
        "likes": post.get("likes"),
        "replies": post.get("comments"),
    }


_SHAPES: dict[str, Callable[[Record], Fields]] = {
    "twitter.Tweet": _tweet,
    "telegram.TelegramPost": _telegram,
    "weibo.Post": _weibo,
    "reddit.Submission": _submission,
    "reddit.Comment": _comment,
    "facebook.FacebookPost": _facebook,
    "instagram.InstagramPost": _instagram,
}
_NO_POSTS = frozenset(
    f"{module}.{kind}"
    for module in ("twitter", "telegram", "weibo", "reddit", "facebook", "instagram")
    for kind in ("User", "UserRef", "Channel", "TweetRef", "Tombstone", "Trend")
)

TOOL = Tool(name="snscrape", version=2, knows=knows, map_item=map_item)

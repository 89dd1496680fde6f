"""Posts as the platforms' own websites load them: what browser extensions capture.

One function a platform; ``None`` for an object that is not a post of this shape, ``{}`` for an
advertisement.
"""

from __future__ import annotations

from ingest.mapping.tool import Fields, Record, dig, first, or_empty, word
from ingest.sources.x.tweets import address, repost, restored, time_of


def x_post(tweet: Record) -> Fields | None:
    """Return the fields of a post of X: of its GraphQL interface, or of the one before.

    A post with limited visibility is wrapped once more; an advertisement is none; all versions of
    an edited post are one, with the id of the first.
    """
    if tweet.get("promoted") or tweet.get("promotedMetadata"):
        return {}
    if isinstance(inner := tweet.get("tweet"), dict) and "legacy" not in tweet:
        tweet = inner
    legacy = tweet.get("legacy")
    if not isinstance(legacy, dict):
        return None
    native = first(tweet.get("rest_id"), legacy.get("id_str"))
    fields: Fields = {
        "platform": "twitter",
        "id": native,
        "text": _x_text(tweet),
        "created_at": legacy.get("created_at"),
        "author": first(_x_name(tweet), legacy.get("user_id_str")),
        "url": address(native),
        "reply_to_id": legacy.get("in_reply_to_status_id_str"),
        "hashtags": dig(legacy, "entities", "hashtags"),
        "likes": legacy.get("favorite_count"),
        "reposts": legacy.get("retweet_count"),
        "replies": legacy.get("reply_count"),
        "quotes": legacy.get("quote_count"),
        "views": first(dig(tweet, "views", "count"), dig(tweet, "ext_views", "count")),
    }
    versions = _x_versions(tweet, native)
    if len(versions) > 1:
        fields["id"] = versions[0]
        fields["url"] = address(versions[0])
        fields["created_at"] = time_of(int(versions[0])).isoformat()
        fields["edited_at"] = time_of(int(word(native))).isoformat()
    original = dig(legacy, "retweeted_status_result", "result")
    if isinstance(original, dict):
        # A post with limited visibility is wrapped once more.
        original = original["tweet"] if isinstance(original.get("tweet"), dict) else original
        fields["text"] = restored(fields["text"], _x_name(original), _x_text(original))
        fields["hashtags"] = first(
            dig(original, "legacy", "entities", "hashtags"), fields["hashtags"]
        )
        fields["repost_of_id"] = first(original.get("rest_id"), dig(original, "legacy", "id_str"))
        fields = repost(fields)
    return fields


def _x_versions(tweet: Record, native: object) -> list[str]:
    """Return the ids of a post's versions, the oldest first; nothing if they can't be trusted."""
    control = tweet.get("edit_control")
    known = first(
        dig(control, "edit_tweet_ids"), dig(control, "edit_control_initial", "edit_tweet_ids")
    )
    ids = [word(entry) for entry in known] if isinstance(known, list) else []
    whole = all(entry.isdecimal() and len(entry) < 20 for entry in ids)
    return sorted(ids, key=int) if whole and word(native) in ids else []


def _x_text(tweet: Record) -> object:
    return first(
        dig(tweet, "note_tweet", "note_tweet_results", "result", "text"),
        dig(tweet, "legacy", "full_text"),
    )


def _x_name(tweet: Record) -> object:
    """Return the handle: X moved it from ``legacy`` to ``core`` in 2025."""
    user = dig(tweet, "core", "user_results", "result")
    return first(
        dig(user, "core", "screen_name"),
        dig(user, "legacy", "screen_name"),
        dig(tweet, "user", "screen_name"),
    )


def instagram_post(post: Record) -> Fields | None:
    """Return the fields of a post of Instagram, of its item lists or its older graph."""
    if post.get("product_type") == "ad" or word(post.get("link")).startswith(
        "https://www.facebook.com/ads/"
    ):
        return {}
    code = first(post.get("code"), post.get("shortcode"))
    if code is None:
        return None
    text: object
    if "edge_media_to_caption" in post:
        text = or_empty(dig(post, "edge_media_to_caption", "edges", 0, "node", "text"))
    else:
        # Without the field the capture is incomplete; null is a post without a caption.
        text = or_empty(dig(post, "caption", "text")) if "caption" in post else None
    return {
        "platform": "instagram",
        "id": code,
        "text": text,
        "created_at": first(post.get("taken_at"), post.get("taken_at_timestamp")),
        "author": first(dig(post, "user", "username"), dig(post, "owner", "username")),
        "url": f"https://www.instagram.com/p/{word(code)}/",
        "likes": first(post.get("like_count"), dig(post, "edge_media_preview_like", "count")),
        "replies": first(
            post.get("comment_count"), dig(post, "edge_media_preview_comment", "count")
        ),
    }


def tiktok_post(post: Record) -> Fields | None:
    """Return the fields of a post of TikTok; its shares count as reposts."""
    if "desc" not in post or "createTime" not in post:
        return None
    author = post.get("author")
    name = dig(author, "uniqueId") if isinstance(author, dict) else author
    tags = post.get("textExtra")
    return {
        "platform": "tiktok",
        "id": post.get("id"),
        "text": post.get("desc"),
        "created_at": post.get("createTime"),
        "author": name,
        "url": f"https://www.tiktok.com/@{word(name)}/video/{word(post.get('id'))}"
        if word(name)
        else None,
        "hashtags": [dig(tag, "hashtagName") for tag in tags] if isinstance(tags, list) else None,
        "likes": dig(post, "stats", "diggCount"),
        "reposts": dig(post, "stats", "shareCount"),
        "replies": dig(post, "stats", "commentCount"),
        "views": dig(post, "stats", "playCount"),
    }


def threads_post(post: Record) -> Fields | None:
    """Return the fields of a post of Threads."""
    if "code" not in post or "taken_at" not in post:
        return None
    name, code = word(dig(post, "user", "username")), word(post.get("code"))
    info = post.get("text_post_app_info")
    return {
        "platform": "threads",
        "id": code,
        "text": or_empty(dig(post, "caption", "text")),
        "created_at": post.get("taken_at"),
        "author": name,
        "url": f"https://www.threads.net/@{name}/post/{code}" if name else None,
        "likes": post.get("like_count"),
        "reposts": dig(info, "repost_count"),
        "replies": dig(info, "direct_reply_count"),
        "quotes": dig(info, "quote_count"),
    }

"""Posts of Bluesky as files: answers of its API, dumps of a Jetstream, records of a repository.

Fields: https://docs.bsky.app/docs/api/app-bsky-feed-search-posts, ``…get-author-feed`` (each post
under ``post``), https://github.com/bluesky-social/jetstream. A post is the same as from the live
source: its id is its URI with the DID of its author.
"""

from __future__ import annotations

import re

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
    word,
)

_COLLECTION = "app.bsky.feed.post"
_URI = re.compile(r"at://(did:[\w:.%-]+)/app\.bsky\.feed\.post/(\w+)")


def _view(record: Record) -> Record | None:
    """Return the view of a post in an item of a feed or a thread, or the record if it is one."""
    for found in (dig(record, "value", "post"), record, record.get("post")):
        if (
            isinstance(found, dict)
            and _URI.fullmatch(word(found.get("uri")))
            and isinstance(first(found.get("record"), found.get("value")), dict)
        ):
            return found
    return None


def knows(record: Record) -> bool:
    """Tell whether a record is a view of a post, or an item of a feed or thread that holds one."""
    thread = record.get("thread")
    return _view(thread if isinstance(thread, dict) else record) is not None


def split(record: Record) -> list[Record] | None:
    """Return the posts of a thread: those above, the post itself, all answers below it."""
    thread = record.get("thread")
    top = thread if isinstance(thread, dict) else record
    if top is record and not isinstance(record.get("replies"), list):
        return None
    found: list[Record] = []
    waiting: list[object] = [top]
    while waiting:
        item = waiting.pop()
        if not isinstance(item, dict):
            continue
        if _view(item) is not None:  # what is gone or blocked has none
            found.append({"post": item.get("post")})
        answers = item.get("replies")
        waiting += reversed(answers) if isinstance(answers, list) else ()
        waiting.append(item.get("parent"))
    return found


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a post; a repost in a feed is no post of its own."""
    view = _view(record)
    if view is None:
        return None
    uri = _URI.fullmatch(word(view.get("uri")))
    inner = first(view.get("record"), view.get("value"))
    if uri is None or not isinstance(inner, dict):
        return None
    return filled(
        {
            **_fields(uri[1], uri[2], inner),
            "likes": view.get("likeCount"),
            "reposts": view.get("repostCount"),
            "replies": view.get("replyCount"),
            "quotes": view.get("quoteCount"),
        }
    )


def _fields(did: str, key: str, post: Record) -> Fields:
    return {
        "platform": "bluesky",
        "id": f"at://{did}/{_COLLECTION}/{key}",
        "text": post.get("text"),
        "created_at": post.get("createdAt"),
        "author": did,
        "url": f"https://bsky.app/profile/{did}/post/{key}",
        "reply_to_id": dig(post, "reply", "parent", "uri"),
        "hashtags": _tags(post),
        "markup": False,  # Bluesky's texts are plain
    }


def _tags(post: Record) -> list[object] | None:
    facets = post.get("facets")
    marked = [
        feature.get("tag")
        for facet in (facets if isinstance(facets, list) else ())
        for feature in (dig(facet, "features") or ())
        if isinstance(feature, dict) and feature.get("$type") == "app.bsky.richtext.facet#tag"
    ]
    beside = post.get("tags")
    return [*marked, *(beside if isinstance(beside, list) else ())] or None


def knows_event(record: Record) -> bool:
    """Tell whether a record is an event of a Jetstream."""
    return {"did", "time_us", "kind"} <= record.keys()


def map_event(record: Record, around: Around) -> Mapped:
    """Return the fields of a post that was made or edited, or the deletion of one."""
    if not knows_event(record):
        return None
    commit = record.get("commit")
    if not isinstance(commit, dict) or commit.get("collection") != _COLLECTION:
        return {}
    did, key = word(record.get("did")), word(commit.get("rkey"))
    if commit.get("operation") == "delete":
        native = f"at://{did}/{_COLLECTION}/{key}"
        return Deletion("bluesky", native, record.get("time_us"))
    post = commit.get("record")
    if not isinstance(post, dict):
        return {}
    return filled({**_fields(did, key, post), "version": word(record.get("time_us"))})


TOOL = Tool(name="bluesky", version=2, knows=knows, map_item=map_item, split=split)
JETSTREAM = Tool(name="jetstream", version=1, knows=knows_event, map_item=map_event)

"""YouTube Data Tools' tables of comments and videos, and Google Takeout's of own comments."""

from __future__ import annotations

import html
import json

from ingest.mapping.tool import (
    Around,
    Mapped,
    Record,
    Tool,
    dig,
    filled,
    joined,
    take,
    utc,
    without_tags,
    word,
)

_COMMENTS = frozenset({"id", "likeCount", "publishedAt", "authorName", "text", "isReply"})
_VIDEOS = frozenset({"channelId", "videoId", "publishedAt", "videoTitle", "videoDescription"})
_TAKEOUT = frozenset({"comment id", "channel id", "comment create timestamp", "comment text"})


def knows_comments(columns: Record) -> bool:
    """Tell whether a table holds comments from YouTube Data Tools."""
    return columns.keys() >= _COMMENTS


def map_comment(row: Record, around: Around) -> Mapped:
    """Return the fields of a comment."""
    text = row.get("text")
    # Version 2 has a column for the thread; it writes UTC, and plain text from the start.
    newer = "threadId" in row
    if not newer and isinstance(text, str):
        text = html.unescape(without_tags(text))
    native, video = word(row.get("id")), word(row.get("videoId"))
    return filled(
        {
            "platform": "youtube",
            "id": native,
            "text": text,
            "created_at": utc(row.get("publishedAt")) if newer else row.get("publishedAt"),
            "author": take(row, "authorChannelId", "authorName"),
            "url": f"https://www.youtube.com/watch?v={video}&lc={native}" if video else "",
            "reply_to_id": take(row, "isReplyToId", "isReplyTo"),
            "likes": row.get("likeCount"),
            "replies": take(row, "replyCount", "totalReplyCount"),
        }
    )


def knows_videos(columns: Record) -> bool:
    """Tell whether a table holds videos from YouTube Data Tools."""
    return columns.keys() >= _VIDEOS


def map_video(row: Record, around: Around) -> Mapped:
    """Return the fields of a video: its title and description are the text."""
    video = word(row.get("videoId"))
    return filled(
        {
            "platform": "youtube",
            "id": video,
            "text": joined((word(row.get("videoTitle")), word(row.get("videoDescription"))), "\n"),
            "created_at": utc(row.get("publishedAt")),
            "author": take(row, "channelId", "channelTitle"),
            "url": f"https://www.youtube.com/watch?v={video}" if video else "",
            "likes": row.get("likeCount"),
            "replies": row.get("commentCount"),
            "views": row.get("viewCount"),
        }
    )


def knows_takeout(columns: Record) -> bool:
    """Tell whether a table holds the comments of a Google Takeout."""
    return {name.casefold() for name in columns} >= _TAKEOUT


def map_takeout(row: Record, around: Around) -> Mapped:
    """Return the fields of an own comment."""
    cells = {name.casefold(): cell for name, cell in row.items()}
    native, video = word(cells.get("comment id")), word(cells.get("video id"))
    return filled(
        {
            "platform": "youtube",
            "id": native,
            "text": _segments(cells.get("comment text")),
            "created_at": utc(cells.get("comment create timestamp")),
            "author": cells.get("channel id"),
            "url": f"https://www.youtube.com/watch?v={video}&lc={native}" if video else "",
            "reply_to_id": cells.get("parent comment id"),
        }
    )


def _segments(cell: object) -> object:
    """Return a text that Google wrote as JSON: in a list, or one object after the other."""
    text = word(cell)
    if not text.startswith('{"'):
        return cell
    try:
        found = json.loads(f"[{text}]")
    except (json.JSONDecodeError, RecursionError):
        return cell
    parts = dig(found, 0, "takeoutSegments")
    parts = parts if isinstance(parts, list) else found
    return "".join(word_of for part in parts if isinstance(word_of := dig(part, "text"), str))


COMMENTS = Tool(
    name="ytdt-comments", version=1, knows=knows_comments, map_item=map_comment, table=True
)
VIDEOS = Tool(name="ytdt-videos", version=1, knows=knows_videos, map_item=map_video, table=True)
TAKEOUT = Tool(
    name="youtube-takeout", version=1, knows=knows_takeout, map_item=map_takeout, table=True
)

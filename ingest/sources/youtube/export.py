"""YouTube Data Tools' tables of comments and videos, and Google Takeout's of own comments."""

from __future__ import annotations

import html
import json

from ingest.mapping.missing import is_missing
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


def knows_api_table(columns: Record) -> bool:
    """Tell whether a table has the fields of the API's comments as columns (tuber, pandas)."""
    return columns.keys() >= {"id", "publishedAt", "likeCount", "authorDisplayName"} and (
        "textOriginal" in columns or "textDisplay" in columns
    )


def map_api_row(row: Record, around: Around) -> Mapped:
    """Return the fields of a comment; ``textDisplay`` is HTML."""
    original = row.get("textOriginal")
    shown = html.unescape(without_tags(word(row.get("textDisplay"))))
    native, video = word(row.get("id")), _there(row, "videoId")
    return filled(
        {
            "platform": "youtube",
            "id": native,
            "text": original if word(original) else shown,
            "created_at": row.get("publishedAt"),
            "edited_at": row.get("updatedAt"),
            "author": _there(row, "authorChannelId.value", "authorChannelId", "authorDisplayName"),
            "url": f"https://www.youtube.com/watch?v={video}&lc={native}" if video else "",
            "reply_to_id": _there(row, "parentId"),
            "likes": row.get("likeCount"),
            "replies": take(row, "totalReplyCount"),
        }
    )


def knows_voson(columns: Record) -> bool:
    """Tell whether a table holds comments from vosonSML."""
    return columns.keys() >= {"Comment", "CommentID", "VideoID", "PublishedAt"}


def map_voson(row: Record, around: Around) -> Mapped:
    """Return the fields of a comment."""
    native, video = word(row.get("CommentID")), _there(row, "VideoID")
    return filled(
        {
            "platform": "youtube",
            "id": native,
            "text": row.get("Comment"),
            "created_at": row.get("PublishedAt"),
            "author": _there(row, "AuthorChannelID", "AuthorDisplayName"),
            "url": f"https://www.youtube.com/watch?v={video}&lc={native}" if video else "",
            "reply_to_id": _there(row, "ParentID"),
            "likes": row.get("LikeCount"),
            "replies": row.get("ReplyCount"),
        }
    )


def _there(row: Record, *names: str) -> str:
    """Return the first of several columns that holds something: R writes ``NA`` for nothing."""
    cells = (word(row.get(name)) for name in names)
    return next((cell for cell in cells if cell and not is_missing(cell)), "")


COMMENTS = Tool(
    name="ytdt-comments", version=1, knows=knows_comments, map_item=map_comment, table=True
)
VIDEOS = Tool(name="ytdt-videos", version=1, knows=knows_videos, map_item=map_video, table=True)
API_TABLE = Tool(
    name="youtube-api-csv", version=1, knows=knows_api_table, map_item=map_api_row, table=True
)
VOSON = Tool(name="voson-youtube", version=1, knows=knows_voson, map_item=map_voson, table=True)
TAKEOUT = Tool(
    name="youtube-takeout", version=1, knows=knows_takeout, map_item=map_takeout, table=True
)

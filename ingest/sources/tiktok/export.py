"""Videos and comments of TikTok's Research API (``/v2/research/video/query/`` and others).

Fields: https://developers.tiktok.com/doc/research-api-specs-query-videos.
"""

from __future__ import annotations

from ingest.mapping.tool import Around, Mapped, Record, Tool, dig, filled, first, word
from ingest.sources.archive.tools import webshapes


def knows(record: Record) -> bool:
    """Tell whether a record is a video or a comment."""
    return "create_time" in record and (
        {"id", "video_description"} <= record.keys() or {"id", "text", "video_id"} <= record.keys()
    )


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a video or a comment; its shares count as reposts."""
    if not knows(record):
        return None
    name, native = word(record.get("username")), word(record.get("id"))
    comment = "video_description" not in record
    text = record.get("text") if comment else record.get("video_description")
    return filled(
        {
            "platform": "tiktok",
            "id": native,
            "text": "" if text is None else text,
            "created_at": record.get("create_time"),
            "author": name,
            "url": f"https://www.tiktok.com/@{name}/video/{native}" if name and not comment else "",
            "reply_to_id": (record.get("parent_comment_id") or record.get("video_id"))
            if comment
            else None,
            "hashtags": record.get("hashtag_names"),
            "likes": record.get("like_count"),
            "reposts": record.get("share_count"),
            "replies": record.get("comment_count") or record.get("reply_count"),
            "views": record.get("view_count"),
        }
    )


def knows_web(record: Record) -> bool:
    """Tell whether a record is a video or comment as TikTok's website loads it.

    Programs for the website (TikTokApi, yt-dlp's and others' scrapers) write it as it came.
    """
    video = {"id", "desc", "createTime", "author"} <= record.keys() and "stats" in record
    return video or {"cid", "text", "create_time", "aweme_id"} <= record.keys()


def map_web(record: Record, around: Around) -> Mapped:
    """Return the fields of a video or a comment."""
    if not knows_web(record):
        return None
    if "cid" not in record:
        found = webshapes.tiktok_post(record)
        return filled(found) if found else {}
    answered = word(record.get("reply_id"))
    return filled(
        {
            "platform": "tiktok",
            "id": record.get("cid"),
            "text": record.get("text"),
            "created_at": record.get("create_time"),
            "collected_at": record.get("timestamp_collected"),
            "author": first(dig(record, "user", "unique_id"), dig(record, "user", "uid")),
            "reply_to_id": answered if answered not in {"", "0"} else record.get("aweme_id"),
            "likes": record.get("digg_count"),
            "replies": record.get("reply_comment_total"),
        }
    )


def knows_pyktok(columns: Record) -> bool:
    """Tell whether a table is one of Pyktok's."""
    return columns.keys() >= {"video_id", "video_timestamp", "video_description", "author_username"}


def map_pyktok(row: Record, around: Around) -> Mapped:
    """Return the fields of a video; Pyktok writes the time of its machine, without a zone."""
    name, native = word(row.get("author_username")), word(row.get("video_id"))
    return filled(
        {
            "platform": "tiktok",
            "id": native,
            "text": row.get("video_description"),
            "created_at": row.get("video_timestamp"),
            "author": name,
            "url": f"https://www.tiktok.com/@{name}/video/{native}" if name and native else "",
            "likes": row.get("video_diggcount"),
            "reposts": row.get("video_sharecount"),
            "replies": row.get("video_commentcount"),
            "views": row.get("video_playcount"),
        }
    )


WEB = Tool(name="tiktok-web", version=1, knows=knows_web, map_item=map_web)
PYKTOK = Tool(name="pyktok", version=1, knows=knows_pyktok, map_item=map_pyktok, table=True)
TOOL = Tool(name="tiktok-research", version=1, knows=knows, map_item=map_item)

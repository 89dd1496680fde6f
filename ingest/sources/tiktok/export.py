"""Videos and comments of TikTok's Research API (``/v2/research/video/query/`` and others).

Fields: https://developers.tiktok.com/doc/research-api-specs-query-videos.
"""

from __future__ import annotations

from ingest.mapping.tool import Around, Mapped, Record, Tool, filled, word


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


TOOL = Tool(name="tiktok-research", version=1, knows=knows, map_item=map_item)

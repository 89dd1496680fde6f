"""Comments as YouTube's Data API answers (``commentThreads.list``), and as a downloader writes.

Fields: https://developers.google.com/youtube/v3/docs/commentThreads;
egbertbouman/youtube-comment-downloader#77 (``cid``, ``time_parsed``, ``votes``).
"""

from __future__ import annotations

from ingest.mapping.tool import Around, Mapped, Record, Tool, dig, filled, first, word


def _comments(thread: Record) -> list[Record]:
    top = dig(thread, "snippet", "topLevelComment")
    answers = dig(thread, "replies", "comments")
    found = [top, *(answers if isinstance(answers, list) else ())]
    return [comment for comment in found if isinstance(comment, dict)]


def knows(record: Record) -> bool:
    """Tell whether a record is a comment, or a thread of comments."""
    if record.get("kind") == "youtube#commentThread" or dig(record, "snippet", "topLevelComment"):
        return True
    snippet = record.get("snippet")
    return isinstance(snippet, dict) and ("textOriginal" in snippet or "textDisplay" in snippet)


def split(record: Record) -> list[Record] | None:
    """Return the comments of a thread, each with the video it stands under."""
    if dig(record, "snippet", "topLevelComment") is None:
        return None
    video = dig(record, "snippet", "videoId")
    total = dig(record, "snippet", "totalReplyCount")
    comments = [{"videoId": video, **comment} for comment in _comments(record)]
    return [{**comments[0], "totalReplyCount": total}, *comments[1:]] if comments else []


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a comment."""
    snippet = record.get("snippet")
    if not isinstance(snippet, dict):
        return None
    video = first(snippet.get("videoId"), record.get("videoId"))
    native = word(record.get("id"))
    return filled(
        {
            "platform": "youtube",
            "id": native,
            "text": first(snippet.get("textOriginal"), snippet.get("textDisplay")) or "",
            "created_at": snippet.get("publishedAt"),
            "edited_at": snippet.get("updatedAt"),
            "author": first(
                dig(snippet, "authorChannelId", "value"), snippet.get("authorDisplayName")
            ),
            "url": f"https://www.youtube.com/watch?v={word(video)}&lc={native}" if video else "",
            "reply_to_id": snippet.get("parentId"),
            "likes": snippet.get("likeCount"),
            "replies": record.get("totalReplyCount"),
        }
    )


def knows_downloaded(record: Record) -> bool:
    """Tell whether a record is a comment that the downloader wrote."""
    return {"cid", "text", "author", "channel"} <= record.keys()


def map_downloaded(record: Record, around: Around) -> Mapped:
    """Return the fields of a comment; its time is computed from words such as "2 years ago"."""
    native = word(record.get("cid"))
    parent = native.partition(".")[0] if "." in native else None
    return filled(
        {
            "platform": "youtube",
            "id": native,
            "text": record.get("text"),
            "created_at": record.get("time_parsed"),
            "author": first(record.get("channel"), record.get("author")),
            "reply_to_id": parent,
            "likes": record.get("votes"),
            "replies": record.get("replies"),
        }
    )


def knows_yt_dlp(record: Record) -> bool:
    """Tell whether a record is a comment of yt-dlp's ``info.json`` (``--write-comments``)."""
    return {"id", "text", "author_id", "parent"} <= record.keys()


def map_yt_dlp(record: Record, around: Around) -> Mapped:
    """Return the fields of a comment; the file's video is not named beside it."""
    if not knows_yt_dlp(record):
        return None
    parent = word(record.get("parent"))
    return filled(
        {
            "platform": "youtube",
            "id": record.get("id"),
            "text": record.get("text"),
            "created_at": record.get("timestamp"),
            "author": first(record.get("author_id"), record.get("author")),
            "reply_to_id": parent if parent != "root" else None,
            "likes": record.get("like_count"),
        }
    )


def knows_video(record: Record) -> bool:
    """Tell whether a record is a video as ``search.list`` and ``videos.list`` answer."""
    snippet = record.get("snippet")
    kinds = {"youtube#video", "youtube#searchResult"}
    return word(record.get("kind")) in kinds and isinstance(snippet, dict) and "title" in snippet


def map_video(record: Record, around: Around) -> Mapped:
    """Return the fields of a video: its title and description are the text."""
    if not knows_video(record):
        return None
    snippet, native = record["snippet"], record.get("id")
    video = word(dig(native, "videoId") if isinstance(native, dict) else native)
    if not video:
        return {}  # a search finds channels and playlists as well
    title, about = word(snippet.get("title")), word(snippet.get("description"))
    return filled(
        {
            "platform": "youtube",
            "id": video,
            "text": "\n".join(filter(None, (title, about))),
            "created_at": snippet.get("publishedAt"),
            "author": snippet.get("channelId"),
            "url": f"https://www.youtube.com/watch?v={video}",
            "likes": dig(record, "statistics", "likeCount"),
            "replies": dig(record, "statistics", "commentCount"),
            "views": dig(record, "statistics", "viewCount"),
        }
    )


API_VIDEOS = Tool(name="youtube-api-videos", version=1, knows=knows_video, map_item=map_video)
YT_DLP = Tool(name="yt-dlp", version=1, knows=knows_yt_dlp, map_item=map_yt_dlp)
TOOL = Tool(name="youtube-api", version=1, knows=knows, map_item=map_item, split=split)
DOWNLOADED = Tool(
    name="youtube-comment-downloader",
    version=1,
    knows=knows_downloaded,
    map_item=map_downloaded,
)

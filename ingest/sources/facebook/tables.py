"""Tables of Facebook posts that other tools write, each known by its columns.

Netvizz's table of a page's posts (``fullstats.tab``, 2015-2019), Facepager
(strohne/Facepager, ``src/dialogs/export.py``), facebook-scraper (kevinzg/facebook-scraper), Meta
Content Library (https://developers.facebook.com/docs/content-library-and-api).
"""

from __future__ import annotations

from ingest.mapping.missing import is_missing
from ingest.mapping.tool import Around, Mapped, Record, Tool, filled, take, word

#: Rows of Facepager that hold no answer of an API: what was asked for, and remarks.
_NO_ANSWER = frozenset({"seed", "offcut", "headers", "empty", "unpacked"})


def _cell(row: Record, *names: str) -> str:
    cells = (word(row.get(name)) for name in names)
    return next((cell for cell in cells if cell and not is_missing(cell)), "")


def knows_netvizz(columns: Record) -> bool:
    """Tell whether a table is Netvizz's of posts."""
    return columns.keys() >= {"post_id", "post_message", "post_published", "likes_count_fb"}


def map_netvizz(row: Record, around: Around) -> Mapped:
    """Return the fields of a post of a page; a page's own posts name no author but ``by``."""
    return filled(
        {
            "platform": "facebook",
            "id": row.get("post_id"),
            "text": row.get("post_message"),
            "created_at": take(row, "post_published", "post_published_unix"),
            "author": row.get("by"),
            "likes": row.get("likes_count_fb"),
            "replies": row.get("comments_count_fb"),
            "reposts": row.get("shares_count_fb"),
        }
    )


def knows_facepager(columns: Record) -> bool:
    """Tell whether a table is Facepager's, of whatever platform."""
    return columns.keys() >= {"object_id", "object_type", "query_status", "query_type"}


def map_facepager(row: Record, around: Around) -> Mapped:
    """Return the fields of an answer; ``id`` and ``parent_id`` are Facepager's own numbers."""
    text = _cell(row, "message", "full_text", "text", "comment", "caption", "snippet.textOriginal")
    if word(row.get("object_type")).casefold() in _NO_ANSWER or not (text or _cell(row, "story")):
        return {}
    return filled(
        {
            "platform": _cell(row, "query_type").partition(":")[0].partition(" ")[0] or "facebook",
            "id": row.get("object_id"),
            "text": text,
            "created_at": _cell(row, "created_time", "created_at", "snippet.publishedAt"),
            "edited_at": _cell(row, "updated_time"),
            "collected_at": None,
            "author": _cell(row, "from.id", "from.name", "user.screen_name", "username"),
            "url": _cell(row, "permalink_url"),
            "reply_to_id": _cell(row, "parent.id", "in_reply_to_status_id_str"),
            "likes": _cell(row, "like_count", "likes.summary.total_count", "favorite_count"),
            "reposts": _cell(row, "shares.count", "retweet_count"),
            "replies": _cell(row, "comment_count", "comments.summary.total_count"),
        }
    )


def knows_scraper(columns: Record) -> bool:
    """Tell whether a table or record is facebook-scraper's."""
    return columns.keys() >= {"post_id", "text", "post_text", "time", "post_url"}


def map_scraper(row: Record, around: Around) -> Mapped:
    """Return the fields of a post; ``time`` is of the machine's zone, ``timestamp`` of none."""
    if not knows_scraper(row):
        return None
    return filled(
        {
            "platform": "facebook",
            "id": row.get("post_id"),
            "text": take(row, "post_text", "text") or "",
            "created_at": _cell(row, "timestamp", "time"),
            "author": _cell(row, "user_id", "username"),
            "reply_to_id": None,
            "repost_of_id": _cell(row, "shared_post_id"),
            "likes": row.get("likes"),
            "replies": row.get("comments"),
            "reposts": row.get("shares"),
        }
    )


def knows_library(columns: Record) -> bool:
    """Tell whether a table is of Meta Content Library."""
    return columns.keys() >= {"id", "creation_time", "text", "post_owner.id"}


def map_library(row: Record, around: Around) -> Mapped:
    """Return the fields of a post of Facebook or Instagram."""
    kind = _cell(row, "post_owner.type", "surface.type", "content_type", "mcl_url").casefold()
    return filled(
        {
            "platform": "instagram" if "instagram" in kind else "facebook",
            "id": row.get("id"),
            "text": row.get("text"),
            "created_at": row.get("creation_time"),
            "edited_at": _cell(row, "modified_time"),
            "author": _cell(row, "post_owner.username", "post_owner.id"),
            "hashtags": _cell(row, "hashtags") or None,
            "likes": _cell(row, "statistics.like_count"),
            "reposts": _cell(row, "statistics.share_count"),
            "replies": _cell(row, "statistics.comment_count"),
            "views": _cell(row, "statistics.views", "statistics.view_count"),
        }
    )


TOOLS = tuple(
    Tool(name=name, version=1, knows=knows, map_item=mapper, table=True)
    for name, knows, mapper in (
        ("netvizz-posts", knows_netvizz, map_netvizz),
        ("facepager", knows_facepager, map_facepager),
        ("facebook-scraper", knows_scraper, map_scraper),
        ("meta-content-library", knows_library, map_library),
    )
)
SCRAPER = Tool(name="facebook-scraper-json", version=1, knows=knows_scraper, map_item=map_scraper)

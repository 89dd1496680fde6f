"""Posts as programs write them that read a website: Instaloader, Apify's actor, Threads, Discord.

Fields: instaloader/instaloader (``structures.py``, ``Post``; its files hold ``{"node": …}``),
https://apify.com/apify/instagram-scraper (its example of an output),
Tyrrrz/DiscordChatExporter (JSON of a server's channel; private channels are refused).
"""

from __future__ import annotations

from ingest.mapping.tool import Around, Mapped, Record, Tool, dig, filled, word
from ingest.sources.archive.tools import webshapes
from ingest.text import without_names


def knows_graph(record: Record) -> bool:
    """Tell whether a record is a node of Instagram's graph, as Instaloader keeps it."""
    return "shortcode" in record and (
        "edge_media_to_caption" in record or "taken_at_timestamp" in record
    )


def map_graph(record: Record, around: Around) -> Mapped:
    """Return the fields of a post."""
    if not knows_graph(record):
        return None
    fields = webshapes.instagram_post({"edge_media_to_caption": None, **record})
    return filled(fields) if fields else {}


def knows_apify(record: Record) -> bool:
    """Tell whether a record is a post of Apify's actor."""
    return {"shortCode", "caption", "ownerUsername"} <= record.keys()


def map_apify(record: Record, around: Around) -> Mapped:
    """Return the fields of a post; the comments that are shown with it are none."""
    if not knows_apify(record):
        return None
    code = word(record.get("shortCode"))
    return filled(
        {
            "platform": "instagram",
            "id": code,
            "text": record.get("caption") or "",
            "created_at": record.get("timestamp"),
            "author": record.get("ownerUsername"),
            "url": f"https://www.instagram.com/p/{code}/" if code else "",
            "hashtags": record.get("hashtags"),
            "likes": record.get("likesCount"),
            "replies": record.get("commentsCount"),
            "views": record.get("videoViewCount"),
        }
    )


def knows_threads(record: Record) -> bool:
    """Tell whether a record is a post of Threads as its website loads it."""
    return {"code", "taken_at", "text_post_app_info", "user"} <= record.keys()


def map_threads(record: Record, around: Around) -> Mapped:
    """Return the fields of a post."""
    fields = webshapes.threads_post(record) if knows_threads(record) else None
    return None if fields is None else filled(fields)


def knows_discord(record: Record) -> bool:
    """Tell whether a record is a message of DiscordChatExporter."""
    return {"id", "type", "timestamp", "timestampEdited", "content", "author"} <= record.keys()


def map_discord(record: Record, around: Around) -> Mapped:
    """Return the fields of a message, with the people whom it names as ``[user]``."""
    if not knows_discord(record):
        return None
    if word(record.get("type")) not in {"Default", "Reply"}:
        return {}  # somebody joined, something was pinned
    mentions = record.get("mentions")
    names = [
        word(dig(one, key))
        for one in (mentions if isinstance(mentions, list) else ())
        for key in ("nickname", "name")
    ]
    text = record.get("content")
    return filled(
        {
            "platform": "discord",
            "id": record.get("id"),
            "text": without_names(text, (), names) if isinstance(text, str) else text,
            "created_at": record.get("timestamp"),
            "edited_at": record.get("timestampEdited"),
            "author": dig(record, "author", "name"),
            "reply_to_id": dig(record, "reference", "messageId"),
        }
    )


THREADS = Tool(name="threads-web", version=1, knows=knows_threads, map_item=map_threads)
DISCORD = Tool(name="discord", version=1, knows=knows_discord, map_item=map_discord)
GRAPH = Tool(name="instaloader", version=1, knows=knows_graph, map_item=map_graph)
APIFY = Tool(name="apify-instagram", version=1, knows=knows_apify, map_item=map_apify)

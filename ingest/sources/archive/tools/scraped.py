"""Posts of Instagram as programs write them that read its website: Instaloader, Apify's actor.

Fields: instaloader/instaloader (``structures.py``, ``Post``; its files hold ``{"node": …}``),
https://apify.com/apify/instagram-scraper (its example of an output).
"""

from __future__ import annotations

from ingest.mapping.tool import Around, Mapped, Record, Tool, filled, word
from ingest.sources.archive.tools import webshapes


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


GRAPH = Tool(name="instaloader", version=1, knows=knows_graph, map_item=map_graph)
APIFY = Tool(name="apify-instagram", version=1, knows=knows_apify, map_item=map_apify)

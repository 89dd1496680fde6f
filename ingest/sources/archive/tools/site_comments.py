"""Comments under articles: WordPress's REST interface, and Disqus.

Fields: https://developer.wordpress.org/rest-api/reference/comments/,
https://disqus.com/api/docs/posts/list/. Dates of Disqus are UTC; WordPress has one of its site
(``date``) and one of UTC.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ingest.mapping.html import text_of
from ingest.mapping.tool import DELETED, Around, Mapped, Record, Tool, dig, filled, first, utc, word


def knows_wordpress(record: Record) -> bool:
    """Tell whether a record is a comment of WordPress."""
    return {"id", "post", "author_name", "date_gmt", "content"} <= record.keys()


def map_wordpress(record: Record, around: Around) -> Mapped:
    """Return the fields of a comment; its number counts within its site."""
    if not knows_wordpress(record):
        return None
    url = word(record.get("link"))
    rendered = dig(record, "content", "rendered")
    parent = word(record.get("parent"))
    return filled(
        {
            "platform": "wordpress",
            "id": _within(url, word(record.get("id"))),
            "text": text_of(rendered) if isinstance(rendered, str) else rendered,
            "created_at": first(utc(record.get("date_gmt")), record.get("date")),
            "author": record.get("author_name"),
            "url": url,
            "reply_to_id": _within(url, parent) if parent not in {"", "0"} else None,
            "markup": False,
        }
    )


def _within(url: str, number: str) -> str:
    try:
        host = (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        host = ""
    return f"{host}/{number}" if host and number else number


def knows_disqus(record: Record) -> bool:
    """Tell whether a record is a comment of Disqus."""
    return {"id", "forum", "thread", "createdAt", "message"} <= record.keys()


def map_disqus(record: Record, around: Around) -> Mapped:
    """Return the fields of a comment; what is deleted is none."""
    if not knows_disqus(record):
        return None
    if record.get("isDeleted") is True:
        return DELETED
    message = record.get("message")
    return filled(
        {
            "platform": "disqus",
            "id": record.get("id"),
            "text": first(
                record.get("raw_message"), text_of(message) if isinstance(message, str) else None
            ),
            "created_at": utc(record.get("createdAt")),
            "author": first(dig(record, "author", "username"), dig(record, "author", "name")),
            "url": record.get("url"),
            "reply_to_id": record.get("parent"),
            "likes": record.get("likes"),
            "markup": False,
        }
    )


WORDPRESS = Tool(name="wordpress", version=1, knows=knows_wordpress, map_item=map_wordpress)
DISQUS = Tool(name="disqus", version=1, knows=knows_disqus, map_item=map_disqus)

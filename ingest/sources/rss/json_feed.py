"""Items of a JSON Feed (https://www.jsonfeed.org/version/1.1/), as posts of the source ``rss``."""

from __future__ import annotations

from urllib.parse import urlsplit

from ingest.mapping.html import text_of
from ingest.mapping.tool import Around, Mapped, Record, Tool, dig, filled, first, joined, word


def knows(record: Record) -> bool:
    """Tell whether a record is an item of a feed."""
    return "id" in record and ("content_html" in record or "content_text" in record)


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of an item: its title and its text."""
    if not knows(record):
        return None
    html = record.get("content_html")
    body = text_of(html) if isinstance(html, str) else word(record.get("content_text"))
    title = word(record.get("title"))
    url = word(first(record.get("url"), record.get("external_url")))
    native = word(record.get("id"))
    if "://" not in native and (host := urlsplit(url).hostname if "://" in url else None):
        native = f"{host.removeprefix('www.')}/{native}"
    return filled(
        {
            "platform": "rss",
            "id": native,
            "text": body if body.startswith(title) else joined((title, body), "\n\n"),
            "created_at": record.get("date_published"),
            "edited_at": record.get("date_modified"),
            "author": first(dig(record, "authors", 0, "name"), dig(record, "author", "name")),
            "url": url,
            "markup": False,
        }
    )


TOOL = Tool(name="json-feed", version=1, knows=knows, map_item=map_item)

"""CrowdTangle's CSV of posts of Facebook pages and groups, and of Instagram accounts."""

from __future__ import annotations

import re

from ingest.mapping.tool import Around, Mapped, Record, Tool, filled, take, word
from ingest.sources.facebook.urls import account_of, post_id

_FACEBOOK = frozenset({"Facebook Id", "User Name", "Post Created", "URL", "Message"})
_INSTAGRAM = frozenset({"Account", "User Name", "Post Created", "URL", "Description"})
_CODE = re.compile(r"instagram\.com/(?:[\w.]+/)?(?:p|reel|tv)/([\w-]+)")


def knows_facebook(columns: Record) -> bool:
    """Tell whether a table is an export of Facebook posts."""
    return columns.keys() >= _FACEBOOK


def map_facebook(row: Record, around: Around) -> Mapped:
    """Return the fields of a Facebook post.

    Addresses that carry the page's number where it can't be replaced by a pseudonym are left
    out; the post's id is there all the same.
    """
    url = word(row.get("URL"))
    return filled(
        {
            "platform": "facebook",
            "id": post_id(url),
            "text": row.get("Message"),
            "created_at": row.get("Post Created"),
            "author": take(row, "User Name", "Facebook Id"),
            "url": url if account_of(url) else "",
            "likes": row.get("Likes"),
            "reposts": row.get("Shares"),
            "replies": row.get("Comments"),
            "views": take(row, "Post Views", "Views"),
        }
    )


def knows_instagram(columns: Record) -> bool:
    """Tell whether a table is an export of Instagram posts."""
    return columns.keys() >= _INSTAGRAM


def map_instagram(row: Record, around: Around) -> Mapped:
    """Return the fields of an Instagram post."""
    code = _CODE.search(word(row.get("URL")))
    return filled(
        {
            "platform": "instagram",
            "id": code[1] if code else None,
            "text": row.get("Description"),
            "created_at": row.get("Post Created"),
            "author": row.get("User Name"),
            "url": f"https://www.instagram.com/p/{code[1]}/" if code else None,
            "likes": row.get("Likes"),
            "replies": row.get("Comments"),
            "views": row.get("Views"),
        }
    )


FACEBOOK = Tool(
    name="crowdtangle-facebook",
    version=1,
    knows=knows_facebook,
    map_item=map_facebook,
    table=True,
)
INSTAGRAM = Tool(
    name="crowdtangle-instagram",
    version=1,
    knows=knows_instagram,
    map_item=map_instagram,
    table=True,
)

"""CrowdTangle's CSV of posts of Facebook pages and groups, and of Instagram accounts."""

from __future__ import annotations

import re

from ingest.mapping.tool import (
    Around,
    Mapped,
    Record,
    Tool,
    dig,
    filled,
    first,
    take,
    utc,
    word,
)
from ingest.sources.facebook.urls import account_of, post_id

_FACEBOOK = frozenset({"Facebook Id", "User Name", "Post Created", "URL", "Message"})
#: Until 2020 the column was called so.
_EARLIER = frozenset({"Facebook Id", "User Name", "Created", "URL", "Message"})
_INSTAGRAM = frozenset({"Account", "User Name", "Post Created", "URL", "Description"})
_CODE = re.compile(r"instagram\.com/(?:[\w.]+/)?(?:p|reel|tv)/([\w-]+)")


def knows_facebook(columns: Record) -> bool:
    """Tell whether a table is an export of Facebook posts."""
    return columns.keys() >= _FACEBOOK or columns.keys() >= _EARLIER


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
            "created_at": take(row, "Post Created", "Created"),
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


def knows_answer(record: Record) -> bool:
    """Tell whether a record is a post as CrowdTangle's API answered."""
    return {"platformId", "platform", "date", "account", "postUrl"} <= record.keys()


def map_answer(record: Record, around: Around) -> Mapped:
    """Return the fields of a post; dates are UTC, and ``updated`` is of its numbers."""
    if not knows_answer(record):
        return None
    url, actual = word(record.get("postUrl")), dig(record, "statistics", "actual")
    facebook = word(record.get("platform")).casefold() == "facebook"
    code = _CODE.search(url)
    number = word(record.get("platformId"))
    native = (post_id(url) or number.rpartition("_")[2]) if facebook else code[1] if code else ""
    return filled(
        {
            "platform": "facebook" if facebook else record.get("platform"),
            "id": native or number,
            "text": first(record.get("message"), record.get("description")) or "",
            "created_at": utc(record.get("date")),
            "author": first(dig(record, "account", "handle"), dig(record, "account", "platformId")),
            "url": url if not facebook or account_of(url) else "",
            "likes": first(dig(actual, "likeCount"), dig(actual, "favoriteCount")),
            "reposts": dig(actual, "shareCount"),
            "replies": dig(actual, "commentCount"),
        }
    )


API = Tool(name="crowdtangle-api", version=1, knows=knows_answer, map_item=map_answer)
FACEBOOK = Tool(
    name="crowdtangle-facebook",
    version=2,
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

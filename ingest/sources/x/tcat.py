"""DMI-TCAT's CSV and TSV of tweets."""

from __future__ import annotations

from ingest.mapping.tool import Around, Mapped, Record, Tool, account, filled, first, take, utc
from ingest.sources.x.tweets import address, repost, reposted_name

_COLUMNS = frozenset({"id", "time", "created_at", "from_user_name", "from_user_id", "text"})


def knows(columns: Record) -> bool:
    """Tell whether a table has the columns of all versions of the tool."""
    return columns.keys() >= _COLUMNS


def map_item(row: Record, around: Around) -> Mapped:
    """Return the fields of a row; a retweet is known by its text alone."""
    text = row.get("text")
    fields = {
        "platform": "twitter",
        "id": row.get("id"),
        "text": text,
        "created_at": first(row.get("time"), utc(row.get("created_at"))),
        "author": take(row, "from_user_name", "from_user_id"),
        "url": address(row.get("id")),
        "reply_to_id": row.get("in_reply_to_status_id"),
        "repost_of": account(reposted_name(text)),
        "hashtags": row.get("hashtags"),
        "likes": row.get("favorite_count"),
        "reposts": row.get("retweet_count"),
    }
    return filled(repost(fields) if fields["repost_of"] else fields)


TOOL = Tool(name="dmi-tcat", version=1, knows=knows, map_item=map_item, table=True)

"""Submissions and comments of the Pushshift and Arctic Shift dumps, and of Reddit's own API.

Fields: https://github.com/reddit-archive/reddit/wiki/JSON, pushshift/api#61,
ArthurHeitmann/arctic_shift. A listing of the API wraps each thing in ``{"kind": …, "data": …}``.
"""

from __future__ import annotations

from ingest.mapping.missing import is_gone
from ingest.mapping.tool import (
    DELETED,
    Around,
    Fields,
    Mapped,
    Record,
    Tool,
    dig,
    filled,
    joined,
    word,
)

_KINDS = frozenset({"t1", "t3"})


def _thing(record: Record) -> Record:
    data = record.get("data")
    return data if word(record.get("kind")) in _KINDS and isinstance(data, dict) else record


def knows(record: Record) -> bool:
    """Tell whether a record is a submission or a comment."""
    thing = _thing(record)
    if "subreddit" not in thing or "id" not in thing:
        return False
    return ("title" in thing and "selftext" in thing) or ("body" in thing and "link_id" in thing)


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a submission or comment; what was deleted is no post."""
    if not knows(record):
        return None
    thing = _thing(record)
    comment = "body" in thing and "link_id" in thing
    text = thing.get("body") if comment else thing.get("selftext")
    if is_gone(text) or (not comment and is_gone(thing.get("title"))):
        return DELETED
    author = word(thing.get("author"))
    native = word(thing.get("id")).removeprefix("t1_").removeprefix("t3_")
    permalink = word(thing.get("permalink"))
    fields: Fields = {
        "platform": "reddit",
        "id": f"{'t1' if comment else 't3'}_{native}",
        "text": text if comment else joined((word(thing.get("title")), word(text)), "\n\n"),
        "created_at": thing.get("created_utc"),
        "collected_at": thing.get("retrieved_on"),
        "author": "" if is_gone(author) else author,
        "url": f"https://www.reddit.com{permalink}" if permalink[:1] == "/" else permalink,
        "likes": thing.get("score"),
        "replies": thing.get("num_comments"),
    }
    if word(thing.get("edited")).replace(".", "").isdecimal():
        fields["edited_at"] = thing["edited"]
    if comment:
        fields["reply_to_id"] = thing.get("parent_id") or thing.get("link_id")
    return filled(fields)


def split(record: Record) -> list[Record] | None:
    """Return a comment and all answers below it, as the API nests them; ``None`` without any."""
    if not isinstance(_thing(record).get("replies"), dict):
        return None
    found: list[Record] = []
    waiting: list[object] = [record]
    while waiting:
        item = waiting.pop()
        if not isinstance(item, dict) or item.get("kind") == "more":
            continue
        thing = _thing(item)
        found.append({**thing, "replies": ""})
        children = dig(thing, "replies", "data", "children")
        waiting += reversed(children) if isinstance(children, list) else ()
    return found


def knows_table(columns: Record) -> bool:
    """Tell whether a table has the fields of submissions or of comments as its columns."""
    return knows(dict.fromkeys(columns, "")) and "created_utc" in columns


def knows_written(columns: Record) -> bool:
    """Tell whether a table is of a user's own posts, or of PRAW as tutorials write it."""
    names = columns.keys()
    return names >= {"id", "permalink", "subreddit", "title", "body", "gildings"} or (
        names >= {"id", "title", "score", "comms_num", "created", "body"}
    )


def map_written(row: Record, around: Around) -> Mapped:
    """Return the fields of a submission."""
    if is_gone(row.get("body")) or is_gone(row.get("title")):
        return DELETED
    return filled(
        {
            "platform": "reddit",
            "id": f"t3_{word(row.get('id'))}",
            "text": joined((word(row.get("title")), word(row.get("body"))), "\n\n"),
            "created_at": row["created"] if "created" in row else row.get("date"),
            "url": row.get("permalink"),
            "likes": row.get("score"),
            "replies": row.get("comms_num"),
        }
    )


WRITTEN = Tool(
    name="reddit-posts-csv", version=1, knows=knows_written, map_item=map_written, table=True
)
TOOL = Tool(name="reddit", version=2, knows=knows, map_item=map_item, split=split)
TABLE = Tool(name="reddit-csv", version=1, knows=knows_table, map_item=map_item, table=True)

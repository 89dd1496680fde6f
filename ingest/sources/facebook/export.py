"""Posts and comments of Facebook's Graph API as JSON, and tables of Netvizz and of a known script.

Fields: https://developers.facebook.com/docs/graph-api/reference/comment (``message_tags`` say where
people are named), strohne/Facepager#150; Netvizz's tables of comments (2016);
minimaxir/facebook-page-post-scraper, whose times are UTC-5 all year.
"""

from __future__ import annotations

import re

from ingest.mapping.tool import (
    Around,
    Fields,
    Mapped,
    Record,
    Tool,
    dig,
    filled,
    first,
    take,
    word,
)
from ingest.text import Span, without_names

_TWO_NUMBERS = re.compile(r"\d+_\d+")
_NOT_PEOPLE = frozenset({"page", "group", "event", "application"})
#: Of the script's times (``datetime.timedelta(hours=-5)  # EST``).
_EASTERN = "-05:00"
_ZONED = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


def knows(record: Record) -> bool:
    """Tell whether a record is a post or comment of the Graph API."""
    return (
        "created_time" in record
        and "id" in record
        and ("message" in record or "story" in record)
        and (
            "message_tags" in record
            or isinstance(record.get("from"), dict)
            or _TWO_NUMBERS.fullmatch(word(record.get("id"))) is not None
        )
    )


def split(record: Record) -> list[Record] | None:
    """Return a post and the comments that were asked for with it (``fields=comments{message}``)."""
    if not _below(record):
        return None
    found: list[Record] = []
    waiting: list[Record] = [record]
    while waiting:
        item = waiting.pop()
        own = {name: value for name, value in item.items() if name != "comments"}
        found.append(own | _count(item))
        parent = {"id": item.get("id")}
        waiting += [{"object": parent, **comment} for comment in reversed(_below(item))]
    return found


def _below(record: Record) -> list[Record]:
    comments = dig(record, "comments", "data")
    return [
        comment
        for comment in (comments if isinstance(comments, list) else ())
        if isinstance(comment, dict) and "message" in comment and "created_time" in comment
    ]


def _count(record: Record) -> Record:
    summary = dig(record, "comments", "summary")
    return {"comments": {"summary": summary}} if summary is not None else {}


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a post or comment, with the people whom it tags as ``[user]``."""
    if not knows(record):
        return None
    text = record.get("message")
    if isinstance(text, str):
        text = _without_tags(text, record.get("message_tags"))
    return filled(
        {
            "platform": "facebook",
            "id": record.get("id"),
            "text": "" if text is None else text,
            "created_at": record.get("created_time"),
            "edited_at": record.get("updated_time"),
            "author": first(dig(record, "from", "id"), dig(record, "from", "name")),
            "url": record.get("permalink_url"),
            "reply_to_id": first(dig(record, "parent", "id"), dig(record, "object", "id")),
            "likes": first(
                record.get("like_count"),
                dig(record, "likes", "summary", "total_count"),
                dig(record, "reactions", "summary", "total_count"),
            ),
            "reposts": dig(record, "shares", "count"),
            "replies": first(
                record.get("comment_count"), dig(record, "comments", "summary", "total_count")
            ),
        }
    )


def _without_tags(text: str, tags: object) -> str:
    """Return a text without the names that its tags place in it; pages are not people."""
    found: list[object] = []
    if isinstance(tags, dict):  # posts: lists under the offset at which they stand
        groups = (group for group in tags.values() if isinstance(group, list))
        found = [tag for group in groups for tag in group]
    elif isinstance(tags, list):
        found = tags
    spans: list[Span] = []
    names: list[str] = []
    for tag in found:
        if not isinstance(tag, dict) or tag.get("type") in _NOT_PEOPLE:
            continue
        start, length = word(tag.get("offset")), word(tag.get("length"))
        if start.isdecimal() and length.isdecimal():
            spans.append(Span(int(start), int(length)))
        if name := word(tag.get("name")):
            names.append(name)
    return without_names(text, spans, names, units=True)


def knows_netvizz(columns: Record) -> bool:
    """Tell whether a table holds comments of a page."""
    return columns.keys() >= {"post_id", "comment_id", "comment_message", "comment_published"} and (
        "post_text" in columns or "comment_by" in columns
    )


def map_netvizz(row: Record, around: Around) -> Mapped:
    """Return the fields of a comment; the post that it answers stands beside it in each row."""
    return filled(
        {
            "platform": "facebook",
            "id": row.get("comment_id"),
            "text": row.get("comment_message"),
            "created_at": row.get("comment_published"),
            "author": row.get("comment_by"),
            "reply_to_id": row.get("post_id"),
            "likes": row.get("comment_like_count"),
        }
    )


def knows_script(columns: Record) -> bool:
    """Tell whether a table is one of comments or of statuses."""
    names = columns.keys()
    return names >= {"comment_id", "status_id", "comment_message", "comment_published"} or (
        names >= {"status_id", "status_message", "status_published"}
    )


def map_script(row: Record, around: Around) -> Mapped:
    """Return the fields of a comment or status."""
    fields: Fields = {
        "platform": "facebook",
        "id": take(row, "comment_id", "status_id"),
        "text": row["comment_message"] if "comment_message" in row else row.get("status_message"),
        "created_at": _eastern(take(row, "comment_published", "status_published")),
        "author": row.get("comment_author"),
        "likes": row.get("num_likes"),
        "reposts": row.get("num_shares"),
        "replies": row.get("num_comments"),
    }
    if "comment_id" in row:
        fields["reply_to_id"] = take(row, "parent_id", "status_id")
    return filled(fields)


def _eastern(date: object) -> object:
    text = word(date)
    return f"{text}{_EASTERN}" if ":" in text and not _ZONED.search(text) else date


TOOL = Tool(name="facebook-graph", version=2, knows=knows, map_item=map_item, split=split)
NETVIZZ = Tool(
    name="netvizz-comments", version=1, knows=knows_netvizz, map_item=map_netvizz, table=True
)
SCRIPT = Tool(
    name="facebook-page-post-scraper",
    version=1,
    knows=knows_script,
    map_item=map_script,
    table=True,
)

"""Posts and comments of VK as ``wall.get``, ``newsfeed.search`` and ``wall.getComments`` answer.

A number counts within its wall, so the id is ``owner_number``
(https://dev.vk.com/reference/objects/post).
"""

from __future__ import annotations

from ingest.mapping.tool import DELETED, Around, Mapped, Record, Tool, dig, filled, first, word


def knows(record: Record) -> bool:
    """Tell whether a record is a post or comment of a wall."""
    return {"id", "owner_id", "date", "text"} <= record.keys() and "from_id" in record


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a post or comment."""
    if not knows(record):
        return None
    if record.get("deleted") is True or word(record.get("deleted")) == "1":
        return DELETED
    owner, native = word(record.get("owner_id")), word(record.get("id"))
    answered = first(record.get("reply_to_comment"), record.get("reply_post_id"))
    answered = first(answered, record.get("post_id"))
    original = dig(record, "copy_history", 0)
    repeated = word(dig(original, "owner_id")), word(dig(original, "id"))
    return filled(
        {
            "platform": "vk",
            "id": f"{owner}_{native}" if owner and native else None,
            "text": record.get("text"),
            "created_at": record.get("date"),
            "edited_at": record.get("edited"),
            "author": first(record.get("signer_id"), record.get("from_id")),
            "url": f"https://vk.com/wall{owner}_{native}" if owner and native else "",
            "reply_to_id": f"{owner}_{word(answered)}" if word(answered) else None,
            "repost_of_id": "_".join(repeated) if all(repeated) else None,
            "repost_author": first(dig(original, "signer_id"), dig(original, "from_id")),
            "likes": dig(record, "likes", "count"),
            "reposts": dig(record, "reposts", "count"),
            "replies": dig(record, "comments", "count"),
            "views": dig(record, "views", "count"),
        }
    )


TOOL = Tool(name="vk", version=2, knows=knows, map_item=map_item)

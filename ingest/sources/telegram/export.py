"""Telegram Desktop's export of one channel or group, and how all tools name its messages.

A message's number counts within its chat only, so its id is ``chat/number``.
"""

from __future__ import annotations

from ingest.mapping.tool import Around, Mapped, Record, Tool, account, filled, first, take, word

#: What Telegram calls chats that many people see, and how it writes them in ids.
_KINDS = {
    "public_channel": "channel",
    "private_channel": "channel",
    "public_supergroup": "channel",
    "private_supergroup": "channel",
    "private_group": "chat",
}
_PRIVATE = frozenset({"personal_chat", "bot_chat", "saved_messages", "replies"})


def message_id(chat: object, number: object) -> str:
    """Return the id of a message, nothing if a part of it is missing."""
    return f"{word(chat)}/{word(number)}" if word(chat) and word(number) else ""


def sender(name: object, number: object) -> str:
    """Return the handle of an account, without one its number as Telegram Desktop writes it."""
    native = word(number)
    return word(name) or (f"user{native}" if native.isdigit() else native)


def knows(record: Record) -> bool:
    """Tell whether a record is a message of an export, or what happened in its group."""
    return (
        record.get("type") in ("message", "service")
        and "id" in record
        and "date" in record
        and ("text" in record or "action" in record)
    )


def refuse(around: Around) -> str:
    """Return why a private conversation is not read."""
    if around.get("type") in _PRIVATE:
        return (
            "this is a private conversation of Telegram; Marsad reads what channels and groups "
            "publish"
        )
    return ""


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a message; what happened in a group (joined, pinned) is none."""
    if record.get("type") in ("service", "unsupported"):
        return {}
    if not knows(record):
        return None
    kind = _KINDS.get(around.get("type", ""), "chat")
    chat = f"{kind}{around['id']}" if around.get("id") else ""
    reply_chat = first(record.get("reply_to_peer_id"), chat)
    return filled(
        {
            "platform": "telegram",
            "id": message_id(chat, record.get("id")),
            "text": _text(record.get("text")),
            "created_at": take(record, "date_unixtime", "date"),
            "edited_at": take(record, "edited_unixtime", "edited"),
            "author": record.get("from_id"),
            "reply_to_id": message_id(reply_chat, record.get("reply_to_message_id")),
            "repost_of": account(record.get("forwarded_from")),
        }
    )


def _text(value: object) -> object:
    """Return a text that may be cut into parts; names of people in it become ``[user]``."""
    if not isinstance(value, list):
        return value
    return "".join(_part(part) for part in value)


def _part(part: object) -> str:
    if isinstance(part, dict):
        # A mention by name has no sign by which it could be masked later.
        return "[user]" if part.get("type") == "mention_name" else str(part.get("text") or "")
    return part if isinstance(part, str) else ""


TOOL = Tool(name="telegram-desktop", version=1, knows=knows, map_item=map_item, refuse=refuse)

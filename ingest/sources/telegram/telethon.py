"""Telethon's ``Message.to_dict()``, one object a line, also of several channels in one file.

A message's number counts within its chat, which ``peer_id`` names (LonamiWebs/Telethon#1308). A
message of a conversation with one person is not read.
"""

from __future__ import annotations

from ingest.mapping.tool import (
    PRIVATE,
    Around,
    Mapped,
    Record,
    Tool,
    account,
    dig,
    filled,
    first,
    word,
)
from ingest.sources.telegram.export import message_id
from ingest.text import Span, without_names


def knows(record: Record) -> bool:
    """Tell whether a record is a message of Telethon."""
    return (
        word(record.get("_")) in {"Message", "MessageService", "MessageEmpty"}
        and "id" in record
        and "chat" not in record  # which is Pyrogram's
    )


def _peer(peer: object) -> str:
    """Return a chat or account as Telegram Desktop writes it: ``channel1001``, ``user9``."""
    if not isinstance(peer, dict):
        return ""
    for kind, field in (("channel", "channel_id"), ("chat", "chat_id"), ("user", "user_id")):
        if number := word(peer.get(field)):
            return f"{kind}{number}"
    return ""


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a message; what happened in a chat is none."""
    if not knows(record):
        return None
    peer = first(record.get("peer_id"), record.get("to_id"))
    chat = _peer(peer)
    if chat.startswith("user"):
        return PRIVATE
    if record.get("_") != "Message":
        return {}
    reply = first(dig(record, "reply_to", "reply_to_msg_id"), record.get("reply_to_msg_id"))
    answered = _peer(dig(record, "reply_to", "reply_to_peer_id")) or chat
    text = record.get("message")
    forwarded = record.get("fwd_from")
    return filled(
        {
            "platform": "telegram",
            "id": message_id(chat, record.get("id")),
            "text": _text(text, record.get("entities")) if isinstance(text, str) else text or "",
            "created_at": record.get("date"),
            "edited_at": record.get("edit_date"),
            "author": _peer(record.get("from_id")) or chat,
            "reply_to_id": message_id(answered, reply) if reply else None,
            "repost_of": account(
                first(_peer(dig(forwarded, "from_id")), dig(forwarded, "from_name"))
            ),
            "views": record.get("views"),
            "reposts": record.get("forwards"),
            "replies": dig(record, "replies", "replies"),
        }
    )


def _text(text: str, entities: object) -> str:
    """Return a text with people who are named without a sign as ``[user]``."""
    spans = [
        Span(int(word(entity.get("offset"))), int(word(entity.get("length"))))
        for entity in (entities if isinstance(entities, list) else ())
        if isinstance(entity, dict)
        and entity.get("_") in {"MessageEntityMentionName", "InputMessageEntityMentionName"}
        and word(entity.get("offset")).isdecimal()
        and word(entity.get("length")).isdecimal()
    ]
    return without_names(text, spans, units=True) if spans else text


TOOL = Tool(name="telethon", version=1, knows=knows, map_item=map_item)

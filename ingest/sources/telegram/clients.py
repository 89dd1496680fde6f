"""Messages as clients of Telegram write them: Pyrogram, the Bot API, TDLib, and TGStat's service.

Fields: https://docs.pyrogram.org/api/types/Message (``str(message)`` is JSON),
https://core.telegram.org/bots/api#message, https://core.telegram.org/tdlib (``message``),
https://api.tgstat.ru/docs/ru/posts/search.html. Chats with one person are not read.
"""

from __future__ import annotations

import re

from ingest.mapping.tool import (
    DELETED,
    PRIVATE,
    Around,
    Fields,
    Mapped,
    Record,
    Tool,
    account,
    dig,
    filled,
    first,
    word,
)
from ingest.sources.telegram.export import message_id, sender
from ingest.text import Span, without_names

_CHANNELS = 10**12
_PRIVATE = frozenset({"private", "bot", "secret"})
_KINDS = ("message", "channel_post", "edited_message", "edited_channel_post")
_LINK = re.compile(r"(?:https?://)?t\.me/(?:s/)?(\w+)/(\d+)")
_NAMED = frozenset({"text_mention", "messageentitytype.text_mention", "textentitytypementionname"})


def _chat(number: object) -> str:
    """Return a chat as Telegram Desktop writes it: a channel's number is below ``-10**12``."""
    text = word(number)
    if text[:1] != "-" or not text[1:].isdecimal():
        return f"user{text}" if text else ""
    native = int(text[1:])
    return f"channel{native - _CHANNELS}" if native > _CHANNELS else f"chat{native}"


def _text(text: object, entities: object) -> object:
    if not isinstance(text, str):
        return text
    spans = [
        Span(int(word(dig(entity, "offset"))), int(word(dig(entity, "length"))))
        for entity in (entities if isinstance(entities, list) else ())
        if _kind(entity) in _NAMED
        and word(dig(entity, "offset")).isdecimal()
        and word(dig(entity, "length")).isdecimal()
    ]
    return without_names(text, spans, units=True) if spans else text


def _kind(entity: object) -> str:
    kind = dig(entity, "type")
    return word(dig(kind, "@type") if isinstance(kind, dict) else kind).casefold()


def _message(record: Record) -> Record:
    found = next((record[kind] for kind in _KINDS if isinstance(record.get(kind), dict)), None)
    return found if found is not None and "update_id" in record else record


def knows(record: Record) -> bool:
    """Tell whether a record is a message of Pyrogram or of the Bot API, or an update with one."""
    if "update_id" in record:
        return True
    return (
        isinstance(record.get("chat"), dict)
        and ("message_id" in record or ("id" in record and record.get("_") == "Message"))
        and "date" in record
    )


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a message; what is said to one person is none."""
    if not knows(record):
        return None
    message = _message(record)
    chat = message.get("chat")
    if not isinstance(chat, dict) or message.get("service") or message.get("empty"):
        return {}  # nobody's words: somebody joined, something was pinned
    if word(chat.get("type")).casefold().removeprefix("chattype.") in _PRIVATE:
        return PRIVATE
    place = word(chat.get("username")) or _chat(chat.get("id"))
    native = first(message.get("message_id"), message.get("id"))
    who = first(message.get("from"), message.get("from_user"), message.get("sender_chat"), chat)
    answered = message.get("reply_to_message")
    replied = first(
        dig(answered, "message_id"), dig(answered, "id"), message.get("reply_to_message_id")
    )
    passed = first(
        dig(message, "forward_from_chat", "username"),
        dig(message, "forward_from", "username"),
        dig(message, "forward_origin", "chat", "username"),
        message.get("forward_sender_name"),
    )
    text = first(message.get("text"), message.get("caption"))
    return filled(
        {
            "platform": "telegram",
            "id": message_id(place, native),
            "text": _text(text, first(message.get("entities"), message.get("caption_entities")))
            if text is not None
            else "",
            "created_at": message.get("date"),
            "edited_at": message.get("edit_date"),
            "author": _author(who),
            "reply_to_id": message_id(place, replied) if replied else None,
            "repost_of": account(passed),
            "views": message.get("views"),
            "reposts": message.get("forwards"),
        }
    )


def _author(who: object) -> str:
    name, number = word(dig(who, "username")), word(dig(who, "id"))
    if name or number[:1] != "-":
        return sender(name, number)
    return _chat(number)


def knows_tdlib(record: Record) -> bool:
    """Tell whether a record is a message of TDLib."""
    return record.get("@type") == "message" and {"id", "chat_id", "content"} <= record.keys()


def map_tdlib(record: Record, around: Around) -> Mapped:
    """Return the fields of a message; TDLib's number is a message's own times 2 to the 20th."""
    if not knows_tdlib(record):
        return None
    chat, content = _chat(record.get("chat_id")), record.get("content")
    if chat.startswith("user"):
        return PRIVATE
    shown = first(dig(content, "text"), dig(content, "caption"))
    if not isinstance(shown, dict):
        return {}
    who = record.get("sender_id")
    number = word(dig(who, "user_id"))
    info = record.get("interaction_info")
    edited = word(record.get("edit_date"))
    answered = first(dig(record, "reply_to", "message_id"), record.get("reply_to_message_id"))
    return filled(
        {
            "platform": "telegram",
            "id": message_id(chat, _own_number(record.get("id"))),
            "text": _text(shown.get("text"), shown.get("entities")),
            "created_at": record.get("date"),
            "edited_at": edited if edited != "0" else None,
            "author": f"user{number}" if number else _chat(dig(who, "chat_id")) or chat,
            "reply_to_id": message_id(chat, _own_number(answered)),
            "views": dig(info, "view_count"),
            "reposts": dig(info, "forward_count"),
        }
    )


def _own_number(native: object) -> str:
    text = word(native)
    if not text.isdecimal() or text == "0":
        return ""
    number = int(text)
    return str(number >> 20) if number >= 1 << 20 and number % (1 << 20) == 0 else text


def knows_tgstat(record: Record) -> bool:
    """Tell whether a record is a post as TGStat's service answers."""
    return {"date", "link", "channel_id", "text"} <= record.keys()


def map_tgstat(record: Record, around: Around) -> Mapped:
    """Return the fields of a post; what is deleted in the channel is none."""
    if not knows_tgstat(record):
        return None
    if word(record.get("is_deleted")) == "1" or record.get("is_deleted") is True:
        return DELETED
    found = _LINK.search(word(record.get("link")))
    fields: Fields = {
        "platform": "telegram",
        "id": f"{found[1]}/{found[2]}" if found else None,
        "text": record.get("text"),
        "created_at": record.get("date"),
        "author": found[1] if found else None,
        "url": f"https://t.me/{found[1]}/{found[2]}" if found else None,
        "views": record.get("views"),
    }
    return filled(fields)


TOOL = Tool(name="telegram-clients", version=1, knows=knows, map_item=map_item)
TDLIB = Tool(name="tdlib", version=1, knows=knows_tdlib, map_item=map_tdlib)
TGSTAT = Tool(name="tgstat", version=1, knows=knows_tgstat, map_item=map_tgstat)

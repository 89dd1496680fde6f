"""Files of private conversations, known by their shape and refused in words.

Marsad reads what is published. Files of messengers hold names, numbers and words of people who
wrote to each other, so they are refused before a record of them is read.
"""

from __future__ import annotations

import re
from datetime import UTC

from ingest import dates
from ingest.errors import SourceError
from nlp.folding import fold

_LINES = 80
_STAMPED = (
    re.compile(r"\[(?P<stamp>.{6,45}?)\]\s*(?P<rest>.*)"),
    re.compile(r"(?P<stamp>.{6,45}?)\s+[-–—]\s+(?P<rest>.*)"),
    re.compile(r"(?P<stamp>\d.{6,30}?):\s+(?P<rest>.*)"),
)
_NAMED = re.compile(r"[^:]{1,80}:(?:\s|$)")
_OTHER_MESSENGERS = re.compile(
    r"\[LINE\] |KakaoTalk Chats with|Chat history with|Historique de la discussion|LINE Chat",
    re.IGNORECASE,
)
#: Keys that stand together in the first megabyte of a document, and whose private file that is.
_DOCUMENTS = (
    (
        (rb'"(?:left_)?chats"\s*:\s*\{\s*"(?:about|list)"\s*:',),
        "the export of a whole Telegram account, with private chats and contacts. Export one "
        "channel or group instead (in its menu: Export chat history)",
    ),
    (
        (rb'"personal_information"\s*:\s*\{', rb'"contacts"\s*:'),
        "the export of a whole Telegram account, with private chats and contacts. Export one "
        "channel or group instead (in its menu: Export chat history)",
    ),
    ((rb"window\.YTD\.direct_messages?\w*\.",), "direct messages of X"),
    ((rb'"dmConversation"\s*:',), "direct messages of X"),
    ((rb'"dm_conversation_id"\s*:', rb'"event_type"\s*:'), "direct messages of X"),
    ((rb'"message_create"\s*:\s*\{', rb'"recipient_id"\s*:'), "direct messages of X"),
    ((rb'"chat\.bsky\.convo\.defs#',), "messages of Bluesky"),
    ((rb'"conversation_message_id"\s*:', rb'"peer_id"\s*:'), "messages of VK"),
    ((rb'"conversationId"\s*:', rb'"sent_at"\s*:'), "messages of Signal"),
    ((rb'"Media Type"\s*:', rb'"Created"\s*:', rb'"From"\s*:'), "a chat of Snapchat"),
    ((rb'"Direct Messages?"\s*:\s*\{', rb'"Chat ?History'), "what TikTok keeps of its user"),
    ((rb'"ts"\s*:\s*"\d{10}\.\d{6}"', rb'"type"\s*:\s*"message"'), "messages of Slack"),
    ((rb'"[\d-]{6,20}@(?:s\.whatsapp\.net|c\.us|g\.us)"',), "messages of WhatsApp"),
    ((rb'"sender_name"\s*:', rb'"timestamp_ms"\s*:'), "messages of Facebook or Instagram"),
    ((rb'"type"\s*:\s*"Direct(?:Group)?TextChat"',), "a private chat of Discord"),
    ((rb'"conversations"\s*:\s*\[\s*\{\s*"conversation"\s*:',), "conversations of Hangouts"),
    ((rb'"userId"\s*:\s*"8:', rb'"conversations"\s*:'), "conversations of Skype"),
    ((rb'"user_type"\s*:', rb'"topic_id"\s*:', rb'"creator"\s*:'), "messages of Google Chat"),
)
_LIKED = re.compile(rb"window\.YTD\.like\.")
#: The first line of tables of messages.
_HEADERS = (
    (r'"?CONVERSATION ID"?,"?CONVERSATION TITLE"?,"?FROM"?,', "messages of LinkedIn"),
    (r"id,permalink,thread_id,date,ip,from,to,subject,body", "private messages of Reddit"),
    (r"[^\n]*\bkey_remote_jid\b", "messages of WhatsApp"),
)
_MAIL = re.compile(r"(?:From \S+@\S+ [^\n]*\n)?(?:[A-Z][\w-]+: [^\n]*\n(?:[ \t][^\n]*\n)*)+\n")
_OF_MAIL = re.compile(r"^(?:From|To|Subject|Date|Received): ", re.MULTILINE)
#: Viber's table of a chat: day, time, name, number, words; no names of columns.
_VIBER = re.compile(
    r"\d{1,2}[/.]\d{1,2}[/.]\d{2,4},\d{1,2}:\d\d:\d\d(?: [AP]M)?,[^,\n]*,(?:\+?\d{6,15})?,"
)


def refuse_document(name: str, head: bytes) -> None:
    """Raise :class:`SourceError` for JSON that a messenger wrote for its user."""
    if _LIKED.search(head[:200]):
        raise SourceError(
            f"{name} holds what its user liked: posts of others, without accounts and dates. It is "
            "not read; tweets.js holds the user's own"
        )
    for keys, whose in _DOCUMENTS:
        if all(re.search(key, head) for key in keys):
            raise _refusal(name, whose)


def refuse_text(name: str, text: str) -> None:
    """Raise :class:`SourceError` for a chat that a messenger wrote as text: a line a message.

    Each message begins with its date and time, in the words and digits of the phone's language.
    """
    begin = fold(text[:20_000])
    for header, whose in _HEADERS:
        if re.match(header, begin, re.IGNORECASE):
            raise _refusal(name, whose)
    mail = _MAIL.match(begin)
    if mail and len(set(_OF_MAIL.findall(mail[0]))) >= 3:
        raise _refusal(name, "a mail, or a box of them")
    if _OTHER_MESSENGERS.match(begin):
        raise _refusal(name, "the chat of a messenger")
    lines = [line.strip() for line in begin.split("\n")[:_LINES] if line.strip()]
    if len(lines) > 1 and all(map(_VIBER.match, lines[:5])):
        raise _refusal(name, "a chat of Viber")
    rests = [rest for line in lines if (rest := _message(line)) is not None]
    if len(rests) * 4 >= len(lines) and any(map(_NAMED.match, rests)):
        raise _refusal(name, "a chat of WhatsApp or another messenger")


def _message(line: str) -> str | None:
    """Return what follows the date and time of a message; ``None`` for any other line."""
    for shape in _STAMPED:
        found = shape.match(line)
        if found is None or dates.day_alone(found["stamp"]):
            continue
        if dates.read(found["stamp"], UTC).moment is not None:
            return found["rest"]
    return None


def _refusal(name: str, whose: str) -> SourceError:
    return SourceError(
        f"{name} seems to be a private conversation: {whose}. Marsad reads what is published; it "
        "stores no private conversations"
    )

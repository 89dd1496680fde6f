"""Statuses of Mastodon's API as files, and the ``outbox.json`` of an archive.

Fields: https://docs.joinmastodon.org/entities/Status/ and ActivityPub's ``Create`` and ``Announce``
(mastodon/mastodon#37946). Truth Social and other software that has Mastodon's API write the same.
What was sent to persons (``visibility`` ``direct`` or ``private``; neither ``to`` nor ``cc`` names
the public) is not read. An id counts within its instance, so it is ``instance/id``.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ingest.mapping.html import text_of
from ingest.mapping.tool import (
    PRIVATE,
    Around,
    Fields,
    Mapped,
    Record,
    Tool,
    dig,
    filled,
    first,
    joined,
    word,
)

_PRIVATE = frozenset({"private", "direct", "limited"})
_PUBLIC = ("https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public")
_NOTES = frozenset({"Note", "Article", "Question", "Page"})
_USER = re.compile(r"/(?:users|@|u|profile)/?([\w.-]+)")
_STATUS = re.compile(r"/(?:statuses|objects|notes|@[\w.-]+)/([\w-]+)$")


def knows(record: Record) -> bool:
    """Tell whether a record is a status, or the conversation around one."""
    if "ancestors" in record:
        return _around_one(record)
    return (
        {"id", "content", "created_at", "account"} <= record.keys()
        and isinstance(record.get("account"), dict)
        and ("visibility" in record or "in_reply_to_id" in record or "reblog" in record)
    )


def _around_one(record: Record) -> bool:
    return record.keys() == {"ancestors", "descendants"} and all(
        isinstance(statuses, list) for statuses in record.values()
    )


def split(record: Record) -> list[Record] | None:
    """Return the statuses of a conversation (``/api/v1/statuses/:id/context``)."""
    if not _around_one(record):
        return None
    both = [*record["ancestors"], *record["descendants"]]
    return [status for status in both if isinstance(status, dict)]


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of a status; a boost is a repost with the text of the original."""
    if not knows(record):
        return None
    if word(record.get("visibility")) in _PRIVATE:
        return PRIVATE
    host = _host(record)
    original = record.get("reblog")
    shown = original if isinstance(original, dict) else record
    fields: Fields = {
        "platform": "mastodon",
        "id": _within(host, record.get("id")),
        "text": _text(shown),
        "created_at": record.get("created_at"),
        "edited_at": record.get("edited_at"),
        "author": _account(record.get("account"), host),
        "url": first(record.get("url"), record.get("uri")),
        "reply_to_id": _within(host, record.get("in_reply_to_id")),
        "hashtags": shown.get("tags") or None,
        "likes": record.get("favourites_count"),
        "reposts": record.get("reblogs_count"),
        "replies": record.get("replies_count"),
        "quotes": record.get("quotes_count"),
        "markup": False,  # the HTML was undone here, and nothing else wraps these texts
    }
    if shown is not record:
        fields["repost_of_id"] = _within(host, shown.get("id"))
        fields["repost_author"] = _account(shown.get("account"), host)
        for counter in ("likes", "reposts", "replies", "quotes"):
            fields.pop(counter)
    return filled(fields)


def _text(status: Record) -> object:
    content = status.get("content")
    if not isinstance(content, str):
        return content
    return joined((word(status.get("spoiler_text")), text_of(content)), "\n\n")


def _host(record: Record) -> str:
    """Return the instance whose number the id is: that of a local status or account."""
    if found := word(record.get("domain")):
        return found.casefold()
    account = record.get("account")
    local = "@" not in word(dig(account, "acct"))
    for url in (record.get("uri"), record.get("url"), dig(account, "url")):
        if host := _host_of(url):
            return host if local else f"{host}~"
    return ""


def _host_of(url: object) -> str:
    try:
        return (urlsplit(word(url)).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _within(host: str, native: object) -> str | None:
    """Return an id with its instance.

    A status of another instance (``host~``) has a number of the one that was asked, which the file
    does not name; the mark keeps it apart from the numbers of its own instance.
    """
    number = word(native)
    return f"{host}/{number}" if number and host else number or None


def _account(account: object, host: str) -> str:
    name = word(dig(account, "acct")) or word(dig(account, "username"))
    return name if "@" in name or not name or not host else f"{name}@{host.rstrip('~')}"


def knows_activity(record: Record) -> bool:
    """Tell whether a record is an activity of an outbox."""
    if word(record.get("type")) in _NOTES:
        return {"id", "attributedTo", "content"} <= record.keys()
    return (
        word(record.get("type")) in {"Create", "Announce"} and {"actor", "object"} <= record.keys()
    )


def map_activity(record: Record, around: Around) -> Mapped:
    """Return the fields of a post of an outbox; a boost names what it repeats, without its text."""
    if not knows_activity(record):
        return None
    if word(record.get("type")) in _NOTES:  # an object without the activity around it
        record = {"type": "Create", "actor": record["attributedTo"], "object": record}
    note = record.get("object")
    addressed = note if isinstance(note, dict) and ("to" in note or "cc" in note) else record
    if not _is_public(addressed):
        return PRIVATE
    author = _actor(record.get("actor"))
    if record.get("type") == "Announce" or not isinstance(note, dict):
        return {}  # a boost has no text of its own, and the file does not hold the original's
    if note.get("type") is not None and word(note["type"]) not in _NOTES:
        return {}
    content = note.get("content")
    return filled(
        {
            "platform": "mastodon",
            "id": _native(note.get("id")),
            "text": _content(note, content),
            "created_at": first(note.get("published"), record.get("published")),
            "edited_at": note.get("updated"),
            "author": author,
            "url": first(note.get("url"), note.get("id"))
            if isinstance(first(note.get("url"), note.get("id")), str)
            else None,
            "reply_to_id": _native(note.get("inReplyTo")),
            "hashtags": _tags(note.get("tag")),
            "markup": False,
        }
    )


def _content(note: Record, content: object) -> object:
    if not isinstance(content, str):
        return content
    return joined((word(note.get("summary")), text_of(content)), "\n\n")


def _is_public(addressed: Record) -> bool:
    """Say whether an activity is for everybody: its followers alone are persons."""
    for field in ("to", "cc"):
        value = addressed.get(field)
        for address in value if isinstance(value, list) else [value]:
            if address in _PUBLIC:
                return True
    return False


def _native(uri: object) -> str | None:
    """Return ``instance/id`` of a status's address; another address stays as it is."""
    text = word(uri)
    found = _STATUS.search(text.rstrip("/"))
    host = _host_of(text)
    return f"{host}/{found[1]}" if found and host else text or None


def _actor(uri: object) -> str:
    text = word(uri)
    found = _USER.search(text)
    return f"{found[1]}@{_host_of(text)}" if found else text


def _tags(tags: object) -> list[object] | None:
    found = [
        tag.get("name")
        for tag in (tags if isinstance(tags, list) else ())
        if isinstance(tag, dict) and tag.get("type") == "Hashtag"
    ]
    return found or None


TOOL = Tool(name="mastodon", version=2, knows=knows, map_item=map_item, split=split)
OUTBOX = Tool(name="mastodon-outbox", version=2, knows=knows_activity, map_item=map_activity)

"""The entries of one feed, as bytes came. Pure functions."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import feedparser
import msgspec

from ingest import dates
from ingest.errors import SourceChanged
from ingest.http.client import refuse_walls
from ingest.mapping.html import text_of
from ingest.mapping.ids import LONGEST
from ingest.mapping.items import Seen, post
from ingest.records import Post, Reject
from ingest.sources.rss.encoding import with_guessed_encoding
from ingest.sources.rss.markup import as_utf8, refuse_endless
from ingest.text import USER, without_names

#: What feedparser says of a feed that it read as well as any other.
_HARMLESS = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
# HTML is read by :mod:`ingest.mapping.html`, which needs no more time for markup without end.
_AS_IT_IS = {"sanitize_html": False, "resolve_relative_uris": False}
_ENDS = (b"</rss>", b"</feed>", b"</rdf:rdf>")
_GLOBAL = ("http:", "https:", "urn:", "tag:")
_LONGEST_WAIT = 60
_REFERENCE = re.compile(rb"&#([0-9]+|[xX][0-9a-fA-F]+);")
#: Entries of a feed that are read: each post is made durable with a cursor that names all that
#: is known of its feed, about 40 bytes an entry.
MOST: Final = 1_000
#: What has no date counts as new.
_NO_DATE = datetime.max.replace(tzinfo=UTC)
#: No figure that means anything has more digits.
_DIGITS = 15


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of a feed; title and body as a reader sees them."""

    guid: str = ""
    link: str = ""
    title: str = ""
    body: str = ""
    author: str = ""
    published: str = ""
    updated: str = ""
    comments: int | None = None

    @property
    def name(self) -> str:
        """What tells it from other entries of its feed."""
        return self.guid or self.link or digest(msgspec.json.encode((self.title, self.body)))

    @property
    def date(self) -> datetime | None:
        """When it was published, where that can be read; UTC is assumed where no zone is named."""
        return dates.read(self.published, UTC).moment


#: How the text of a comment that answers another begins, in WordPress's languages.
_ANSWERED = re.compile(
    r"\A(In reply to|En réponse à|In risposta a|En respuesta a|Em resposta a|Als Antwort auf"
    r"|ردا على|ردًا على|رداً على) [^.\n]{1,100}\."
)


class Feed(msgspec.Struct, frozen=True):
    """A feed that could be read: at most :data:`MOST` of its entries, the newest."""

    entries: tuple[Entry, ...]
    problem: str = ""
    """What is wrong with it; its last entry is left out where it may be cut."""
    ttl: int = 0
    """Minutes for which it asks to be left alone, at most an hour."""
    older: tuple[Entry, ...] = ()
    """The entries that are not read."""


def read(body: bytes, content_type: str, url: str) -> Feed:
    """Return what a feed holds.

    Raises :class:`~ingest.errors.SourceBlocked` for a page that wants a login or a human, and
    :class:`~ingest.errors.SourceChanged` for anything else that is no feed.
    """
    body, content_type = as_utf8(body, content_type)
    refuse_endless(body)
    body, content_type = with_guessed_encoding(body, content_type or "application/xml")
    headers = {"content-location": url, "content-type": content_type}
    parsed = _parsed(body, headers)
    if not parsed.get("version") and not parsed.entries:
        refuse_walls(body)
        raise SourceChanged("it is no feed", body=body)
    problem = ""
    if parsed.bozo and not isinstance(parsed.bozo_exception, _HARMLESS):
        problem = " ".join(str(parsed.bozo_exception).split())[:200]
    home = str(parsed.feed.get("link") or "").rstrip("/")
    entries = _without_shared_guids([_entry(entry) for entry in parsed.entries], home)
    if problem and not body.rstrip().lower().endswith(_ENDS):
        entries = entries[:-1]
    minutes = min(_number(str(parsed.feed.get("ttl", ""))) or 0, _LONGEST_WAIT)
    if len(entries) > MOST:  # else they stay in the order of the feed
        entries.sort(key=lambda entry: entry.date or _NO_DATE, reverse=True)
    return Feed(tuple(entries[:MOST]), problem, minutes, tuple(entries[MOST:]))


def map_item(entry: Entry, seen: Seen) -> Post | Reject:
    """Return the post of one entry; ``seen.host`` is the feed's.

    A ``guid`` counts within its feed unless it is an address or another name that nobody else
    gives. Where there is neither it nor a link, the post has no id of its own.
    """
    title, body = _without_people(entry)
    native = entry.guid or entry.link
    if len(native) > LONGEST:
        native = digest(native.encode())
    if native and not native.startswith(_GLOBAL):
        native = f"{seen.host}/{native}"
    return post(
        seen,
        "rss",
        native=native,
        text=body if body.startswith(title) else "\n\n".join(filter(None, (title, body))),
        created_at=entry.published or None,
        edited_at=entry.updated or None,
        author=entry.author,
        url=entry.link,
        counts={"replies": entry.comments},
        raw=msgspec.json.encode(entry),
    )


def _without_people(entry: Entry) -> tuple[str, str]:
    """Return the title and the text; those of a comment name who wrote it and whom it answers.

    WordPress writes ``By: Name`` and ``Comment on … by Name`` as titles of its feeds of comments.
    """
    if "#comment" not in entry.link and "#comment" not in entry.guid:
        return entry.title, entry.body
    body = _ANSWERED.sub(rf"\1 {USER}.", entry.body)
    names = [entry.author]
    return without_names(entry.title, (), names), without_names(body, (), names)


def digest(content: bytes) -> str:
    """Return a short hash, to know contents again by."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def host_of(url: str) -> str:
    """Return the host of an address, without ``www.``."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _parsed(body: bytes, headers: dict[str, str]) -> Any:
    """Return what feedparser makes of a feed, which fails at references to no letter."""
    try:
        return feedparser.parse(body, response_headers=headers, **_AS_IT_IS)
    except Exception:  # it promises none, and has no tree of errors
        letters = _REFERENCE.sub(_letter, body)
    try:
        return feedparser.parse(letters, response_headers=headers, **_AS_IT_IS)
    except Exception as error:
        raise SourceChanged(f"it can't be read ({type(error).__name__})", body=body) from error


def _letter(reference: re.Match[bytes]) -> bytes:
    digits = reference[1].lower()
    number = int(digits[1:] or b"0", 16) if digits[:1] == b"x" else int(digits[:_DIGITS])
    return reference[0] if len(digits) <= _DIGITS and number < 0x110000 else b"&#xFFFD;"


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def _entry(entry: Any) -> Entry:
    contents = [*entry.get("content", ()), entry.get("summary_detail") or {}]
    longest = max(contents, key=lambda part: len(part.get("value") or ""))
    published, updated = _date(entry, "published"), _date(entry, "updated")
    return Entry(
        guid=str(entry.get("id") or ""),
        link=str(entry.get("link") or ""),
        title=_plain(entry.get("title_detail") or {}),
        body=_plain(longest),
        author=str(entry.get("author") or ""),
        published=published or _date(entry, "created") or updated,
        updated=updated,
        comments=_number(str(entry.get("slash_comments", ""))),
    )


def _date(entry: Any, name: str) -> str:
    """Return a date as the feed writes it: feedparser takes zones that it does not know for UTC."""
    # not entry.get(): for want of one date feedparser gives another
    return str(dict.get(entry, name) or "").strip()


def _without_shared_guids(entries: list[Entry], home: str) -> list[Entry]:
    """Return the entries without what several of them have for an id.

    A ``guid`` of entries with several links is the id of none, and neither is the address of the
    site itself (``home``) or a link of three and more entries. One ``guid`` and one link with two
    texts is one article, corrected.
    """
    guids: dict[str, set[str]] = {}
    links: dict[str, set[tuple[str, str]]] = {}
    for entry in entries:
        link = entry.link if entry.link.rstrip("/") != home else ""
        guids.setdefault(entry.guid, set()).add(link or f"\0{entry.title}\0{entry.body}")
        links.setdefault(entry.link, set()).add((entry.title, entry.body))
    found = []
    for entry in entries:
        if len(guids[entry.guid]) > 1 or (home and entry.guid.rstrip("/") == home):
            entry = msgspec.structs.replace(entry, guid="")
        shared = len(links[entry.link]) > 2 or (home and entry.link.rstrip("/") == home)
        if not entry.guid and shared:
            entry = msgspec.structs.replace(entry, link="")
        found.append(entry)
    return found


def _plain(part: Any) -> str:
    value = str(part.get("value") or "")
    return value.strip() if part.get("type") == "text/plain" else text_of(value)

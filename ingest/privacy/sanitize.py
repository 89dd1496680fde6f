"""The one door for what comes from outside: every field is bounded and cleaned before it is read.

Lengths come first, so that no pattern ever meets a string without end; then the characters that
nobody sees, which would hide a name from a pattern; then what a field must not hold: a mail
address, a telephone number or a handle where an id, a reference or a hashtag is expected.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from ingest.privacy.masking import handle_name, mask
from ingest.privacy.urls import PSEUDONYM, Rename
from ingest.records import Post

#: The longest address and host that are kept (RFC 9110, 4.1, asks for 8,000; browsers' practice
#: and the protocol of site maps are 2,048; RFC 1035 limits names of hosts).
LONGEST_URL = 2_048
LONGEST_HOST = 253
#: Of an id with its platform; what is longer becomes a pseudonym.
LONGEST_ID = 1_024
LONGEST_NAME = 512
#: Of a hashtag; Twitter's and Mastodon's are shorter.
LONGEST_TAG = 256
MOST_TAGS = 1_000
LONGEST_PLATFORM = 64
LONGEST_SOURCE = 256

_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?(?://)?([^/?#]*)", re.IGNORECASE)
_JOINERS = "\u200c\u200d"
_USER = "[user]"
#: A part of an id that is a telephone number; the digits of a hash have letters beside them.
_PHONE = re.compile(
    r"(?<![0-9A-Za-z_])(?:\+\d{8,15}|00[1-9]\d{7,13}|0[1-9]\d{7,10})(?![0-9A-Za-z_])"
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+|[\w.+-]{1,64}\(at\)[\w-]{2,}")
_HANDLE = re.compile(r"(?<![\w.])@\w")
_OURS = re.compile(rf"@?{PSEUDONYM.pattern}")


def sanitized(post: Post) -> Post:
    """Return the post with every field but its text bounded and without unseen characters."""
    if _is_plain(post):
        return post
    return msgspec.structs.replace(
        post,
        id=visible(post.id),
        platform=visible(post.platform)[:LONGEST_PLATFORM],
        author=post.author[:LONGEST_NAME],
        repost_author=post.repost_author[:LONGEST_NAME],
        url=_address(post.url),
        reply_to=_reference(post.reply_to),
        repost_of=_reference(post.repost_of),
        hashtags=tuple(_tag(tag) for tag in post.hashtags[:MOST_TAGS] if len(tag) <= LONGEST_TAG),
        source=visible(post.source)[:LONGEST_SOURCE],
    )


def _is_plain(post: Post) -> bool:
    """Say whether nothing is to be done, as with most posts."""
    joined = (
        f"{post.id}{post.platform}{post.author}{post.url}{post.reply_to}{post.repost_of}"
        f"{post.repost_author}"
    )
    return (
        not post.hashtags
        and joined.isascii()
        and joined.isprintable()
        and len(joined) <= LONGEST_NAME
        and len(post.url) <= LONGEST_HOST
        and len(post.platform) <= LONGEST_PLATFORM
        and post.source.isprintable()
        and len(post.source) <= LONGEST_SOURCE
    )


def clean_tag(tag: str, author: str, country: str | None) -> str:
    """Return a hashtag without what leads to a person; ``[user]`` for a handle or the author."""
    if tag[:1] in {"@", "＠", "﹫"} or (author and handle_name(tag) == handle_name(author)):
        return _USER
    if tag.isalpha():
        return tag
    return mask(tag, country=country)


def bounded_id(post_id: str, rename: Rename) -> str:
    """Return an id, with a pseudonym for what is longer than the id of any platform."""
    if len(post_id) <= LONGEST_ID:
        return post_id
    platform, colon, _ = post_id[:LONGEST_PLATFORM].partition(":")
    return f"{platform}:{rename(post_id)}" if colon else rename(post_id)


def without_personal(native: str, rename: Rename) -> str:
    """Return an id, or what refers to one, with a pseudonym for each mail, number or handle."""
    if native.isalnum() and not _PHONE.fullmatch(native):
        return native
    read = unquote(native) if "%" in native else native
    ours = _OURS.sub("", read)
    if not (_PHONE.search(ours) or _MAIL.search(ours) or _HANDLE.search(ours)):
        return native
    for pattern in (_MAIL, _PHONE):
        read = pattern.sub(lambda found: _renamed(found[0], rename), read)
    return re.sub(r"(?<![\w.])@(\w[\w.-]*)", lambda found: "@" + _renamed(found[1], rename), read)


def _renamed(name: str, rename: Rename) -> str:
    return name if PSEUDONYM.fullmatch(name.lstrip("@")) else rename(name)


def _address(url: str) -> str:
    if len(url) > LONGEST_URL:
        return ""
    url = visible(url)
    host = _HOST.match(url)
    return "" if host and len(host[1]) > LONGEST_HOST else url


def _reference(reference: str) -> str:
    """Return a reference; nothing for one that is longer than any, which could name no post."""
    return visible(reference) if len(reference) <= LONGEST_URL else ""


def _tag(tag: str) -> str:
    return visible(tag, _JOINERS)


@lru_cache(maxsize=4096)
def visible(text: str, kept: str = "") -> str:
    """Return a text without controls and characters that nobody sees."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char for char in text if char in kept or unicodedata.category(char) not in {"Cc", "Cf"}
    )

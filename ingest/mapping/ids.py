"""Native ids, exact whatever their size, and names of platforms. Pure functions."""

from __future__ import annotations

import re
from typing import NamedTuple

from ingest.mapping.missing import is_missing

LONGEST = 512
"""No platform's id is longer, in characters (the URI of a Bluesky post has about 100)."""


class Number(str):
    """A number as JSON wrote it, digit by digit; it never goes through a float."""

    __slots__ = ()


class Id(NamedTuple):
    """A native id, or the reason why it can't be used; both are empty where there is none."""

    value: str
    problem: str = ""
    suspect: bool = False


_NONE = Id("")
# Spreadsheets and programs print rounded numbers with a sign after the E or a point before it,
# so that ids made of letters and digits such as 7e12 are left alone. Some countries write a
# comma. A whole number with a zero after its point is exact up to 15 digits.
_ROUNDED = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?[eE]\+\d+|\d+[.,]\d*[eE]-?\d+|\d{16,}[.,]\d+)")
#: How programs keep a spreadsheet from rounding a number: ``'123``, ``="123"``.
_GUARDED = re.compile(r"""(?:'|=")(\d+)"?""")
_WHOLE = re.compile(r"([+-]?\d{1,15})\.0+")
_MONGO_KEYS = frozenset({"$oid", "$numberLong", "$date"})


def unwrap(value: object) -> object:
    """Return the value inside what MongoDB exports as ``{"$oid": value}``."""
    if isinstance(value, dict) and len(value) == 1:
        key, inner = next(iter(value.items()))
        if key in _MONGO_KEYS:
            return unwrap(inner)
    return value


def native_id(value: object) -> Id:
    """Return a native id as it can be trusted, from a JSON value or the text of a cell."""
    value = unwrap(value)
    if value is None:
        return _NONE
    if not isinstance(value, str):
        return Id("", "id-invalid")
    text = value.strip()
    if text[:1] in {"'", "="} and (guarded := _GUARDED.fullmatch(text)):
        text = guarded[1]
    if text.isdigit():
        if len(text) > LONGEST:
            return Id("", "id-invalid")
        return Id(text, suspect=len(text) > 15 and not text[15:].strip("0"))
    if not text or is_missing(text):
        return _NONE
    if whole := _WHOLE.fullmatch(text):
        return Id(whole[1])
    if _ROUNDED.fullmatch(text) or (isinstance(value, Number) and not text[1:].isdigit()):
        return Id("", "id-rounded")
    if len(text) > LONGEST or not text.isprintable():
        return Id("", "id-invalid")
    return Id(text)


_SHORT_NAMES = {
    "x": "twitter",
    "tweet": "twitter",
    "fb": "facebook",
    "ig": "instagram",
    "insta": "instagram",
    "yt": "youtube",
    "youtu.be": "youtube",
    "tg": "telegram",
    "t.me": "telegram",
    "bsky": "bluesky",
    "tweets": "twitter",
    "تويتر": "twitter",
    "إكس": "twitter",
    "فيسبوك": "facebook",
    "فايسبوك": "facebook",
    "إنستغرام": "instagram",
    "انستغرام": "instagram",
    "يوتيوب": "youtube",
    "تيليغرام": "telegram",
    "تلغرام": "telegram",
    "تيك-توك": "tiktok",
    "تيكتوك": "tiktok",
    "bsky.app": "bluesky",
    "bsky.social": "bluesky",
}
#: Platforms with a name of their own here; archives may bring any other.
PLATFORMS = frozenset(_SHORT_NAMES.values())
#: Platforms that are known in longer names, and what else stands in these.
_NAMED = PLATFORMS | {"tiktok", "reddit", "mastodon", "threads", "vk", "weibo", "linkedin"}
_KINDS = frozenset(
    [
        "post",
        "posts",
        "page",
        "pages",
        "public",
        "group",
        "groups",
        "comment",
        "comments",
        "video",
        "videos",
        "reel",
        "reels",
        "story",
        "channel",
        "channels",
        "message",
        "messages",
        "formerly",
        "meta",
        "app",
        "http",
        "https",
        "www",
        "com",
        "net",
        "org",
    ]
)


def platform_name(text: str) -> str:
    """Return one name for a platform however it is written: ``X``, ``www.twitter.com``.

    Small letters, without ``www.`` and ``.com``; a known short or new name becomes the one
    that most archives use (``x`` and ``twitter`` are ``twitter``).
    """
    name = re.sub(r"[^\w.]+", "-", text.strip().casefold()).strip("-.")
    name = name.removeprefix("www.").removesuffix(".com")
    if name not in _SHORT_NAMES and ("-" in name or "." in name):
        words = set(re.split(r"[-.]", name)) - _KINDS
        told = {_SHORT_NAMES.get(word, word) for word in words}
        if len(told) == 1 and told <= _NAMED:  # "X (formerly Twitter)", "Facebook Pages"
            return told.pop()
    return _SHORT_NAMES.get(name, name)[:64]

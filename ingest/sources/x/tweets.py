"""What all tools that export tweets have in common."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ingest.mapping.tool import Fields, word

_REPOST = re.compile(r"RT @(\w{1,50}):? ")
_DIGITS = re.compile(r"\d{1,20}")
# An id is milliseconds since this moment of the Unix clock, and 22 bits that tell posts apart
# (https://docs.x.com/fundamentals/x-ids); before November 2010 ids were counted.
_EPOCH, _BITS = 1_288_834_974_657, 22


def address(native: object) -> str:
    """Return the address of a tweet that names no account; Twitter leads it to the tweet."""
    text = word(native)
    return f"https://twitter.com/i/web/status/{text}" if _DIGITS.fullmatch(text) else ""


def reposted_name(text: object) -> str:
    """Return whom a text of the form ``RT @name: …`` repeats, if it has that form."""
    match = _REPOST.match(text) if isinstance(text, str) else None
    return match[1] if match else ""


def restored(own: object, name: object, original: object) -> object:
    """Return the whole text of a retweet: Twitter cuts it after ``RT @name:``."""
    if isinstance(original, str) and word(name):
        return f"RT @{word(name)}: {original}"
    return own


def repost(fields: Fields) -> Fields:
    """Return the fields of a retweet without counters: they are those of the original."""
    for counter in ("likes", "reposts", "replies", "quotes", "views"):
        fields.pop(counter, None)
    return fields


def time_of(number: int) -> datetime:
    """Return the moment that stands in the id of a tweet, in milliseconds."""
    return datetime.fromtimestamp(((number >> _BITS) + _EPOCH) / 1000, UTC)


def first_id(moment: datetime) -> int:
    """Return the lowest id that a tweet of this moment may have."""
    return max(0, round(moment.timestamp() * 1000) - _EPOCH) << _BITS

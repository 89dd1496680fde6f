"""One page of a Weibo timeline (``m.weibo.cn/api/container/getIndex``), before snscrape reads it.

snscrape 0.7 strips tags from the words of a post, so that lines run into each other, ``&gt;``
stays as it is and emoji, which are pictures, vanish; :func:`prepare` gives it the words as plain
text, and takes cards off the page that it can't read. Fields as of 2026-10, from public clients;
Weibo documents none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ingest.errors import SourceBlocked, SourceChanged
from ingest.http.client import refuse_walls
from ingest.mapping.html import text_of
from ingest.mapping.tool import dig
from ingest.sources.responses import written

_POST = 9  # the type of cards that hold a post
_DIGITS = 18
_LOGIN = -100  # what `ok` says when Weibo wants a login
_EMOJI = re.compile(r"""<img\b[^>]*\balt=["']?(\[[^\]<>]*\])[^>]*>""")


class Nothing(SourceBlocked):
    """Weibo says that there is nothing: of an account without posts, or to who asks too often."""


class Odd(msgspec.Struct, frozen=True):
    """A card that snscrape can't read."""

    number: int
    raw: bytes
    problem: str


class Page(msgspec.Struct, frozen=True):
    """A page of a timeline, ready for snscrape."""

    body: bytes
    odd: Sequence[Odd]
    pinned: Sequence[str]
    """Ids of posts that stand above newer ones."""


def prepare(body: bytes, read: Callable[[dict[str, Any]], object]) -> Page:
    """Return a page with what snscrape can read of it, and what it can't.

    ``read`` reads one post as snscrape does, and fails as it does. Raises
    :class:`~ingest.errors.SourceBlocked` where Weibo shows nothing and
    :class:`~ingest.errors.SourceChanged` for anything that is no page of a timeline.
    """
    content, cards = _cards(body)
    kept, odd, pinned, posts = [], [], [], 0
    # what has no number of its own stands where the one above it does
    above = max(map(_number, cards), default=0) + 1
    for card in cards:
        if isinstance(card, dict) and card.get("card_type") != _POST:
            kept.append(card)  # which snscrape passes over: advertisements, recommendations
            continue
        posts += 1
        raw = written(card)
        above = _number(card) or above
        if problem := _problem(card, read):
            odd.append(Odd(above, raw, problem))
            continue
        kept.append(card)
        if dig(card, "mblog", "isTop"):
            pinned.append(str(card["mblog"]["id"]))
    if posts and len(odd) == posts:
        raise SourceChanged(f"none of its posts has the known form ({odd[0].problem})", body=body)
    content["data"]["cards"] = kept
    return Page(json.dumps(content).encode(), odd, pinned)


def content_of(body: bytes) -> Any:
    """Return what an answer says.

    Raises :class:`~ingest.errors.SourceBlocked` where it wants a login and
    :class:`~ingest.errors.SourceChanged` where it is no JSON.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        refuse_walls(body)
        raise SourceChanged("it answered something else than JSON", body=body) from None
    if dig(content, "ok") == _LOGIN:
        raise SourceBlocked("it wants a login", body=body)
    return content


def _cards(body: bytes) -> tuple[dict[str, Any], list[Any]]:
    content = content_of(body)
    cards = dig(content, "data", "cards")
    if not isinstance(cards, list):
        raise SourceChanged("its answer has no cards", body=body)
    if dig(content, "ok") != 1 and not cards:
        raise Nothing(
            "it says that there is nothing here, as it does when asked too often", body=body
        )
    if not isinstance(dig(content, "data", "cardlistInfo"), dict):
        raise SourceChanged("its answer does not say where the next page is", body=body)
    return content, cards


def _number(card: Any) -> int:
    number = str(dig(card, "mblog", "id"))
    return int(number) if number.isdecimal() and len(number) <= _DIGITS else 0


def _problem(card: Any, read: Callable[[dict[str, Any]], object]) -> str:
    try:
        post = card["mblog"]
        for each in (post, post.get("retweeted_status")):
            if each and "raw_text" not in each:
                each["raw_text"] = _plain(each["text"])
        read(post)
    except Exception as error:  # whatever snscrape stumbles over
        return f"{type(error).__name__} in snscrape"
    return ""


def _plain(html: str) -> str:
    return text_of(_EMOJI.sub(r"\1", html))

"""Twins: one post under two ids, as a file that names no platform gives its posts ids of its own.

``twitter:17`` and ``archive:my-file:17`` may be one post: a deletion of one must reach the other,
now and later. Twins are known by what they have in common: their words and the second of their
creation. Of a deleted post the store keeps *marks* of these, as names among its tombstones: a
mark is a keyed hash (HMAC-SHA-256, RFC 2104) that holds no word. The store makes the keys for
itself, so that index workers, which have no keyring, find twins as well, and a rotation or
destruction of keys brings nothing back.

Platforms name their posts: two of one platform, or of two platforms, are never twins, also where
a post without a platform has the words and the second of both. Two of files without a platform
are, if they have the same author.
"""

from __future__ import annotations

import hmac
import html
import secrets
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from ingest.privacy.masking import mask
from ingest.records import Post

#: Begin of the ids of posts whose file names no platform.
NO_PLATFORM = "archive:"
#: Begin of a mark's name: no id of a post begins so.
SIGN = "="

#: Whether posts of platforms were deleted, or posts of files without a platform.
Kind = Literal["platform", "file"]
KINDS: tuple[Kind, ...] = ("platform", "file")
#: The keys of a store, newest last. There are none of a kind before the first mark of it.
Keys = Mapping[Kind, Sequence[bytes]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Mark(NamedTuple):
    """What tells that a post was deleted, by the kind of that post."""

    kind: Kind
    content: str


def of_a_platform(post: Post) -> bool:
    """Say whether the id of a post is one that its platform gave."""
    return not post.id.startswith(NO_PLATFORM)


def second(post: Post) -> int | None:
    """Return the second since 1970 in which a post was made; ``None`` where nobody knows."""
    if post.created_at is None or "date-implausible" in post.flags:
        return None
    return (post.created_at - _EPOCH) // _SECOND


def marks(posts: Iterable[Post]) -> set[Mark]:
    """Return what the deletion of these posts leaves, so that their twins are known."""
    found: set[Mark] = set()
    for post in posts:
        if content := _content(post):
            kind: Kind = "platform" if of_a_platform(post) else "file"
            found.add(Mark(kind, content))
            if kind == "file" and post.author:
                found.add(_by_author(post, content))
    return found


def leading(
    posts: Sequence[Post],
    known: Callable[[set[Mark]], set[Mark]],
    left: Collection[Mark] = (),
) -> list[Post]:
    """Return those of these deleted posts whose twins go as well.

    Left out is a post of a file that went as the twin of a platform's post: what others wrote on
    platforms in the same words and second is no twin of that one. ``known`` returns which of some
    marks the store has, ``left`` are those that come from this deletion. A post that has left its
    own mark led to its twins before, and does so again: repeating a deletion reaches the same.
    """
    of_platforms = [post for post in posts if of_a_platform(post)]
    of_files = [
        (post, Mark("platform", content), Mark("file", content))
        for post in posts
        if not of_a_platform(post) and (content := _content(post))
    ]
    if not of_files:
        return of_platforms
    found = marks(of_platforms).union(left) | known({one for _, *both in of_files for one in both})
    return of_platforms + [
        post for post, of_other, own in of_files if of_other not in found or own in found
    ]


def refused_by(post: Post, kinds: Iterable[Kind] = KINDS) -> list[Mark]:
    """Return the marks that say that a twin of this post was deleted, of some kinds."""
    wanted: set[Kind] = set(kinds) - ({"platform"} if of_a_platform(post) else set())
    if not wanted or not (content := _content(post)):
        return []
    if of_a_platform(post):
        return [Mark("file", content)]
    found = [Mark("platform", content)] if "platform" in wanted else []
    if "file" in wanted and post.author:
        found.append(_by_author(post, content))
    return found


def names(given: Iterable[Mark], keys: Keys) -> list[str]:
    """Return the names of marks among the tombstones, under every key that there is."""
    return [
        SIGN + hmac.digest(key, one.content.encode("utf-8", "surrogatepass"), "sha256").hex()[:24]
        for one in given
        for key in keys.get(one.kind, ())
    ]


def by_name(given: Iterable[Mark], keys: Keys) -> dict[str, Mark]:
    """Return marks by the names that they may have among the tombstones."""
    return {name: one for one in given for name in names([one], keys)}


def new_key() -> bytes:
    """Return a key for the marks of a store."""
    return secrets.token_bytes(32)


def _by_author(post: Post, content: str) -> Mark:
    return Mark("file", f"{content}\0{post.author}")


def _content(post: Post) -> str:
    """Return the second and the words of a post as they are whoever read it; empty without them.

    Readers differ in white space and entities, watchlists in the handles that stay readable.
    """
    at = second(post)
    text = html.unescape(post.text) if "&" in post.text else post.text
    if not {"@", "＠", "﹫"}.isdisjoint(text):
        text = mask(text)
    words = "".join(unicodedata.normalize("NFKC", text).split())
    return f"{at}\0{words}" if at is not None and words else ""

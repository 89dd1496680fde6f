"""Which records are versions of one post: an edit has the author of its post.

Ids of spreadsheets, forums and tools count from 1 in every file, and a spreadsheet rounds long
ones. So a record with the id of a stored post and another author is another post: both stay, with
the flag ``id-suspect``, and the newcomer's id gets its author's pseudonym behind it.

Ids that a platform numbers for all its posts (a tweet's, a Bluesky URI) can't meet by chance. There
another name is the same account under a new handle, or its number, unless text and date differ
as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Flag, Post
from pipelines import stages
from pipelines.query import only
from pipelines.records import Collected
from pipelines.stores.protocols import Store

#: Returns the stored posts of these ids.
Stored = Callable[[Sequence[str]], Iterable[Post]]

SUSPECT: Flag = "id-suspect"
#: From the clocks of UTC+14 to those of UTC-12: so far apart are two readings of one date.
_ZONES = timedelta(hours=26)
_LONG_NUMBER = re.compile(r"\d{12,}")
_CODE = re.compile(r"(?=.*[A-Za-z])(?=.*\d)[\w.-]{11,}")


class Separated(msgspec.Struct, frozen=True):
    """The posts of a batch under ids of their own, and the stored posts whose ids met others."""

    posts: list[Collected]
    flagged: list[Post]
    """Stored posts, with the flag that they get."""
    met: int
    """How many records had the id of another author's post."""


def counts_within_a_file(post: Post) -> bool:
    """Say whether another post may have this id by chance: short, rounded, or a file's own."""
    space, _, native = post.id.partition(":")
    if space == "archive" or SUSPECT in post.flags:
        return True
    if "/" in native or "~" in native or native.startswith("u_"):
        return False
    return not (_LONG_NUMBER.search(native) or _CODE.fullmatch(native))


def is_other(post: Post, known: Post, names: Sequence[str] = ()) -> bool:
    """Say whether two records of one id are two posts; ``names`` are other names of the author."""
    weak = counts_within_a_file(post)
    if post.author and known.author:
        if known.author in (post.author, *names):
            return False
        return weak or (post.text != known.text and _apart(post, known))
    # Without an author a date tells: an edit has that of its post.
    return weak and post.text != known.text and _apart(post, known)


def _apart(post: Post, known: Post) -> bool:
    if post.created_at is None or known.created_at is None:
        return False
    return abs(post.created_at - known.created_at) > _ZONES


def own_id(post: Post) -> str:
    """Return the id of a post whose own id another author's post has already."""
    return f"{post.id}~{post.author or post.digest[:16]}"


def separated(posts: Sequence[Collected], stored: Stored) -> Separated:
    """Return the posts of a batch, each under an id that no other author's post has.

    ``stored`` is asked for ids that may meet by chance alone.
    """
    wanted = list(dict.fromkeys(c.post.id for c in posts if counts_within_a_file(c.post)))
    known: dict[str, Post] = {}
    if wanted:
        known = {post.id: post for post in stored(wanted)}
    before: Mapping[str, Post] = dict(known)
    found: list[Collected] = []
    flagged: dict[str, Post] = {}
    first: dict[str, int] = {}
    met = 0
    for collected in posts:
        post = collected.post
        other = known.get(post.id)
        if other is None or not is_other(post, other, collected.author_aliases):
            known.setdefault(post.id, post)
            first.setdefault(post.id, len(found))
            found.append(collected)
            continue
        met += 1
        if post.id in before:
            if SUSPECT not in other.flags:
                flagged[post.id] = _flagged(other)
        else:
            place = first[post.id]
            found[place] = msgspec.structs.replace(found[place], post=_flagged(found[place].post))
        apart = msgspec.structs.replace(_flagged(post), id=own_id(post))
        found.append(msgspec.structs.replace(collected, post=apart, aliases=()))
    return Separated(found, list(flagged.values()), met)


def _flagged(post: Post) -> Post:
    if SUSPECT in post.flags:
        return post
    return msgspec.structs.replace(post, flags=(*post.flags, SUSPECT))


class Identities:
    """Keeps posts of different authors apart in one store, and counts whose ids met."""

    def __init__(self, store: Store, scored_days: ZoneInfo | None = None) -> None:
        """Work on a store.

        Where posts come scored, ``scored_days`` is the zone of its days: nobody scores what waits
        there, so a stored post that gets the flag is indexed again with the scores it has.
        """
        self._store = store
        self._zone = scored_days
        self.met = 0

    def kept_apart(self, posts: Sequence[Collected]) -> list[Collected]:
        """Return posts under ids of their own; a stored post whose id another has gets the flag."""
        found = separated(posts, self._stored)
        self.met += found.met
        if found.flagged:
            self._store.requeue(found.flagged)
            if self._zone is not None:
                scored = [post for post in found.flagged if post.model and not post.scored]
                self._store.index(stages.index(scored, self._zone))
        return found.posts

    def _stored(self, ids: Sequence[str]) -> Iterator[Post]:
        return (hit.post for hit in self._store.scan(only("id", *ids)))

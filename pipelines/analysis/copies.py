"""Texts that come more than once: word for word by one account, nearly so by many accounts.

One account that repeats a text word for word (an operator's template answer, a bot) says one
thing, so that it counts once. Near-identical texts by many accounts may be coordinated; they may
also be a share button, a chant or a quotation. Nothing here decides which: the evidence (texts,
accounts, times) is shown, and trends can be had with and without such posts. The approach is that
of Pacheco and others 2021 (ICWSM, arXiv:2001.05658): similar behaviour of accounts is the trace.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from ingest.records import Post

#: Different accounts that make near-identical texts remarkable.
FEWEST_ACCOUNTS = 5
#: Shorter texts (words, without handles and links) are alike by chance, as slogans are.
FEWEST_WORDS = 6
#: Jaccard similarity of two texts' word triples from which on they are near-identical.
NEAR = 0.8

_TRIPLE = 3
_ADDRESSED = re.compile(r"@\w+|(?:https?://|www\.)\S+")
_WORDS = re.compile(r"\w+")


def is_repost(post: Post) -> bool:
    """Tell whether a post passes on another one, by its platform's word or as ``RT @…``."""
    return bool(post.repost_of) or post.text.startswith("RT @")


def wording(text: str) -> str:
    """Return a text without what a template fills in: handles, links, case and spaces."""
    return " ".join(_ADDRESSED.sub(" ", text).casefold().split())


def repeat_key(post: Post) -> bytes:
    """Return what two posts share if one account wrote the same words; empty if unknown."""
    words = wording(post.text)
    if not post.author or not words:
        return b""
    return hashlib.blake2b(f"{post.author}\0{words}".encode(), digest_size=16).digest()


class Copies(msgspec.Struct, frozen=True, kw_only=True):
    """Near-identical texts by many accounts."""

    value: str
    """The text that most of them have (of equals the first in the alphabet)."""
    posts: int
    authors: int
    first: datetime | None
    last: datetime | None
    half_within_hours: float | None
    """Length of the shortest time in which half of the posts were written."""
    ids: list[str]
    """All posts, ordered by time."""


class _Text(msgspec.Struct):
    triples: frozenset[tuple[str, ...]]
    posts: list[Post]


def find_copies(posts: Iterable[Post], accounts: int = FEWEST_ACCOUNTS) -> list[Copies]:
    """Return groups of near-identical texts by so many accounts, the largest first.

    Reposts, posts without an author and texts of fewer than :data:`FEWEST_WORDS` words are left
    out. Texts are compared by their word triples (w-shingling, Broder 1997); pairs with a Jaccard
    similarity of :data:`NEAR` or more are found exactly, by prefix filtering (Bayardo, Ma and
    Srikant 2007, WWW), and joined to groups (single linkage).
    """
    texts: dict[frozenset[tuple[str, ...]], _Text] = {}
    for post in posts:
        words = _WORDS.findall(wording(post.text))
        if is_repost(post) or not post.author or len(words) < FEWEST_WORDS:
            continue
        triples = frozenset(zip(*(words[start:] for start in range(_TRIPLE)), strict=False))
        texts.setdefault(triples, _Text(triples, [])).posts.append(post)
    found = [
        _copies([post for one in group for post in one.posts])
        for group in _groups(list(texts.values()))
    ]
    wanted = [one for one in found if one.authors >= accounts]
    return sorted(wanted, key=lambda one: (-one.posts, one.value))


def _groups(texts: Sequence[_Text]) -> list[list[_Text]]:
    """Join texts whose triples are similar enough."""
    parent = list(range(len(texts)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    often = Counter(triple for one in texts for triple in one.triples)
    index: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place in sorted(range(len(texts)), key=lambda one: len(texts[one].triples)):
        own = texts[place].triples
        # of two similar texts the rarest triples of each are shared by both, or they are not
        prefix = len(own) - math.ceil(NEAR * len(own)) + 1
        rarest = sorted(own, key=lambda triple: (often[triple], triple))[:prefix]
        for other in sorted({other for triple in rarest for other in index[triple]}):
            theirs = texts[other].triples
            if root(other) != root(place) and len(theirs) >= NEAR * len(own):
                shared = len(own & theirs)
                if shared >= NEAR * (len(own) + len(theirs) - shared):
                    parent[root(other)] = root(place)
        for triple in rarest:
            index[triple].append(place)
    groups: dict[int, list[_Text]] = defaultdict(list)
    for place, one in enumerate(texts):
        groups[root(place)].append(one)
    return list(groups.values())


def _copies(posts: Sequence[Post]) -> Copies:
    dated = sorted(one.created_at for one in posts if one.created_at and not _undated(one))
    texts = Counter(one.text for one in posts)
    most = max(texts.values())
    half = math.ceil(len(dated) / 2)
    spans = [dated[n + half - 1] - dated[n] for n in range(len(dated) - half + 1)] if dated else []
    return Copies(
        value=min(text for text, count in texts.items() if count == most),
        posts=len(posts),
        authors=len({one.author for one in posts}),
        first=dated[0] if dated else None,
        last=dated[-1] if dated else None,
        half_within_hours=round(min(spans).total_seconds() / 3600, 2) if spans else None,
        ids=[one.id for one in sorted(posts, key=lambda one: (_when(one), one.id))],
    )


def _undated(post: Post) -> bool:
    return "date-unknown" in post.flags or "date-implausible" in post.flags


def _when(post: Post) -> float:
    return post.created_at.timestamp() if post.created_at and not _undated(post) else math.inf

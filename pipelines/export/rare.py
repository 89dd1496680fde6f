"""Rare combinations: who reads an export may recognise somebody by what few have in common.

k-anonymity (Sweeney 2002, Int. J. Uncertain. Fuzziness 10:557-570): each combination of what an
outsider may know (platform, day, language, entities) should be shared by ``k`` accounts at least.
Suppressed, a rare post loses its day, times, version, entities, mentions and attitudes; where its
platform and language are rare as well, it is left out.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from ingest.records import Post
from pipelines.export.columns import Exported
from pipelines.records import Hit

#: Fewer accounts than these are few.
K = 5

_Combination = tuple[str, ...]


class Rare(msgspec.Struct, frozen=True):
    """What is rare among the posts of an export."""

    combinations: frozenset[_Combination]
    common: frozenset[_Combination]
    """All other combinations: what came after the count is in neither, and may be rare."""
    kept: frozenset[tuple[str, str]]
    """Platforms and languages that rare posts share with enough others of them."""
    posts: int
    """Posts with a rare combination."""

    def entities(self, *, suppressed: bool) -> tuple[str, ...]:
        """Return the entities of the posts: of common ones alone where rare ones lose theirs."""
        shown = self.common if suppressed else self.common | self.combinations
        return tuple(sorted({name for one in shown for name in one[3:]}))

    def suppress(self) -> Callable[[Exported], Exported | None]:
        """Return what is done to each post: ``None`` leaves it out."""

        def suppressed(post: Exported) -> Exported | None:
            if _combination(post, post.day) in self.common:
                return post
            if (post.platform, post.language) not in self.kept:
                return None
            return msgspec.structs.replace(
                post,
                day="",
                created_at=None,
                collected_at=None,  # of a live source: a moment later
                version=0,  # the milliseconds of publication
                entities=(),
                mentions=(),
                targets=(),
            )

        return suppressed


def find(hits: Iterable[Hit], k: int = K) -> Rare:
    """Return what fewer than ``k`` accounts have in common; a post without author is one."""
    accounts: dict[_Combination, set[str]] = defaultdict(set)
    posts: dict[_Combination, int] = defaultdict(int)
    for hit in hits:
        post = hit.post
        combination = _combination(post, hit.day)
        own = accounts[combination]
        if len(own) < k:  # more authors change nothing, and there may be millions
            own.add(post.author or post.id)
        posts[combination] += 1
    rare = frozenset(one for one, own in accounts.items() if len(own) < k)
    # what is left of rare posts: all of them that share platform and language
    rest: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in rare:
        rest[one[0], one[2]] |= accounts[one]
    kept = frozenset(pair for pair, own in rest.items() if len(own) >= k)
    return Rare(rare, frozenset(accounts) - rare, kept, sum(posts[one] for one in rare))


def _combination(post: Post, day: str) -> _Combination:
    entities = {*post.entities, *(target.entity for target in post.targets)}
    # one copy of each word, whatever the number of combinations that hold it
    return tuple(map(sys.intern, (post.platform, day, post.language, *sorted(entities))))

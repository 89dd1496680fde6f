"""Whether the labelled posts of a query can be a random sample of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pipelines.analysis.people import Gold, gold
from pipelines.query import Node
from pipelines.records import Sum
from pipelines.stores.protocols import Labels, Reading

#: Standard errors that a random sample is hardly off by.
_SKEWED = 4.0


class Skew(NamedTuple):
    """An entity that labelled posts mention much more, or less, often than all posts do."""

    entity: str
    labelled: float
    """Part of the labelled posts that mention it."""
    all: float
    """Part of all posts of the query."""


class Source(Reading, Labels, Protocol):
    """What holds posts and their labels: any store."""


def skew_of(store: Source, query: Node) -> Skew | None:
    """Return what shows that the labelled posts of a query are no random sample of it.

    Every post counts, also repeats and reposts that a series leaves out: samples are drawn
    from all. Raises :class:`~pipelines.errors.StoreError`.
    """
    people = gold(store.labelled(query))
    return skew(people, store.sums(query, "day", "entity"), store.sums(query, "day", ""))


def skew(people: Sequence[Gold], mentions: Sequence[Sum], sums: Sequence[Sum]) -> Skew | None:
    """Return what shows that labelled posts are no random sample of the posts of ``sums``.

    ``mentions`` are their sums by entity. A sample drawn for one entity, say, is none of a
    wider query. An entity is told where the two parts differ by more than four standard errors,
    the one with the largest difference. The variance is the larger one of the two parts': of an
    entity that hardly any post mentions, one labelled post says nothing. Posts weigh as they were
    sampled, and count as many as have that variance (Kish 1965, *Survey Sampling*).
    """
    posts = sum(one.posts for one in sums)
    counts: Counter[str] = Counter()
    for one in mentions:
        counts[one.group] += one.posts
    labelled = [one for one in people if one.sentiment and one.hit.day]
    weight = sum(one.weight for one in labelled)
    if not posts or not weight:
        return None
    size = weight**2 / sum(one.weight**2 for one in labelled)
    found, largest = None, _SKEWED
    for entity, number in sorted(counts.items()):
        part = number / posts
        own = sum(one.weight for one in labelled if entity in one.hit.post.entities) / weight
        spread = max(part * (1 - part), own * (1 - own))
        errors = abs(own - part) / math.sqrt(spread / size) if spread else 0.0
        if errors > largest:
            found, largest = Skew(entity, own, part), errors
    return found

"""Shares as they would be if the mix of languages were the same in every bucket.

Who writes changes from day to day, and languages differ in mood, so that a changing mix looks like
a changing mood. Direct standardisation (as for age in death rates; Kitagawa 1955, J. Am. Stat.
Assoc. 50:1168-1194) weights each language of a bucket by its part of all posts of the group.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pipelines.analysis.estimates import Estimate, pooled
from pipelines.records import Sum

#: A bucket and a group.
Place = tuple[str, str]

#: A bucket must have posts in languages that make up this part of the group's posts; what it
#: lacks cannot be weighted.
FEWEST_COVERED = 0.8


def standard_mix(sums: Sequence[Sum]) -> dict[str, dict[str, float]]:
    """Return for each group which part of its posts has each language."""
    posts: dict[str, dict[str, float]] = {}
    for one in sums:
        own = posts.setdefault(one.group, {})
        own[one.language] = own.get(one.language, 0.0) + one.posts
    return {
        group: {language: count / sum(own.values()) for language, count in own.items()}
        for group, own in posts.items()
    }


def weights(found: Mapping[str, float], standard: Mapping[str, float]) -> dict[str, float]:
    """Return the weights of a bucket's languages, summing to 1; empty where too much is missing."""
    own = {language: standard[language] for language in found if language in standard}
    covered = sum(own.values())
    if covered < FEWEST_COVERED:
        return {}
    return {language: part / covered for language, part in own.items()}


def reweighted(sums: Sequence[Sum]) -> dict[Place, Estimate | None]:
    """Return the estimate of each bucket and group with the mix of all its buckets.

    ``None`` where the bucket lacks languages that make up too much of the group. Intervals are
    Wilson's for the effective number of posts, 1 / Σ w²/n (Kish 1965), so that a language of few
    posts and much weight makes them wide. They hold sampling error alone.
    """
    standard = standard_mix(sums)
    cells: dict[Place, dict[str, list[Sum]]] = {}
    for one in sums:
        if one.posts:
            cell = cells.setdefault((one.bucket, one.group), {})
            cell.setdefault(one.language, []).append(one)
    return {
        place: _estimate(by_language, standard[place[1]]) for place, by_language in cells.items()
    }


def _estimate(
    by_language: Mapping[str, Sequence[Sum]], standard: Mapping[str, float]
) -> Estimate | None:
    posts = {name: float(sum(one.posts for one in own)) for name, own in by_language.items()}
    wanted = weights(posts, standard)
    if not wanted:
        return None
    effective = 1 / sum(weight**2 / posts[name] for name, weight in wanted.items())
    means = [
        sum(
            weight * math.fsum(getattr(one, label) for one in by_language[name]) / posts[name]
            for name, weight in wanted.items()
        )
        for label in ("negative", "neutral", "positive")
    ]
    negative, neutral, positive = (mean * effective for mean in means)
    return pooled(negative, neutral, positive, effective)

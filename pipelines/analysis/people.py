"""What people said of a query's posts, put beside what the model says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Target
from pipelines.analysis.buckets import Asked
from pipelines.analysis.copies import is_repost, repeat_key
from pipelines.analysis.correction import FEWEST_LABELS, LABELS, LabelledSum
from pipelines.analysis.estimates import Share
from pipelines.analysis.scanned import SplitBy, groups_of
from pipelines.query import And, Filter, Node, Not, Or
from pipelines.records import Hit, HumanLabel, Sum
from pipelines.stages import local_hour

#: Fields that choose posts by what the model says of them.
_CHOSEN_BY = {"sentiment": "sentiment", "target": "attitude"}


class Gold(msgspec.Struct, frozen=True):
    """A post with what its coders agree on."""

    hit: Hit
    sentiment: str
    """Empty where nobody labelled it, or coders disagree without a majority."""
    targets: Mapping[str, str]
    weight: float


def gold(labelled: Sequence[tuple[Hit, list[HumanLabel]]]) -> list[Gold]:
    """Return labelled posts with one label for each aspect: that of most coders.

    ``unclear``, and aspects on which as many coders say one thing as another, are left out.
    """
    found = []
    for hit, labels in labelled:
        by_aspect: dict[str, Counter[str]] = {}
        for label in labels:
            by_aspect.setdefault(label.aspect, Counter())[label.label] += 1
        agreed = {aspect: _majority(counts) for aspect, counts in by_aspect.items()}
        targets = {
            aspect.partition(":")[2]: label
            for aspect, label in agreed.items()
            if aspect.startswith("target:") and label in LABELS
        }
        mood = agreed.get("sentiment", "")
        weight = max(label.weight for label in labels)
        found.append(Gold(hit, mood if mood in LABELS else "", targets, weight))
    return found


def counted_people(
    people: Sequence[Gold], *, once: bool, reposts: bool, without: Collection[str]
) -> list[Gold]:
    """Return the labelled posts that count, as :func:`.scanned.count` chooses them.

    Of texts that one account repeats word for word one counts.
    """
    found, seen = [], set()
    for one in people:
        post = one.hit.post
        if post.id in without or (not reposts and is_repost(post)):
            continue
        if once and (key := repeat_key(post)):
            if key in seen:
                continue
            seen.add(key)
        found.append(one)
    return found


def _majority(counts: Counter[str]) -> str:
    (label, most), *rest = counts.most_common()
    return "" if rest and rest[0][1] == most else label


def selected_by(query: Node, split: str = "") -> str:
    """Return which label the query chooses posts by: ``sentiment``, ``attitude`` or nothing."""
    match query:
        case Filter(field) if field in _CHOSEN_BY:
            kind = _CHOSEN_BY[field]
            return kind if (kind == "attitude") == (split == "entity") else ""
        case Not(inner):
            return selected_by(inner, split)
        case And(nodes) | Or(nodes):
            return next(filter(None, (selected_by(one, split) for one in nodes)), "")
    return ""


def overall(sums: Sequence[Sum], people: Sequence[Gold]) -> dict[str, Share]:
    """Return the share of each label in all posts by :mod:`pipelines.analysis.ppi`.

    Empty with fewer than :data:`~pipelines.analysis.correction.FEWEST_LABELS` labelled posts.
    """
    usable = [one for one in people if one.sentiment and one.hit.post.sentiment and one.hit.day]
    if len(usable) < FEWEST_LABELS:
        return {}
    from pipelines.analysis.ppi import share  # loads numpy

    posts = sum(one.posts for one in sums)
    means = model_means(sums)
    return {
        label: share(
            [float(one.sentiment == label) for one in usable],
            [getattr(one.hit.post.sentiment, label) for one in usable],
            [one.weight for one in usable],
            means[label],
            posts,
        )
        for label in LABELS
    }


def model_means(sums: Sequence[Sum]) -> dict[str, float]:
    """Return the mean probability of each label over all posts."""
    posts = sum(one.posts for one in sums)
    return {label: sum(getattr(one, label) for one in sums) / max(posts, 1) for label in LABELS}


def labelled_sums(
    people: Sequence[Gold], by: Asked, splits: Sequence[SplitBy], zone: ZoneInfo
) -> list[LabelledSum]:
    """Return labelled posts by day (or hour) and group, each with what the model and people say."""
    found = []
    for one in people:
        post, day = one.hit.post, one.hit.day
        if not day:
            continue
        bucket = local_hour(post, zone) if by == "hour" else day
        for group, score in groups_of(one.hit, splits):
            label = one.targets.get(score.entity) if isinstance(score, Target) else one.sentiment
            if label:
                found.append(LabelledSum(bucket, group, post.language, score.label, label))
    return found

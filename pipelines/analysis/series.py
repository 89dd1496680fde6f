"""One series of sentiment for a query: what ``marsad trends``, charts and pages show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Gap
from pipelines.analysis.buckets import Asked, choose_bucket
from pipelines.analysis.correction import FEWEST_LABELS, LABELS, LabelledSum, correct
from pipelines.analysis.estimates import Share
from pipelines.query import And, Filter, Node, Not, Or
from pipelines.records import Hit, HumanLabel, Split, Sum
from pipelines.stages import local_hour
from pipelines.stores.protocols import Labels, Reading
from pipelines.trends import By, Row, bucket_of, in_buckets, rows, sums_by

#: Fields that choose posts by what the model says of them.
_CHOSEN_BY = {"sentiment": "sentiment", "target": "attitude"}


class Source(Reading, Labels, Protocol):
    """What a series is computed from: any store."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Sentiment over time, corrected where the study has labels enough."""

    rows: list[Row]
    by: By
    """Length of the buckets."""
    chosen: bool
    """Whether that length was chosen by :func:`~pipelines.analysis.buckets.choose_bucket`."""
    corrected: bool
    """Whether the shares are corrected with the study's labels."""
    labels: int
    """Labelled posts (or attitudes) among those of the query."""
    label_languages: dict[str, int]
    """Labelled posts of each language."""
    overall: dict[str, Share]
    """Share of each label in all posts of the query, by prediction-powered inference; empty
    without labels enough, and with a split by entity."""
    model_overall: dict[str, float]
    """The same as the model's probabilities say, uncorrected."""
    selected_by: str
    """``sentiment`` or ``attitude`` where the query chooses posts by their predicted label: then
    rows have no shares, as these would only repeat the query. Else empty."""


def trend_series(
    store: Source,
    query: Node,
    by: Asked = "auto",
    split: Split = "",
    *,
    zone: ZoneInfo,
    gaps: Sequence[Gap] = (),
    groups: Sequence[str] = (),
    correction: bool = True,
) -> Series:
    """Return the series of a query; ``groups`` keeps only these groups of a split.

    With ``by="auto"`` buckets are as long as the posts are many enough for. ``gaps`` are those of
    the store's status. With at least
    :data:`~pipelines.analysis.correction.FEWEST_LABELS` labelled posts the shares are corrected,
    unless ``correction`` is off. Raises :class:`~pipelines.errors.StoreError`.
    """
    chosen = by == "auto"
    sums = store.sums(query, "day" if by == "auto" else sums_by(by), split)
    if groups:
        sums = [one for one in sums if one.group in groups]
    if by == "auto":
        by = choose_bucket(sums)
    bucketed = in_buckets(sums, by)
    selected = selected_by(query, split)
    people = [] if selected else gold(store.labelled(query))
    known = _labelled_sums(people, by, split, zone)
    if groups:
        known = [one for one in known if one.group in groups]
    found = correct(bucketed, known) if correction and not selected else None
    languages: dict[str, int] = {}
    for one in known:
        languages[one.language] = languages.get(one.language, 0) + one.posts
    enough = bool(found) and split != "entity"
    return Series(
        rows=rows(
            sums,
            by,
            zone=zone,
            gaps=gaps,
            corrected=found.estimates if found else None,
            shares=not selected,
            since=_limit(query, "since"),
            until=_limit(query, "until"),
        ),
        by=by,
        chosen=chosen,
        corrected=found is not None,
        labels=len(known),
        label_languages=dict(sorted(languages.items())),
        overall=overall(sums, people) if enough else {},
        model_overall={} if selected or split == "entity" else _model(sums),
        selected_by=selected,
    )


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


def _majority(counts: Counter[str]) -> str:
    (label, most), *rest = counts.most_common()
    return "" if rest and rest[0][1] == most else label


def selected_by(query: Node, split: Split = "") -> str:
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
    means = _model(sums)
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


def _model(sums: Sequence[Sum]) -> dict[str, float]:
    posts = sum(one.posts for one in sums)
    return {label: sum(getattr(one, label) for one in sums) / max(posts, 1) for label in LABELS}


def _labelled_sums(
    people: Sequence[Gold], by: By, split: Split, zone: ZoneInfo
) -> list[LabelledSum]:
    found = []
    for one in people:
        post, day = one.hit.post, one.hit.day
        if not day:
            continue
        bucket = local_hour(post, zone) if by == "hour" else bucket_of(day, by)
        if split == "entity":
            for target in post.targets:
                label = one.targets.get(target.entity)
                if label:
                    found.append(
                        LabelledSum(bucket, target.entity, post.language, target.label, label)
                    )
        elif one.sentiment and post.sentiment:
            group = {"": "", "language": post.language, "platform": post.platform}[split]
            predicted = post.sentiment.label
            found.append(LabelledSum(bucket, group, post.language, predicted, one.sentiment))
    return found


def _limit(query: Node, field: str) -> str:
    """Return the day that ``since:`` or ``until:`` names for the whole query, else nothing."""
    parts = query.nodes if isinstance(query, And) else (query,)
    days = [part.values[0] for part in parts if isinstance(part, Filter) and part.field == field]
    if not days:
        return ""
    return max(days) if field == "since" else min(days)

"""One series of sentiment for a query: what ``marsad trends``, charts and pages show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Gap
from pipelines.analysis.buckets import Asked, choose_bucket, limit
from pipelines.analysis.copies import Copies, find_copies
from pipelines.analysis.correction import LabelledSum
from pipelines.analysis.estimates import Estimate, Share
from pipelines.analysis.mix import Place, reweighted
from pipelines.analysis.people import (
    Gold,
    counted_people,
    gold,
    labelled_sums,
    model_means,
    overall,
    selected_by,
)
from pipelines.analysis.scanned import Counted, Left, SplitBy, count, count_each
from pipelines.analysis.skew import Skew, Source, skew_of
from pipelines.analysis.units import Unit, by_entity, correct_each
from pipelines.query import All, Node, asks_for, final
from pipelines.records import Sum
from pipelines.trends import By, Row, bucket_of, groups, in_buckets, rows, sums_by

#: Up to so many posts are read one by one where that was not asked for, to count repeats once:
#: it takes some 0.15 ms a post.
READ_UNASKED = 5_000

#: Groups kept of a split by hashtag, author or source, or of two splits: those with most posts.
MOST_GROUPS = 20

_STORED: dict[SplitBy, Literal["", "entity", "language", "platform"]] = {
    "": "",
    "entity": "entity",
    "language": "language",
    "platform": "platform",
}


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """Which posts count, and how their languages weigh."""

    repeats: Literal["auto", "once", "all"] = "auto"
    """Texts that one account repeats word for word: ``auto`` counts them once if the query has at
    most :data:`READ_UNASKED` posts, since all have to be read for it."""
    reposts: bool = True
    copies: bool = True
    """Whether near-identical texts by many accounts count."""
    fixed_mix: bool = False
    """Weigh languages alike in all buckets (:mod:`pipelines.analysis.mix`)."""
    of_all: bool = False
    """Say which part of all posts of the store each row is."""

    @property
    def reads(self) -> bool:
        """Tell whether posts have to be read one by one."""
        return self.repeats == "once" or not self.reposts or not self.copies


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Sentiment over time, corrected where the study has labels enough."""

    rows: list[Row]
    by: By
    """Length of the buckets."""
    chosen: bool
    """Whether that length was chosen by :func:`~pipelines.analysis.buckets.choose_bucket`."""
    correction: bool
    """Whether a correction was asked for."""
    corrected: bool
    """Whether the shares are corrected with the study's labels."""
    labels: int
    """Labelled posts (or attitudes) among those of the query; uncorrected, those of the query or
    entity that has fewest."""
    towards: bool
    """Whether posts are counted by their attitude to entities (split by entity)."""
    lacking: str
    """The query, or entity, that has fewest labels; empty for one query or if it is corrected."""
    label_languages: dict[str, int]
    """Labelled posts of each language."""
    overall: dict[str, Share]
    """Share of each label in all posts of the query, by prediction-powered inference; empty
    without labels enough, with a split by entity or hashtag, in which posts count more than once,
    and where groups are hidden."""
    skew: Skew | None
    """Why the labelled posts are no random sample of the query; then ``overall`` is empty."""
    model_overall: dict[str, float]
    """The same as the model's probabilities say, uncorrected."""
    selected_by: str
    """``sentiment`` or ``attitude`` where the query chooses posts by their predicted label: then
    rows have no shares, as these would only repeat the query. Else empty."""
    counting: Counting
    repeats_once: bool
    """Whether texts that one account repeats word for word were counted once."""
    left: Left
    """How many posts do not count, by reason."""
    copies: list[Copies]
    """Near-identical texts by many accounts; empty where posts were not read one by one."""
    hidden_groups: int = 0
    """Groups beyond :data:`MOST_GROUPS`."""


class _Part(msgspec.Struct, kw_only=True):
    """What one query brings to a series."""

    sums: list[Sum]
    people: list[Gold]
    known: list[LabelledSum]
    labels: Counter[str]
    """Labelled posts (or attitudes) by language, each once, also where it has several hashtags."""
    entities: Counter[str]
    """Labelled attitudes by entity, where posts are split by entity."""
    repeats_once: bool
    left: Left
    copies: list[Copies]


def trend_series(
    store: Source,
    query: Node,
    by: Asked = "auto",
    split: SplitBy | Sequence[SplitBy] = "",
    *,
    zone: ZoneInfo,
    gaps: Sequence[Gap] = (),
    groups: Sequence[str] = (),
    correction: bool = True,
    counting: Counting | None = None,
) -> Series:
    """Return the series of a query; ``groups`` keeps only these groups of a split.

    With ``by="auto"`` buckets are as long as the posts are many enough for. Two splits make
    groups of both. ``gaps`` are those of the store's status. With at least
    :data:`~pipelines.analysis.correction.FEWEST_LABELS` labelled posts the shares are corrected,
    unless ``correction`` is off; split by entity, if each entity has as many. Raises
    :class:`~pipelines.errors.StoreError`.
    """
    splits = tuple(one for one in ((split,) if isinstance(split, str) else split) if one)
    how = counting or Counting()
    part = _read(store, query, by, splits, zone, groups, how)
    return _series(
        store, {"": query}, {"": part}, by, splits, zone=zone, gaps=gaps, correction=correction,
        counting=how,
    )  # fmt: skip


def compare(
    store: Source,
    queries: Mapping[str, Node],
    by: Asked = "auto",
    *,
    zone: ZoneInfo,
    gaps: Sequence[Gap] = (),
    correction: bool = True,
    counting: Counting | None = None,
) -> Series:
    """Return one series of several queries: each is a group, by the name that it is given.

    Each is corrected with the labels of its own posts. Raises as :func:`trend_series` does.
    """
    how = counting or Counting()
    parts = {
        name: _grouped(_read(store, node, by, (), zone, (), how), name)
        for name, node in queries.items()
    }
    return _series(
        store, queries, parts, by, (), zone=zone, gaps=gaps, correction=correction, counting=how
    )


def with_and_without(
    store: Source,
    query: Node,
    names: tuple[str, str],
    by: Asked = "auto",
    *,
    zone: ZoneInfo,
    gaps: Sequence[Gap] = (),
    correction: bool = True,
    counting: Counting | None = None,
) -> Series:
    """Return two groups: all posts, and those without near-identical texts by many accounts."""
    how = counting or Counting()
    copies = _copies(store, query)
    sets: list[Collection[str]] = [set(), {name for one in copies for name in one.ids}]
    both = count_each(
        store.scan(query), "day" if by == "auto" else sums_by(by), zone=zone,
        reposts=how.reposts, without=sets, provisional=asks_for(query, "scored"),
    )  # fmt: skip
    people = [] if _selected(query, ()) else gold(store.labelled(query))
    parts = {}
    for name, counted, without in zip(names, both, sets, strict=True):
        own = counted_people(people, once=True, reposts=how.reposts, without=without)
        part = _part(counted, own, labelled_sums(own, by, (), zone), copies)
        parts[name] = _grouped(part, name)
    queries = dict.fromkeys(names, query)
    return _series(
        store, queries, parts, by, (), zone=zone, gaps=gaps, correction=correction, counting=how
    )


def _copies(store: Source, query: Node) -> list[Copies]:
    """Return the near-identical texts of a query.

    Its posts are read once more to be counted, rather than kept: a million take gigabytes.
    """
    return find_copies(hit.post for hit in store.scan(query) if hit.day)


def _part(
    counted: Counted, people: list[Gold], known: list[LabelledSum], copies: list[Copies]
) -> _Part:
    """Return what was read post by post, each of its texts once."""
    labels = Counter(one.language for one in known)
    return _Part(
        sums=counted.sums, people=people, known=known, labels=labels, entities=Counter(),
        repeats_once=True, left=counted.left, copies=copies,
    )  # fmt: skip


def _grouped(part: _Part, name: str) -> _Part:
    """Return what a query brings as one group of this name."""
    return msgspec.structs.replace(
        part,
        sums=[msgspec.structs.replace(one, group=name) for one in part.sums],
        known=[msgspec.structs.replace(one, group=name) for one in part.known],
    )


def _read(
    store: Source,
    query: Node,
    by: Asked,
    splits: tuple[SplitBy, ...],
    zone: ZoneInfo,
    wanted: Sequence[str],
    how: Counting,
) -> _Part:
    """Ask the store for one query: its sums, and what people labelled."""
    read = how.reads or len(splits) > 1 or any(one not in _STORED for one in splits)
    once = how.repeats == "once" or (
        how.repeats == "auto"
        and (read or store.count(All() if how.of_all else query)[0] <= READ_UNASKED)
    )
    length = "day" if by == "auto" else sums_by(by)
    left, copies = Left(), []
    without: Collection[str] = ()
    if once or read:
        provisional = asks_for(query, "scored")
        copies = _copies(store, query)
        without = set() if how.copies else {name for one in copies for name in one.ids}
        counted = count(
            store.scan(query), length, splits, zone=zone, once=once, reposts=how.reposts,
            without=without, provisional=provisional,
        )  # fmt: skip
        sums, left = counted.sums, counted.left
    else:
        sums = store.sums(query, length, _STORED[splits[0] if splits else ""])
    people = [] if _selected(query, splits) else gold(store.labelled(query))
    people = counted_people(people, once=once, reposts=how.reposts, without=without)
    known = labelled_sums(people, by, splits, zone)
    if wanted:
        sums = [one for one in sums if one.group in wanted]
        known = [one for one in known if one.group in wanted]
    towards = "entity" in splits
    once_each = labelled_sums(people, by, ("entity",) if towards else (), zone)
    if wanted and towards:
        once_each = [one for one in once_each if one.group in wanted]
    return _Part(
        sums=sums, people=people, known=known, repeats_once=once, left=left, copies=copies,
        labels=Counter(one.language for one in once_each),
        entities=Counter(one.group for one in once_each) if towards else Counter(),
    )  # fmt: skip


def _units(
    parts: Mapping[str, _Part], length: By, shown: Collection[str], splits: tuple[SplitBy, ...]
) -> list[Unit]:
    """Return what is corrected by itself: each query, or each entity that is shown."""
    units: list[Unit] = []
    for name, part in parts.items():
        own = [one for one in in_buckets(part.sums, length) if one.group in shown]
        known = [
            msgspec.structs.replace(one, bucket=bucket_of(one.bucket, length))
            for one in part.known
            if one.group in shown
        ]
        if "entity" in splits:
            units += by_entity(own, known, part.entities, splits)
        else:
            units.append(Unit(name, part.labels.total(), own, known))
    return units


def _all_posts(
    store: Source, length: By, zone: ZoneInfo, counting: Counting, *, once: bool
) -> Counter[str] | None:
    """Return how many posts the store has in each bucket, counted the same; if that is asked."""
    if not counting.of_all:
        return None
    same = msgspec.structs.replace(counting, repeats="once" if once else "all")
    whole = Counter[str]()
    for one in in_buckets(_read(store, final(All()), length, (), zone, (), same).sums, length):
        whole[one.bucket] += one.posts
    return whole


def _series(
    store: Source,
    queries: Mapping[str, Node],
    parts: Mapping[str, _Part],
    by: Asked,
    splits: tuple[SplitBy, ...],
    *,
    zone: ZoneInfo,
    gaps: Sequence[Gap],
    correction: bool,
    counting: Counting,
) -> Series:
    """Put the parts together: one estimate for each bucket and group."""
    sums = [one for part in parts.values() for one in part.sums]
    sums, hidden = _largest(sums, splits)
    length = choose_bucket(sums) if by == "auto" else by
    selected = next(filter(None, (_selected(one, splits) for one in queries.values())), "")
    languages = sum((part.labels for part in parts.values()), Counter[str]())
    units = _units(parts, length, {one.group for one in sums}, splits)
    found = None
    if correction and not selected:
        found = correct_each(units, fixed_mix=counting.fixed_mix)
    lacking = min(units, key=lambda one: one.labels, default=None) if found is None else None
    fixed: Mapping[Place, Estimate | None] | None = None
    if counting.fixed_mix:
        fixed = dict.fromkeys(found) if found else reweighted(in_buckets(sums, length))
    once = all(part.repeats_once for part in parts.values())
    (first, *others) = parts.values()
    # one query, of which the sums hold each post once
    entire = not (others or hidden or {"entity", "hashtag"} & set(splits))
    known = found is not None and entire
    unlike = skew_of(store, *queries.values()) if known else None
    return Series(
        rows=rows(
            sums,
            length,
            zone=zone,
            gaps=gaps,
            corrected=found or {},
            shares=not selected,
            fixed_mix=fixed,
            all_posts=_all_posts(store, length, zone, counting, once=once),
            since=min((limit(one, "since") for one in queries.values()), default=""),
            until=max((limit(one, "until") for one in queries.values()), default=""),
        ),
        by=length,
        chosen=by == "auto",
        correction=correction,
        corrected=found is not None,
        labels=lacking.labels if lacking else languages.total(),
        towards="entity" in splits,
        lacking=lacking.name if lacking and ("entity" in splits or len(units) > 1) else "",
        label_languages=dict(sorted(languages.items())),
        overall=overall(sums, first.people) if known and not unlike else {},
        skew=unlike,
        model_overall=model_means(sums) if entire and not selected else {},
        selected_by=selected,
        counting=counting,
        repeats_once=once,
        left=Left(
            repeats=max(part.left.repeats for part in parts.values()),
            reposts=max(part.left.reposts for part in parts.values()),
            copies=max(part.left.copies for part in parts.values()),
        ),
        copies=first.copies,
        hidden_groups=hidden,
    )


def _largest(sums: list[Sum], splits: tuple[SplitBy, ...]) -> tuple[list[Sum], int]:
    """Return the sums of the groups that are shown, and how many groups are not."""
    if len(splits) < 2 and all(one in _STORED for one in splits):
        return sums, 0
    names = groups(sums)
    kept = set(names[:MOST_GROUPS])
    return [one for one in sums if one.group in kept], len(names) - len(kept)


def _selected(query: Node, splits: tuple[SplitBy, ...]) -> str:
    return selected_by(query, "entity" if "entity" in splits else "")

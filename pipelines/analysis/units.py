"""What of a series is corrected by itself: a query, or an entity where it is split by entity.

Confusion and usual shares differ between entities (half of the posts on one are negative, few on
another), so that labels of one say little of another: corrected together on the sample archive,
entities without labels of their own came out worse than uncorrected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from pipelines.analysis.correction import FEWEST_LABELS, LabelledSum, correct
from pipelines.analysis.estimates import Estimate
from pipelines.analysis.mix import Place
from pipelines.analysis.scanned import BETWEEN, SplitBy
from pipelines.records import Sum
from pipelines.trends import FEWEST_POSTS


class Unit(msgspec.Struct, frozen=True):
    """Posts that are corrected with labels of their own."""

    name: str
    """The query of a comparison, or the entity; else empty."""
    labels: int
    """Labelled posts among them, each once."""
    sums: Sequence[Sum]
    known: Sequence[LabelledSum]


def by_entity(
    sums: Sequence[Sum],
    known: Sequence[LabelledSum],
    labels: Mapping[str, int],
    splits: Sequence[SplitBy],
) -> Iterator[Unit]:
    """Yield a unit for each entity that has shares to correct, that is posts enough in a bucket.

    ``sums`` are those of the buckets that are shown; ``labels`` are numbers by entity.
    """
    place = splits.index("entity")

    def entity(group: str) -> str:
        return group.split(BETWEEN)[place] if len(splits) > 1 else group

    posts: dict[tuple[str, str], int] = {}
    for one in sums:
        posts[one.bucket, one.group] = posts.get((one.bucket, one.group), 0) + one.posts
    shown = {entity(group) for (_, group), number in posts.items() if number >= FEWEST_POSTS}
    for name in sorted(shown or {entity(one.group) for one in sums}):
        yield Unit(
            name,
            labels.get(name, 0),
            [one for one in sums if entity(one.group) == name],
            [one for one in known if entity(one.group) == name],
        )


def correct_each(units: Iterable[Unit], *, fixed_mix: bool) -> dict[Place, Estimate] | None:
    """Return the estimates of all units; ``None`` where one has too few labels.

    Half of a comparison corrected would compare two ways of counting.
    """
    estimates: dict[Place, Estimate] = {}
    for unit in units:
        enough = unit.labels >= FEWEST_LABELS
        found = correct(unit.sums, unit.known, fixed_mix=fixed_mix) if enough else None
        if found is None:
            return None
        estimates |= found.estimates
    return estimates or None

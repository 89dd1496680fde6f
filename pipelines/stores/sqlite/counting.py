"""Counts over the posts of a mask: what :mod:`.facets` and :mod:`.read` ask SQLite for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from pipelines.records import Facets, Split
from pipelines.stores.sqlite.columns import Array, Columns
from pipelines.stores.sqlite.facets import Rows, facets_of
from pipelines.stores.sqlite.masks import Mask
from pipelines.stores.sqlite.names import Names

#: Up to so many different keys are counted in an array of all that could be.
_DENSE = 4_000_000
#: Stands for what is not asked for.
_NO: Array = np.zeros(1, np.uint8)


class Total(NamedTuple):
    """Posts and probabilities of one day (or hour), group, language and label, as numbers."""

    day: int
    hour: int
    group: int
    language: int
    label: int
    posts: int
    negative: int
    neutral: int
    positive: int


def facets(columns: Columns, mask: Mask, names: Names) -> Facets:
    """Return how many of the posts have each value."""
    posts = np.flatnonzero(mask)
    targets = columns.targets(posts)
    entity = columns.entity[targets].astype(np.int64)

    def counted(values: Array) -> dict[int, int]:
        return Rows(values[posts], None).tally()

    return facets_of(
        names,
        days=counted(columns.day),
        platforms=counted(columns.platform),
        languages=counted(columns.language),
        labels=counted(columns.label),
        entities=Rows(entity, None).tally(),
        targets=Rows((entity << 2) | columns.target_label[targets], None).tally(),
    )


def sums(columns: Columns, mask: Mask, by: Literal["day", "hour"], split: Split) -> Iterator[Total]:
    """Yield the totals of the posts that have a day and a label."""
    if split == "entity":
        rows = columns.targets(np.flatnonzero(mask & (columns.day > 0)))
        rows = rows[columns.target_label[rows] > 0]
        posts = columns.target_post[rows]
        label, chances = columns.target_label[rows], columns.target_chances
        group = columns.entity[rows]
    else:
        rows = posts = np.flatnonzero(mask & (columns.label > 0) & (columns.day > 0))
        label, chances = columns.label[rows], columns.chances
        group = (
            {"language": columns.language, "platform": columns.platform}[split][rows]
            if split
            else _NO
        )
    if not len(rows):
        return
    day: Array = columns.day[posts]
    first = int(day.min())
    parts: list[Array] = [
        (day - first).astype(np.int64),
        columns.hour[posts] if by == "hour" else _NO,
        group,
        columns.language[posts],
        label,
    ]
    sizes = [int(part.max()) + 1 for part in parts]
    key = parts[0]
    for part, size in zip(parts[1:], sizes[1:], strict=True):
        key = key * size + part
    keys, places = _distinct(key, int(np.prod(sizes, dtype=object)))
    counts = [np.bincount(places, minlength=len(keys))]
    # whole numbers below 2**53 add up exactly
    counts += [np.bincount(places, chance[rows], len(keys)) for chance in chances]
    columns_of_keys = []
    rest = keys
    for size in reversed(sizes[1:]):
        rest, part = np.divmod(rest, size)
        columns_of_keys.append(part)
    columns_of_keys.append(rest + first)
    made = [*columns_of_keys[::-1], *(one.astype(np.int64) for one in counts)]
    yield from map(Total._make, zip(*(one.tolist() for one in made), strict=True))


def _distinct(key: Array, most: int) -> tuple[Array, Array]:
    """Return the different keys in order, and the place of each key among them."""
    if most > _DENSE:
        return np.unique(key, return_inverse=True)
    there = np.zeros(most, np.bool_)
    there[key] = True
    keys = np.flatnonzero(there)
    place = np.zeros(most, np.int32)
    place[keys] = np.arange(len(keys), dtype=np.int32)
    return keys, place[key]

"""What there is to say about a series of sentiment: how its shares were made, what they hide.

What is said is decided here, once; the command line and the page put it into words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from pipelines.analysis.copies import Copies
from pipelines.analysis.estimates import Share
from pipelines.analysis.series import Series
from pipelines.trends import By, Row

#: A language whose share moves by more than this between two thirds of the time is told.
_MOVED = 0.15


class LongBuckets(msgspec.Struct, frozen=True):
    """Buckets are longer than days, which have too few posts for shares."""

    by: By


class NoShares(msgspec.Struct, frozen=True):
    """The query chooses posts by what the model says of them: shares would only repeat it."""

    selected_by: str


class Corrected(msgspec.Struct, frozen=True):
    """Shares are corrected for the model's errors."""

    labels: int
    languages: dict[str, int]
    """Labels of each language."""


class Uncorrected(msgspec.Struct, frozen=True):
    """Shares are not corrected, as there are too few labels for it."""

    labels: int
    towards: bool
    """Whether labels are of the attitude to an entity."""
    lacking: str
    """The entity, or the query of a comparison, that has fewest; empty for one query."""


class AsModelled(msgspec.Struct, frozen=True):
    """Shares are as the model gives them, as was asked for."""


class Overall(msgspec.Struct, frozen=True):
    """The share of negative posts among all of the query, and what the model alone says."""

    share: Share
    model: float


class NoSample(msgspec.Struct, frozen=True):
    """The labelled posts are no random sample of the query."""

    entity: str
    labelled: float
    """Part of the labelled posts that mention it."""
    all: float
    """Part of all posts of the query."""


class RepeatsOnce(msgspec.Struct, frozen=True):
    """Posts that repeat a text of their own account do not count."""

    posts: int


class RepeatsUnread(msgspec.Struct, frozen=True):
    """There are too many posts to look unasked for texts that one account repeats."""


class RepostsOut(msgspec.Struct, frozen=True):
    """Reposts do not count, as was asked for."""

    posts: int


class ManyCopies(msgspec.Struct, frozen=True):
    """Texts stand nearly alike in posts of many accounts, the largest first."""

    texts: Sequence[Copies]
    left_out: bool
    """Whether they do not count in one of the lines."""


class FixedMix(msgspec.Struct, frozen=True):
    """Languages weigh alike in all buckets, as was asked for."""


class HiddenGroups(msgspec.Struct, frozen=True):
    """Smaller groups are left out."""

    groups: int


class FewPosts(msgspec.Struct, frozen=True):
    """Rows have too few posts for shares."""

    rows: int
    by: By


class MixMoves(msgspec.Struct, frozen=True):
    """The mix of languages changes."""

    languages: Sequence[tuple[str, float, float]]
    """Each with its share at the begin and at the end."""


Remark = (
    LongBuckets | NoShares | Corrected | Uncorrected | AsModelled | Overall | NoSample
    | RepeatsOnce | RepeatsUnread
    | RepostsOut | ManyCopies | FixedMix | HiddenGroups | FewPosts | MixMoves
)  # fmt: skip


def remarks(series: Series) -> Iterator[Remark]:
    """Yield what there is to say about a series that has rows."""
    if series.chosen and series.by != "day":
        yield LongBuckets(series.by)
    if series.selected_by:
        yield NoShares(series.selected_by)
        return
    if series.corrected:
        yield Corrected(series.labels, series.label_languages)
    elif not series.correction:
        yield AsModelled()
    else:
        yield Uncorrected(series.labels, series.towards, series.lacking)
    if series.overall:
        yield Overall(series.overall["negative"], series.model_overall["negative"])
    if series.skew:
        yield NoSample(*series.skew)
    yield from _what_counts(series)
    if few := sum(row.state == "few" for row in series.rows):
        yield FewPosts(few, series.by)
    if not series.counting.fixed_mix and (languages := tuple(moved(series.rows))):
        yield MixMoves(languages)


def _what_counts(series: Series) -> Iterator[Remark]:
    """Yield what is to say of posts that do not count, and of how languages weigh."""
    left, how = series.left, series.counting
    if left.repeats:
        yield RepeatsOnce(left.repeats)
    if not series.repeats_once and how.repeats == "auto":
        yield RepeatsUnread()
    if not how.reposts:
        yield RepostsOut(left.reposts)
    if series.copies:
        yield ManyCopies(series.copies, left_out=left.copies > 0)
    if how.fixed_mix:
        yield FixedMix()
    if series.hidden_groups:
        yield HiddenGroups(series.hidden_groups)


def moved(rows: Sequence[Row]) -> Iterator[tuple[str, float, float]]:
    """Yield each language whose share differs much between begin and end, with both shares.

    Nothing where rows are split by language: their shares do not depend on the mix.
    """
    dated = [row for row in rows if row.mix and row.posts]
    if len(dated) < 6 or all(row.mix.keys() == {row.group} for row in dated):
        return
    third = len(dated) // 3
    begin, end = _mean_mix(dated[:third]), _mean_mix(dated[-third:])
    for language in sorted(begin.keys() | end.keys()):
        before, after = begin.get(language, 0.0), end.get(language, 0.0)
        if abs(after - before) > _MOVED:
            yield language, before, after


def _mean_mix(rows: Sequence[Row]) -> dict[str, float]:
    posts = sum(row.posts or 0 for row in rows) or 1
    mix: dict[str, float] = {}
    for row in rows:
        for language, part in row.mix.items():
            mix[language] = mix.get(language, 0.0) + part * (row.posts or 0) / posts
    return mix

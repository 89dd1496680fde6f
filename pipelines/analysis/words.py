"""What a series of sentiment says in words: how its shares were made, and what they hide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.analysis.correction import FEWEST_LABELS
from pipelines.analysis.series import Series
from pipelines.trends import FEWEST_POSTS, Row

#: A language whose share moves by more than this between two thirds of the time is told.
_MOVED = 0.15


def remarks(series: Series) -> Iterator[str]:
    """Yield sentences about a series that has rows."""
    if series.chosen and series.by != "day":
        yield f"Shown by {series.by}: days have too few posts for shares (--by day shows days)."
    if series.selected_by:
        yield (
            f"The query chooses posts by their predicted {series.selected_by}, so shares of labels "
            "would only repeat it: numbers of posts are shown, no shares."
        )
        return
    yield method(series)
    if series.overall:
        share = series.overall["negative"]
        model = series.model_overall["negative"]
        yield (
            f"All posts of the query: {share.value:.0%} negative (95 % interval {share.low:.0%} to "
            f"{share.high:.0%}, prediction-powered inference); the model alone says {model:.0%}."
        )
    few = sum(row.state == "few" for row in series.rows)
    if few:
        longer = {"hour": "day", "day": "week", "week": "month"}.get(series.by)
        more = f" Longer buckets (--by {longer}) have more." if longer else ""
        yield f"{few:,} of the rows have fewer than {FEWEST_POSTS} posts: too few for shares.{more}"
    yield from mix_moves(series.rows)


def method(series: Series) -> str:
    """Return how the shares were made, in one or two sentences."""
    if series.corrected:
        counts = ", ".join(f"{name} {count}" for name, count in series.label_languages.items())
        return (
            f"Shares are corrected for the model's errors with {series.labels:,} labels of this "
            f"study ({counts}); intervals hold sampling and model error."
        )
    labels = f"{series.labels:,} labels" if series.labels else "no labels"
    return (
        f"Shares are not corrected for the model's errors ({labels} of this study; "
        f"{FEWEST_LABELS} are needed: marsad label sample). Intervals hold sampling error alone."
    )


def mix_moves(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a sentence for each language whose share differs much between begin and end."""
    for language, before, after in moved(rows):
        yield (
            f"The mix of languages changes: {language} goes from {before:.0%} to {after:.0%} "
            "of the posts. What looks like a change of mood may be a change of who writes: "
            "see --split language."
        )


def moved(rows: Sequence[Row]) -> Iterator[tuple[str, float, float]]:
    """Yield each language whose share differs much between begin and end, with both shares."""
    dated = [row for row in rows if row.mix and row.posts]
    if len(dated) < 6:
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

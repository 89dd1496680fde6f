"""What a series of sentiment says in words: how its shares were made, and what they hide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.analysis.copies import FEWEST_ACCOUNTS
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
    yield from what_counts(series)
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
        have = "has" if few == 1 else "have"
        yield (
            f"{few:,} of the rows {have} fewer than {FEWEST_POSTS} posts: too few for shares.{more}"
        )
    if not series.counting.fixed_mix:
        yield from mix_moves(series.rows)


def what_counts(series: Series) -> Iterator[str]:
    """Yield sentences about posts that do not count, and about how languages weigh."""
    left, how = series.left, series.counting
    if left.repeats:
        yield (
            f"{left.repeats:,} posts repeat a text of their own account word for word; each such "
            "text counts once (--repeats all counts them all)."
        )
    if not series.repeats_once and how.repeats == "auto":
        yield (
            "Texts that one account repeats count each time, since so many posts are not read for "
            "it unasked (--repeats once)."
        )
    if not how.reposts:
        yield f"{left.reposts:,} reposts do not count."
    if series.copies:
        posts = sum(one.posts for one in series.copies)
        first = series.copies[0]
        hours = "" if first.half_within_hours is None else (
            f", half of them within {_hours(first.half_within_hours)}"
        )  # fmt: skip
        what = "" if left.copies == 0 else " They do not count in the line without them."
        yield (
            f"{posts:,} posts are {len(series.copies):,} near-identical texts by {FEWEST_ACCOUNTS} "
            f"accounts or more each: the largest by {first.authors:,} accounts{hours}. This may be "
            "coordination, a share button or a slogan: marsad top copies lists them, --copies both "
            f"shows the lines with and without them.{what}"
        )
    if how.fixed_mix:
        yield (
            "Languages weigh in every row as in all posts of its group (direct standardisation); "
            "rows that lack languages with more than a fifth of the posts have no shares."
        )
    if series.hidden_groups:
        yield f"{series.hidden_groups:,} smaller groups are left out."


def _hours(hours: float) -> str:
    if hours < 1:
        return f"{max(round(hours * 60), 1)} minutes"
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"


def method(series: Series) -> str:
    """Return how the shares were made, in one or two sentences."""
    if series.corrected:
        counts = ", ".join(f"{name} {count}" for name, count in series.label_languages.items())
        return (
            f"Shares are corrected for the model's errors with {series.labels:,} labels of this "
            f"study ({counts}); intervals hold sampling and model error."
        )
    labels = {0: "no labels", 1: "1 label"}.get(series.labels, f"{series.labels:,} labels")
    if series.towards:
        labels += f" of the attitude to {series.lacking}"
        needed = (
            f"{FEWEST_LABELS} of each entity are needed: marsad label sample --entity ID, or show "
            "one alone with --entity"
        )
    elif series.lacking:
        labels += f" of {series.lacking}"
        needed = f"{FEWEST_LABELS} of each query are needed: marsad label sample"
    else:
        labels += " of this study"
        needed = f"{FEWEST_LABELS} are needed: marsad label sample"
    return (
        f"Shares are not corrected for the model's errors ({labels}; {needed}). Intervals hold "
        "sampling error alone."
    )


def mix_moves(rows: Sequence[Row]) -> Iterator[str]:
    """Yield one sentence if the share of a language differs much between begin and end."""
    changes = ", ".join(
        f"{language} from {before:.0%} to {after:.0%}" for language, before, after in moved(rows)
    )
    if changes:
        yield (
            f"The mix of languages changes: {changes} of the posts. What looks like a change of "
            "mood may be a change of who writes: see --split language, or --mix fixed."
        )


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

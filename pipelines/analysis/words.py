"""The remarks on a series in words, for the command line (:mod:`pipelines.web.remarks`: a page)."""

from __future__ import annotations

from typing import assert_never

from pipelines.analysis import remarks as say
from pipelines.analysis.copies import FEWEST_ACCOUNTS
from pipelines.analysis.correction import FEWEST_LABELS
from pipelines.trends import FEWEST_POSTS


def in_words(remark: say.Remark) -> str:
    """Return a remark as a sentence or two, with the options that change what it tells."""
    match remark:
        case say.LongBuckets(by):
            return f"Shown by {by}: days have too few posts for shares (--by day shows days)."
        case say.NoShares(selected_by):
            return (
                f"The query chooses posts by their predicted {selected_by}, so shares of labels "
                "would only repeat it: numbers of posts are shown, no shares."
            )
        case (
            say.Corrected() | say.Uncorrected() | say.AsModelled() | say.Overall() | say.NoSample()
        ):
            return _shares(remark)
        case say.FewPosts(rows, by):
            longer = {"hour": "day", "day": "week", "week": "month"}.get(by)
            more = f" Longer buckets (--by {longer}) have more." if longer else ""
            have = "has" if rows == 1 else "have"
            return (
                f"{rows:,} of the rows {have} fewer than {FEWEST_POSTS} posts: too few for "
                f"shares.{more}"
            )
        case say.MixMoves(languages):
            changes = ", ".join(
                f"{language} from {before:.0%} to {after:.0%}"
                for language, before, after in languages
            )
            return (
                f"The mix of languages changes: {changes} of the posts. What looks like a change "
                "of mood may be a change of who writes: see --split language, or --mix fixed."
            )
        case _:
            return _what_counts(remark)


def _shares(
    remark: say.Corrected | say.Uncorrected | say.AsModelled | say.Overall | say.NoSample,
) -> str:
    """Say how the shares were made."""
    match remark:
        case say.Corrected(labels, languages):
            counts = ", ".join(f"{name} {count}" for name, count in languages.items())
            return (
                f"Shares are corrected for the model's errors with {labels:,} labels of this "
                f"study ({counts}); intervals hold sampling and model error."
            )
        case say.Uncorrected():
            return _uncorrected(remark)
        case say.AsModelled():
            return (
                "Shares are as the model gives them, as was asked for, not corrected for its "
                "errors. Intervals hold sampling error alone."
            )
        case say.Overall(share, model):
            return (
                f"All posts of the query: {share.value:.0%} negative (95 % interval "
                f"{share.low:.0%} to {share.high:.0%}, prediction-powered inference); the model "
                f"alone says {model:.0%}."
            )
        case say.NoSample(entity, labelled, whole):
            return (
                f"The labelled posts are no random sample of this query: {labelled:.0%} of them "
                f"mention {entity}, {whole:.0%} of all posts do. So there is no figure for all "
                "posts, and corrected shares may be off: label a sample of this query (marsad "
                "label sample QUERY)."
            )


def _uncorrected(remark: say.Uncorrected) -> str:
    labels = {0: "no labels", 1: "1 label"}.get(remark.labels, f"{remark.labels:,} labels")
    if remark.towards:
        labels += f" of the attitude to {remark.lacking}"
        needed = (
            f"{FEWEST_LABELS} of each entity are needed: marsad label sample --entity ID, or show "
            "one alone with --entity"
        )
    elif remark.lacking:
        labels += f" of {remark.lacking}"
        needed = f"{FEWEST_LABELS} of each query are needed: marsad label sample"
    else:
        labels += " of this study"
        needed = f"{FEWEST_LABELS} are needed: marsad label sample"
    return (
        f"Shares are not corrected for the model's errors ({labels}; {needed}). Intervals hold "
        "sampling error alone."
    )


def _what_counts(
    remark: say.RepeatsOnce | say.RepeatsUnread | say.RepostsOut | say.ManyCopies
    | say.FixedMix | say.HiddenGroups,
) -> str:  # fmt: skip
    match remark:
        case say.RepeatsOnce(posts):
            return (
                f"{posts:,} posts repeat a text of their own account word for word; each such "
                "text counts once (--repeats all counts them all)."
            )
        case say.RepeatsUnread():
            return (
                "Texts that one account repeats count each time, since so many posts are not read "
                "for it unasked (--repeats once)."
            )
        case say.RepostsOut(posts):
            return f"{posts:,} reposts do not count."
        case say.ManyCopies():
            return _copies(remark)
        case say.FixedMix():
            return (
                "Languages weigh in every row as in all posts of its group (direct "
                "standardisation); rows that lack languages with more than a fifth of the posts "
                "have no shares."
            )
        case say.HiddenGroups(groups):
            return f"{groups:,} smaller groups are left out."
        case _:
            assert_never(remark)


def _copies(remark: say.ManyCopies) -> str:
    first = remark.texts[0]
    posts = sum(one.posts for one in remark.texts)
    hours = first.half_within_hours
    within = "" if hours is None else f", half of them within {_hours(hours)}"
    out = " They do not count in the line without them." if remark.left_out else ""
    return (
        f"{posts:,} posts are {len(remark.texts):,} near-identical texts by {FEWEST_ACCOUNTS} "
        f"accounts or more each: the largest by {first.authors:,} accounts{within}. This may be "
        "coordination, a share button or a slogan: marsad top copies lists them, --copies both "
        f"shows the lines with and without them.{out}"
    )


def _hours(hours: float) -> str:
    if hours < 1:
        return f"{max(round(hours * 60), 1)} minutes"
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"

"""The remarks on a series in the language of the reader (:mod:`pipelines.analysis.remarks`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from pipelines.analysis import remarks as say
from pipelines.analysis.copies import FEWEST_ACCOUNTS
from pipelines.analysis.correction import FEWEST_LABELS
from pipelines.trends import FEWEST_POSTS
from pipelines.web.locales import Words
from pipelines.web.wording import Names


def in_words(remark: say.Remark, words: Words, called: Mapping[str, str]) -> str:
    """Return a remark as a sentence or two; empty for what a page can't be asked for.

    ``called`` are the names for people of entities and groups.
    """
    _, of, names = words.gettext, words.ngettext, Names(words)
    match remark:
        case say.LongBuckets("week"):
            return _("Each point is a week, since days have too few posts for shares.")
        case say.LongBuckets():
            return _("Each point is a month, since days and weeks have too few posts for shares.")
        case say.NoShares():
            return _(
                "The search chooses posts by what the model says of them, so shares would only "
                "repeat it: numbers of posts are shown, no shares."
            )
        case say.Uncorrected():
            return _uncorrected(remark, words, called)
        case say.Corrected() | say.AsModelled() | say.Overall() | say.NoSample():
            return _shares(remark, words, called)
        case say.FewPosts(rows):
            return of(
                "%(num)s row has fewer than %(fewest)s posts: too few for shares. Longer stretches "
                "of time have more.",
                "%(num)s rows have fewer than %(fewest)s posts: too few for shares. Longer "
                "stretches of time have more.",
                rows,
                fewest=words.number(FEWEST_POSTS),
            )
        case say.MixMoves(languages):
            changes = [
                _(
                    "%(language)s from %(before)s to %(after)s",
                    language=names.language(language),
                    before=words.percent(before),
                    after=words.percent(after),
                )
                for language, before, after in languages
            ]
            return _(
                "The mix of languages changes (shares of the posts): %(changes)s. What looks like "
                "a change of mood may be a change of who writes: look at the languages side by "
                "side.",
                changes=" · ".join(changes),
            )
        case _:
            return _what_counts(remark, words)


def _shares(
    remark: say.Corrected | say.AsModelled | say.Overall | say.NoSample,
    words: Words,
    called: Mapping[str, str],
) -> str:
    """Say how the shares were made."""
    _, of, names = words.gettext, words.ngettext, Names(words)
    match remark:
        case say.Corrected(labels, languages):
            counts = [
                f"{names.language(language)} {words.number(number)}"
                for language, number in languages.items()
            ]
            return of(
                "Shares are corrected for the model's errors with %(num)s label of this study "
                "(%(counts)s); intervals hold the errors of sampling and of the model.",
                "Shares are corrected for the model's errors with %(num)s labels of this study "
                "(%(counts)s); intervals hold the errors of sampling and of the model.",
                labels,
                counts=words.listed(counts),
            )
        case say.AsModelled():
            return _(
                "Shares are as the model gives them, as asked for: they are not corrected for its "
                "errors. Intervals hold the error of sampling alone."
            )
        case say.Overall(share, model):
            return _(
                "All posts of the search: %(share)s negative (95%% interval %(low)s to %(high)s, "
                "prediction-powered inference); the model alone says %(model)s.",
                share=words.percent(share.value),
                low=words.percent(share.low),
                high=words.percent(share.high),
                model=words.percent(model),
            )
        case say.NoSample(entity, labelled, whole):
            return _(
                "The labelled posts are no random sample of this search: %(labelled)s of them "
                "mention %(entity)s, %(whole)s of all posts do. So there is no figure for all "
                "posts, and corrected shares may be off: label posts of this search.",
                entity=called.get(entity, entity),
                labelled=words.percent(labelled),
                whole=words.percent(whole),
            )


def _uncorrected(remark: say.Uncorrected, words: Words, called: Mapping[str, str]) -> str:
    """Say what has too few labels: the study, an entity, or one of two searches."""
    of, needed = words.ngettext, words.number(FEWEST_LABELS)
    name = called.get(remark.lacking, remark.lacking)
    if remark.towards:
        return of(
            "Shares are not corrected for the model's errors: the attitude to %(name)s has %(num)s "
            "label of the %(needed)s that are needed. Intervals hold the error of sampling alone.",
            "Shares are not corrected for the model's errors: the attitude to %(name)s has %(num)s "
            "labels of the %(needed)s that are needed. Intervals hold the error of sampling alone.",
            remark.labels,
            name=name,
            needed=needed,
        )
    if name:
        return of(
            "Shares are not corrected for the model's errors: “%(name)s” has %(num)s label of the "
            "%(needed)s that are needed. Intervals hold the error of sampling alone.",
            "Shares are not corrected for the model's errors: “%(name)s” has %(num)s labels of the "
            "%(needed)s that are needed. Intervals hold the error of sampling alone.",
            remark.labels,
            name=name,
            needed=needed,
        )
    return of(
        "Shares are not corrected for the model's errors: this study has %(num)s label of the "
        "%(needed)s that are needed. Intervals hold the error of sampling alone.",
        "Shares are not corrected for the model's errors: this study has %(num)s labels of the "
        "%(needed)s that are needed. Intervals hold the error of sampling alone.",
        remark.labels,
        needed=needed,
    )


def _what_counts(
    remark: say.RepeatsOnce | say.RepeatsUnread | say.RepostsOut | say.ManyCopies
    | say.FixedMix | say.HiddenGroups,
    words: Words,
) -> str:  # fmt: skip
    _, of = words.gettext, words.ngettext
    match remark:
        case say.RepeatsOnce(posts):
            return of(
                "%(num)s post repeats a text of its own account word for word and is not counted "
                "again.",
                "%(num)s posts repeat a text of their own account word for word and are not "
                "counted again.",
                posts,
            )
        case say.RepeatsUnread():
            return _(
                "Texts that one account repeats count each time, since there are too many posts "
                "to read them all for it."
            )
        case say.ManyCopies(texts):
            return of(
                "%(num)s text stands nearly alike in posts of at least %(accounts)s accounts, the "
                "largest in %(most)s. This may be coordination, a share button or a slogan; in a "
                "terminal marsad top copies lists them.",
                "%(num)s texts stand nearly alike in posts of at least %(accounts)s accounts each, "
                "the largest in %(most)s. This may be coordination, a share button or a slogan; in "
                "a terminal marsad top copies lists them.",
                len(texts),
                accounts=words.number(FEWEST_ACCOUNTS),
                most=words.number(texts[0].authors),
            )
        case say.HiddenGroups(groups):
            return of(
                "%(num)s smaller group is left out.",
                "%(num)s smaller groups are left out.",
                groups,
            )
        case say.RepostsOut() | say.FixedMix():
            return ""
        case _:
            assert_never(remark)

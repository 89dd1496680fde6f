"""How the shares of a series were made and what they hide, in the language of the reader.

The same as :mod:`pipelines.analysis.words` tells on the command line, about the same fields.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.analysis.copies import FEWEST_ACCOUNTS
from pipelines.analysis.correction import FEWEST_LABELS
from pipelines.analysis.series import Series
from pipelines.analysis.words import moved
from pipelines.trends import FEWEST_POSTS
from pipelines.web.locales import Words
from pipelines.web.wording import Names


def remarks(series: Series, words: Words) -> Iterator[str]:
    """Yield sentences about a series that has rows."""
    _, of, names = words.gettext, words.ngettext, Names(words)
    if series.chosen and series.by == "week":
        yield _("Each point is a week, since days have too few posts for shares.")
    elif series.chosen and series.by == "month":
        yield _("Each point is a month, since days and weeks have too few posts for shares.")
    if series.selected_by:
        yield _(
            "The search chooses posts by what the model says of them, so shares would only repeat "
            "it: numbers of posts are shown, no shares."
        )
        return
    if series.corrected:
        counts = [
            f"{names.language(language)} {words.number(number)}"
            for language, number in series.label_languages.items()
        ]
        yield of(
            "Shares are corrected for the model's errors with %(num)s label of this study "
            "(%(counts)s); intervals hold the errors of sampling and of the model.",
            "Shares are corrected for the model's errors with %(num)s labels of this study "
            "(%(counts)s); intervals hold the errors of sampling and of the model.",
            series.labels,
            counts=words.listed(counts),
        )
    else:
        yield of(
            "Shares are not corrected for the model's errors: this study has %(num)s label of the "
            "%(needed)s that are needed. Intervals hold the error of sampling alone.",
            "Shares are not corrected for the model's errors: this study has %(num)s labels of "
            "the %(needed)s that are needed. Intervals hold the error of sampling alone.",
            series.labels,
            needed=words.number(FEWEST_LABELS),
        )
    if series.overall:
        share = series.overall["negative"]
        yield _(
            "All posts of the search: %(share)s negative (95%% interval %(low)s to %(high)s, "
            "prediction-powered inference); the model alone says %(model)s.",
            share=words.percent(share.value),
            low=words.percent(share.low),
            high=words.percent(share.high),
            model=words.percent(series.model_overall["negative"]),
        )
    yield from _what_counts(series, words)
    if few := sum(row.state == "few" for row in series.rows):
        yield of(
            "%(num)s row has fewer than %(fewest)s posts: too few for shares. Longer stretches "
            "of time have more.",
            "%(num)s rows have fewer than %(fewest)s posts: too few for shares. Longer "
            "stretches of time have more.",
            few,
            fewest=words.number(FEWEST_POSTS),
        )
    changes = [
        _(
            "%(language)s from %(before)s to %(after)s",
            language=names.language(language),
            before=words.percent(before),
            after=words.percent(after),
        )
        for language, before, after in moved(series.rows)
    ]
    if changes:
        yield _(
            "The mix of languages changes (shares of the posts): %(changes)s. What looks like a "
            "change of mood may be a change of who writes: look at the languages side by side.",
            changes=" · ".join(changes),
        )


def _what_counts(series: Series, words: Words) -> Iterator[str]:
    _, of = words.gettext, words.ngettext
    if series.left.repeats:
        yield of(
            "%(num)s post repeats a text of its own account word for word and is not counted "
            "again.",
            "%(num)s posts repeat a text of their own account word for word and are not counted "
            "again.",
            series.left.repeats,
        )
    if not series.repeats_once:
        yield _(
            "Texts that one account repeats count each time, since there are too many posts to "
            "read them all for it."
        )
    if series.copies:
        yield of(
            "%(num)s text stands nearly alike in posts of at least %(accounts)s accounts, the "
            "largest in %(most)s. This may be coordination, a share button or a slogan; in a "
            "terminal marsad top copies lists them.",
            "%(num)s texts stand nearly alike in posts of at least %(accounts)s accounts each, the "
            "largest in %(most)s. This may be coordination, a share button or a slogan; in a "
            "terminal marsad top copies lists them.",
            len(series.copies),
            accounts=words.number(FEWEST_ACCOUNTS),
            most=words.number(max(one.authors for one in series.copies)),
        )
    if series.hidden_groups:
        yield of(
            "%(num)s smaller group is left out.",
            "%(num)s smaller groups are left out.",
            series.hidden_groups,
        )

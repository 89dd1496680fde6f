"""How the shares of a series were made and what they hide, in the language of the reader.

The same as :mod:`pipelines.analysis.words` tells on the command line, about the same fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.analysis.correction import FEWEST_LABELS
from pipelines.analysis.series import Series
from pipelines.analysis.words import moved
from pipelines.trends import FEWEST_POSTS
from pipelines.web.locales import Words
from pipelines.web.wording import Names


def remarks(found: Sequence[Series], words: Words) -> list[str]:
    """Return sentences about the series of a page, which have rows; none of them twice."""
    of = words.ngettext
    sentences = [one for series in found for one in _method(series, words)]
    if few := sum(row.state == "few" for series in found for row in series.rows):
        sentences.append(
            of(
                "%(num)s row has fewer than %(fewest)s posts: too few for shares. Longer stretches "
                "of time have more.",
                "%(num)s rows have fewer than %(fewest)s posts: too few for shares. Longer "
                "stretches of time have more.",
                few,
                fewest=words.number(FEWEST_POSTS),
            )
        )
    sentences += [one for series in found for one in _mix(series, words)]
    return list(dict.fromkeys(sentences))


def _method(series: Series, words: Words) -> Iterator[str]:
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
            "All posts of the search: %(share)s negative (95 %% interval %(low)s to %(high)s, "
            "prediction-powered inference); the model alone says %(model)s.",
            share=words.percent(share.value),
            low=words.percent(share.low),
            high=words.percent(share.high),
            model=words.percent(series.model_overall["negative"]),
        )


def _mix(series: Series, words: Words) -> Iterator[str]:
    _, names = words.gettext, Names(words)
    for language, before, after in moved(series.rows):
        yield _(
            "The mix of languages changes: %(language)s goes from %(before)s to %(after)s of the "
            "posts. What looks like a change of mood may be a change of who writes: look at the "
            "languages side by side.",
            language=names.language(language),
            before=words.percent(before),
            after=words.percent(after),
        )

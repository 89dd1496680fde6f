"""What a chart says in words: its title, and the small print below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from pipelines.analysis.break_words import CHANCE
from pipelines.analysis.breaks import Break, Breaks
from pipelines.analysis.correction import FEWEST_LABELS
from pipelines.analysis.series import Series
from pipelines.charts.words import ENGLISH, Language
from pipelines.trends import By, Row

#: Options whose values are told in a title. Dates stand below it anyway.
_OPTIONS = ("entity", "lang", "platform", "sentiment")


class Caption(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader must know about a chart, written above and below it."""

    query: str = ""
    """What was asked, in words for people (:func:`asked`); empty for all posts."""
    exact: str = ""
    """The same as a query that can be typed, with its dates."""
    split: str = ""
    """What groups are, in words (``language and platform``). With ``entity`` in it what is drawn
    are attitudes towards entities, not the mood of posts."""
    towards: Sequence[str] = ()
    """Names of the entities that were asked for; empty for all of them."""
    timezone: str
    posts: int
    """Posts that match, those without a date included."""
    fictional: int = 0
    """Those of them that are invented, as their archive says."""
    without_date: int = 0
    pending: int = 0
    of_all: bool = False
    """Whether a line shows which part of all posts each bucket is."""
    title: str = ""
    """A title of the reader's own, in place of the one made from the query."""
    method: str = ""
    """How the shares were made (:func:`method`)."""
    changes: Sequence[str] = ()
    """Sentences about the changes of the shares (:mod:`pipelines.analysis.break_words`)."""
    models: Sequence[str] = ()
    language: Language = ENGLISH


def asked(
    query: str,
    options: Mapping[str, Sequence[str]],
    names: Mapping[str, str],
    language: Language = ENGLISH,
) -> str:
    """Return query and options as people say them; ``names`` are the entities' by their ids."""
    told = (
        f"{language.text(f'option {name}')} "
        f"{language.listed([names.get(value, value) for value in options[name]])}"
        for name in _OPTIONS
        if name in options
    )
    return language.listed([part for part in (query, *told) if part])


def headline(caption: Caption) -> str:
    """Return the title of a chart."""
    if caption.title:
        return caption.title
    language = caption.language
    splits = [part for part in caption.split.split(" and ") if part]
    others = [language.text(f"split {part}") for part in splits if part != "entity"]
    by = language.text("by split", split=language.text("and").join(others)) if others else ""
    if "entity" in splits:
        names = language.listed(list(caption.towards)) or language.text("each entity")
        title = language.text("towards", names=names) + by
        return (
            language.text("in posts", title=title, query=caption.query) if caption.query else title
        )
    what = language.text("all posts")
    if caption.query:
        what = language.text("posts of", query=caption.query)
    return language.text("sentiment", what=what, by=by)


def posts_in(language: Language, posts: int) -> str:
    """Return so many posts in words."""
    return language.text("one post" if posts == 1 else "posts", posts=language.number(posts))


def count(caption: Caption) -> str:
    """Return how many posts there are, and that they are invented where they are."""
    language = caption.language
    many = posts_in(language, caption.posts)
    if not caption.fictional:
        return many
    if caption.fictional < caption.posts:
        return language.text("some fictional", posts=many, some=language.number(caption.fictional))
    return language.text("all fictional", posts=many)


def warning(caption: Caption) -> str:
    """Return what must not be overlooked; empty where there is nothing."""
    if not caption.fictional:
        return ""
    if caption.fictional == caption.posts:
        return caption.language.text("warning all")
    return caption.language.text("warning some", posts=caption.language.number(caption.fictional))


def method(language: Language, series: Series, names: Mapping[str, str]) -> str:
    """Return how the shares were made; ``names`` are those of groups and entities by their ids."""
    if series.corrected:
        key = "corrected"
    elif not series.correction:
        key = "as modelled"
    elif series.towards:
        key = "uncorrected attitude"
    elif series.lacking:
        key = "uncorrected query"
    else:
        key = "uncorrected" if series.labels else "uncorrected none"
    return language.text(
        key,
        labels=language.number(series.labels),
        needed=FEWEST_LABELS,
        name=names.get(series.lacking, series.lacking),
    )


def changes(
    language: Language, found: Sequence[Breaks], by: By, names: Mapping[str, str]
) -> list[str]:
    """Return sentences about the changes of the shares; none where there are none."""
    lines = []
    for group in found:
        name = names.get(group.group, group.group)
        lines += [_change(language, one, by, name) for one in group.found]
    return lines


def _change(language: Language, one: Break, by: By, name: str) -> str:
    likely = ""
    if one.low != one.high:
        likely = language.text("likely", low=language.day(one.low), high=language.day(one.high))
    near = ""
    if one.distance is not None and one.placebo is not None:
        side = "within" if not one.distance else "before" if one.day < one.start else "after"
        near = language.text(
            side,
            event=one.event,
            day=language.day(one.day),
            many=language.buckets(one.distance, by),
        )
        near += language.text(
            "placebo",
            part=language.percent(one.placebo),
            verdict=language.text("hardly chance" if one.placebo <= CHANCE else "may be chance"),
        )
    words = language.text(
        "change",
        name=f"{name}: " if name else "",
        moved=language.text("rose" if one.after > one.before else "fell"),
        before=language.percent(one.before),
        after=language.percent(one.after),
        day=language.day(one.start),
        likely=likely,
        near=near,
    )
    return words if name else words[0].upper() + words[1:]


def foot(caption: Caption, hidden: Sequence[str]) -> list[str]:
    """Return the small print; ``hidden`` are the names of groups without room."""
    language = caption.language
    lines = list(caption.changes)
    if hidden:
        lines.append(language.text("hidden", names=language.listed(list(hidden))))
    if caption.without_date:
        lines.append(language.text("undated", posts=language.number(caption.without_date)))
    if caption.pending:
        lines.append(language.text("pending", posts=language.number(caption.pending)))
    if "entity" in caption.split:
        lines.append(language.text("attitude"))
    if caption.of_all:
        lines.append(language.text("of all"))
    lines.append(language.text("one estimate"))
    if caption.method:
        lines.append(caption.method)
    models = ", ".join(caption.models) or language.text("unknown")
    query = f" {language.text('query', query=caption.exact)}" if caption.exact else ""
    lines.append(f"{language.text('made with', models=models)}{query}")
    return lines


def description(caption: Caption, rows: Sequence[Row], names: Mapping[str, str]) -> str:
    """Return what a chart shows, in words for those who do not see it."""
    language = caption.language
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.negative is not None:
            groups.setdefault(row.group, []).append(row)
    shares = []
    for group, own in groups.items():
        values = [row.negative or 0.0 for row in own]
        name = names.get(group, group)
        shares.append(
            language.text(
                "described share",
                name=f" ({name})" if name else "",
                first=language.percent(values[0]),
                when=language.day(own[0].start),
                last=language.percent(values[-1]),
                until=language.day(own[-1].start),
                low=language.percent(min(values)),
                high=language.percent(max(values)),
            )
        )
    return language.text(
        "described",
        title=headline(caption),
        count=count(caption),
        shares=" ".join([*shares, *caption.changes]),
    )

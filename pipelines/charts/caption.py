"""What a chart says in words: its title, and the small print below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

#: How the values of an option are told in a title. Dates stand below it anyway.
_OPTIONS = {"entity": "about", "lang": "in", "platform": "on", "sentiment": "labelled"}


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
    title: str = ""
    """A title of the reader's own, in place of the one made from the query."""
    method: str = ""
    """How the shares were made (:func:`pipelines.analysis.words.method`)."""
    changes: Sequence[str] = ()
    """Sentences about the changes of the shares (:mod:`pipelines.analysis.break_words`)."""
    models: Sequence[str] = ()


def asked(query: str, options: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> str:
    """Return query and options as people say them; ``names`` are the entities' by their ids."""
    told = (
        f"{word} {', '.join(names.get(value, value) for value in options[name])}"
        for name, word in _OPTIONS.items()
        if name in options
    )
    return ", ".join(part for part in (query, *told) if part)


def headline(caption: Caption) -> str:
    """Return the title of a chart."""
    if caption.title:
        return caption.title
    if "entity" in caption.split:
        title = f"Attitude towards {', '.join(caption.towards) or 'each entity'}"
        title += caption.split.replace("entity", "").replace(" and ", ", by ", 1)
        return f"{title}, in posts: {caption.query}" if caption.query else title
    by = f", by {caption.split}" if caption.split else ""
    what = f"posts: {caption.query}" if caption.query else "all posts"
    return f"Sentiment of {what}{by}"


def count(caption: Caption) -> str:
    """Return how many posts there are, and that they are invented where they are."""
    many = "1 post" if caption.posts == 1 else f"{caption.posts:,} posts"
    if not caption.fictional:
        return many
    some = f"{caption.fictional:,} of them" if caption.fictional < caption.posts else "all"
    return f"{many}, {some} FICTIONAL"


def warning(caption: Caption) -> str:
    """Return what must not be overlooked; empty where there is nothing."""
    if not caption.fictional:
        return ""
    which = "Posts" if caption.fictional == caption.posts else f"{caption.fictional:,} posts"
    return (
        f"{which} drawn here are invented, as their archive says: nothing about the people and "
        "companies named can be read from this chart."
    )


def foot(caption: Caption, hidden: Sequence[str]) -> list[str]:
    """Return the small print; ``hidden`` are the names of groups without room."""
    lines = list(caption.changes)
    if hidden:
        lines.append(f"Not shown: {', '.join(hidden)}.")
    missing = []
    if caption.without_date:
        missing.append(f"{caption.without_date:,} of the posts have no usable date")
    if caption.pending:
        missing.append(f"{caption.pending:,} more posts in the store wait to be scored")
    if missing:
        lines.append(f"Not drawn: {'; '.join(missing)}.")
    if "entity" in caption.split:
        lines.append(
            "Negative, neutral, positive: a post's attitude towards that entity, not its overall "
            "mood. A post counts for every entity it mentions."
        )
    lines.append("Bars, curves and table are one estimate.")
    if caption.method:  # a sentence a line: both do not fit
        first, _, second = caption.method.partition("; intervals ")
        lines += [f"{first}."] if second else caption.method.split(" Intervals ")[:1]
        lines += [f"Intervals {second or caption.method.partition(' Intervals ')[2]}"]
    models = ", ".join(caption.models) or "unknown"
    query = f" Query: {caption.exact}" if caption.exact else ""
    lines.append(f"Model: {models}. Made with Marsad.{query}")
    return lines

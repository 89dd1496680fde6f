"""Mood and attitudes over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, get_args
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Gap, unfilled
from pipelines.analysis.break_words import breaks_of
from pipelines.analysis.breaks import Breaks
from pipelines.analysis.series import (
    Counting,
    Series,
    compare,
    trend_series,
    with_and_without,
)
from pipelines.annotations import Event
from pipelines.charts.words import Code
from pipelines.commands._shared.authors import told
from pipelines.commands._shared.no_match import NoMatch, no_match
from pipelines.commands._shared.options import values_of
from pipelines.query import all_of, only
from pipelines.query.fields import LANGUAGE_WORDS
from pipelines.records import Status
from pipelines.settings import zone
from pipelines.stages import utc_now
from pipelines.stores.protocols import Store
from pipelines.trends import By as Length
from pipelines.trends import Row, deaf_times
from pipelines.web.asked import Asked, Split
from pipelines.web.queries.posts import Study, node_of, study

#: Buckets that a page shows; more are a file to download.
MOST_BUCKETS = 1_500
#: Posts whose texts are compared at most while somebody waits.
MOST_READ = 50_000
#: The groups of all posts, and of those without copied texts.
BOTH = ("all", "without")
#: Groups that a chart shows side by side.
MOST_GROUPS = 8


#: … as the chart of a file names them.
_BOTH_NAMES: dict[str, tuple[str, str]] = {
    "en": ("all posts", "without copies"),
    "fr": ("tous les messages", "sans les copies"),
    "ar": ("كل المنشورات", "دون النصوص المنسوخة"),
}


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """What a store says to a query over time."""

    rows: list[Row]
    by: Length
    """Length of the buckets, as asked for or as the posts are many enough for."""
    series: Series
    """Where the rows come from."""
    corrected: bool
    """Whether shares are corrected for the model's errors, with the labels of this study."""
    groups: list[str]
    """The groups in the order of their posts; one empty name without a split."""
    compared: bool
    """Whether the groups are two queries."""
    both: bool
    """Whether the groups are all posts, and those without copied texts (:data:`BOTH`)."""
    uncompared: bool
    """Whether texts were not compared, as asked for, since there are too many posts."""
    breaks: list[Breaks]
    """Changes of the shares, where they were asked for."""
    posts: int
    without_day: int
    fictional: int
    pending: int
    provisional: int
    """Posts of the store that only the faster model has scored so far; they are left out."""
    events: list[Event]
    """Events of the case within the time that is shown."""
    gaps: list[Gap]
    models: list[str]
    reason: NoMatch | None
    """Why nothing was found; ``None`` where something was, if only without a usable date."""
    empty: bool
    """Whether there is no post in the store at all."""
    study: Study

    def group(self, name: str) -> list[Row]:
        """Return the rows of one group."""
        return [row for row in self.rows if row.group == name]


class _Options(TypedDict):
    zone: ZoneInfo
    gaps: Sequence[Gap]
    correction: bool
    counting: Counting


def trend(store: Store, asked: Asked) -> Trend:
    """Return shares by bucket. Raises :class:`~pipelines.errors.MarsadError`.

    With two queries each is a group of its own, named as it was written.
    """
    node = node_of(asked, store)
    status: Status = store.status()
    about = study(store)
    compared = bool(asked.vs) and asked.vs != asked.q
    uncompared = bool(asked.copies) and store.count(node)[0] > MOST_READ
    both = asked.copies == "both" and not (compared or uncompared)
    options = _Options(
        zone=zone(about.timezone),
        gaps=status.gaps,
        correction=not asked.raw,
        counting=Counting(copies=uncompared or asked.copies != "out"),
    )
    nodes = [node]
    if compared:
        nodes.append(node_of(asked.changed(q=asked.vs), store))
        queries = dict(zip((asked.q, asked.vs), nodes, strict=True))
        series = compare(store, queries, asked.by, **options)
    elif both:
        series = with_and_without(store, node, BOTH, asked.by, **options)
    else:
        wanted = asked.entity if asked.split == "entity" else ()
        series = trend_series(store, node, asked.by, asked.split, groups=wanted, **options)
    made = series.rows
    posts = without_day = fictional = 0
    for one in nodes:
        number, undated = store.count(one)
        posts, without_day = posts + number, without_day + undated
        fictional += store.count(all_of(one, only("flag", "fictional")))[0]
    starts = [row.start[:10] for row in made]
    first, last = (min(starts), max(starts)) if made else ("", "")
    events = [one for one in about.case.events() if first <= one.day.isoformat() <= last]
    return Trend(
        rows=made,
        by=series.by,
        series=series,
        corrected=series.corrected,
        groups=list(dict.fromkeys(row.group for row in made)),
        compared=compared,
        posts=posts,
        without_day=without_day,
        fictional=fictional,
        pending=status.ledger.pending,
        provisional=status.provisional,
        both=both,
        uncompared=uncompared,
        breaks=breaks_of(made, events) if asked.breaks else [],
        events=events,
        gaps=unfilled(status.gaps),
        models=sorted(name for name in status.models if name),
        reason=None if posts else no_match(node, store),
        empty=not posts and not status.posts,
        study=about,
    )


def trend_chart(store: Store, asked: Asked, form: str, code: Code = "en") -> bytes:
    """Return the chart that ``marsad trends --chart`` draws, as SVG or PNG; empty without posts.

    ``code`` is the language of its words.
    """
    from pipelines.charts import Caption, Format, Language, method, render
    from pipelines.charts import asked as in_words

    assert form in get_args(Format)
    found = trend(store, asked)
    if not found.rows:
        return b""
    split: Split = "" if found.compared else asked.split
    language = Language(code, found.study.country)
    both = dict(zip(BOTH, _BOTH_NAMES[code], strict=True))
    names = {**found.study.told_in(code).entities, **LANGUAGE_WORDS[code], **both}
    how = method(language, found.series, names)
    options = {name: values_of(value) for name, value in asked.filters().items()}
    wanted = options.pop("entity", []) if split == "entity" else []
    query = told([asked.q], store) if asked.q else ""
    if found.compared:
        query = f"{query} / {told([asked.vs], store)}"
    exact = " ".join(
        [*([query] if query else []), *(f"{k}:{','.join(v)}" for k, v in options.items())]
    )
    caption = Caption(
        query=in_words(query, options, names, language),
        exact=exact,
        split=split,
        towards=[names.get(entity, entity) for entity in wanted],
        method="" if found.series.selected_by else how,
        timezone=found.study.timezone,
        posts=found.posts,
        fictional=found.fictional,
        without_date=found.without_day,
        pending=found.pending,
        models=found.models,
        language=language,
    )
    return render(
        found.rows,
        found.by,
        caption,
        form,  # type: ignore[arg-type]
        events=[one.told_in(code) for one in found.events],
        names=names,
        deaf=deaf_times(found.gaps, zone(found.study.timezone), utc_now()),
    )

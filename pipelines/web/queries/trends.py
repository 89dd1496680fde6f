"""Mood and attitudes over time."""

from __future__ import annotations

from typing import get_args

import msgspec

from ingest.records import Gap, unfilled
from pipelines.analysis.series import trend_series
from pipelines.analysis.words import remarks
from pipelines.annotations import Event
from pipelines.commands._shared.authors import told
from pipelines.commands._shared.no_match import why_nothing
from pipelines.commands._shared.options import values_of
from pipelines.query import all_of, only
from pipelines.records import Status
from pipelines.settings import zone
from pipelines.stages import utc_now
from pipelines.stores.protocols import Store
from pipelines.trends import Row, deaf_times
from pipelines.web.asked import Asked, Split
from pipelines.web.queries.posts import Study, node_of, study

#: Buckets that a page shows; more are a file to download.
MOST_BUCKETS = 1_500
#: Groups that a chart shows side by side.
MOST_GROUPS = 8


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """What a store says to a query over time."""

    rows: list[Row]
    corrected: bool
    """Whether shares are corrected for the model's errors, with the labels of this study."""
    labels: int
    """Labelled posts among those of the query."""
    remarks: list[str]
    """How the shares were made, and what they hide, in sentences."""
    groups: list[str]
    """The groups in the order of their posts; one empty name without a split."""
    posts: int
    without_day: int
    fictional: int
    pending: int
    events: list[Event]
    """Events of the case within the time that is shown."""
    gaps: list[Gap]
    models: list[str]
    reason: str
    """Why there is nothing to show; empty where there is."""
    study: Study

    def group(self, name: str) -> list[Row]:
        """Return the rows of one group."""
        return [row for row in self.rows if row.group == name]


def trend(store: Store, asked: Asked) -> Trend:
    """Return shares by bucket. Raises :class:`~pipelines.errors.MarsadError`."""
    node = node_of(asked, store)
    wanted = asked.entity if asked.split == "entity" else ()
    status: Status = store.status()
    about = study(store)
    series = trend_series(
        store,
        node,
        asked.by,
        asked.split,
        zone=zone(about.timezone),
        gaps=status.gaps,
        groups=wanted,
        correction=not asked.raw,
    )
    made = series.rows
    posts, without_day = store.count(node)
    first, last = (made[0].start[:10], made[-1].start[:10]) if made else ("", "")
    reason = ""
    if not made:
        reason = why_nothing(node, store) if not posts else "dates"
    return Trend(
        rows=made,
        corrected=series.corrected,
        labels=series.labels,
        remarks=list(remarks(series)) if made else [],
        groups=list(dict.fromkeys(row.group for row in made)),
        posts=posts,
        without_day=without_day,
        fictional=store.count(all_of(node, only("flag", "fictional")))[0],
        pending=status.ledger.pending,
        events=[one for one in about.case.events() if first <= one.day.isoformat() <= last],
        gaps=unfilled(status.gaps),
        models=sorted(name for name in status.models if name),
        reason=reason,
        study=about,
    )


def trend_chart(store: Store, asked: Asked, form: str) -> bytes:
    """Return the chart that ``marsad trends --chart`` draws, as SVG or PNG; empty without posts."""
    from pipelines.charts import Caption, Format, render
    from pipelines.charts import asked as in_words

    assert form in get_args(Format)
    found = trend(store, asked)
    if not found.rows:
        return b""
    split: Split = asked.split
    names = found.study.entities
    options = {name: values_of(value) for name, value in asked.filters().items()}
    wanted = options.pop("entity", []) if split == "entity" else []
    query = told([asked.q], store) if asked.q else ""
    exact = " ".join(
        [*([query] if query else []), *(f"{k}:{','.join(v)}" for k, v in options.items())]
    )
    caption = Caption(
        query=in_words(query, options, names),
        exact=exact,
        split=split,
        towards=[names.get(entity, entity) for entity in wanted],
        timezone=found.study.timezone,
        posts=found.posts,
        fictional=found.fictional,
        without_date=found.without_day,
        pending=found.pending,
        models=found.models,
    )
    return render(
        found.rows,
        asked.by,
        caption,
        form,  # type: ignore[arg-type]
        events=found.events,
        names=names,
        deaf=deaf_times(found.gaps, zone(found.study.timezone), utc_now()),
    )

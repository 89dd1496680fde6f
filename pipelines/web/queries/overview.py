"""The state of a study at one look: what is watched, the last week beside the one before."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from ingest.records import Gap, unfilled
from pipelines.annotations import Event
from pipelines.query import All, all_of, only
from pipelines.records import Status
from pipelines.settings import zone
from pipelines.stores.protocols import Store
from pipelines.trends import Row, rows
from pipelines.web.queries.posts import Study, study

#: Subjects that have a card of their own.
CARDS = 8


class Subject(msgspec.Struct, frozen=True):
    """One watched entity: this week, the week before, and its weeks so far."""

    entity: str
    name: str
    now: Row | None
    """The last week with posts in the store; ``None`` if the entity was not mentioned then."""
    before: Row | None
    weeks: list[Row]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What a newcomer sees first."""

    status: Status
    study: Study
    fictional: int
    week: Row | None
    """All posts of the last week."""
    before: Row | None
    subjects: list[Subject]
    weeks: list[Row]
    gaps: list[Gap]
    events: list[Event]
    """Events of the case up to the end of the last week, the newest first."""


def overview(store: Store) -> Overview:
    """Return the state of a study. "This week" is the last week that has posts in the store."""
    status = store.status()
    about = study(store)
    days = zone(about.timezone)
    all_weeks = rows(store.sums(All(), "day", ""), "week", zone=days, gaps=status.gaps)
    last = all_weeks[-1].start if all_weeks else ""
    by_entity = rows(store.sums(All(), "day", "entity"), "week", zone=days, gaps=status.gaps)
    weeks: dict[str, list[Row]] = {}
    for row in by_entity:
        weeks.setdefault(row.group, []).append(row)
    end = (date.fromisoformat(last) + timedelta(days=7)).isoformat() if last else ""
    return Overview(
        status=status,
        study=about,
        fictional=store.count(all_of(only("flag", "fictional")))[0],
        week=all_weeks[-1] if all_weeks else None,
        before=all_weeks[-2] if len(all_weeks) > 1 else None,
        subjects=[
            Subject(
                entity,
                about.entities.get(entity, entity),
                own[-1] if own[-1].start == last else None,
                own[-2] if len(own) > 1 and own[-1].start == last else None,
                own,
            )
            for entity, own in list(weeks.items())[:CARDS]
        ],
        weeks=all_weeks,
        gaps=unfilled(status.gaps),
        events=[one for one in about.case.events() if one.day.isoformat() < end][::-1],
    )

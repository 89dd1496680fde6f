"""The state of a study at one look: what is watched, the newest stretch beside the one before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Gap, unfilled
from pipelines.analysis.buckets import choose_bucket
from pipelines.annotations import Event
from pipelines.query import All, all_of, only
from pipelines.records import Status, Sum
from pipelines.settings import zone
from pipelines.stores.protocols import Store
from pipelines.trends import By, Row, groups, rows
from pipelines.web.asked import By as Asked
from pipelines.web.queries.posts import Study, study

#: Subjects that have a card of their own.
CARDS = 8
#: Days, weeks or months that a card draws.
DRAWN = 26
#: Days that so many of them take at most.
_LONGEST = {"day": 1, "week": 7, "month": 31}


class Subject(msgspec.Struct, frozen=True):
    """All posts, or one watched entity, up to the newest day, week or month with posts."""

    entity: str
    """Empty for all posts."""
    name: str
    rows: list[Row]
    """In order of time, at most :data:`DRAWN`; the last is the newest of the whole store."""

    @property
    def now(self) -> Row:
        """The newest day, week or month with posts in the store."""
        return self.rows[-1]

    @property
    def before(self) -> Row | None:
        """The one before; ``None`` where the store begins with the newest."""
        return self.rows[-2] if len(self.rows) > 1 else None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What a newcomer sees first."""

    status: Status
    study: Study
    fictional: int
    by: By
    """Length of the stretches that are compared."""
    all: Subject | None
    """All posts; ``None`` where none has a day."""
    subjects: list[Subject]
    gaps: list[Gap]
    events: list[Event]
    """Events of the case up to the newest day with posts, the newest first."""


def overview(store: Store, by: Asked = "auto", language: str = "") -> Overview:
    """Return the state of a study.

    Days, weeks or months are compared: with ``auto`` the shortest in which the subjects have posts
    enough for shares, as trends choose it. "Now" is the newest that has posts in the store.
    ``language`` is that of names.
    """
    status = store.status()
    about = study(store).told_in(language)
    days = zone(about.timezone)
    totals = store.sums(All(), "day", "")
    by_entity = store.sums(All(), "day", "entity")
    watched = groups(by_entity)[:CARDS]
    shown = [one for one in by_entity if one.group in watched]
    length: By = choose_bucket(shown or totals) if by in {"auto", "hour"} else by  # type: ignore[assignment]
    of_all = _newest(totals, length, days, status.gaps)
    newest = max((one.bucket for one in totals if one.posts), default="")
    own: dict[str, list[Row]] = {}
    if of_all:
        for row in _newest(shown, length, days, status.gaps, newest):
            own.setdefault(row.group, []).append(row)
    return Overview(
        status=status,
        study=about,
        fictional=store.count(all_of(only("flag", "fictional")))[0],
        by=length,
        all=Subject("", "", of_all) if of_all else None,
        subjects=[Subject(one, about.entities.get(one, one), rows) for one, rows in own.items()],
        gaps=unfilled(status.gaps),
        events=[one for one in about.case.events() if one.day.isoformat() <= newest][::-1],
    )


def _newest(
    sums: Sequence[Sum], by: By, zone: ZoneInfo, gaps: Sequence[Gap], newest: str = ""
) -> list[Row]:
    """Return the rows of the newest stretches, up to that of the day ``newest``."""
    newest = newest or max((one.bucket for one in sums if one.posts), default="")
    if not newest:
        return []
    last = date.fromisoformat(newest)
    first = (last - timedelta(days=min(_LONGEST[by] * DRAWN, last.toordinal() - 1))).isoformat()
    made = rows(
        [one for one in sums if one.bucket >= first],
        by,
        zone=zone,
        gaps=gaps,
        until=(last + timedelta(days=1)).isoformat() if last < date.max else "",
    )
    starts = sorted({row.start for row in made})[-DRAWN:]
    return [row for row in made if row.start in starts]

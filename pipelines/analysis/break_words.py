"""Changes of a series in words: what stands under a chart and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from pipelines.analysis.breaks import FEWEST, MOST, Break, Breaks, find_breaks
from pipelines.annotations import Event
from pipelines.trends import By, Row

#: Groups whose changes are told.
_MOST_GROUPS = 6
#: An event is near a break by more than chance if at most this part of all buckets is as near.
CHANCE = 0.05


def breaks_of(rows: Sequence[Row], events: Sequence[Event]) -> list[Breaks]:
    """Return the changes of each group, the first groups alone."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    found = (find_breaks(own, events) for own in list(groups.values())[:_MOST_GROUPS])
    return [one for one in found if one is not None]


def break_words(
    rows: Sequence[Row], by: By, events: Sequence[Event], names: Mapping[str, str]
) -> Iterator[str]:
    """Yield sentences about the changes of each group: when, how much, near which event."""
    found = breaks_of(rows, events)
    if not found:
        yield (
            f"Changes are looked for where {FEWEST} to {MOST} buckets of a group have shares: not "
            "here."
        )
    for one in found:
        name = names.get(one.group, one.group)
        whose = f"{name}: the" if name else "The"
        if not one.found:
            yield f"{whose} negative share has no clear change in {one.buckets:,} {by}s."
            continue
        for change in one.found:
            yield f"{whose} negative share {_change(change)}{_near(change, by)}."
        yield (
            f"Chance alone: of {one.buckets:,} {by}s in random order, without these changes, "
            f"{one.shuffled:.0%} of 200 orders show a change."
        )


def _change(one: Break) -> str:
    verb = "rose" if one.after > one.before else "fell"
    likely = "" if one.low == one.high else f"; 95 %: {_day(one.low)} to {_day(one.high)}"
    return f"{verb} from {one.before:.0%} to {one.after:.0%} on {_day(one.start)}{likely}"


def _near(one: Break, by: By) -> str:
    if one.distance is None or one.placebo is None:
        return ""
    if one.distance == 0:
        where = f"; within it: {one.event} ({one.day})"
    else:
        many = f"{one.distance:,} {by}" if one.distance == 1 else f"{one.distance:,} {by}s"
        side = "before" if date.fromisoformat(one.day) < _date(one.start) else "after"
        where = f"; the nearest event, {many} {side}: {one.event} ({one.day})"
    verdict = "hardly chance" if one.placebo <= CHANCE else "may well be chance"
    return f"{where}. {one.placebo:.0%} of all {by}s are as near to a change: {verdict}"


def _day(start: str) -> str:
    return start.replace("T", " ") + (":00" if "T" in start else "")


def _date(start: str) -> date:
    return date.fromisoformat(start[:10])

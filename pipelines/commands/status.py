"""``marsad status``: the ledger, the inputs and the gaps of a store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest.records import Gap, unfilled
from pipelines.commands._shared.context import chosen_brokers, open_store
from pipelines.commands._shared.options import brokers_option, store_option
from pipelines.commands._shared.output import count, dead_list, write_line
from pipelines.console import console
from pipelines.embedded import add
from pipelines.live.state import SourceStatus, source_status, words
from pipelines.records import Ledger, Position, Status

if TYPE_CHECKING:
    from pipelines.kafka.connection import Brokers
    from pipelines.kafka.lag import StageLag

#: Gaps shorter than this are shown in sum.
SHORT = timedelta(minutes=1)
#: What the keys of positions begin with that are places on topics and no inputs.
_PLACES = "kafka:"

_MEANINGS = {
    "received": "records read: the sum of the following",
    "indexed": "made searchable when they came, edits too",
    "duplicate": "the same again, or older than what is stored",
    "filtered": "without a word of the watchlist",
    "deleted": "deletions told, and posts that came after",
    "dead": "kept with the reason as a dead letter",
    "pending": "stored, waiting to be scored",
}
_ON_TOPICS = {
    "dead": "kept with the reason as a dead letter, on the machine that collected it",
    "pending": "waiting to be scored or indexed, on topics too",
}


@click.command()
@store_option
@brokers_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(store: str | None, brokers: str | None, as_json: bool) -> None:
    """Show the ledger, the inputs and the gaps of a store.

    Every record that came in has exactly one outcome, so the outcomes add up. They tell what became
    of it then: a post that was deleted later stays among the indexed.

    \b
    Examples:
      marsad status
      marsad status --json | jq .ledger
      marsad status --brokers localhost:9092 --store http://localhost:9200/marsad
    """
    where = chosen_brokers(brokers)
    opened = open_store(store)
    try:
        status = opened.status()
    finally:
        opened.close()
    status, stages = _with_topics(status, where) if where else (status, [])
    if as_json:
        write_line(
            msgspec.json.encode(
                msgspec.structs.asdict(status)
                | {"inputs": [_whole(position) for position in status.inputs]}
                | {"seconds_left": status.seconds_left}
                | {"stages": stages, "sources": _sources(status)}
            )
        )
    else:
        out = console()
        _show(status, out, on_topics=where is not None)
        _show_stages(stages, out)


def _with_topics(status: Status, where: Brokers) -> tuple[Status, list[StageLag]]:
    """Return the state with what is on its way to the store, and how the stages do."""
    from pipelines.kafka.lag import lag
    from pipelines.kafka.log import quiet
    from pipelines.kafka.positions import KEYS, Positions

    quiet()
    moving = lag(where, status.inputs)
    positions = Positions(where)
    try:
        known = positions.all()
        collected = [one.position for key, one in known.items() if key != KEYS]
    finally:
        positions.close()
    whole = msgspec.structs.replace(
        status, ledger=add(status.ledger, moving.ledger), inputs=[*status.inputs, *collected]
    )
    return whole, moving.stages


def _whole(position: Position) -> dict[str, object]:
    """Return an input as JSON shows it: its metadata as an object, not as a text of JSON."""
    try:
        metadata = msgspec.json.decode(position.metadata or "{}")
    except msgspec.DecodeError:
        metadata = position.metadata
    shown = msgspec.structs.asdict(position) | {"details": metadata}
    del shown["metadata"]
    return shown


class _Kept(msgspec.Struct):
    """Of an input's details what people have to see."""

    keep_authors: str = ""


def _kept_authors(position: Position) -> str:
    """Return why an import kept the names of accounts; empty if it did not."""
    try:
        return msgspec.json.decode(position.metadata or "{}", type=_Kept).keep_authors
    except msgspec.DecodeError:
        return ""


def _sources(status: Status) -> list[SourceStatus]:
    return [found for position in status.inputs if (found := source_status(position))]


def _show_stages(stages: list[StageLag], console: Console) -> None:
    for stage in stages:
        waiting = (
            f"{stage.waiting:,} waiting" if stage.exact else f"about {stage.waiting:,} waiting"
        )
        workers = f", {stage.workers} at work in the last minute" if stage.workers else ""
        what = "" if stage.stage == "collect" else f"{waiting}, "
        console.print(f"stage {stage.stage}: {what}{stage.per_second:,} a second{workers}")


def _show(status: Status, console: Console, *, on_topics: bool) -> None:
    days = status.timezone or "no posts, and no time zone yet"
    if status.zone_data:
        days += f", zone data {status.zone_data}"
    console.print(Text.assemble((status.store, "bold"), f"  ({days})"))
    meanings = _MEANINGS | (
        _ON_TOPICS
        if on_topics
        else {"dead": f"kept with the reason as a dead letter ({dead_list()})"}
    )
    outcomes = Table("outcome", "records", "", box=None, header_style="dim")
    for name in Ledger.__struct_fields__:
        outcomes.add_row(name, f"{getattr(status.ledger, name):,}", Text(meanings[name], "dim"))
    console.print(outcomes)
    days = f"{status.first_day} to {status.last_day}" if status.first_day else "no dated posts"
    console.print(
        f"\n{count(status.posts, 'post')} now, {days}, "
        f"{status.unknown_date:,} without a usable date"
    )
    if status.provisional:
        console.print(
            f"{status.provisional:,} of them have provisional scores, which trends leave out "
            "(marsad score --pending scores them)"
        )
    if status.seconds_left is not None:
        console.print(
            f"Scoring what waits takes about {words(status.seconds_left)}, at the "
            f"{status.posts_a_second:,.1f} posts a second measured the last time"
        )
    if status.purge_due:
        console.print(_purge(status.unpurged, status.purge_due))
    for title, counts in (
        ("languages", status.languages),
        ("platforms", status.platforms),
        ("models", status.models),
        ("dead, by reason", status.dead_reasons),
    ):
        if counts:
            console.print(f"{title}: " + ", ".join(f"{k or '-'} {v:,}" for k, v in counts.items()))
    for position in status.inputs:
        if position.key.startswith(_PLACES):
            continue
        if source := source_status(position):
            _show_source(source, console)
            continue
        state = "read to its end" if position.done else "not finished: the same command goes on"
        why = _kept_authors(position)
        names = f"; names of accounts were kept: {why}" if why else ""
        console.print(f"input {position.name}: {state}{names}", soft_wrap=True)
    _show_gaps(joined(unfilled(status.gaps)), console)
    _show_filled([gap for gap in status.gaps if gap.filled and gap.end], console)


def _purge(removals: int, due: datetime) -> str:
    """Say when the file is rewritten without what was removed, or why it was not yet."""
    begun = f"{removals:,} removed: texts are overwritten; the file is rewritten without their ids "
    if due > datetime.now(UTC):
        return f"{begun}by a command that writes after {_written(due)}"
    return (
        f"{begun}since {_written(due)}, by the next command that writes: it needs twice the file's "
        "size of free room, and no reader that holds on to an older state"
    )


def joined(gaps: Sequence[Gap]) -> list[Gap]:
    """Return gaps with those as one that follow one another for the same cause.

    Each try that fails writes down the time since the one before.
    """
    whole: list[Gap] = []
    newest: dict[tuple[str, str], int] = {}
    for gap in sorted(gaps, key=lambda one: one.start):
        place = newest.get((gap.source, gap.cause))
        before = whole[place] if place is not None else None
        if place is not None and before and before.end and gap.start <= before.end:
            end = max(before.end, gap.end) if gap.end else None
            whole[place] = msgspec.structs.replace(before, end=end)
        else:
            newest[gap.source, gap.cause] = len(whole)
            whole.append(gap)
    return whole


def _show_gaps(gaps: Sequence[Gap], console: Console) -> None:
    """Show each gap; those of seconds, as a source has that is started again and again, in sum."""
    shown: list[Gap] = []
    short: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps:
        if gap.end and _written(gap.end) == _written(gap.start):
            continue  # a try that failed before anything could be missed
        brief = gap.end and gap.end - gap.start < SHORT
        (short.setdefault((gap.source, gap.cause), []) if brief else shown).append(gap)
    shown += [own[0] for own in short.values() if len(own) == 1]
    for gap in sorted(shown, key=lambda one: one.start):
        end = _written(gap.end) if gap.end else "now"
        console.print(
            f"gap {gap.source}: {_written(gap.start)} to {end}, {gap.cause}", soft_wrap=True
        )
    for (source, cause), own in short.items():
        if len(own) > 1:
            whole = sum((gap.end - gap.start for gap in own if gap.end), timedelta())
            console.print(
                f"gap {source}: {len(own):,} times for less than a minute, "
                f"{words(whole.total_seconds())} in all, the last time {_written(own[-1].start)}, "
                f"{cause}",
                soft_wrap=True,
            )


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _show_filled(gaps: list[Gap], console: Console) -> None:
    """Sum up what was missed first and read afterwards: a stream breaks off now and then."""
    by_source: dict[str, list[Gap]] = {}
    for gap in gaps:
        by_source.setdefault(gap.source, []).append(gap)
    for source, own in by_source.items():
        whole = sum((gap.end - gap.start).total_seconds() for gap in own if gap.end)
        last = own[-1]
        console.print(
            f"interrupted {source}: {count(len(own), 'time')}, {words(whole)} in all (read "
            f"afterwards); the last one {_written(last.start)}, {last.cause}",
            soft_wrap=True,
        )


def _show_source(source: SourceStatus, console: Console) -> None:
    state = f"last read {_written(source.last_seen)}" if source.last_seen else "never read"
    if source.last_error:
        state += f", could not be read{' since' if source.last_seen else ''}: {source.last_error}"
    console.print(f"source {source.source}: {state}", soft_wrap=True)
    if source.silent:
        console.print(
            f"Warning: {source.source}: no posts for {words(source.silent)} then, which is longer "
            "than usual",
            soft_wrap=True,
        )

"""``marsad dead``: what could not be used, kept with its reason as a dead letter."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import get_args

import click
import msgspec
from rich.table import Table

from ingest.watchlist.loader import Watchlist
from pipelines.commands._shared.context import (
    chosen_watchlist,
    configured,
    destination,
    kafka_sink,
    open_existing,
    open_store,
    protector,
    require_own_keys,
)
from pipelines.commands._shared.options import (
    brokers_option,
    field_mapping,
    store_option,
    watchlist_option,
)
from pipelines.commands._shared.output import nothing_found, notify, write_line
from pipelines.commands._shared.scoring import finish_pending
from pipelines.commands._shared.study import recorded_watchlist
from pipelines.console import console
from pipelines.dead_letters.queue import DeadLetters
from pipelines.dead_letters.retry import Retried
from pipelines.dead_letters.retry import retry as try_again
from pipelines.records import DeadKind
from pipelines.stores.protocols import Sink

#: Records that still can't be used are told one by one up to this number.
TOLD = 20
#: Of a file's name what the list shows, in characters.
_WIDEST = 24


@click.group()
def command() -> None:
    """Look at, or retry, dead letters. They are readable by you alone, and expire.

    \b
    Examples:
      marsad dead list
      marsad dead show 3
      marsad dead retry --map text=body
      marsad dead list --brokers localhost:9092
    """


@contextmanager
def _letters(store: str | None, brokers: str | None) -> Iterator[DeadLetters]:
    """Give dead letters of a store's input, or of what this machine sent to brokers."""
    if where := destination(store, brokers):
        from pipelines.kafka.sink import dead_path

        with DeadLetters(dead_path(where), days=configured().dead_days) as dead_letters:
            dead_letters.purge_expired()
            yield dead_letters
        return
    opened = open_store(store)
    try:
        with opened.dead_letters() as dead_letters:
            dead_letters.purge_expired()
            yield dead_letters
    finally:
        opened.close()


@command.command("list")
@store_option
@brokers_option
@click.option(
    "--kind",
    type=click.Choice(get_args(DeadKind)),
    default="record",
    show_default=True,
    help="Records, or what platforms sent instead of an answer.",
)
@click.option("--reason", default="", metavar="CODE", help="Only this reason.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_dead(
    store: str | None,
    brokers: str | None,
    kind: DeadKind,
    reason: str,
    limit: int,
    as_json: bool,
) -> None:
    """List dead letters: number, place, reason, when it expires. Never its text."""
    with _letters(store, brokers) as dead_letters:
        reasons = dead_letters.reasons(kind)
        entries = dead_letters.entries(kind=kind, reason=reason, limit=limit)
    if not entries:
        nothing_found("There are no dead letters.")
    if as_json:
        for entry in entries:
            write_line(msgspec.json.encode(entry))
        return
    # One line each: what does not fit is cut, and the longest sentence takes what is left.
    table = Table(box=None, expand=True)
    for title in ("number", "input", "line", "reason", "bytes", "expires"):
        table.add_column(title, no_wrap=True, max_width=_WIDEST)
    table.add_column("what", no_wrap=True, ratio=1)
    for entry in entries:
        size = f"{entry.size:,}{'+' if entry.truncated else ''}"
        table.add_row(
            str(entry.number),
            entry.input,
            str(entry.line),
            entry.reason,
            size,
            f"{entry.expires_at:%Y-%m-%d}",
            entry.detail,
        )
    console().print(table)
    counts = ", ".join(f"{code}: {count:,}" for code, count in reasons.items())
    notify(f"{counts} (--json shows everything uncut)")


@command.command()
@click.argument("number", type=int)
@store_option
@brokers_option
def show(number: int, store: str | None, brokers: str | None) -> None:
    """Write one dead letter's raw bytes to standard output, its reason to standard error."""
    with _letters(store, brokers) as dead_letters:
        dead_letter = dead_letters.get(number)
    if dead_letter is None:
        nothing_found(f"There is no dead letter of number {number}.")
        return
    notify(f"{dead_letter.place}: {dead_letter.reason}: {dead_letter.detail}")
    sys.stdout.buffer.write(dead_letter.raw + b"\n")


@command.command()
@click.argument("numbers", type=int, nargs=-1, metavar="[NUMBER…]")
@store_option
@brokers_option
@watchlist_option
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="FIELD=NAME,…",
    help="Another field mapping than the import's.",
)
@click.option("--reason", default="", metavar="CODE", help="Only this reason.")
def retry(
    numbers: tuple[int, ...],
    store: str | None,
    brokers: str | None,
    watchlist: str | None,
    mapping: tuple[str, ...],
    reason: str,
) -> None:
    """Try again, after an upgrade or with another mapping; all that is there, or by NUMBER."""
    case = chosen_watchlist(watchlist)
    fields = field_mapping(mapping) or None
    notified = itertools.count()

    def notify_first(why: str) -> None:
        if next(notified) < TOLD:
            notify(why)

    def again(target: Sink, kept: DeadLetters, case: Watchlist | None) -> Retried:
        chosen = numbers or tuple(entry.number for entry in kept.entries(reason=reason))
        found = [
            dead_letter
            for number in chosen
            if (dead_letter := kept.get(number)) and dead_letter.kind == "record"
        ]
        if not found:
            nothing_found("There are no dead letters.")
        return try_again(target, found, protector(case), case, mapping=fields, notify=notify_first)

    if where := destination(store, brokers):
        with kafka_sink(where) as topics, topics.dead_letters() as kept:
            require_own_keys(topics)
            result = again(topics, kept, case)
    else:
        opened = open_existing(store)
        try:
            with opened.writer("dead retry"):
                require_own_keys(opened)
                if watchlist is None:
                    case = case or recorded_watchlist(opened)
                with opened.dead_letters() as kept:
                    result = again(opened, kept, case)
                finish_pending(opened)
        finally:
            opened.close()
    if result.left > TOLD:
        notify(f"… and {result.left - TOLD:,} more.")
    from pipelines import results

    results.report(results.Retried(taken=result.taken, left=result.left))
    notify(f"{result.taken:,} taken in, {result.left:,} still can't be used.")
    if result.left:
        raise click.exceptions.Exit(1)

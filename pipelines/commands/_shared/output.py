"""What subcommands write: data to standard output, sentences for people to standard error."""

from __future__ import annotations

import shlex
import sys

import click
import msgspec

from pipelines.records import Ledger
from pipelines.terminal import printable

#: Options that say where records become dead letters; a command that takes both takes one of them.
_PLACES = ("store", "brokers")


#: Exit code for "nothing found".
NOTHING = 3


def dead_list() -> str:
    """Return the command that lists the dead letters of the running one, with its options."""
    context = click.get_current_context(silent=True)
    given = context.params if context else {}
    places = [f" --{name} {shlex.quote(given[name])}" for name in _PLACES if given.get(name)]
    return "marsad dead list" + "".join(places)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 post``, ``2,000 posts``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def waiting(posts: int, what: str) -> str:
    """Return that posts wait to be scored, and ``what`` follows; ``{are}`` in it fits the number.

    ``1 post waits to be scored and is left out.`` is ``waiting(1, "{are} left out")``.
    """
    wait, are = ("waits", "is") if posts == 1 else ("wait", "are")
    return f"{count(posts, 'post')} {wait} to be scored and {what.format(are=are)}."


def notify(message: str) -> None:
    """Tell people something, on standard error."""
    click.echo(printable(message), err=True)


def tell(line: str) -> None:
    """Write a line for people to standard output."""
    click.echo(printable(line))


def write_line(line: bytes) -> None:
    """Write one line of data to standard output."""
    sys.stdout.buffer.write(line + b"\n")


def nothing_found(message: str) -> None:
    """Say that nothing was found and leave with its exit code."""
    notify(message)
    raise click.exceptions.Exit(NOTHING)


def ledger_line(title: str, ledger: Ledger, *, read: bool = False) -> str:
    """Return one line of outcomes; ``read``: of what was read, wherever the records are now."""
    if read:
        taken = msgspec.structs.replace(ledger, indexed=0, pending=0)
        new = ledger.indexed + ledger.pending
        return ledger_line(title, taken) + (f", {new:,} new" if new else "")
    counts = ", ".join(
        f"{getattr(ledger, name):,} {name}"
        for name in Ledger.__struct_fields__
        if name == "received" or getattr(ledger, name)
    )
    hint = f"; see: {dead_list()}" if ledger.dead else ""
    return f"{title}: {counts}{hint}"

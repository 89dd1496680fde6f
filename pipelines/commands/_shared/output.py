"""What subcommands write: data to standard output, sentences for people to standard error."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable

import click
import msgspec
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from pipelines.records import Ledger

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


#: Controls as signs, one for one: a terminal would obey those of a post. Line ends and tabs stay;
#: what turns the direction of all that follows goes too.
_SIGNS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
_SIGNS |= {0x7F: 0x2421, **dict.fromkeys((*range(0x80, 0xA0), 0x202D, 0x202E), 0xFFFD)}


def printable(text: str) -> str:
    """Return a text of the same length that a terminal can be given."""
    return text.translate(_SIGNS)


class _Terminal(Console):
    """Writes what it is given with controls as signs, also where the caller forgot to."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the parts of what is shown."""
        for part in super().render(renderable, options):
            yield part if part.control else part._replace(text=printable(part.text))


def console(*, soft_wrap: bool = False) -> Console:
    """Return where tables and lines for people go; data stays as it is, ``:kenya:`` too."""
    return _Terminal(highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap)


def notify(message: str) -> None:
    """Tell people something, on standard error."""
    click.echo(printable(message), err=True)


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

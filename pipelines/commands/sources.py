"""``marsad sources``: what can be read, what it needs, and what works now."""

from __future__ import annotations

import os
import threading

import click
import msgspec
from rich.console import Console
from rich.table import Table

from ingest.sources.registry import ENTRIES, Entry, find
from pipelines.commands.common import configured, say, write_line
from pipelines.live.check import check as read_for_a_moment
from pipelines.live.check import verdict
from pipelines.live.choose import Wanted, feeds, means

#: Posts after which it is clear that a source works.
ENOUGH = 20


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One source as ``--json`` shows it."""

    name: str
    summary: str
    live: bool
    history: bool
    deletions: bool
    counters: bool
    target: str
    needs: list[str]
    url: str
    schema: str
    documented: str
    verified: str


@click.group()
def command() -> None:
    """List the platforms that can be read, and check what works now.

    \b
    Examples:
      marsad sources list
      marsad sources check mastodon --url https://social.example
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_sources(as_json: bool) -> None:
    """List what each source can give and what it needs. Files are another matter: ingest archive.

    \b
    Example:
      marsad sources list --json
    """
    if as_json:
        for entry in ENTRIES:
            write_line(msgspec.json.encode(_row(entry)))
        return
    table = Table("source", "gives", "of what", "needs", "schema of", "verified live", box=None)
    for entry in ENTRIES:
        row = _row(entry)
        gives = [name for name in ("live", "history", "deletions") if getattr(row, name)]
        table.add_row(
            row.name,
            ", ".join(gives),
            row.target or "everything",
            "\n".join(row.needs) or "nothing",
            row.schema,
            row.verified,
        )
    Console(highlight=False).print(table)
    say("What each platform allows: docs/sources.md. What works now: marsad sources check NAME.")


def _row(entry: Entry) -> Row:
    can = entry.capabilities
    return Row(
        name=entry.name,
        summary=entry.summary,
        live=can.live,
        history=can.history,
        deletions=can.deletions,
        counters=can.counters,
        target=f"[{entry.target}]" if entry.targets == "optional" else entry.target,
        needs=[n.variable if n.required else f"{n.variable} (better with)" for n in entry.needs],
        url=entry.url,
        schema=entry.schema.isoformat(),
        documented=entry.documented,
        verified=entry.verified.isoformat() if entry.verified else "not yet",
    )


@command.command()
@click.argument("name")
@click.argument("target", default="")
@click.option("--url", default="", metavar="URL", help="Another address than the platform's own.")
@click.option(
    "--seconds",
    type=click.IntRange(1, 600),
    default=20,
    show_default=True,
    help="How long to listen at most.",
)
def check(name: str, target: str, url: str, seconds: int) -> None:
    """Ask a platform itself and say what works now; nothing is stored.

    TARGET is a channel, tag, video or feed of yours; without one, something is taken that is
    surely there. Exit code 1 if it does not work.

    \b
    Examples:
      marsad sources check bluesky
      marsad sources check mastodon protest --url https://social.example
    """
    entry = find(name)
    target = target or entry.probe
    if entry.targets == "required" and not target:
        raise click.UsageError(f"name a {entry.target} to check {name} with")
    stop = threading.Event()
    given = means(stop, say)
    try:
        wanted = Wanted(source=name, targets=[target] if target else [], url=url, limit=ENOUGH)
        (feed,) = feeds([wanted], given, environ=os.environ, urls=configured().urls)
        found = read_for_a_moment(feed, stop, seconds)
    finally:
        stop.set()
        given.client.close()
    click.echo(verdict(feed.source.name, found))
    if not found.works:
        raise click.exceptions.Exit(1)

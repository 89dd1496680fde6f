"""``marsad sources``: what can be read, what it needs, and what works now."""

from __future__ import annotations

import os

import click
import msgspec
from rich.table import Table

from ingest.errors import SourceError
from ingest.records import PAGES
from ingest.sources.counters.fetch import Fetcher
from ingest.sources.counters.registry import READERS, Reader
from ingest.sources.registry import ENTRIES, Entry, find, unknown
from ingest.sources.snscrape.retired import retired
from pipelines.commands._shared.context import configured
from pipelines.commands._shared.output import notify, tell, write_line
from pipelines.console import console
from pipelines.live.check import check as read_for_a_moment
from pipelines.live.check import verdict
from pipelines.live.choose import Wanted, means, subscriptions
from pipelines.pages.check import NAMES, page_of, read_once
from pipelines.pages.choose import addresses
from pipelines.stop import Stop

_GIVES = ("live", "history", "deletions", "counters")
_NEVER = "not yet"
#: Posts after which it is clear that a source works.
ENOUGH = 20


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One source as ``--json`` shows it."""

    name: str
    summary: str
    command: str
    """What reads it."""
    live: bool
    history: bool
    deletions: bool
    counters: bool
    """Of a source of posts: there is a row ``pages/…`` of the same platform."""
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
      marsad sources check pages/telegram
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_sources(as_json: bool) -> None:
    """List what each source can give and what it needs. Files are another matter: ingest archive.

    Sources of posts come first, then what reads the counters of pages (pages/PLATFORM).

    \b
    Example:
      marsad sources list --json
    """
    listed = [*map(_row, ENTRIES), *(_counting(*one) for one in NAMES.items())]
    if as_json:
        for row in listed:
            write_line(msgspec.json.encode(row))
        return
    # What one has to type is never cut or broken, however narrow the terminal is.
    cells = [_cells(row) for row in listed]
    table = Table(box=None)
    for place, name in enumerate(("source", "gives", "of what", "needs", "schema of")):
        broken = name == "gives"
        parts = [p for row in cells for p in row[place].split(" " if broken else "\n")]
        table.add_column(name, min_width=max(map(len, (name, *parts))), no_wrap=not broken)
    for line in cells:
        table.add_row(*line)
    shown = console()
    shown.width = max(shown.width, sum((one.min_width or 0) + 2 for one in table.columns))
    shown.print(table)
    seen = [f"{row.name} ({row.verified})" for row in listed if row.verified != _NEVER]
    notify(f"Seen to work on the real platform: {', '.join(seen) or 'none yet'}.")
    notify("Posts: marsad ingest SOURCE. Counters: marsad pages watch (docs/pages.md).")
    notify("What each platform allows: docs/sources.md. What works now: marsad sources check NAME.")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        ", ".join(name for name in _GIVES if getattr(row, name)),
        row.target or "everything",
        "\n".join(row.needs).replace(" (", "\n(") or "nothing",
        row.schema,
    )


def _counting(name: str, reader: Reader) -> Row:
    return Row(
        name=name,
        summary=f"Likes or followers of pages on {reader.platform}.",
        command="marsad pages watch",
        live=False,
        history=False,
        deletions=False,
        counters=True,
        target="PAGE",
        needs=[reader.needs] if reader.needs else [],
        url=reader.base(reader.probe),
        schema=reader.schema.isoformat(),
        documented=reader.documented,
        verified=_NEVER,
    )


def _row(entry: Entry) -> Row:
    can = entry.capabilities
    return Row(
        name=entry.name,
        summary=entry.summary,
        command=f"marsad ingest {entry.name}",
        live=can.live,
        history=can.history,
        deletions=can.deletions,
        counters=can.counters or entry.name in {reader.platform for reader in READERS},
        target=f"[{entry.target}]" if entry.targets == "optional" else entry.target,
        needs=[n.variable if n.required else f"{n.variable} (better with)" for n in entry.needs],
        url=entry.url,
        schema=entry.schema.isoformat(),
        documented=entry.documented,
        verified=entry.verified.isoformat() if entry.verified else _NEVER,
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

    NAME is one of `marsad sources list`. TARGET is a channel, tag, video, feed or page of yours;
    without one, something is taken that is surely there. A page's counter is read once. Exit
    code 1 if it does not work.

    \b
    Examples:
      marsad sources check bluesky
      marsad sources check mastodon protest --url https://social.example
      marsad sources check pages/facebook
    """
    if reader := _counter(name):
        works, words = _read_counter(reader, target, url)
    else:
        works, words = _read_posts(name, target, url, seconds)
    tell(words)
    if f"{PAGES}{name}" in NAMES and not reader:
        notify(f"The counters of its pages: marsad sources check {PAGES}{name}")
    if not works:
        raise click.exceptions.Exit(1)


def _counter(name: str) -> Reader | None:
    """Return the reader of counters that is meant; a platform without posts is its counters.

    Raises :class:`~ingest.errors.SourceError` for a name that nothing has.
    """
    posts = [entry.name for entry in ENTRIES]
    found = NAMES.get(name) or (None if name in posts else NAMES.get(f"{PAGES}{name}"))
    if found is None and name not in posts and not retired(name):
        raise SourceError(unknown(name, [*posts, *NAMES]))
    return found


def _read_counter(reader: Reader, target: str, url: str) -> tuple[bool, str]:
    configured_url = addresses(configured().urls).get(reader.platform, "")
    page = page_of(reader, target, {reader.platform: url or configured_url})
    fetcher = Fetcher()
    try:
        return read_once(page, fetcher)
    finally:
        fetcher.close()


def _read_posts(name: str, target: str, url: str, seconds: int) -> tuple[bool, str]:
    entry = find(name)
    target = target or entry.probe
    if entry.targets == "required" and not target:
        raise click.UsageError(f"name a {entry.target} to check {name} with")
    stop = Stop()
    given = means(stop, notify)
    try:
        wanted = Wanted(source=name, targets=[target] if target else [], url=url, limit=ENOUGH)
        (subscription,) = subscriptions([wanted], given, environ=os.environ, urls=configured().urls)
        found = read_for_a_moment(subscription, stop, seconds)
    finally:
        stop.set()
        given.client.close()
    return found.works, verdict(subscription.source.name, found)

"""``marsad status``: the books, the inputs and the gaps of a store."""

import click
import msgspec
from rich.console import Console
from rich.table import Table

from pipelines.commands.common import open_store, store_option, write_line
from pipelines.stores.base import Ledger, Status

_MEANINGS = {
    "received": "records read: the sum of the following",
    "indexed": "stored and searchable, edits included",
    "duplicate": "the same again, or older than what is stored",
    "filtered": "without a word of the watchlist",
    "deleted": "deletions, and posts that came after theirs",
    "dead": "kept aside with a reason (marsad dead list)",
    "pending": "stored, waiting to be scored",
}


@click.command()
@store_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(store: str | None, as_json: bool) -> None:
    """Show the books, the inputs and the gaps of a store.

    Every record that came in has exactly one outcome, so the books balance.

    \b
    Examples:
      marsad status
      marsad status --json | jq .ledger
    """
    opened = open_store(store)
    try:
        status = opened.status()
    finally:
        opened.close()
    if as_json:
        write_line(msgspec.json.encode(status))
    else:
        _show(status, Console(highlight=False))


def _show(status: Status, console: Console) -> None:
    console.print(f"[bold]{status.store}[/]  ({status.timezone})")
    books = Table("outcome", "records", "", box=None, header_style="dim")
    for name in Ledger.__struct_fields__:
        books.add_row(name, f"{getattr(status.ledger, name):,}", f"[dim]{_MEANINGS[name]}[/]")
    console.print(books)
    days = f"{status.first_day} to {status.last_day}" if status.first_day else "no dated posts"
    console.print(
        f"\n{status.posts:,} posts, {days}, {status.unknown_date:,} without a usable date"
    )
    for title, counts in (
        ("languages", status.languages),
        ("platforms", status.platforms),
        ("models", status.models),
        ("dead, by reason", status.dead_reasons),
    ):
        if counts:
            console.print(f"{title}: " + ", ".join(f"{k or '-'} {v:,}" for k, v in counts.items()))
    for position in status.inputs:
        state = "read to its end" if position.done else "not finished: the same command goes on"
        console.print(f"input {position.name}: {state}")
    for gap in status.gaps:
        end = f"{gap.end:%Y-%m-%d %H:%M}" if gap.end else "now"
        console.print(f"gap {gap.source}: {gap.start:%Y-%m-%d %H:%M} to {end}, {gap.cause}")

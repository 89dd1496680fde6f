"""``marsad watchlist``: what is watched."""

import click
from rich.table import Table

from ingest.errors import WatchlistError
from ingest.watchlist.loader import available, load
from pipelines.commands._shared.output import notify, tell
from pipelines.console import console


@click.group()
def command() -> None:
    """List, show or check watchlists."""


@command.command("list")
def list_watchlists() -> None:
    """List the watchlists that come with Marsad."""
    for name in available():
        watchlist = load(name)
        assert watchlist
        tell(f"{name}\t{watchlist.title}")


@command.command()
@click.argument("name")
def show(name: str) -> None:
    """Show the entities of a watchlist.

    \b
    Example:
      marsad watchlist show morocco-2016
    """
    watchlist = load(name)
    if watchlist is None:
        notify("`none` watches nothing: every post is kept.")
        return
    tell(f"{watchlist.title} ({watchlist.fingerprint}, {watchlist.timezone})")
    table = Table("entity", "kind", "name")
    for entity in watchlist.entities:
        table.add_row(entity.id, entity.kind, entity.name)
    console().print(table)


@command.command()
@click.argument("files", nargs=-1, required=True)
def check(files: tuple[str, ...]) -> None:
    """Check watchlist files; say what is wrong where, and leave with 1 if something is.

    \b
    Example:
      marsad watchlist check my-case.toml
    """
    wrong = 0
    for file in files:
        try:
            watchlist = load(file)
        except WatchlistError as error:
            wrong += 1
            notify(f"Error: {error}")
            continue
        entities = len(watchlist.entities) if watchlist else 0
        tell(f"{file}: fine, {entities} entities")
    if wrong:
        raise click.exceptions.Exit(1)

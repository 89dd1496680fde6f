"""``marsad watchlist``: what is watched."""

import textwrap
from collections.abc import Iterator, Sequence

import click

from ingest.errors import WatchlistError
from ingest.watchlist.loader import available, load
from ingest.watchlist.schema import Entity
from pipelines.commands._shared.output import notify, tell


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
@click.argument("entities", nargs=-1, metavar="[ENTITY]...")
def show(name: str, entities: tuple[str, ...]) -> None:
    """Show what a watchlist looks for: all of it, or these entities.

    \b
    Examples:
      marsad watchlist show morocco-2016
      marsad watchlist show morocco-2016 inwi anrt
    """
    watchlist = load(name)
    if watchlist is None:
        notify("`none` watches nothing: every post is kept.")
        return
    tell(f"{watchlist.title} ({watchlist.fingerprint}, {watchlist.timezone})")
    known = [entity.id for entity in watchlist.entities]
    if unknown := sorted(set(entities) - set(known)):
        raise click.BadParameter(
            f"{', '.join(unknown)}: no entity of it; known are {', '.join(known)}"
        )
    for entity in watchlist.entities:
        if not entities or entity.id in entities:
            tell(f"\n{entity.id}: {entity.name} ({entity.kind})")
            for what, words in _found_by(entity):
                _row(what, words)
    for campaign in watchlist.campaigns:
        if not entities or set(campaign.entities) & set(entities):
            tell(f"\ncampaign of {', '.join(campaign.entities)}")
            _row("hashtags", campaign.hashtags)
            _row("phrases", campaign.phrases)


def _found_by(entity: Entity) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what an entity is found by, and what keeps it from being found."""
    yield from entity.aliases.items()
    yield "also spelt like", entity.sounds
    yield "hashtags", entity.hashtags
    yield "handles", entity.handles
    yield "ambiguous", entity.ambiguous
    yield "  counts near", entity.context
    yield "  never near", entity.vetoes
    yield "never inside", entity.exclusions


def _row(what: str, words: Sequence[str]) -> None:
    if words:
        first = f"  {what:<16} "
        text = ", ".join(words)
        # an alias is one word, also with a hyphen
        lines = textwrap.fill(
            text, 100, initial_indent=first, subsequent_indent=" " * 19, break_on_hyphens=False
        )
        tell(lines)


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

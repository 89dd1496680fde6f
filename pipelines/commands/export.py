"""``marsad export``: a study subset in a folder."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from pipelines.commands._shared.authors import known_authors, told
from pipelines.commands._shared.context import open_store
from pipelines.commands._shared.no_match import why_nothing
from pipelines.commands._shared.options import (
    QUERY_SETTINGS,
    Filters,
    QueryCommand,
    filter_options,
    query_node,
    store_option,
)
from pipelines.commands._shared.output import nothing_found, notify
from pipelines.progress import progress

_FORMATS = ("ndjson", "csv", "parquet")


def _formats(ctx: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
    wanted = [name.strip().lower() for name in value.split(",") if name.strip()]
    if not wanted or set(wanted) - set(_FORMATS):
        raise click.BadParameter(f"{value!r}; choose from {','.join(_FORMATS)}")
    return tuple(name for name in _FORMATS if name in wanted)


@click.command(cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option(
    "--to",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; an older export in it is replaced.",
)
@click.option(
    "--format",
    "formats",
    metavar="LIST",
    default=",".join(_FORMATS),
    show_default=True,
    callback=_formats,
    help="Formats, separated by commas.",
)
def command(
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    folder: Path,
    formats: tuple[str, ...],
) -> None:
    """Write the posts that match to a folder, with a manifest and a README; no QUERY: all posts.

    The posts are those of one moment, ordered by id; the same posts give the same bytes.

    \b
    Examples:
      marsad export --to everything
      marsad export 'whatsapp OR skype' --lang ary --to study --format csv
      marsad export --entity inwi --since 2016-02-26 --until 2016-03-01 --to unlike
    """
    from pipelines.export import Facts, export

    node = query_node(query, filters)
    opened = open_store(store)
    try:
        status = opened.status()
        node = known_authors(node, opened)
        asked = told(query, opened)
        total, _ = opened.count(node)
        reason = "" if total else why_nothing(node, opened)
        facts = Facts(
            query=asked,
            filters=dict(filters),
            command=_command(asked, store, filters, folder, formats),
            store=Path(status.store).name,
            ledger=status.ledger,
            timezone=status.timezone,
            created_at=datetime.now(UTC).replace(microsecond=0),
            marsad=version("marsad"),
        )
        with progress("Exporting") as report:
            account = export(
                opened.scan(node),
                folder,
                formats,
                facts,
                report=lambda posts: report(posts, max(total, posts), posts),
            )
    finally:
        opened.close()
    if status.ledger.pending:
        notify(f"{status.ledger.pending:,} posts wait to be scored and are not exported.")
    if not account.posts:
        nothing_found(f"{reason or 'No post matches.'} Nothing was written.")
    if account.fictional:
        notify(f"{account.fictional:,} of the posts are fictional; the README says so.")
    if account.plain_authors:
        notify(
            f"{account.plain_authors:,} of the posts carry the raw account names of their authors."
        )
    notify(
        f"{account.posts:,} posts written to {folder}: {', '.join(account.files)}, README.txt, "
        "manifest.json."
    )


def _command(
    query: str,
    store: str | None,
    filters: Filters,
    folder: Path,
    formats: Sequence[str],
) -> str:
    words = ["marsad", "export"]
    if store:
        # its name alone: folders and servers are nobody else's business
        words += ["--store", Path(store).name]
    for name, value in filters.items():
        for one in [value] if isinstance(value, str) else value:
            words += [f"--{name}", one]
    words += ["--to", folder.name or "DIR", "--format", ",".join(formats)]
    # a query may begin with a minus
    return shlex.join([*words, "--", query] if query else words)

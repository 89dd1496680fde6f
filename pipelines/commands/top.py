"""``marsad top``: the most frequent hashtags, links, authors and entities."""

from __future__ import annotations

from contextlib import closing

import click
import msgspec
from rich.table import Table

from pipelines.commands._shared.authors import known_authors
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
from pipelines.commands._shared.output import console, nothing_found, write_line
from pipelines.searching import KINDS, Kind, top


@click.command(cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True,
              help="Values to show at most.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    kind: Kind,
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    limit: int,
    as_json: bool,
) -> None:
    """Count the most frequent values among the posts that match; no QUERY: all posts.

    A post counts once for each value. Authors are pseudonyms.

    \b
    Examples:
      marsad top hashtags whatsapp
      marsad top entities --lang darija --since 2016-02-26
      marsad top authors 'inwi sentiment:negative' --json
    """
    node = query_node(query, filters)
    with closing(open_store(store)) as opened:
        asked = known_authors(node, opened)
        found = top(opened, asked, [kind], limit)[kind]
        reason = "" if found else why_nothing(asked, opened)
    if not found:
        nothing_found(reason or f"None of the posts that match has {kind}.")
    if as_json:
        for one in found:
            write_line(msgspec.json.encode(one))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(kind, overflow="fold")
    table.add_column("posts", justify="right", no_wrap=True)
    table.add_column("authors", justify="right", no_wrap=True)
    for one in found:
        table.add_row(one.value, f"{one.posts:,}", f"{one.authors:,}")
    console().print(table)

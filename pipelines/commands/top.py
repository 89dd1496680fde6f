"""``marsad top``: the most frequent hashtags, links, authors and entities."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Literal

import click
import msgspec
from rich.table import Table
from rich.text import Text

from pipelines.analysis.copies import FEWEST_ACCOUNTS, FEWEST_WORDS, Copies, find_copies
from pipelines.commands._shared.authors import known_authors
from pipelines.commands._shared.context import open_store
from pipelines.commands._shared.no_match import tell_uncounted, why_nothing
from pipelines.commands._shared.options import (
    QUERY_SETTINGS,
    Filters,
    QueryCommand,
    filter_options,
    query_node,
    store_option,
)
from pipelines.commands._shared.output import nothing_found, write_line
from pipelines.console import console
from pipelines.searching import KINDS, Kind, Ranked, top
from pipelines.terminal import printable


@click.command(cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("kind", type=click.Choice((*KINDS, "copies")))
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True,
              help="Values to show at most.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    kind: Kind | Literal["copies"],
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    limit: int,
    as_json: bool,
) -> None:
    """Count the most frequent values among the posts that match; no QUERY: all posts.

    A post counts once for each value. Authors are pseudonyms. `copies` are near-identical texts
    by five accounts or more, with how fast they came: a trace of coordination, or a share button.

    \b
    Examples:
      marsad top hashtags whatsapp
      marsad top entities --lang darija --since 2016-02-26
      marsad top authors 'inwi sentiment:negative' --json
      marsad top copies --since 2016-02-26
    """
    node = query_node(query, filters)
    with closing(open_store(store)) as opened:
        asked = known_authors(node, opened)
        found: Sequence[Ranked | Copies]
        if kind == "copies":
            found = find_copies(hit.post for hit in opened.scan(asked))[:limit]
        else:
            found = top(opened, asked, [kind], limit)[kind]
        tell_uncounted(asked, opened)
        reason = "" if found or opened.count(asked)[0] else why_nothing(asked, opened)
    if not found:
        none = f"None of the posts that match has {kind}."
        if kind == "copies":
            none = (
                f"No text of {FEWEST_WORDS} words or more stands in posts by {FEWEST_ACCOUNTS} "
                "accounts or more."
            )
        nothing_found(reason or none)
    if as_json:
        for one in found:
            write_line(msgspec.json.encode(one))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(kind, overflow="fold")
    table.add_column("posts", justify="right", no_wrap=True)
    table.add_column("authors", justify="right", no_wrap=True)
    if kind == "copies":
        for name in ("first", "last", "half within"):
            table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        row: list[Text | str] = [
            Text(printable(" ".join(one.value.split()))),
            f"{one.posts:,}",
            f"{one.authors:,}",
        ]
        if isinstance(one, Copies):
            hours = one.half_within_hours
            row += [f"{day:%Y-%m-%d}" if day else "" for day in (one.first, one.last)]
            row.append("" if hours is None else f"{hours:,.1f} h")
        table.add_row(*row)
    console().print(table)

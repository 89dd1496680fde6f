"""``marsad trends``: sentiment over time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console

from pipelines import trend_table
from pipelines.annotations import Event, find
from pipelines.annotations import load as load_events
from pipelines.commands.common import (
    QUERY_SETTINGS,
    Filters,
    chosen_watchlist,
    configured,
    filter_options,
    known_authors,
    nothing_found,
    open_store,
    query_node,
    say,
    store_option,
    values_of,
    write_line,
)
from pipelines.settings import zone
from pipelines.stages import utc_now
from pipelines.stores.base import Split, Status
from pipelines.trends import By, Row, deaf_times, rows, sums_by

if TYPE_CHECKING:
    from pipelines.charts import Format


@click.command(context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option(
    "--by",
    type=click.Choice(["day", "week", "hour"]),
    default="day",
    show_default=True,
    help="Length of a bucket; weeks begin on Monday (ISO 8601).",
)
@click.option(
    "--split",
    type=click.Choice(["entity", "language", "platform"]),
    help="Rows for each; with `entity` a post counts for every one it mentions, by its attitude.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV with a header.")
@click.option(
    "--chart",
    "charts",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw a chart into an .svg or .png file; may be repeated.",
)
@click.option(
    "--annotations",
    "events",
    metavar="FILE|NAME|none",
    help="Events to mark in charts: a CSV file, or a watchlist's (default: the configured one's).",
)
def command(
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    by: By,
    split: Split | None,
    as_json: bool,
    as_csv: bool,
    charts: tuple[Path, ...],
    events: str | None,
) -> None:
    """Show sentiment over time: posts, and the shares that are negative, neutral, positive.

    Shares are means of calibrated probabilities, in per cent, with 95 % intervals. Days are
    those of the store's time zone. With --split entity, --entity shows these entities alone.

    \b
    Examples:
      marsad trends --split entity
      marsad trends '"#OpeUnlike"' --by hour --since 2016-02-26 --until 2016-03-01
      marsad trends --by week --split entity --entity inwi --entity meditel --chart weeks.svg
      marsad trends whatsapp --json > whatsapp.ndjson
    """
    if as_json and as_csv:
        raise click.UsageError("choose --json or --csv")
    if charts:
        from pipelines.charts import format_of

        for path in charts:  # said now rather than after a long computation
            format_of(path)
    marks = _events(events) if charts else []
    node = query_node(query, filters)
    opened = open_store(store)
    try:
        node = known_authors(node, opened)
        sums = opened.sums(node, sums_by(by), split or "")
        posts, without_day = opened.count(node)
        status = opened.status()
    finally:
        opened.close()
    if split == "entity" and (wanted := values_of(filters.get("entity", ()))):
        sums = [one for one in sums if one.group in wanted]
    timezone = status.timezone or configured().timezone
    table = rows(sums, by, zone=zone(timezone), gaps=status.gaps)
    _remarks(posts, without_day, status)
    if not table:
        nothing_found(
            "No post matches."
            if not posts
            else f"{posts:,} posts match, but none with a date"
            + (" mentions a watched entity." if split == "entity" else ".")
        )
    names = _names(split)
    if as_json:
        for row in table:
            write_line(msgspec.json.encode(row))
    elif as_csv:
        click.echo(_csv(table), nl=False)
    else:
        trend_table.show(table, by, names, Console(highlight=False))
        if any(row.state == "unknown" for row in table):
            say("?: unknown, as a source was not listening (see `marsad status`).")
    if charts:
        from pipelines.charts import Caption, render

        caption = Caption(
            query=_words(query, filters),
            timezone=timezone,
            posts=posts,
            without_date=without_day,
            pending=status.ledger.pending,
            models=sorted(name for name in status.models if name),
        )
        deaf = deaf_times(status.gaps, zone(timezone), utc_now())

        def draw(form: Format) -> bytes:
            return render(table, by, caption, form, events=marks, names=names, deaf=deaf)

        _draw(charts, draw)


def _draw(charts: Sequence[Path], draw: Callable[[Format], bytes]) -> None:
    from pipelines.charts import format_of, write

    for path in charts:
        write(path, draw(format_of(path)))
        say(f"Drawn: {path}")


def _remarks(posts: int, without_day: int, status: Status) -> None:
    if without_day:
        say(f"{without_day:,} of {posts:,} posts have no usable date and are left out.")
    if status.ledger.pending:
        say(f"{status.ledger.pending:,} posts wait to be scored and are left out.")


def _events(name: str | None) -> list[Event]:
    if name is None:
        # the configured watchlist may come without events
        name = configured().watchlist
        return load_events(name) if find(name) else []
    return [] if name == "none" else load_events(name)


def _names(split: Split | None) -> dict[str, str]:
    """Return the entities' names for people, where a watchlist is configured."""
    watchlist = chosen_watchlist(None) if split == "entity" else None
    return {entity.id: entity.name for entity in watchlist.entities} if watchlist else {}


def _words(query: Sequence[str], filters: Filters) -> str:
    """Return query and options as one query, as people may write it."""
    options = [f"{field}:{','.join(values_of(given))}" for field, given in filters.items()]
    return " ".join([*query, *options])


def _csv(table: Sequence[Row]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(Row.__struct_fields__)
    writer.writerows(msgspec.structs.astuple(row) for row in table)
    return stream.getvalue()

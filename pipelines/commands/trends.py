"""``marsad trends``: sentiment over time."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import click
import msgspec

from pipelines import trend_table
from pipelines.analysis.buckets import Asked
from pipelines.analysis.remarks import remarks
from pipelines.analysis.scanned import SplitBy
from pipelines.analysis.series import READ_UNASKED, Counting
from pipelines.analysis.words import in_words
from pipelines.annotations import Event
from pipelines.annotations import load as load_events
from pipelines.commands._shared.chart_options import Code, look_options
from pipelines.commands._shared.options import (
    QUERY_SETTINGS,
    Filters,
    QueryCommand,
    filter_options,
    store_option,
)
from pipelines.commands._shared.output import nothing_found, notify, waiting, write_line
from pipelines.commands.trend_answer import Answer, ask
from pipelines.commands.trend_charts import Look, check, draw, group_names
from pipelines.console import console
from pipelines.trends import Row

_MISSING = (
    "The posts were matched with the watchlist {name!r}, which is not at hand: {what}. Name its "
    "file as watchlist in marsad.toml, or in MARSAD_WATCHLIST."
)


@click.command(cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option(
    "--by",
    type=click.Choice(["auto", "hour", "day", "week", "month"]),
    default="auto",
    show_default=True,
    help="Length of a bucket; weeks begin on Monday (ISO 8601). `auto`: days, or weeks or months "
    "where days have too few posts for shares.",
)
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(["entity", "language", "platform", "hashtag", "author", "source"]),
    help="Rows for each; with `entity` a post counts for every one it mentions, by its attitude. "
    "Given twice: for each pair.",
)
@click.option(
    "--compare",
    "against",
    multiple=True,
    metavar="QUERY",
    help="Show another query beside this one; may be repeated.",
)
@click.option(
    "--repeats",
    type=click.Choice(["auto", "once", "all"]),
    default="auto",
    show_default=True,
    help="Texts that one account repeats word for word count once, or each time. `auto`: once, up "
    f"to {READ_UNASKED:,} posts, since all have to be read.",
)
@click.option("--reposts", type=click.Choice(["in", "out"]), default="in", show_default=True,
              help="Whether reposts count.")  # fmt: skip
@click.option(
    "--copies",
    type=click.Choice(["in", "out", "both"]),
    default="in",
    show_default=True,
    help="Near-identical texts by many accounts: count them, leave them out, or show both lines "
    "(`marsad top copies` lists them).",
)
@click.option(
    "--mix",
    type=click.Choice(["own", "fixed"]),
    default="own",
    show_default=True,
    help="Languages of a bucket weigh as they are, or alike in all buckets.",
)
@click.option("--of-all", is_flag=True, help="Add the part of all posts in the store.")
@click.option(
    "--breaks",
    is_flag=True,
    help="Say on which days the negative share changed, and which event is near (with --json: "
    "these in place of the rows). Charts always do.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV with a header.")
@click.option(
    "--chart",
    "charts",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw a chart into an .svg, .png or .pdf file; may be repeated.",
)
@click.option("--title", default="", help="Title of the chart, in place of the query.")
@look_options
@click.option(
    "--annotations",
    "events",
    metavar="FILE|NAME|none",
    help="Events to mark in charts: a CSV file, or a watchlist's (default: that of the posts).",
)
def command(
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    by: Asked,
    splits: tuple[SplitBy, ...],
    against: tuple[str, ...],
    repeats: Literal["auto", "once", "all"],
    reposts: str,
    copies: str,
    mix: str,
    of_all: bool,
    breaks: bool,
    as_json: bool,
    as_csv: bool,
    charts: tuple[Path, ...],
    title: str,
    size: str,
    code: Code,
    real_text: bool,
    events: str | None,
) -> None:
    """Show sentiment over time: posts, and the shares that are negative, neutral, positive.

    Shares are in per cent, with 95 % intervals. With 100 labels of your own or more (marsad
    label) they are corrected for what the model gets wrong; without, they are means of its
    calibrated probabilities, whose intervals hold sampling error alone. Days are those of the
    store's time zone. With --split entity, --entity shows these entities alone.

    \b
    Examples:
      marsad trends --split entity
      marsad trends '"#OpeUnlike"' --by hour --since 2016-02-26 --until 2016-03-01
      marsad trends --by week --split entity --entity inwi --entity meditel --chart weeks.svg
      marsad trends --split language --split platform --reposts out
      marsad trends whatsapp --compare skype --of-all
      marsad trends --entity inwi --split entity --breaks
      marsad trends whatsapp --json > whatsapp.ndjson
    """
    if as_json and as_csv:
        raise click.UsageError("choose one: --json or --csv")
    splits = tuple(dict.fromkeys(splits))
    if len(splits) > 2:
        raise click.UsageError("choose two splits at most")
    if sum((bool(splits), bool(against), copies == "both")) > 1:
        raise click.UsageError(
            "--split, --compare and `--copies both` don't go together: choose one"
        )
    look = Look(title=title, size=size, code=code, real_text=real_text)
    if charts:
        check(charts, look)  # said now rather than after a long computation
    marks = _events(events) if charts or breaks else None
    answer = ask(
        query,
        store,
        filters,
        by,
        splits,
        chart=bool(charts) or breaks,
        counting=Counting(
            repeats=repeats,
            reposts=reposts == "in",
            copies=copies != "out",
            fixed_mix=mix == "fixed",
            of_all=of_all,
        ),
        against=against,
        both=copies == "both",
    )
    _remarks(answer)
    if not answer.rows:
        nothing_found(answer.reason or _undated(answer, splits))
    names = group_names(answer, splits)
    marked = answer.case.events() if marks is None else marks
    _show(answer, names, marked, breaks=breaks, as_json=as_json, as_csv=as_csv)
    by_ids = "entity" in splits and (charts or not (as_json or as_csv))
    lost = ["entities stand by their ids"] if by_ids or (charts and "entity" in filters) else []
    lost += ["events are not marked"] if charts and marks is None else []
    if answer.case.missing and lost:
        notify(_MISSING.format(name=answer.case.missing, what=", and ".join(lost)))
    if charts:
        draw(charts, answer, filters, splits, marked, look)


def _show(
    answer: Answer,
    names: Mapping[str, str],
    events: Sequence[Event],
    *,
    breaks: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Write the rows, as a table with remarks unless another form is wanted."""
    if as_json:
        for row in _breaks_of(answer, events) if breaks else answer.rows:
            write_line(msgspec.json.encode(row))
        return
    if as_csv:
        click.echo(_csv(answer.rows), nl=False)
        return
    trend_table.show(answer.rows, answer.by, names, console())
    if any(row.state == "unknown" for row in answer.rows):
        notify("?: unknown, as a source was not listening (see `marsad status`).")
    for remark in remarks(answer.series):
        notify(in_words(remark))
    for line in _break_words(answer, events, names) if breaks else ():
        notify(line)


def _breaks_of(answer: Answer, events: Sequence[Event]) -> Sequence[msgspec.Struct]:
    from pipelines.analysis.break_words import breaks_of  # loads numpy when it finds something

    return breaks_of(answer.rows, events)


def _break_words(
    answer: Answer, events: Sequence[Event], names: Mapping[str, str]
) -> Sequence[str]:
    from pipelines.analysis.break_words import break_words

    return list(break_words(answer.rows, answer.by, events, names))


def _undated(answer: Answer, splits: Sequence[SplitBy]) -> str:
    watched = " mentions a watched entity" if "entity" in splits else ""
    return f"{answer.posts:,} posts match, but none with a date{watched}."


def _remarks(answer: Answer) -> None:
    posts, without_day, pending = answer.posts, answer.without_day, answer.status.ledger.pending
    if answer.fictional:
        some = answer.fictional < posts
        which = f"{answer.fictional:,} of {posts:,} posts are" if some else "All of these posts are"
        notify(f"{which} fictional: they are evidence of nothing.")
    if without_day:
        notify(f"{without_day:,} of {posts:,} posts have no usable date and are left out.")
    if pending:
        notify(waiting(pending, "{are} left out"))


def _events(name: str | None) -> list[Event] | None:
    """Return the events that were named; ``None`` for those of the posts' own watchlist."""
    if name is None:
        return None
    return [] if name == "none" else load_events(name)


def _csv(table: Sequence[Row]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(Row.__struct_fields__)
    for row in table:
        cells = msgspec.structs.asdict(row)
        cells["mix"] = " ".join(f"{language}:{part}" for language, part in row.mix.items())
        writer.writerow(cells.values())
    return stream.getvalue()

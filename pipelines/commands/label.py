"""``marsad label``: sheets for people to label posts, and what they say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.table import Table
from rich.text import Text

from pipelines.commands._shared.authors import known_authors
from pipelines.commands._shared.context import open_existing, open_store
from pipelines.commands._shared.options import (
    QUERY_SETTINGS,
    Filters,
    QueryCommand,
    filter_options,
    query_node,
    store_option,
    values_of,
)
from pipelines.commands._shared.output import count, nothing_found, notify, write_line
from pipelines.console import console
from pipelines.labels.sampling import STRATA, Stratum
from pipelines.labels.words import Ui
from pipelines.records import HumanLabel

_STRATIFY = "language,predicted,week"


def _strata(ctx: click.Context, option: click.Parameter, value: str) -> tuple[Stratum, ...]:
    wanted = [name.strip() for name in value.split(",") if name.strip() and value != "none"]
    unknown = [name for name in wanted if name not in STRATA]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; choose from {', '.join(STRATA)}, or none")
    return tuple(name for name in STRATA if name in wanted)


@click.group()
def command() -> None:
    """Label posts by hand, so that trends can be corrected with what people say.

    \b
    Examples:
      marsad label sample whatsapp --n 200 --to sheet.xlsx
      marsad label import sheet.xlsx --coder Sara
      marsad label report
    """


@command.command("sample", cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option("--n", "size", type=click.IntRange(1), default=200, show_default=True,
              help="Posts to sample; trends need 100, 200 are better.")  # fmt: skip
@click.option("--stratify", default=_STRATIFY, show_default=True, metavar="LIST", callback=_strata,
              help=f"Spread over these: {', '.join(STRATA)}; or none.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True,
              help="The same seed draws the same posts from the same store.")  # fmt: skip
@click.option("--to", "path", required=True, metavar="FILE",
              type=click.Path(path_type=Path, dir_okay=False),
              help="Sheet to write: .xlsx, .csv or .ndjson.")  # fmt: skip
@click.option("--lang-ui", "ui", type=click.Choice(["en", "fr", "ar"]), default="en",
              show_default=True, help="Language of headers and labels.")  # fmt: skip
@click.option("--show-predicted", is_flag=True,
              help="Show what the model says; coders then tend to follow it.")  # fmt: skip
@click.option("--again", is_flag=True, help="Sample posts that are labelled already, too.")
def sample_command(
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    size: int,
    stratify: tuple[Stratum, ...],
    seed: int,
    path: Path,
    ui: Ui,
    show_predicted: bool,
    again: bool,
) -> None:
    """Write a random sample of the posts that match as a sheet for people, one post a row.

    With --entity the sheet asks for the attitude to each of these entities in place of the mood.
    """
    from pipelines.labels.sampling import sample
    from pipelines.labels.sheets import write

    node = query_node(query, filters)
    with closing(open_store(store)) as opened:
        node = known_authors(node, opened)
        before = set() if again else {hit.post.id for hit, _ in opened.labelled(node)}
        posts = sample(opened, node, size, strata=stratify, seed=seed, leave_out=before)
    if not posts:
        left = f" {len(before):,} are labelled already (--again)." if before else ""
        nothing_found(f"No post matches that is to be labelled.{left}")
    write(
        path, posts, entities=values_of(filters.get("entity", ())), ui=ui, predicted=show_predicted
    )
    if len(posts) < size:
        few = "1 post matches; it is" if len(posts) == 1 else f"{len(posts):,} posts match; all are"
        notify(f"Only {few} in the sheet.")
    notify(
        f"{count(len(posts), 'post')} written to {path}. Fill the column of labels, then: "
        f"marsad label import {path} --coder NAME"
    )


@command.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@store_option
@click.option("--coder", required=True, metavar="NAME", help="Who labelled; two people, two names.")
def import_command(path: Path, store: str | None, coder: str) -> None:
    """Take the labels of a sheet into the store: xlsx, CSV or NDJSON, words in three languages.

    Rows without a label are left out. A row that can't be read is told, the others are taken,
    and the exit code is then 1. A coder's later label of a post replaces the earlier one.
    """
    from pipelines.labels.sheets import read

    if not coder.strip():
        raise click.BadParameter("a name is needed", param_hint="--coder")
    answers = list(read(path))
    bad = [one for one in answers if one.problem]
    for one in bad:
        notify(f"row {one.row}: {one.problem}")
    now = datetime.now(UTC).replace(microsecond=0)
    labels = [
        HumanLabel(
            post=one.id,
            coder=coder.strip(),
            aspect=aspect,
            label=label,
            digest=one.digest,
            weight=one.weight,
            at=now,
        )
        for one in answers
        if one.id and not one.problem
        for aspect, label in one.labels.items()
    ]
    if not labels:
        nothing_found(f"{path} holds no labels: fill a column of labels and save it.")
    with closing(open_existing(store)) as opened:
        taken = opened.put_labels(labels)
    empty = sum(not one.labels and not one.problem for one in answers)
    notify(f"{taken:,} labels of {coder.strip()} stored; {empty:,} rows have none.")
    if taken < len(labels):
        notify(f"{len(labels) - taken:,} labels are of posts that the store does not hold.")
    if bad:
        raise click.exceptions.Exit(1)


@command.command("report", cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option("--aspect", default="sentiment", show_default=True, metavar="sentiment|target:ENTITY")
@click.option("--wrong", type=click.IntRange(0), default=10, show_default=True,
              help="Posts to list that the model labels otherwise than people.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with all wrong posts.")
def report_command(
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    aspect: str,
    wrong: int,
    as_json: bool,
) -> None:
    """Tell how far coders agree, and what the model gets wrong, by language."""
    from pipelines.labels.agreement import report

    if aspect != "sentiment" and not re.fullmatch("target:.+", aspect):
        raise click.BadParameter("write sentiment, or target:ENTITY", param_hint="--aspect")
    node = query_node(query, filters)
    with closing(open_store(store)) as opened:
        found = report(opened.labelled(known_authors(node, opened)), aspect)
    if not found.posts:
        nothing_found(f"No post that matches has a label of {aspect}: see marsad label sample.")
    if as_json:
        write_line(msgspec.json.encode(found))
        return
    coders = ", ".join(f"{name} {posts:,}" for name, posts in found.coders.items())
    shown = console()
    shown.print(f"{found.posts:,} labelled posts ({coders})")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for head in ("coded twice", "kappa", "alpha", "model judged", "accuracy"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, one in found.agreement.items():
        model = found.model[name]
        figures = (one.kappa, one.alpha)
        table.add_row(
            name,
            f"{one.posts:,}",
            *("–" if value is None else f"{value:.2f}" for value in figures),
            f"{model.posts:,}",
            "–" if model.accuracy is None else f"{model.accuracy:.0%}",
        )
    shown.print(table)
    _list_wrong(found.wrong[:wrong], shown.width)


def _list_wrong(wrong: Sequence[object], width: int) -> None:
    from pipelines.labels.agreement import Wrong

    shown = console()
    for one in wrong:
        assert isinstance(one, Wrong)
        text = " ".join(one.text.split())[: max(20, width - 2)]
        head = f"{one.id} ({one.language}): people {one.people}, model {one.predicted} "
        shown.print(Text(f"{head}({one.confidence:.0%})", style="dim"))
        shown.print(Text(f"  {text}"))

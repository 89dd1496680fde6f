"""``marsad evaluate``: measure the model on labelled posts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from pipelines.commands._shared.context import chosen_watchlist
from pipelines.commands._shared.options import watchlist_option
from pipelines.commands._shared.output import nothing_found, notify, write_line
from pipelines.console import console
from pipelines.errors import OutputError
from pipelines.progress import progress

if TYPE_CHECKING:
    from nlp.error_tables import ErrorFile


@click.command()
@click.argument("file")
@watchlist_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@click.option(
    "--errors",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what is confused with what, by language and script, as JSON, to correct shares "
    "with. Use posts that the model was neither trained nor calibrated on.",
)
@click.option(
    "--worst",
    type=click.IntRange(0, 1000),
    default=0,
    metavar="N",
    help="List the N surest errors of sentiment with their texts, and the words that moved each "
    "score (each word is left out in turn).",
)
def command(
    file: str, watchlist: str | None, as_json: bool, errors: Path | None, worst: int
) -> None:
    """Measure the model on FILE, labelled posts as NDJSON (also gzip, zstd; `-` is standard input).

    A row is {"text", "label", "lang", "source"} to measure sentiment, {"text", "lang"} for
    language, or a post with "labels": {"language", "sentiment", "targets"}. A sheet of `marsad
    label` (xlsx, CSV) is read as well. Attitudes to entities
    need a --watchlist. A row without a known label is told on standard error and left out; the exit
    code is then 1.

    \b
    Examples:
      marsad evaluate labelled.ndjson
      marsad evaluate --watchlist morocco-2016 --json sample.ndjson > figures.json
      marsad evaluate held-out.ndjson.gz --errors errors.json
      marsad evaluate labelled.xlsx --worst 20
    """
    from nlp.error_tables import Data
    from pipelines import evaluation_table
    from pipelines.commands._shared.scoring import make_scorer
    from pipelines.evaluation import Evaluation, evaluate
    from pipelines.labelled import LabelledFile
    from pipelines.labels.labelled import SHEETS, LabelledSheet

    found = chosen_watchlist(watchlist)
    sheet = Path(file).suffix.lower() in SHEETS
    labelled = LabelledSheet(Path(file)) if sheet else LabelledFile(file)
    try:
        evaluation = Evaluation(make_scorer(), found)
        with progress("Scoring") as report:
            bad = evaluate(
                labelled.rows(),
                evaluation,
                tell=lambda row: notify(f"line {row.line}: {row.reason}"),
                report=lambda posts: report(labelled.position, labelled.size, posts),
            )
        data = Data(labelled.name, labelled.sha256(), evaluation.rows)
    finally:
        labelled.close()
    if not evaluation.rows and not bad:
        nothing_found(f"{file} has no rows.")
    if evaluation.rows:
        figures = evaluation.report(data, bad, worst)
        if as_json:
            write_line(msgspec.json.encode(figures))
        else:
            evaluation_table.show(figures, console())
        if found is None and evaluation.targets_labelled:
            notify("Attitudes to entities are labelled; name a --watchlist to measure them.")
        if figures.learned:
            notify(
                f"Attitudes were learned from {figures.learned:,} of these posts: their figures "
                "here flatter. docs/targets.md has those of posts that were not learned from."
            )
        if errors is not None:
            _write(errors, evaluation.errors(data))
    if bad:
        notify(f"{evaluation.rows:,} rows measured, {bad:,} could not be.")
        raise click.exceptions.Exit(1)


def _write(path: Path, file: ErrorFile) -> None:
    if not file.sentiment and not file.targets:
        raise OutputError(
            f"{path} was not written: error tables need posts labelled with sentiment, of sources "
            "in which some are labelled neutral"
        )
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n")
    except OSError as error:
        raise OutputError(
            f"{path} can't be written: {error.strerror or error}. Check the folder and its rights."
        ) from error
    notify(f"Error tables written: {path}")

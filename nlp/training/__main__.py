"""Command line: ``python -m nlp.training --data DIR --work DIR``."""

from __future__ import annotations

from pathlib import Path

import click

from nlp.sentiment import SHIPPED
from nlp.training import data as data_folder
from nlp.training import loop, package, steps


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="The data folder (sentiment/, text/, language/).",
)
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    required=True,
    help="Where steps leave their results and checkpoints; give the same one to go on.",
)
@click.option("--pretrain-steps", default=0, show_default=True, help="Batches of 64 lines.")
@click.option(
    "--pretrain-seconds",
    default=0.0,
    show_default=True,
    help="End the pre-training after this time at the latest (0: no limit).",
)
@click.option("--finetune-steps", default=6000, show_default=True, help="Batches of 48 posts.")
@click.option(
    "--finetune-seconds",
    default=0.0,
    show_default=True,
    help="End the fine-tuning after this time at the latest (0: no limit).",
)
@click.option("--rate", default=1.2e-4, show_default=True, help="Highest learning rate of that.")
@click.option(
    "--start",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Fine-tune earlier weights further: a run's finetune folder, or a model's (nlp/model).",
)
@click.option(
    "--teacher",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A finished model (such as nlp/model) whose votes count beside the labels.",
)
@click.option(
    "--mean",
    "others",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the mean of this run's weights and these (of a run or a model); repeatable.",
)
@click.option(
    "--share",
    type=float,
    help="What this run's weights count in that mean (default: as each other).",
)
@click.option("--layers", default=8, show_default=True)
@click.option(
    "--exit",
    "exits",
    type=int,
    multiple=True,
    help="Also train a network of the lowest N layers on the way; repeatable.",
)
@click.option(
    "--early",
    default=0,
    help="Let the finished model leave a sure post after N layers (0: after all).",
)
@click.option("--keep", default=0, help="Finish the network of this --exit, not the whole one.")
@click.option(
    "--freeze",
    "frozen",
    default=0,
    show_default=True,
    help="Leave the embeddings and the lowest N layers as they are in fine-tuning.",
)
@click.option(
    "--licence",
    type=click.Choice(["all", "free"]),
    default="all",
    show_default=True,
    help="free: without sources for non-commercial use (start from the base then).",
)
@click.option("--threads", default=2, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--own",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Invented posts of a case to train on as well (its training.ndjson).",
)
@click.option(
    "--only-calibrate",
    is_flag=True,
    help="Train nothing: calibrate and measure the shipped networks anew (minutes).",
)
@click.option("--ship", is_flag=True, help="Copy the finished model into nlp/model.")
def main(
    data: Path,
    work: Path,
    pretrain_steps: int,
    pretrain_seconds: float,
    finetune_steps: int,
    finetune_seconds: float,
    rate: float,
    start: Path | None,
    teacher: Path | None,
    others: tuple[Path, ...],
    share: float | None,
    layers: int,
    exits: tuple[int, ...],
    early: int,
    keep: int,
    frozen: int,
    licence: data_folder.Licence,
    threads: int,
    seed: int,
    own: Path | None,
    only_calibrate: bool,
    ship: bool,
) -> None:
    """Make the sentiment model from the registry packages and a data folder, step by step.

    Interrupted, it goes on where it stopped when the same command is given again.

    \b
    Examples:
      python -m nlp.training --data ../shared/data --work ../train-cache/run
      python -m nlp.training --data ../shared/data --work ../train-cache/run --ship
    """
    settings = steps.Settings(
        data,
        work,
        pretraining=loop.Plan(pretrain_steps, 2.5e-4, pretrain_seconds),
        finetuning=loop.Plan(finetune_steps, rate, finetune_seconds),
        layers=layers,
        exits=exits,
        early=early,
        shipped_layers=keep,
        frozen=frozen,
        licence=licence,
        threads=threads,
        seed=seed,
        own=own,
        start=start,
        teacher=teacher,
        others=others,
        share=share,
    )
    folder = steps.calibrated(settings, SHIPPED) if only_calibrate else steps.run(settings)
    click.echo((work / "report.md").read_text(encoding="utf-8"))
    if ship:
        package.copy(folder, SHIPPED)
        click.echo(f"shipped to {SHIPPED}", err=True)


if __name__ == "__main__":
    main()

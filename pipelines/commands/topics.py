"""``marsad topics``: make the Kafka topics between the stages, and see whether they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec
from rich.table import Table

from pipelines.commands._shared.context import needed_brokers
from pipelines.commands._shared.options import brokers_option
from pipelines.commands._shared.output import notify, write_line
from pipelines.console import console

if TYPE_CHECKING:
    from pipelines.kafka.connection import Brokers
    from pipelines.kafka.topics import Found


@click.group()
def command() -> None:
    """Make, or look at, the Kafka topics between the stages.

    \b
    Example:
      marsad topics create --brokers localhost:9092
    """


@command.command()
@brokers_option
@click.option(
    "--partitions",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Of the posts' topics: as many workers of one stage can share the work (default: 6).",
)
@click.option(
    "--alter", is_flag=True, help="Set the settings of topics that were there before, too."
)
def create(brokers: str | None, partitions: int | None, alter: bool) -> None:
    """Make the topics that are missing; those that are there stay as they are.

    Where one has other settings than defined, or another number of partitions than asked for,
    that is told, and the exit code is 1. Partitions can't be added: a deletion has to come to the
    partition that its text went to.

    \b
    Examples:
      marsad topics create --brokers localhost:9092
      MARSAD_KAFKA_PREFIX=marsad2. marsad topics create --partitions 24
      marsad topics create --alter
    """
    from pipelines.kafka import topics

    where = needed_brokers(brokers)
    before = topics.create(where, partitions=partitions, alter=alter)
    made = [where.topic(found.name) for found in before if not found.partitions]
    differing = [found for found in before if found.differences]
    if made:
        notify(f"Made: {', '.join(made)}.")
    else:
        notify("Every topic was there.")
    for found in differing:
        notify(f"{where.topic(found.name)}: {'was set: ' if alter else ''}{found.state}")
    if differing and not alter:
        notify("To set them as defined: marsad topics create --alter")
    fixed = _of_other_size(before, partitions)
    for found in fixed:
        notify(
            f"{where.topic(found.name)} has {found.partitions} partitions and keeps them: a "
            "deletion has to come to the partition that its text went to."
        )
    if fixed:
        notify(
            "For another number make a new collection, under a prefix of its own: "
            f"MARSAD_KAFKA_PREFIX=… marsad topics create --partitions {partitions} "
            "(docs/operations.md, the lag grows)"
        )
    if fixed or (differing and not alter):
        raise click.exceptions.Exit(1)


def _of_other_size(there: list[Found], partitions: int | None) -> list[Found]:
    """Return the topics that are there with another number of partitions than is asked for."""
    from pipelines.kafka.topics import SHARED

    return [
        found
        for found in there
        if partitions and found.name in SHARED and found.partitions not in {0, partitions}
    ]


@command.command(name="list")
@brokers_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_topics(brokers: str | None, as_json: bool) -> None:
    """Show the topics, and whether they are as defined. Exit code 1 if any is missing.

    \b
    Examples:
      marsad topics list --brokers localhost:9092
      marsad topics list --json
    """
    from pipelines.kafka import topics

    where = needed_brokers(brokers)
    there = topics.look(where)
    if as_json:
        for found in there:
            write_line(msgspec.json.encode(found))
    else:
        _show(where, there)
    if not all(found.partitions for found in there):
        raise click.exceptions.Exit(1)


def _show(where: Brokers, there: list[Found]) -> None:
    table = Table("topic", "partitions", "replicas", "state", box=None, header_style="dim")
    for found in there:
        table.add_row(
            where.topic(found.name),
            str(found.partitions or "–"),
            str(found.replication or "–"),
            found.state,
        )
    console().print(table)

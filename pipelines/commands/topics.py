"""``marsad topics``: make the Kafka topics between the stages, and see whether they fit."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console
from rich.table import Table

from pipelines.commands.common import brokers_option, needed_brokers, say, write_line


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

    Where one has other settings than defined, that is told, and the exit code is 1.

    \b
    Examples:
      marsad topics create --brokers localhost:9092
      marsad topics create --partitions 24
      marsad topics create --alter
    """
    from pipelines.kafka import topics

    where = needed_brokers(brokers)
    before = topics.create(where, partitions=partitions, alter=alter)
    made = [where.topic(found.name) for found in before if not found.partitions]
    differing = [found for found in before if found.differences]
    if made:
        say(f"Made: {', '.join(made)}.")
    else:
        say("Every topic was there.")
    for found in differing:
        say(f"{where.topic(found.name)}: {'was set: ' if alter else ''}{found.state}")
    if differing and not alter:
        say("To set them as defined: marsad topics create --alter")
        raise click.exceptions.Exit(1)


@command.command(name="list")
@brokers_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_topics(brokers: str | None, as_json: bool) -> None:
    """Show the topics, and whether they are as defined.

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
        return
    table = Table("topic", "partitions", "replicas", "state", box=None, header_style="dim")
    for found in there:
        table.add_row(
            where.topic(found.name), str(found.partitions), str(found.replication), found.state
        )
    Console(highlight=False).print(table)

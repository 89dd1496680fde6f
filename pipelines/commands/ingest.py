"""``marsad ingest``: read posts from a source into the store, or into Kafka."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ingest.dates import DateOrder
from ingest.mapping.fields import TARGETS
from ingest.sources.archive.preview import PreviewOptions, preview
from ingest.sources.archive.source import ArchiveSource
from pipelines.commands._shared.archive_import import Run, into_store, into_topics
from pipelines.commands._shared.context import (
    chosen_watchlist,
    destination,
)
from pipelines.commands._shared.import_report import preview_lines
from pipelines.commands._shared.options import (
    brokers_option,
    field_mapping,
    store_option,
    watchlist_option,
)
from pipelines.commands._shared.output import tell
from pipelines.results import Previewed
from pipelines.results import report as report_result


class _Sources(click.Group):
    """``archive``, and one subcommand for each source, made from the registry when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all subcommands."""
        from pipelines.commands import ingest_live

        return [*super().list_commands(ctx), *ingest_live.names()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand."""
        if found := super().get_command(ctx, cmd_name):
            return found
        from pipelines.commands import ingest_live

        return ingest_live.command_of(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand that is asked for; say which there are where it is none."""
        from ingest.sources.registry import unknown

        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise click.UsageError(unknown(args[0], self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Sources)
def command() -> None:
    """Read posts from a source into the store, score and index them.

    \b
    Examples:
      marsad ingest archive posts.ndjson --watchlist morocco-2016
      marsad ingest mastodon protest --url https://social.example
      marsad ingest all                       (the sources of marsad.toml)
    """


@command.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@store_option
@brokers_option
@watchlist_option
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="FIELD=NAME,…",
    help=f"Where the file has a field: text=body,author=user.name (fields: {', '.join(TARGETS)}).",
)
@click.option("--dataset", metavar="NAME", help="Name of the data set (default: the file's name).")
@click.option("--platform", metavar="NAME", help="Platform of all posts, e.g. twitter.")
@click.option(
    "--timezone",
    metavar="ZONE",
    help="Zone of dates that name none, recorded with the import (else UTC is assumed).",
)
@click.option(
    "--date-order",
    type=click.Choice(["day-first", "month-first"]),
    help="What 03/02/2016 is, where no date of the file shows it (else the day comes first).",
)
@click.option("--encoding", default="", metavar="NAME", help="Of the file, where detection errs.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="Read at most N records of each file this time.",
)
@click.option(
    "--preview",
    "previewed",
    is_flag=True,
    help="Show what the files would become, and store nothing.",
)
@click.option(
    "--again",
    is_flag=True,
    help="Read files that were read to their end before; the same posts count as duplicates.",
)
@click.option(
    "--keep-authors",
    metavar="REASON",
    help="Keep account names instead of pseudonyms; the reason is recorded.",
)
@click.option(
    "--later",
    is_flag=True,
    help="End when the posts can be found, with provisional scores; `marsad score --pending` or "
    "the next import goes on.",
)
def archive(
    files: tuple[str, ...],
    store: str | None,
    brokers: str | None,
    watchlist: str | None,
    mapping: tuple[str, ...],
    dataset: str | None,
    platform: str | None,
    timezone: str | None,
    date_order: DateOrder | None,
    encoding: str,
    limit: int | None,
    previewed: bool,
    again: bool,
    keep_authors: str | None,
    later: bool,
) -> None:
    """Read posts from files: NDJSON, JSON or CSV, plain, gzip or zstd; `-` is standard input.

    Format, encoding, delimiter and fields are detected; a record that can't be read becomes a
    dead letter with its reason (`marsad dead list`). After an interruption the same command
    resumes; a file read to its end is recognised, wherever it lies. Another mapping or
    watchlist reads it anew.

    Posts can be found as soon as they are read, with provisional scores of a fast model; the
    scores that count follow, newest posts first. Interrupted then, nothing is lost either.

    \b
    Examples:
      marsad ingest archive tweets.jsonl.gz --watchlist morocco-2016
      marsad ingest archive comments.csv --map text=body,author=user.name --platform facebook
      marsad ingest archive old.csv --preview
      marsad ingest archive old.csv --timezone Africa/Casablanca --store study.db
      zcat *.gz | marsad ingest archive - --dataset dump-2016
      marsad ingest archive tweets.jsonl.gz --brokers localhost:9092
    """
    if previewed:
        _preview(
            files,
            PreviewOptions(
                mapping=field_mapping(mapping),
                dataset=dataset,
                platform=platform,
                timezone=timezone,
                encoding=encoding,
                date_order=date_order or "",
                watchlist=chosen_watchlist(watchlist),
            ),
        )
        return
    where = destination(store, brokers)
    if keep_authors is not None and not keep_authors.strip():
        raise click.UsageError("--keep-authors needs a reason, which is recorded with the import")
    if keep_authors and where:
        raise click.UsageError("--keep-authors does not go with --brokers: no name enters Kafka")
    sources = [
        ArchiveSource(
            file,
            dataset=dataset,
            platform=platform,
            mapping=field_mapping(mapping),
            timezone=timezone,
            encoding=encoding,
            date_order=date_order or "",
            again=again,
        )
        for file in files
    ]
    case = chosen_watchlist(watchlist)
    into = into_topics(where) if where else into_store(store, watchlist, case, later)
    with into as target:
        run = Run(target, case, (keep_authors or "").strip(), limit)
        failures = sum(run.file(source) for source in sources)
        target.finish()
        target.waits = target.waits or later
        run.notify()
    if failures:
        raise click.exceptions.Exit(1)


def _preview(files: Sequence[str], options: PreviewOptions) -> None:
    found = preview(files, options)
    for one in found:
        report_result(Previewed(preview=one))
        for line in preview_lines(one):
            tell(line)
    if any(one.error for one in found):
        raise click.exceptions.Exit(1)

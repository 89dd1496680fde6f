"""``marsad ingest``: read posts from a source into the store, or into Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from ingest.dates import DateOrder
from ingest.errors import SourceError
from ingest.mapping.fields import TARGETS
from ingest.sources.archive.preview import PreviewOptions, preview
from ingest.sources.archive.source import ArchiveSource
from ingest.watchlist.loader import Watchlist
from nlp.score import Scorer
from pipelines.commands._shared.context import (
    chosen_watchlist,
    destination,
    kafka_sink,
    open_store,
    protector,
    require_own_keys,
)
from pipelines.commands._shared.import_report import after_lines, imported, preview_lines
from pipelines.commands._shared.options import (
    brokers_option,
    field_mapping,
    store_option,
    watchlist_option,
)
from pipelines.commands._shared.output import count, ledger_line, notify, printable
from pipelines.commands._shared.scoring import (
    finish_pending,
    make_scorer,
    side_by_side,
    tell_days,
)
from pipelines.commands._shared.study import record_study
from pipelines.embedded import (
    Imported,
    add,
    collect,
    drain,
    index_provisionally,
    position_key,
)
from pipelines.identity import Identities
from pipelines.progress import progress
from pipelines.records import Ledger
from pipelines.results import Failure, Previewed
from pipelines.results import report as report_result
from pipelines.settings import zone
from pipelines.stages import Collector
from pipelines.stores.protocols import Sink, Store

if TYPE_CHECKING:
    from pipelines.kafka.connection import Brokers


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
    into = _into_topics(where) if where else _into_store(store, watchlist, case, later)
    with into as target:
        run = _Run(target, case, (keep_authors or "").strip(), limit)
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
            click.echo(printable(line))
    if any(one.error for one in found):
        raise click.exceptions.Exit(1)


class _Target:
    """Where an import goes: what takes the posts, and what follows each batch."""

    def __init__(
        self,
        taking: Sink,
        catch_up: Callable[[], object] = lambda: None,
        finish: Callable[[], object] = lambda: None,
        days: str = "",
    ) -> None:
        self.sink = taking
        self.catch_up = catch_up
        """Make what waits searchable, where that is this command's work."""
        self.finish = finish
        """Score what waits, where that is this command's work."""
        self.days = days
        """The time zone of its days, where that is known."""
        self.identities: Identities | None = None
        """Keeps posts of one id and several authors apart, where there is a store to ask."""
        self.waits = False
        """Whether posts wait for others to score them when this command ends."""


@contextmanager
def _into_store(
    path: str | None, watchlist: str | None, case: Watchlist | None, later: bool
) -> Iterator[_Target]:
    opened = open_store(path, readonly=False, case=case)
    try:
        with opened.writer("ingest archive"):
            require_own_keys(opened)
            tell_days(opened, case)
            record_study(opened, watchlist, case)
            scoring = _Scoring(opened, later=later)
            target = _Target(opened, scoring, scoring.finish, opened.timezone())
            target.identities = Identities(opened)
            yield target
            if met := target.identities.met:
                notify(
                    f"{count(met, 'post')} had the id of another author's post. Both were kept, "
                    "with the flag id-suspect: see whether the ids count within a file "
                    "(--dataset NAME) or another column holds them (--map id=NAME)."
                )
        total = opened.ledger()
    finally:
        opened.close()
    notify(ledger_line("in the store", total))


@contextmanager
def _into_topics(where: Brokers) -> Iterator[_Target]:
    with kafka_sink(where) as opened:
        require_own_keys(opened)
        target = _Target(opened)
        target.waits = True
        yield target


class _Scoring:
    """Scores and indexes what waits in a store, with models that are loaded once.

    Posts can be found with provisional scores as they come, and are scored when all are read; in
    a store that has no provisional scores they are scored as they come.
    """

    def __init__(self, store: Store, *, later: bool) -> None:
        self._store = store
        self._zone = zone(store.timezone())
        self._later = later
        self._scorer: Scorer | None = None
        self._provisional: Scorer | None = None

    def __call__(self) -> int:
        if not self._later:
            # A model that does not load is told before anything is read.
            self._scorer = self._scorer or make_scorer()
        if self._store.provisional_scores:
            return index_provisionally(self._store, self._fast, self._zone)
        scorer = self._scorer
        if scorer is None:
            return 0
        return drain(self._store, lambda: scorer, self._zone, threads=side_by_side())

    def finish(self) -> None:
        """Score what waits, unless that is to be done later."""
        if not self._later:
            finish_pending(self._store, self._scorer)

    def _fast(self) -> Scorer:
        self._provisional = self._provisional or Scorer(provisional=True)
        return self._provisional


class _Run:
    """One import of several files, with one protector for all of them."""

    def __init__(
        self, target: _Target, case: Watchlist | None, keep_authors: str, limit: int | None
    ) -> None:
        self._target = target
        self._case = case
        self._reason = keep_authors
        self._limit = limit
        self._protector = protector(case, keep_authors=bool(keep_authors))
        self._done: list[tuple[ArchiveSource, Imported]] = []
        self._unread: list[ArchiveSource] = []

    def notify(self) -> None:
        """Tell what came of the files, once it is known."""
        for source, result in self._done:
            outcomes = result.outcomes if self._target.waits else _finalized(result.outcomes)
            ended = "done" if result.done else "not at its end"
            report_result(imported(source, outcomes, done=result.done))
            notify(ledger_line(f"{source.path}: {ended}", outcomes))
            for line in after_lines(source):
                notify(line)
            if source.zones_assumed:
                notify(_zones(source.zones_assumed, self._target.days))
            if source in self._unread:
                notify(f"Error: {source.path}: no record could be read.")

    def file(self, source: ArchiveSource) -> int:
        """Import one file; return 1 if it could not be read."""
        try:
            result = self._read(source)
        except SourceError as error:
            report_result(Failure(error=type(error).__name__, message=f"{source.path}: {error}"))
            click.echo(f"Error: {source.path}: {error}", err=True)
            return 1
        finally:
            source.close()
        for warning in source.warnings:
            notify(f"Warning: {source.path}: {warning}")
        if result.known:
            report_result(imported(source, Ledger(), known=True))
            notify(
                f"{source.path}: read to its end before, nothing to add (--again reads it again)."
            )
            return 0
        self._done.append((source, result))
        if result.outcomes.received and result.outcomes.dead == result.outcomes.received:
            self._unread.append(source)
            return 1
        return 0

    def _read(self, source: ArchiveSource) -> Imported:
        watchlist = self._case.fingerprint if self._case else ""
        key = position_key(source, f"{watchlist}\0{'plain' if self._reason else ''}")
        position = self._target.sink.position(key)
        if position and position.done:
            return Imported(Ledger(), done=True, known=True)
        details = msgspec.json.encode(
            msgspec.structs.asdict(source.details())
            | {"watchlist": watchlist, "keep_authors": self._reason}
        ).decode()
        collector = Collector(
            self._protector,
            self._case,
            origin=source.key,
            context=source.context,
            name=Path(source.path).name if source.path != "-" else "standard input",
        )
        # What an interruption left waiting comes first: whether a post was indexed before its
        # deletion came then does not depend on when the interruption was.
        self._target.catch_up()
        posts = 0
        with progress(f"Reading {source.path}") as report:

            def after_read(records: int) -> None:
                nonlocal posts
                posts += records
                report(*source.progress, posts)

            result = collect(
                source,
                self._target.sink,
                collector,
                key=key,
                metadata=details,
                limit=self._limit,
                after_batch=lambda outcomes: self._target.catch_up(),
                after_read=after_read,
                identities=self._target.identities,
            )
        if position is None and result.done and not result.outcomes.received:
            notify(f"Warning: {source.path}: holds no record.")
        return result


def _finalized(outcomes: Ledger) -> Ledger:
    """Count as indexed what was pending when its batch was accepted: it has been scored since."""
    return msgspec.structs.replace(add(outcomes, Ledger(indexed=outcomes.pending)), pending=0)


def _zones(posts: int, days: str) -> str:
    """Return what to tell of dates that name no time zone where nobody said which is theirs."""
    here = f" (days of this store begin as in {days})" if days else ""
    return (
        f"The dates of {count(posts, 'post')} name no time zone, and UTC was assumed{here}. If "
        "that is wrong, give the same command --timezone ZONE: it replaces them."
    )

"""``marsad export``: a study subset in a folder."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.commands._shared.authors import known_authors, told
from pipelines.commands._shared.context import open_store
from pipelines.commands._shared.no_match import why_nothing
from pipelines.commands._shared.options import (
    QUERY_SETTINGS,
    Filters,
    QueryCommand,
    filter_options,
    query_node,
    store_option,
)
from pipelines.commands._shared.output import nothing_found, notify
from pipelines.progress import progress
from pipelines.query import Node, final
from pipelines.records import Hit
from pipelines.stores.protocols import Store

if TYPE_CHECKING:
    from pipelines.export import Facts, Level
    from pipelines.export.options import CsvFor

_FORMATS = ("ndjson", "csv", "parquet", "xlsx")
_USUAL = "ndjson,csv,parquet"


def _formats(ctx: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
    wanted = [name.strip().lower() for name in value.split(",") if name.strip()]
    if not wanted or set(wanted) - set(_FORMATS):
        raise click.BadParameter(f"{value!r}; choose from {','.join(_FORMATS)}")
    return tuple(name for name in _FORMATS if name in wanted)


@click.command(cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; an older export in it is replaced.",
)
@click.option(
    "--format",
    "formats",
    metavar="LIST",
    default=_USUAL,
    show_default=True,
    callback=_formats,
    help="Formats, separated by commas.",
)
@click.option("--level", type=click.Choice(["ids", "unlinked", "pseudonymous"]),
              default="pseudonymous", show_default=True,
              help="ids: ids alone; unlinked: nothing that leads back to a post.")  # fmt: skip
@click.option("--pseudonyms", type=click.Choice(["store", "own"]), default="store",
              show_default=True, help="own: exports can't be joined by authors.")  # fmt: skip
@click.option("--csv-for", type=click.Choice(["en", "fr"]), default="en", show_default=True,
              help="fr: semicolons and decimal commas, for a French Excel.")  # fmt: skip
@click.option("--sample", "size", type=click.IntRange(1), metavar="N",
              help="A random sample of N posts, spread over language and week.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Of the sample.")
def command(
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    folder: Path | None,
    formats: tuple[str, ...],
    level: Level,
    pseudonyms: str,
    csv_for: CsvFor,
    size: int | None,
    seed: int,
) -> None:
    """Write the posts that match to a folder, with a manifest and a README; no QUERY: all posts.

    The posts are those of one moment, ordered by id; the same posts give the same bytes.

    \b
    Examples:
      marsad export --to everything
      marsad export 'whatsapp OR skype' --lang ary --to study --format csv
      marsad export --entity inwi --since 2016-02-26 --until 2016-03-01 --to unlike
      marsad export --to sheet --format xlsx
      marsad export verify study                 (are its files as they were written?)
      marsad export purge-list study             (which rows must go after deletions?)
    """
    if folder is None and len(query) == 2 and query[0] in {"verify", "purge-list"}:
        _check(query[0], Path(query[1]), store)
        return
    if folder is None:
        raise click.UsageError("name the folder: --to DIR")
    from pipelines.export import Facts, Options, export
    from pipelines.settings import zone

    node = query_node(query, filters)
    opened = open_store(store)
    try:
        status = opened.status()
        node = final(known_authors(node, opened))
        asked = told(query, opened)
        total, _ = opened.count(node)
        reason = "" if total else why_nothing(node, opened)
        more = _more(level, pseudonyms, csv_for, size, seed)
        facts = Facts(
            query=asked,
            filters=dict(filters),
            command=_command(asked, store, filters, folder, formats, more),
            store=Path(status.store).name,
            ledger=status.ledger,
            timezone=status.timezone,
            zone_data=status.zone_data,
            created_at=datetime.now(UTC).replace(microsecond=0),
            marsad=version("marsad"),
        )
        entities = sorted({one.group for one in opened.sums(node, "day", "entity")})
        options = Options(
            level=level,
            zone=zone(status.timezone or "UTC"),
            entities=tuple(entities) if "xlsx" in formats else (),
            csv_for=csv_for,
            created_at=facts.created_at,
            about=_about(facts),
        )
        hits = opened.scan(node) if size is None else _sampled(opened, node, size, seed)
        with progress("Exporting") as report:
            account = export(
                hits,
                folder,
                formats,
                facts,
                options=options,
                own_pseudonyms=pseudonyms == "own",
                report=lambda posts: report(posts, max(total, posts), posts),
            )
    finally:
        opened.close()
    if status.ledger.pending:
        notify(f"{status.ledger.pending:,} posts wait to be scored and are not exported.")
    if not account.posts:
        nothing_found(f"{reason or 'No post matches.'} Nothing was written.")
    if account.fictional:
        notify(f"{account.fictional:,} of the posts are fictional; the README says so.")
    if account.plain_authors:
        notify(
            f"{account.plain_authors:,} of the posts carry the raw account names of their authors."
        )
    notify(
        f"{account.posts:,} posts written to {folder}: {', '.join(account.files)}, README.txt, "
        "manifest.json."
    )


def _command(
    query: str,
    store: str | None,
    filters: Filters,
    folder: Path,
    formats: Sequence[str],
    more: Sequence[str] = (),
) -> str:
    words = ["marsad", "export"]
    if store:
        # its name alone: folders and servers are nobody else's business
        words += ["--store", Path(store).name]
    for name, value in filters.items():
        for one in [value] if isinstance(value, str) else value:
            words += [f"--{name}", one]
    words += ["--to", folder.name or "DIR", "--format", ",".join(formats), *more]
    # a query may begin with a minus
    return shlex.join([*words, "--", query] if query else words)


def _more(level: str, pseudonyms: str, csv_for: str, size: int | None, seed: int) -> list[str]:
    words = [] if level == "pseudonymous" else ["--level", level]
    words += [] if pseudonyms == "store" else ["--pseudonyms", pseudonyms]
    words += [] if csv_for == "en" else ["--csv-for", csv_for]
    return words + ([] if size is None else ["--sample", str(size), "--seed", str(seed)])


def _about(facts: Facts) -> tuple[tuple[str, str], ...]:
    return (
        ("query", facts.query or "(all posts)"),
        *((name, str(value)) for name, value in facts.filters.items()),
        ("command", facts.command),
        ("time zone", facts.timezone),
        ("made", f"{facts.created_at:%Y-%m-%d %H:%M} UTC with Marsad {facts.marsad}"),
    )


def _sampled(store: Store, node: Node, size: int, seed: int) -> list[Hit]:
    from pipelines.labels.sampling import sample

    chosen = sample(store, node, size, strata=("language", "week"), seed=seed)
    if chosen:
        notify(f"A sample: each post stands for {chosen[0].weight:.2f} posts of the query.")
    return sorted((one.hit for one in chosen), key=lambda hit: hit.post.id)


def _check(action: str, folder: Path, store: str | None) -> None:
    """Verify an export, or list the rows whose posts are gone; exit code 1 where there are any."""
    from pipelines.export.check import gone, verify

    if action == "verify":
        problems = verify(folder)
        for name, problem in problems.items():
            click.echo(f"{name}: {problem or 'whole'}")
        failed = any(problems.values())
    else:
        opened = open_store(store)
        try:
            rows = gone(folder, opened)
        finally:
            opened.close()
        for row in rows:
            click.echo(f"{row.row}\t{row.id}\t{row.reason}")
        notify(f"{len(rows):,} rows of {folder} must go." if rows else "No row must go.")
        failed = bool(rows)
    if failed:
        raise click.exceptions.Exit(1)

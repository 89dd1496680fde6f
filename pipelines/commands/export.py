"""``marsad export``: a study subset in a folder."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.records import PAGES, Gap, unfilled
from pipelines.commands._shared.authors import known_authors, told
from pipelines.commands._shared.context import open_store
from pipelines.commands._shared.export_choice import Choice
from pipelines.commands._shared.no_match import tell_uncounted, why_nothing
from pipelines.commands._shared.options import (
    QUERY_SETTINGS,
    Filters,
    QueryCommand,
    filter_options,
    query_node,
    store_option,
)
from pipelines.commands._shared.output import count, nothing_found, notify, tell, waiting
from pipelines.errors import ChangedMeanwhile
from pipelines.progress import progress
from pipelines.query import And, Filter, Node, all_of, final
from pipelines.stores.protocols import Store

if TYPE_CHECKING:
    from pipelines.export import Account, Facts, Level
    from pipelines.export.options import CsvFor
    from pipelines.labels.sampling import Sampled, Stratum

_FORMATS = ("ndjson", "csv", "parquet", "xlsx")
_USUAL = "ndjson,csv,parquet"
#: Filters that say which days a query is about.
_DAYS = frozenset({"since", "until", "day"})
#: How often an export begins anew because the store changed while it ran.
_AGAIN = 3
#: So many interruptions of sources are named, the last ones.
_TOLD_GAPS = 20
#: Failures of sources in words; the class is the first word of a gap's cause.
_FAILURES = {
    "SourceBlocked": "the platform refused",
    "SourceChanged": "the platform's answer could not be read",
    "SourceError": "the platform did not answer",
    "SourceGone": "the platform had nothing of that name",
}
_STRATA = ("language", "predicted", "week", "day", "platform", "source", "entity")


def _formats(ctx: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
    wanted = [name.strip().lower() for name in value.split(",") if name.strip()]
    if not wanted or set(wanted) - set(_FORMATS):
        raise click.BadParameter(f"{value!r}; choose from {','.join(_FORMATS)}")
    return tuple(name for name in _FORMATS if name in wanted)


def _strata(ctx: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
    wanted = tuple(name.strip() for name in value.split(",") if name.strip())
    if set(wanted) - set(_STRATA):
        raise click.BadParameter(f"{value!r}; choose from {','.join(_STRATA)}")
    return wanted


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
@click.option("--level", type=click.Choice(["ids", "unlinked", "pseudonymous", "full"]),
              default="pseudonymous", show_default=True,
              help="ids: ids alone; unlinked: nothing that leads back to a post; full: with the "
              "raw account names that --keep-authors kept, needs --reason.")  # fmt: skip
@click.option("--reason", default="", metavar="TEXT",
              help="Why raw account names are needed; written into the export.")  # fmt: skip
@click.option("--rare", type=click.Choice(["keep", "suppress"]), default="keep",
              show_default=True,
              help="Posts whose platform, day, language and entities fewer than five accounts "
              "share: keep them, or leave out what makes them rare.")  # fmt: skip
@click.option("--pseudonyms", type=click.Choice(["store", "own"]), default="store",
              show_default=True, help="own: exports can't be joined by authors.")  # fmt: skip
@click.option("--csv-for", type=click.Choice(["en", "fr"]), default="en", show_default=True,
              help="fr: semicolons and decimal commas, for a French Excel.")  # fmt: skip
@click.option("--sample", "size", type=click.IntRange(1), metavar="N",
              help="A random sample of N posts, each with its weight.")  # fmt: skip
@click.option("--stratify", "strata", default="language,week", show_default=True, metavar="LIST",
              callback=_strata, help="What a sample is spread over: " + ", ".join(_STRATA) + ".",
              )  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Of the sample.")
def command(
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    folder: Path | None,
    formats: tuple[str, ...],
    level: Level,
    reason: str,
    rare: str,
    pseudonyms: str,
    csv_for: CsvFor,
    size: int | None,
    strata: tuple[Stratum, ...],
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
    reason = _reason(level, reason, pseudonyms)
    choice = Choice(formats, level, reason, rare, pseudonyms, csv_for, size, strata, seed)
    opened = open_store(store)
    try:
        _lasting(lambda: _export(opened, query, filters, store, folder, choice))
    finally:
        opened.close()


def _lasting(attempt: Callable[[], None]) -> None:
    """Export again, a few times, if posts were deleted meanwhile, or came with a new entity."""
    for _ in range(_AGAIN):
        try:
            return attempt()
        except ChangedMeanwhile as error:
            notify(f"{error}. The export begins anew.")
    try:
        return attempt()
    except ChangedMeanwhile as error:
        raise type(error)(f"{error}: export again when the store changes less") from error


def _export(
    opened: Store,
    query: tuple[str, ...],
    filters: Filters,
    store: str | None,
    folder: Path,
    choice: Choice,
) -> None:
    """Write the export, and tell what was written."""
    from pipelines.export import Facts, Options, export
    from pipelines.export.folder import count_rare
    from pipelines.export.meanwhile import absent_from
    from pipelines.export.options import own_names
    from pipelines.settings import zone

    status = opened.status()
    node = final(known_authors(query_node(query, filters), opened))
    rename = own_names() if choice.pseudonyms == "own" else None
    asked = rename(told(query, opened)) if rename else told(query, opened)
    total = choice.fitting(opened.count(node)[0])
    nothing = "All posts are rare by platform and language."
    if not total:
        nothing = why_nothing(node, opened) or "No post matches."
    tell_uncounted(node, opened)
    chosen = _sampled(opened, node, choice)
    hits = None if choice.size is None else [one.hit for one in chosen]
    few = None
    if choice.level != "ids":
        few = count_rare(opened.scan(node) if hits is None else hits, folder)
    facts = Facts(
        query=asked,
        filters=dict(filters),
        command=_command(asked, store, filters, folder, choice),
        store=Path(status.store).name,
        ledger=status.ledger,
        timezone=status.timezone,
        zone_data=status.zone_data,
        created_at=datetime.now(UTC).replace(microsecond=0),
        marsad=version("marsad"),
        reason=choice.reason,
        all_posts=sum(one.posts for one in opened.sums(_days(node), "day", "")),
        gaps=_gaps(status.gaps),
        sampled=choice.sampled(len(chosen), total),
        rare=few.posts if few else 0,
        suppressed=choice.suppresses,
        own_pseudonyms=rename is not None,
    )
    options = Options(
        level=choice.level,
        zone=zone(status.timezone or "UTC"),
        entities=few.entities(suppressed=choice.suppresses) if few else (),
        csv_for=choice.csv_for,
        created_at=facts.created_at,
        about=_about(facts),
    )
    with progress("Exporting") as report:
        account = export(
            opened.scan(node) if hits is None else hits,
            folder,
            choice.formats,
            facts,
            options=options,
            rename=rename,
            weights={one.hit.post.id: one.weight for one in chosen},
            rare=few if choice.suppresses else None,
            absent=absent_from(opened),
            report=lambda posts: report(posts, max(total, posts), posts),
        )
    _tell(account, facts, folder, choice.level, nothing)


def _tell(account: Account, facts: Facts, folder: Path, level: Level, nothing: str) -> None:
    """Tell people, and the program that runs this command, what was written, or why nothing."""
    from pipelines import results
    from pipelines.export.about import MANIFEST, README
    from pipelines.export.citable import FILES
    from pipelines.export.datasheet import carry

    pending = facts.ledger.pending
    if pending:
        notify(waiting(pending, "{are} not exported"))
    if not account.posts:
        nothing_found(f"{nothing} Nothing was written.")
    _warn_of_rare(facts, account, level)
    written = [*account.files, README, *FILES, MANIFEST]
    results.report(
        results.Exported(
            posts=account.posts,
            files=tuple(written),
            fictional=account.fictional,
            raw_names=account.plain_authors,
            pending=pending,
        )
    )
    if account.fictional:
        are = "is" if account.fictional == 1 else "are"
        notify(f"{account.fictional:,} of the posts {are} fictional; the README says so.")
    if account.plain_authors:
        notify(f"{carry(account.plain_authors)}.")
    notify(f"{count(account.posts, 'post')} written to {folder}: {', '.join(written)}.")


def _reason(level: str, reason: str, pseudonyms: str) -> str:
    reason = " ".join(reason.split())
    if (level == "full") != bool(reason):
        raise click.UsageError("--level full and --reason TEXT belong together")
    if level == "full" and pseudonyms == "own":
        raise click.UsageError("raw account names join all exports: --pseudonyms own is no use")
    return reason


def _command(
    query: str,
    store: str | None,
    filters: Filters,
    folder: Path,
    choice: Choice,
) -> str:
    words = ["marsad", "export"]
    if store:
        # its name alone: folders and servers are nobody else's business
        words += ["--store", Path(store).name]
    for name, value in filters.items():
        for one in [value] if isinstance(value, str) else value:
            words += [f"--{name}", one]
    words += ["--to", folder.name or "DIR", "--format", ",".join(choice.formats)]
    words += choice.words()
    # a query may begin with a minus
    return shlex.join([*words, "--", query] if query else words)


def _days(node: Node) -> Node:
    """Return the days of a query alone: all posts of these are what it has its share of."""
    parts = node.nodes if isinstance(node, And) else (node,)
    days = (part for part in parts if isinstance(part, Filter) and part.field in _DAYS)
    return final(all_of(*days))


def _gaps(gaps: Sequence[Gap]) -> tuple[str, ...]:
    """Return when sources were not read, without their names: one may be a person's channel."""
    found = [gap for gap in unfilled(gaps) if not gap.source.startswith(PAGES)]
    told = [
        f"{gap.source.partition(':')[0]}, {gap.start:%Y-%m-%d %H:%M} to "
        f"{f'{gap.end:%Y-%m-%d %H:%M}' if gap.end else 'now'} UTC: {_cause(gap)}"
        for gap in found[-_TOLD_GAPS:]
    ]
    more = len(found) - len(told)
    return (*([f"{more:,} earlier interruptions (marsad status)"] if more else []), *told)


def _cause(gap: Gap) -> str:
    """Return why a source was not read; what a platform said may quote whom it was asked for."""
    kind = gap.cause.partition(":")[0]
    return _FAILURES.get(kind, kind)


def _warn_of_rare(facts: Facts, account: Account, level: str) -> None:
    if facts.rare and facts.suppressed:
        are = "is" if facts.rare == 1 else "are"
        whole = "" if facts.rare == 1 else f", {account.left_out:,} of them as a whole"
        if facts.rare == account.left_out == 1:
            whole = ", and so is the whole post"
        notify(
            f"{count(facts.rare, 'post')} {are} rare by platform, day, language and entities: day, "
            f"times, version, entities, mentions and attitudes are left out{whole}."
        )
        if level != "unlinked":
            notify("Their ids, addresses and texts still lead to them; --level unlinked has none.")
    elif facts.rare and level == "unlinked":
        have = "has" if facts.rare == 1 else "have"
        notify(
            f"{count(facts.rare, 'post')} {have} a platform, day, language and entities that "
            "fewer than five accounts share: somebody may be recognised. "
            "--rare suppress leaves that out."
        )


def _about(facts: Facts) -> tuple[tuple[str, str], ...]:
    return (
        ("query", facts.query or "(all posts)"),
        *((name, str(value)) for name, value in facts.filters.items()),
        ("command", facts.command),
        ("time zone", facts.timezone),
        ("made", f"{facts.created_at:%Y-%m-%d %H:%M} UTC with Marsad {facts.marsad}"),
    )


def _sampled(store: Store, node: Node, choice: Choice) -> list[Sampled]:
    from pipelines.labels.sampling import sample

    if choice.size is None:
        return []
    chosen = sample(store, node, choice.size, strata=choice.strata, seed=choice.seed)
    if chosen and chosen[0].weight == 1:
        all_of_them = (
            "1 post matches: it is in the export"
            if len(chosen) == 1
            else f"{len(chosen):,} posts match: all are in the export"
        )
        notify(f"{all_of_them}, and none stands for others.")
    elif chosen:
        notify(f"A sample: each post stands for {chosen[0].weight:.2f} posts of the query.")
    return sorted(chosen, key=lambda one: one.hit.post.id)


def _check(action: str, folder: Path, store: str | None) -> None:
    """Verify an export, or list the rows whose posts are gone; exit code 1 where there are any."""
    from pipelines.export.check import gone, verify

    if action == "verify":
        problems = verify(folder)
        for name, problem in problems.items():
            tell(f"{name}: {problem or 'whole'}")
        failed = any(problems.values())
    else:
        opened = open_store(store)
        try:
            found = gone(folder, opened)
        finally:
            opened.close()
        for row in found.rows:
            tell(f"{row.row}\t{row.id}\t{row.reason}")
        notify(
            f"{count(len(found.rows), 'row')} of {folder} must go."
            if found.rows
            else "No row must go."
        )
        if found.unknown:
            notify(
                f"{count(found.unknown, 'row')} can't be looked up: the ids hold pseudonyms of "
                "this export alone (--pseudonyms own). Export again instead."
            )
        failed = bool(found.rows or found.unknown)
    if failed:
        raise click.exceptions.Exit(1)

"""``marsad pages``: the like counters of pages."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from ingest.records import Counter, Gap
from ingest.sources.counters.table import parse_readings, parse_when
from ingest.watchlist.loader import available
from pipelines.case import Case
from pipelines.commands._shared.chart_options import Code, look_options
from pipelines.commands._shared.context import chosen_watchlist, configured, open_store
from pipelines.commands._shared.options import store_option, watchlist_option
from pipelines.commands._shared.output import nothing_found, notify, tell, write_line
from pipelines.commands._shared.readings import TOLD, content, keep, local_zone, tell_bad
from pipelines.commands._shared.readings import readings as stored_or_shipped
from pipelines.console import console
from pipelines.live.choose import duration
from pipelines.pages import table
from pipelines.pages.report import Moment, Row, differences, rows
from pipelines.pages.series import series
from pipelines.pages.summary import sentences
from pipelines.stages import utc_now

#: Pages that are made for people are not fetched more often.
SLOWEST = timedelta(minutes=1)


@click.group()
def command() -> None:
    """Follow the likes and followers of pages, and report how many they lost.

    \b
    Example:
      marsad pages report --readings morocco-2016 --since 2016-02-26
    """


@command.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@store_option
@click.option(
    "--timezone",
    metavar="ZONE",
    help="Zone of times that name none (default: as configured, else the store's).",
)
@click.option(
    "--source", default="", metavar="NAME", help="Source of rows without one (default: the file)."
)
def import_readings(
    files: tuple[str, ...], store: str | None, timezone: str | None, source: str
) -> None:
    """Store readings that were kept by hand, from CSV files; `-` is standard input.

    Columns: date (or time), page (or entity), value; and, if there, metric, source (or
    source_url), granularity, approximate, since, note: see docs/pages.md. Rows that can't be
    used are told with line and reason, the rest goes on, and the exit code is then 1. Importing
    again adds nothing.

    \b
    Examples:
      marsad pages import readings.csv
      marsad pages import notes.csv --timezone Europe/Paris --source "my own notes"
    """
    usable = bad = 0
    opened = open_store(store, readonly=False)
    try:
        local = local_zone(timezone, opened.status().timezone)
        for file in files:
            name, raw = content(file)
            found = parse_readings(raw, name, zone=local, source=source, now=utc_now())
            added = keep(opened, name, raw, found, local, source)
            usable += len(found.counters)
            bad += len(found.bad)
            known = len(found.counters) - added
            notify(f"{name}: {added:,} readings added, {known + found.repeated:,} known before.")
            tell_bad(name, found)
            if found.zone_assumed:
                notify(
                    f"{name}: {found.zone_assumed:,} times name no zone; {local.key} was assumed."
                )
    finally:
        opened.close()
    if bad or not usable:
        raise click.exceptions.Exit(1)


@command.command()
@store_option
@click.option("--since", metavar="DATE", help="Count losses from here on, inclusive.")
@click.option("--until", metavar="DATE", help="Count losses up to here, exclusive.")
@click.option("--page", "pages", multiple=True, metavar="NAME", help="This page; may be repeated.")
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME", help="This counter; may be repeated."
)
@click.option(
    "--readings",
    metavar="CASE|FILE",
    help="Report a case that comes with Marsad, or a CSV file, without any store.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV with a header.")
@click.option(
    "--chart",
    "charts",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the losses into an .svg, .png or .pdf file; may be repeated.",
)
@look_options
def report(
    store: str | None,
    since: str | None,
    until: str | None,
    pages: tuple[str, ...],
    metrics: tuple[str, ...],
    readings: str | None,
    as_json: bool,
    as_csv: bool,
    charts: tuple[Path, ...],
    size: str,
    code: Code,
    real_text: bool,
) -> None:
    """Show the likes that pages lost: in all, per hour and in per cent, source by source.

    Sources that disagree stand side by side. Figures are as precise as they were published:
    `± 1,000` says in which steps they move, and a loss smaller than that is not measurable.

    \b
    Examples:
      marsad pages report --readings morocco-2016 --since 2016-02-26
      marsad pages report --since 2016-02-26T20:00 --page inwi --chart inwi.svg
      marsad pages report --readings morocco-2016 --chart pertes.pdf --lang-ui fr --size article
      marsad pages report --json > losses.ndjson
    """
    if as_json and as_csv:
        raise click.UsageError("choose --json or --csv")
    if charts:
        from pipelines.charts import format_of, size_of

        for path in charts:  # said now rather than after the work
            format_of(path)
        size_of(size)
    metrics = tuple(map(table.kept, metrics))
    counters, gaps, local = stored_or_shipped(readings, store)
    start, end = _moment(since, "--since", local), _moment(until, "--until", local)
    found = series(
        counters,
        since=start.at if start else None,
        until=end.at if end else None,
        pages=pages,
        metrics=metrics,
    )
    if not found:
        nothing_found(_nothing(counters))
    everything = series(counters, pages=pages, metrics=metrics)
    made = rows(
        found, everything=[c for one in everything for c in one.readings], gaps=gaps, since=start
    )
    if as_json:
        for row in made:
            write_line(msgspec.json.encode(row))
    elif as_csv:
        click.echo(_csv(made), nl=False)
    else:
        unequal = differences(found)
        for line in sentences(made, unequal, _names(readings), local):
            tell(line)
        tell("")
        table.show(made, unequal, local, console())
        _remarks(made, found, gaps, local)
    if charts:
        from pipelines.charts import Language, format_of, size_of, write
        from pipelines.charts.losses import render

        for path in charts:
            content = render(
                found,
                gaps,
                local,
                format_of(path),
                since=start,
                names=_names(readings, code),
                everything=counters,
                language=Language(code, _country(readings)),
                size=size_of(size),
                real_text=real_text,
            )
            write(path, content)
            notify(f"Drawn: {path}")


@command.command()
@click.argument("pages", nargs=-1, metavar="[PAGE…]")
@store_option
@watchlist_option
@click.option(
    "--every", default="10m", show_default=True, metavar="TIME", help="Interval: 90s, 10m, 2h, 1d."
)
@click.option(
    "--times", type=click.IntRange(1), metavar="N", help="Stop after so many readings of each page."
)
@click.option(
    "--url",
    "urls",
    multiple=True,
    metavar="PLATFORM=URL",
    help="Base address of a platform, for mirrors and servers of your own; may be repeated.",
)
def watch(
    pages: tuple[str, ...],
    store: str | None,
    watchlist: str | None,
    every: str,
    times: int | None,
    urls: tuple[str, ...],
) -> None:
    """Read the counters of pages every so often, until it is stopped.

    PAGE is an address (https://t.me/channel) or PLATFORM:NAME; without any, the pages of the
    watchlist are followed. Mastodon, Bluesky and Telegram need no key; YouTube needs
    MARSAD_YOUTUBE_KEY, Facebook MARSAD_FACEBOOK_TOKEN in the environment. A page that can't be
    read leaves a gap with its cause, the others go on. Stop it and start it as you like.

    \b
    Examples:
      marsad pages watch --watchlist mine.toml --every 10m
      marsad pages watch https://t.me/somebody mastodon:somebody@social.example --every 1h
      marsad pages watch --times 1 --every 1d      (from cron, once a day)
    """
    from ingest.sources.counters.fetch import Fetcher
    from pipelines.pages.choose import addresses, choose
    from pipelines.pages.watch import watch as follow

    interval = _interval(every)
    settings = configured()
    wanted = choose(
        pages,
        None if pages else chosen_watchlist(watchlist),
        {**addresses(settings.urls), **_addresses(urls)},
        os.environ,
        notify,
    )
    made_for_people = {one.reader.platform for one in wanted if one.reader.page}
    if made_for_people and interval < SLOWEST:
        raise click.UsageError(
            f"--every is {every}; pages of {', '.join(sorted(made_for_people))} are made for "
            "people: write 1m or more"
        )
    opened = open_store(store, readonly=False)
    fetcher = Fetcher()
    try:
        unread = follow(
            opened,
            wanted,
            fetcher,
            every=interval,
            times=times,
            notify=notify,
        )
    finally:
        fetcher.close()
        opened.close()
    if unread:
        notify(f"{len(unread):,} of {len(wanted):,} pages could not be read.")
        raise click.exceptions.Exit(1)


def _names(readings: str | None, language: str = "") -> dict[str, str]:
    """Return the names of pages that are entities, of the case or the configured watchlist."""
    case = Case(watchlist=chosen_watchlist(readings if readings in available() else None))
    return case.names_in(language)


def _country(readings: str | None) -> str:
    """Return the country of the case, whose names of months a chart has."""
    case = chosen_watchlist(readings if readings in available() else None)
    return case.country if case else ""


def _moment(text: str | None, option: str, local: ZoneInfo) -> Moment | None:
    if text is None:
        return None
    try:
        when = parse_when(text, local)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from None
    return Moment(when.at, when.span)


def _nothing(counters: Sequence[Counter]) -> str:
    if not counters:
        return "There are no readings yet: marsad pages import, or marsad pages watch."
    pages = ", ".join(sorted({counter.page for counter in counters}))
    metrics = ", ".join(sorted({table.named(counter.metric) for counter in counters}))
    return f"No reading matches. There are pages {pages}, with the counters {metrics}."


def _remarks(
    made: Sequence[Row], found: Sequence[Any], gaps: Sequence[Gap], local: ZoneInfo
) -> None:
    if any(row.start_assumed for row in made):
        notify("(assumed): the source names no start of its count; --since was taken.")
    elif any(row.start is None for row in made):
        notify("Losses whose start was not said have no rate; --since DATE supposes one.")
    if any(row.per_hour is not None and row.start_span for row in made):
        notify("An hour: bounds in brackets, as some times are known by the day or less alone.")
    if any(row.differs for row in made):
        notify("≠: what these sources say of the same time can't both be true.")
    if any(row.loss is None for row in made):
        notify("·: no figure follows from the readings.")
    sources = {one.source for one in found}
    own = [gap for gap in gaps if gap.source in sources]
    for gap in own[-TOLD:]:
        start, end = (table.moment(at, 0, local) if at else "now" for at in (gap.start, gap.end))
        notify(f"Unknown: {table.short(gap.source)}, {start} to {end}: {gap.cause}")


def _interval(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise click.UsageError(f"--every: {error}") from None


def _addresses(options: Sequence[str]) -> dict[str, str]:
    pairs = [option.partition("=") for option in options]
    if wrong := [f"{a}{b}{c}" for a, b, c in pairs if not b or "://" not in c]:
        raise click.UsageError(f"--url takes PLATFORM=https://…; not {wrong[0]!r}")
    return {platform: address for platform, _, address in pairs}


def _csv(made: Sequence[Row]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(Row.__struct_fields__)
    for row in made:
        cells = msgspec.to_builtins(row)
        cells["flags"] = "; ".join(
            f"{f.kind} {f.change:+d} from {f.start.isoformat()} to {f.end.isoformat()}"
            for f in row.flags
        )
        cells["differs"] = "; ".join(row.differs)
        writer.writerow(cells.values())
    return stream.getvalue()

"""What people are told of an import: before it (``--preview``) and after it."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.sources.archive.preview import ImportPreview
from ingest.sources.archive.source import ArchiveSource
from pipelines.commands._shared.output import count
from pipelines.records import Ledger
from pipelines.results import Imported

_LISTED = 12
_WITHOUT_PLATFORM = (
    "of no platform that is known: their ids hold the name of the file, and the same posts from "
    "another file count again. If they are of one platform, name it: --platform NAME."
)


def preview_lines(found: ImportPreview) -> Iterator[str]:
    """Yield what the first records of a file would become."""
    if found.error:
        yield f"{found.path}: {found.error}"
        return
    whose = f", {found.tool}" if found.tool else ""
    more = " (the file has more)" if found.more else ""
    yield f"{found.path}: {found.format}{whose}, {found.encoding}; {found.records:,} records{more}"
    yield from (f"  Warning: {one}" for one in found.warnings)
    yield from _columns(found.columns, found.not_taken)
    yield (
        f"  {count(found.posts, 'post')}, {count(found.deletions, 'deletion')}; "
        f"dates read {found.dates_read:,}, unread {found.dates_unread:,}"
        f"{f' (such as {_shown(found.unread_date)})' if found.unread_date else ''}; "
        f"zone {found.timezone}{' (assumed)' if found.zone_assumed else ''}"
    )
    if found.watchlist:
        yield (
            f"  watchlist {found.watchlist}: {count(found.posts - found.filtered, 'post')} kept, "
            f"{found.filtered:,} left out"
        )
    if found.nameless:
        yield f"  {count(found.nameless, 'post')} {_WITHOUT_PLATFORM}"
    for reason, number in {**found.skipped, **found.dead}.items():
        yield f"  no post: {number:,} {reason}"
    if found.repaired:
        yield f"  texts repaired: {found.repaired:,}"
    if found.ids_met:
        yield f"  ids that met another text: {found.ids_met:,}"
    for post in found.shown:
        date = f"{post.created_at:%Y-%m-%d %H:%M}Z" if post.created_at else "no date"
        yield f"  {date}  {' '.join(post.text.split())[:90]}"


def imported(
    source: ArchiveSource, outcomes: Ledger, *, known: bool = False, done: bool = True
) -> Imported:
    """Return what came of a file, for a program that runs the import."""
    if known:
        return Imported(file=source.path, known=True)
    undated, _, example = source.unread_dates
    return Imported(
        file=source.path,
        done=done,
        outcomes=outcomes,
        undated=undated,
        unread_date=example,
        ahead=source.dated_ahead[0],
        zone_assumed=source.zones_assumed,
        repaired=source.repaired,
        skipped=dict(source.skipped),
    )


def after_lines(source: ArchiveSource) -> Iterator[str]:
    """Yield what is to be told of a file that was read."""
    yield from _columns(source.details().mapping, source.not_taken)
    undated, columns, example = source.unread_dates
    if undated:
        where = f" in {columns}" if columns else "; no column is known to hold them"
        where += f" (such as {_shown(example)})" if example else ""
        yield (
            f"  {count(undated, 'post')} without a date that can be read{where}: no trend counts "
            "them. Name the column with --map created_at=NAME."
        )
    if source.nameless:
        yield f"  {count(source.nameless, 'post')} {_WITHOUT_PLATFORM}"
    ahead, latest, now = source.dated_ahead
    if ahead:
        yield (
            f"  {count(ahead, 'post')} dated after this import (until {latest:%Y-%m-%d}; this "
            f"machine's clock says {now:%Y-%m-%d %H:%M} UTC): no trend counts them. If the clock "
            "is wrong, set it and give the same command --again: it replaces them."
        )
    if source.repaired:
        texts = count(source.repaired, "text")
        yield f"  {texts} had a wrong encoding or escapes, which were undone."
    for reason, number in source.skipped.items():
        yield f"  {count(number, 'record')} not read: {reason}."


def _shown(value: str) -> str:
    """Return a value of a file as a terminal may show it."""
    return repr(value[:40])


def _columns(columns: dict[str, list[str]], not_taken: list[str]) -> Iterator[str]:
    if columns:
        taken = "; ".join(f"{field} from {', '.join(names)}" for field, names in columns.items())
        yield f"  columns: {taken}"
    if not_taken:
        shown = ", ".join(not_taken[:_LISTED])
        rest = f" and {len(not_taken) - _LISTED:,} more" if len(not_taken) > _LISTED else ""
        yield f"  not taken: {shown}{rest}"

"""What an import of files would make of them, without storing anything.

``from ingest.sources.archive.preview import preview`` is for the command line and the web page.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from ingest.dates import DateOrder
from ingest.errors import MappingError, SourceError
from ingest.privacy.masking import handle_name, mask
from ingest.records import Post, Reject, Tombstone
from ingest.sources.archive.source import ArchiveSource
from ingest.watchlist.loader import Watchlist
from ingest.watchlist.matcher import Matcher

#: Records of each file that are looked at.
RECORDS: Final = 1_000
#: Posts that are shown.
SHOWN: Final = 5


class PreviewOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How files are to be read, as ``marsad ingest archive`` takes it."""

    mapping: Mapping[str, str] = {}
    dataset: str | None = None
    platform: str | None = None
    timezone: str | None = None
    encoding: str = ""
    date_order: DateOrder = ""
    watchlist: Watchlist | None = None
    """What posts have to mention to be kept; without one all are."""


class PreviewPost(msgspec.Struct, frozen=True, kw_only=True):
    """One post as it would be stored; its text is masked, and no account is named."""

    text: str
    created_at: datetime | None
    platform: str
    flags: tuple[str, ...]
    counts: dict[str, int]


class ImportPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What the first records of one file become."""

    path: str
    warnings: list[str] = []
    """What people must know of the file."""
    error: str = ""
    """Why the file is not read; all else is empty then, but for :attr:`fields`."""
    unmapped: bool = False
    """Whether it is not read since no column holds the texts, or not those that were named."""
    format: str = ""
    encoding: str = ""
    tool: str = ""
    """Whose export it is; empty where fields were found by their names."""
    columns: dict[str, list[str]] = {}
    """For each field of a post the columns it is taken from, the first that is not empty."""
    fields: list[str] = []
    """All columns of the file, also where it is not read for want of a text."""
    not_taken: list[str] = []
    """Columns that no field of a post is taken from; empty for a known tool."""
    records: int = 0
    """How many records were looked at, at most :data:`RECORDS`."""
    posts: int = 0
    deletions: int = 0
    skipped: dict[str, int] = {}
    """Records that are no posts: ``private``, ``deleted``."""
    dead: dict[str, int] = {}
    """Records that can't be read, by their reason."""
    dates_read: int = 0
    dates_unread: int = 0
    unread_date: str = ""
    """The first date that could not be read, as it was written."""
    timezone: str = ""
    """The zone of dates that name none."""
    day_first: bool = True
    """Whether ``03/02/2016`` is read as the third of February."""
    zone_assumed: int = 0
    """Posts whose dates name no zone where nobody said which is theirs."""
    filtered: int = 0
    """Posts in which the watchlist finds nothing: an import leaves them out."""
    watchlist: str = ""
    """Name of the watchlist; empty where every post is kept."""
    nameless: int = 0
    """Posts whose platform is not known, so that their ids are of this file alone."""
    repaired: int = 0
    """Texts whose encoding or escapes had to be undone."""
    ids_met: int = 0
    """Records whose id another text of the file has."""
    shown: list[PreviewPost] = []
    """The first posts that an import keeps."""
    more: bool = False
    """The file has more records than were looked at."""


def preview(
    paths: Sequence[str | os.PathLike[str]],
    options: PreviewOptions = PreviewOptions(),  # noqa: B008
) -> list[ImportPreview]:
    """Return what the first records of each file would become. Stores and raises nothing.

    Import it from :mod:`ingest.sources.archive.preview`. A file that can't be read has its
    ``error``. Raises :class:`~ingest.errors.MappingError` for a mapping that names no field of a
    post, and :class:`~ingest.errors.SourceError` for an unknown time zone or encoding.
    """
    return [_of_file(path, options) for path in paths]


def _of_file(path: str | os.PathLike[str], options: PreviewOptions) -> ImportPreview:
    source = ArchiveSource(
        path,
        mapping=options.mapping,
        dataset=options.dataset,
        platform=options.platform,
        timezone=options.timezone,
        encoding=options.encoding,
        date_order=options.date_order,
    )
    try:
        return _of_source(source, options.watchlist)
    except SourceError as error:
        return _unread(source, error)
    finally:
        source.close()


def _unread(source: ArchiveSource, error: SourceError) -> ImportPreview:
    """Return the preview of a file that is not read, with its columns as far as they are known."""
    found = ImportPreview(path=source.path, error=str(error))
    if not isinstance(error, MappingError):
        return found
    return msgspec.structs.replace(found, unmapped=True, format=source.format, fields=source.fields)


def _of_source(source: ArchiveSource, watchlist: Watchlist | None) -> ImportPreview:
    records = [item.record for item in islice(source.open(""), RECORDS + 1)]
    more, records = len(records) > RECORDS, records[:RECORDS]
    posts = [record for record in records if isinstance(record, Post)]
    details = source.details()
    texts: dict[str, set[str]] = {}
    for post in posts:
        if not post.id.endswith(":"):
            texts.setdefault(post.id, set()).add(post.text)
    shown, filtered = _kept(posts, watchlist)
    flags = Counter(flag for post in posts for flag in post.flags)
    return ImportPreview(
        path=source.path,
        warnings=list(source.warnings),
        format=details.format,
        encoding=details.encoding,
        tool=details.tool,
        columns=details.mapping,
        fields=source.fields,
        not_taken=source.not_taken,
        records=len(records),
        posts=len(posts),
        deletions=sum(isinstance(record, Tombstone) for record in records),
        skipped=dict(source.skipped),
        dead=dict(Counter(one.reason for one in records if isinstance(one, Reject))),
        dates_read=len(posts) - flags["date-unknown"],
        dates_unread=flags["date-unknown"],
        unread_date=source.unread_dates[2],
        timezone=details.timezone,
        day_first=details.day_first,
        zone_assumed=flags["zone-assumed"],
        filtered=filtered,
        watchlist=watchlist.name if watchlist else "",
        nameless=sum(post.platform == "archive" for post in posts),
        repaired=flags["text-repaired"],
        ids_met=sum(len(found) - 1 for found in texts.values()),
        shown=shown,
        more=more,
    )


def _kept(posts: Sequence[Post], watchlist: Watchlist | None) -> tuple[list[PreviewPost], int]:
    """Return the first posts that an import keeps, and how many it leaves out.

    It keeps those in whose masked text something is found.
    """
    if watchlist is None:
        return [_shown(post, mask(post.text)) for post in posts[:SHOWN]], 0
    handles = frozenset(map(handle_name, watchlist.handles))
    matcher = Matcher(watchlist)
    masked = (mask(post.text, keep=handles, country=watchlist.country) for post in posts)
    kept = [
        (post, text) for post, text in zip(posts, masked, strict=True) if matcher.entities(text)
    ]
    return [_shown(*one) for one in kept[:SHOWN]], len(posts) - len(kept)


def _shown(post: Post, text: str) -> PreviewPost:
    return PreviewPost(
        text=text,
        created_at=post.created_at,
        platform=post.platform,
        flags=tuple(post.flags),
        counts=post.counts,
    )

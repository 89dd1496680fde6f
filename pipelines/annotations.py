"""Dated events to mark in charts, read from a CSV file that people keep.

Columns: ``date`` (YYYY-MM-DD) and ``note`` (or ``text``, ``title``) are needed; ``kind``,
``entity`` (or ``operator``), ``value`` and ``source_url`` (or ``source``) may be there. Where
there is a ``kind``, only rows of the kind ``event`` are marked: the others are figures.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import msgspec

from pipelines.errors import WatchlistError

_NAMES = {
    "note": ("note", "text", "title"),
    "entity": ("entity", "operator"),
    "source": ("source_url", "source", "url"),
}


class Event(msgspec.Struct, frozen=True):
    """Something that happened on a day."""

    day: date
    note: str
    entity: str = ""
    source: str = ""


def load(name: str) -> list[Event]:
    """Return the events of a file, or of a shipped watchlist by its name, in order of time.

    Raises :class:`~pipelines.errors.WatchlistError` with file and line.
    """
    path = find(name)
    if path is None:
        raise WatchlistError(
            f"there are no annotations {name!r}: name a CSV file with the columns date and note, "
            "or a watchlist that comes with events"
        )
    return read(path)


def find(name: str) -> Path | None:
    """Return the file that a name stands for: a file as it is, or a shipped watchlist's."""
    for path in (Path(name), Path(name) / "events.csv", _shipped(name)):
        if path.is_file():
            return path
    return None


def read(path: Path) -> list[Event]:
    """Return the events of a CSV file in UTF-8, in order of time."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            events = list(_events(path, csv.DictReader(stream)))
    except OSError as error:
        raise WatchlistError(f"{path} can't be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise WatchlistError(f"{path} is no CSV file in UTF-8: {error}") from error
    return sorted(events, key=lambda event: event.day)


def _events(path: Path, reader: csv.DictReader[str]) -> Iterator[Event]:
    columns = [name or "" for name in reader.fieldnames or ()]
    note, entity, source = (_column(columns, _NAMES[name]) for name in _NAMES)
    if "date" not in columns or not note:
        raise WatchlistError(
            f"{path}: the first line must name the columns date and note; it names "
            f"{', '.join(columns) or 'nothing'}"
        )
    for row in reader:
        if "kind" in columns and row["kind"] != "event":
            continue
        try:
            day = date.fromisoformat((row["date"] or "").strip())
        except ValueError as error:
            raise WatchlistError(
                f"{path}, line {reader.line_num}: {row['date']!r} is no date; write YYYY-MM-DD"
            ) from error
        yield Event(
            day,
            " ".join((row[note] or "").split()),
            (row[entity] or "") if entity else "",
            (row[source] or "") if source else "",
        )


def _column(columns: Sequence[str], names: Sequence[str]) -> str:
    return next((name for name in names if name in columns), "")


def _shipped(name: str) -> Path:
    import ingest

    # A plain name only: it must not lead out of the folder.
    return Path(ingest.__file__).parent / "watchlists" / Path(name).name / "events.csv"

"""Dated events to mark in charts, read from a CSV file that people keep.

Columns: ``date`` (YYYY-MM-DD), and ``label`` (a few words) or ``note`` (a sentence) or both, are
needed; ``kind``, ``entity`` and ``source_url`` may be there. Where there is a ``kind``, only rows
of the kind ``event`` are marked: the others are figures.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from pipelines.errors import WatchlistError

_FIELDS = ("label", "note", "entity", "source_url")


class Event(msgspec.Struct, frozen=True):
    """Something that happened on a day."""

    day: date
    label: str = ""
    note: str = ""
    entity: str = ""
    source: str = ""

    def words(self) -> str:
        """Return what is written about it in a list."""
        return ": ".join(part for part in (self.label, self.note) if part)


def load(name: str) -> list[Event]:
    """Return the events of a file, or of a shipped watchlist by its name, in order of time.

    Raises :class:`~pipelines.errors.WatchlistError` with file and line.
    """
    path = find(name)
    if path is None:
        raise WatchlistError(
            f"there are no annotations {name!r}: name a CSV file with the columns date and label, "
            "or a watchlist that comes with events"
        )
    return read(path)


def find(name: str) -> Path | None:
    """Return the file that a name stands for: a file as it is, or the one of a watchlist."""
    given = Path(name)
    own = given.parent / "events.csv" if given.suffix == ".toml" else given
    for path in (own, given / "events.csv", _shipped(name)):
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
    columns = set(reader.fieldnames or ())
    if "date" not in columns or not columns & {"label", "note"}:
        raise WatchlistError(
            f"{path}: the first line must name the columns date and label or note; it names "
            f"{', '.join(reader.fieldnames or ()) or 'nothing'}"
        )
    for row in reader:
        # cells that a short line lacks are None
        cells = {name: " ".join((row[name] or "").split()) for name in columns}
        if cells.get("kind", "event") != "event":
            continue
        try:
            day = date.fromisoformat(cells["date"])
        except ValueError as error:
            raise WatchlistError(
                f"{path}, line {reader.line_num}: {cells['date']!r} is no date; write YYYY-MM-DD"
            ) from error
        yield Event(day, *(cells.get(name, "") for name in _FIELDS))


def _shipped(name: str) -> Path:
    import ingest

    # A bare file name only: it must not lead out of the folder.
    return Path(ingest.__file__).parent / "watchlists" / Path(name).name / "events.csv"

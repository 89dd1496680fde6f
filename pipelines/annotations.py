"""Dated events to mark in charts, read from a table that people keep (CSV with any delimiter).

Columns: ``date`` (YYYY-MM-DD, DD/MM/YYYY, …), and ``label`` (a few words) or ``note`` (a sentence)
or both, are needed; ``kind``, ``entity`` and ``source_url`` may be there. Where there is a
``kind``, only rows of the kind ``event`` are marked: the others are figures. ``label_fr``,
``note_ar`` and the like say the same in another language; where they are empty, ``label`` and
``note`` stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ingest import dates
from pipelines.errors import SourceError, WatchlistError

if TYPE_CHECKING:
    from ingest.sources.tables import Table

_FIELDS = ("label", "note", "entity", "source_url")
#: Languages of charts and pages that an event may be named in.
LANGUAGES = ("en", "fr", "ar")
_COLUMNS = frozenset(
    {"date", "kind", *_FIELDS}
    | {f"{name}_{code}" for name in ("label", "note") for code in LANGUAGES}
)


class Event(msgspec.Struct, frozen=True):
    """Something that happened on a day."""

    day: date
    label: str = ""
    note: str = ""
    entity: str = ""
    source: str = ""
    others: dict[str, tuple[str, str]] = {}
    """Label and note in other languages, by their code."""
    language: str = ""
    """Code of the language of label and note, where it is known."""

    def words(self) -> str:
        """Return what is written about it in a list."""
        colon = "\N{NO-BREAK SPACE}: " if self.language == "fr" else ": "
        return colon.join(part for part in (self.label, self.note) if part)

    def told_in(self, code: str) -> Event:
        """Return it with its words in a language, or as it is where it has none in that."""
        if code not in self.others:
            return self
        label, note = self.others[code]
        return msgspec.structs.replace(self, label=label, note=note, language=code)


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
    """Return the events of a table, in order of time."""
    try:
        return parse(path.read_bytes(), str(path))
    except OSError as error:
        raise WatchlistError(f"{path} can't be read: {error.strerror}") from error


def parse(content: bytes | str, name: str) -> list[Event]:
    """Return the events of a table's content, in order of time; ``name`` stands in errors.

    Raises :class:`~pipelines.errors.WatchlistError`.
    """
    from ingest.sources.tables import read_table, style_of

    try:
        table = read_table(content, name, _COLUMNS)
    except SourceError as error:
        raise WatchlistError(str(error)) from error
    return sorted(_events(name, table, style_of(table, "date")), key=lambda event: event.day)


def _events(path: str, table: Table, style: dates.DateStyle) -> Iterator[Event]:
    columns = {name: place for place, name in reversed(list(enumerate(table.columns)))}
    if "date" not in columns or not columns.keys() & {"label", "note"}:
        raise WatchlistError(
            f"{path}: the first line must name the columns date and label or note; it names "
            f"{', '.join(table.columns) or 'nothing'}"
        )
    for line, row in table.rows:
        # a short line lacks its last cells
        cells = {
            name: " ".join(row[place].split()) if place < len(row) else ""
            for name, place in columns.items()
        }
        if cells.get("kind", "event") != "event":
            continue
        found = dates.read(cells["date"], UTC, style)
        if found.moment is None:
            raise WatchlistError(
                f"{path}, line {line}: {cells['date']!r} is no date; write YYYY-MM-DD or DD/MM/YYYY"
            )
        said = {
            code: (cells.get(f"label_{code}", ""), cells.get(f"note_{code}", ""))
            for code in LANGUAGES
        }
        label, note, entity, source = (cells.get(name, "") for name in _FIELDS)
        yield Event(
            day=found.moment.date(),
            label=label,
            note=note,
            entity=entity,
            source=source,
            others={code: words for code, words in said.items() if any(words)},
        )


def _shipped(name: str) -> Path:
    import ingest

    # A bare file name only: it must not lead out of the folder.
    return Path(ingest.__file__).parent / "watchlists" / Path(name).name / "events.csv"

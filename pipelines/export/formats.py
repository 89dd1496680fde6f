"""The formats, and the writers of NDJSON and CSV: each takes posts one by one and keeps few."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from ingest.mapping.spreadsheets import guard
from ingest.records import encode
from pipelines.export.columns import TARGET_COLUMNS, Column, Exported, as_text
from pipelines.export.options import Options

_USUAL = Options()


class Writer(Protocol):
    """Writes one format."""

    files: tuple[str, ...]
    """Names of the files it writes; the first has one row or line for every post."""

    def write(self, post: Exported) -> None:
        """Add a post."""

    def close(self) -> None:
        """Finish the files."""


class Ndjson:
    """One JSON object a line, with the fields of a post and its day; defaults are left out."""

    files: tuple[str, ...] = ("posts.ndjson",)

    def __init__(self, folder: Path, options: Options = _USUAL) -> None:
        self._stream = (folder / self.files[0]).open("wb")

    def write(self, post: Exported) -> None:
        """Add a post."""
        self._stream.write(encode(post) + b"\n")

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()


class Csv:
    """UTF-8 with a byte order mark, commas, every cell quoted, flat columns, lists in one cell.

    Beside it stands ``targets.csv``, with the probabilities of each attitude.
    """

    files: tuple[str, ...] = ("posts.csv", "targets.csv")

    def __init__(self, folder: Path, options: Options = _USUAL) -> None:
        self._entities = options.entities if options.attitudes else ()
        self._columns = options.flat[: len(options.flat) - len(self._entities)]
        self._comma = options.csv_for == "fr"
        self.files = self.files if options.level in {"pseudonymous", "full"} else self.files[:1]
        self._streams: list[IO[str]] = []
        # Without the mark Excel takes Arabic for Western European.
        for name in self.files:
            self._streams.append((folder / name).open("w", encoding="utf-8-sig", newline=""))
        mark = ";" if self._comma else ","
        writers = [
            csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n", delimiter=mark)
            for stream in self._streams
        ]
        self._posts = writers[0]
        self._targets = writers[1] if len(writers) > 1 else None
        self._posts.writerow([column.name for column in options.flat])
        if self._targets:
            self._targets.writerow(TARGET_COLUMNS)

    def write(self, post: Exported) -> None:
        """Add a post."""
        # attitudes stand at the end: one look at the targets finds them all
        labels = {target.entity: target.label for target in post.targets}
        cells = [self._number(column, _cell(column, post)) for column in self._columns]
        self._posts.writerow([*cells, *(labels.get(entity, "") for entity in self._entities)])
        for target in post.targets if self._targets else ():
            assert self._targets is not None
            shares = (target.negative, target.neutral, target.positive)
            figures = [repr(one).replace(".", "," if self._comma else ".") for one in shares]
            self._targets.writerow([guard(post.id), guard(target.entity), target.label, *figures])

    def close(self) -> None:
        """Finish the files."""
        for stream in self._streams:
            stream.close()

    def _number(self, column: Column, cell: str) -> str:
        return cell.replace(".", ",") if self._comma and column.kind == "number" else cell


def _cell(column: Column, post: Exported) -> str:
    cell = as_text(column, post)
    # a number may be negative
    return cell if column.kind in {"integer", "number"} else guard(cell)


def _parquet(folder: Path, options: Options) -> Writer:
    from pipelines.export.parquet import Parquet  # pyarrow takes 80 MB, and its time to load

    return Parquet(folder, options)


def _xlsx(folder: Path, options: Options) -> Writer:
    from pipelines.export.xlsx import Xlsx  # its libraries take their time to load

    return Xlsx(folder, options)


#: The formats by their names, in the order they are written.
FORMATS: dict[str, Callable[[Path, Options], Writer]] = {
    "ndjson": Ndjson,
    "csv": Csv,
    "parquet": _parquet,
    "xlsx": _xlsx,
}
#: The files that each format may write.
FILES: dict[str, tuple[str, ...]] = {
    "ndjson": Ndjson.files,
    "csv": Csv.files,
    "parquet": ("posts.parquet",),
    "xlsx": ("posts.xlsx",),
}

"""The writers of NDJSON, CSV and Parquet: each takes posts one by one and keeps few in memory."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.mapping.spreadsheets import guard
from ingest.records import encode
from pipelines.export.columns import TARGET_COLUMNS, Column, Exported, as_text
from pipelines.export.options import Options

# A group of rows is complete at so many posts, or so many characters of text: posts may be long.
_GROUP_POSTS = 10_000
_GROUP_CHARACTERS = 8_000_000


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


class Parquet:
    """Parquet with types: times in UTC, lists, and targets as a list of records."""

    files: tuple[str, ...] = ("posts.parquet",)

    def __init__(self, folder: Path, options: Options = _USUAL) -> None:
        self._columns = options.columns
        about = {f"marsad:{name}": words for name, words in options.about}
        self._schema = pa.schema(
            [pa.field(column.name, _type(column)) for column in self._columns], about
        )
        self._writer = pq.ParquetWriter(
            folder / self.files[0], self._schema, compression="zstd", use_dictionary=True
        )
        self._posts: list[Exported] = []
        self._characters = 0

    def write(self, post: Exported) -> None:
        """Add a post."""
        self._posts.append(post)
        self._characters += len(post.text)
        if len(self._posts) >= _GROUP_POSTS or self._characters >= _GROUP_CHARACTERS:
            self._flush()

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        arrays = [
            pa.array([_native(column, post) for post in self._posts], _type(column))
            for column in self._columns
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._posts = []
        self._characters = 0


def _xlsx(folder: Path, options: Options) -> Writer:
    from pipelines.export.xlsx import Xlsx  # openpyxl takes its time to load

    return Xlsx(folder, options)


#: The formats by their names, in the order they are written.
FORMATS: dict[str, Callable[[Path, Options], Writer]] = {
    "ndjson": Ndjson,
    "csv": Csv,
    "parquet": Parquet,
    "xlsx": _xlsx,
}
#: The files that each format may write.
FILES: dict[str, tuple[str, ...]] = {
    "ndjson": Ndjson.files,
    "csv": Csv.files,
    "parquet": Parquet.files,
    "xlsx": ("posts.xlsx",),
}

_TARGET = pa.struct(
    [("entity", pa.string()), ("label", pa.string())]
    + [(name, pa.float64()) for name in ("negative", "neutral", "positive")]
)
_TYPES = {
    "text": pa.string(),
    "day": pa.date32(),
    "json": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "time": pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.string()),
    "targets": pa.list_(_TARGET),
}


def _type(column: Column) -> Any:
    return _TYPES[column.kind]


def _native(column: Column, post: Exported) -> Any:
    if column.kind == "json":
        return as_text(column, post)
    if column.kind == "targets":
        return [
            {name: getattr(target, name) for name in target.__struct_fields__}
            for target in post.targets
        ]
    value = column.value(post)
    if column.kind == "day":
        return date.fromisoformat(value) if value else None
    # NULL says that there is none
    return None if value == "" and column.name not in {"id", "text"} else value

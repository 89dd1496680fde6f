"""The writers of NDJSON, CSV and Parquet: each takes posts one by one and keeps few in memory."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.mapping.spreadsheets import guard
from ingest.records import encode
from pipelines.export.columns import COLUMNS, TARGET_COLUMNS, Column, Exported, as_text

# A group of rows is complete at so many posts, or so many characters of text: posts may be long.
_GROUP_POSTS = 10_000
_GROUP_CHARACTERS = 8_000_000


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

    def __init__(self, folder: Path) -> None:
        self._stream = (folder / self.files[0]).open("wb")

    def write(self, post: Exported) -> None:
        """Add a post."""
        self._stream.write(encode(post) + b"\n")

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()


class Csv:
    """UTF-8 with a byte order mark, commas, every cell quoted, nested fields as JSON.

    Beside it stands ``targets.csv``, for those who count attitudes in a spreadsheet.
    """

    files: tuple[str, ...] = ("posts.csv", "targets.csv")

    def __init__(self, folder: Path) -> None:
        self._streams: list[IO[str]] = []
        # Without the mark Excel takes Arabic for Western European.
        for name in self.files:
            self._streams.append((folder / name).open("w", encoding="utf-8-sig", newline=""))
        self._posts, self._targets = (
            csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
            for stream in self._streams
        )
        self._posts.writerow([column.name for column in COLUMNS])
        self._targets.writerow(TARGET_COLUMNS)

    def write(self, post: Exported) -> None:
        """Add a post."""
        self._posts.writerow([_cell(column, post) for column in COLUMNS])
        for target in post.targets:
            figures = (repr(target.negative), repr(target.neutral), repr(target.positive))
            self._targets.writerow([guard(post.id), guard(target.entity), target.label, *figures])

    def close(self) -> None:
        """Finish the files."""
        for stream in self._streams:
            stream.close()


def _cell(column: Column, post: Exported) -> str:
    cell = as_text(column, post)
    # a number may be negative
    return cell if column.kind in {"integer", "number"} else guard(cell)


class Parquet:
    """Parquet with types: times in UTC, lists, and targets as a list of records."""

    files: tuple[str, ...] = ("posts.parquet",)

    def __init__(self, folder: Path) -> None:
        self._schema = pa.schema([pa.field(column.name, _type(column)) for column in COLUMNS])
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
            for column in COLUMNS
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._posts = []
        self._characters = 0


#: The formats by their names, in the order they are written.
FORMATS: dict[str, type[Ndjson] | type[Csv] | type[Parquet]] = {
    "ndjson": Ndjson,
    "csv": Csv,
    "parquet": Parquet,
}

_TARGET = pa.struct(
    [("entity", pa.string()), ("label", pa.string())]
    + [(name, pa.float64()) for name in ("negative", "neutral", "positive")]
)
_TYPES = {
    "text": pa.string(),
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
    return column.value(post)

"""The writer of Parquet."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.export.columns import Column, Exported, as_text
from pipelines.export.options import Options

# A group of rows is complete at so many posts, or so many characters of text: posts may be long.
_GROUP_POSTS = 10_000
_GROUP_CHARACTERS = 8_000_000
#: So many posts are kept as they are; the others of a group take a third of the room as columns.
_POSTS = 500


class Parquet:
    """Parquet with types: times in UTC, lists, and targets as a list of records."""

    files: tuple[str, ...] = ("posts.parquet",)

    def __init__(self, folder: Path, options: Options) -> None:
        self._columns = options.columns
        about = {f"marsad:{name}": words for name, words in options.about}
        self._schema = pa.schema(
            [pa.field(column.name, _type(column)) for column in self._columns], about
        )
        self._writer = pq.ParquetWriter(
            folder / self.files[0], self._schema, compression="zstd", use_dictionary=True
        )
        self._posts: list[Exported] = []
        self._batches: list[pa.RecordBatch] = []
        self._rows = self._characters = 0

    def write(self, post: Exported) -> None:
        """Add a post."""
        self._posts.append(post)
        self._rows += 1
        self._characters += len(post.text)
        if self._rows >= _GROUP_POSTS or self._characters >= _GROUP_CHARACTERS:
            self._flush()
        elif len(self._posts) >= _POSTS:
            self._lay_out()

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self._writer.close()

    def _lay_out(self) -> None:
        """Turn posts into columns."""
        arrays = [
            pa.array([_native(column, post) for post in self._posts], _type(column))
            for column in self._columns
        ]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._posts = []

    def _flush(self) -> None:
        """Write a group of rows."""
        self._lay_out()
        table = pa.Table.from_batches(self._batches, schema=self._schema)
        self._writer.write_table(table.combine_chunks())
        self._batches = []
        self._rows = self._characters = 0


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

"""Checks of a finished export: are its files whole, and which of its rows must go."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from ingest.privacy.urls import PSEUDONYM
from ingest.records import Post
from pipelines.errors import OutputError
from pipelines.export.about import FORMAT, MANIFEST, File
from pipelines.labels.sampling import by_ids
from pipelines.records import Collected
from pipelines.stores.protocols import Store

#: What a workbook writes for ``_x0041_``, which alone would be an escaped A; openpyxl leaves it so.
_ESCAPED = re.compile("_x005F(_x[0-9A-Fa-f]{4}_)")

#: Rows of an export that are looked up in the store at once.
_CHUNK = 10_000


class _Manifest(msgspec.Struct):
    format: str
    files: dict[str, File]
    pseudonyms: str = "store"


class _Id(msgspec.Struct):
    id: str


class Gone(msgspec.Struct, frozen=True):
    """A row of an export whose post is not in the store any more."""

    row: int
    """Its place among the posts, from 1: line in ``posts.ndjson``, one more in a table."""
    id: str
    reason: str
    """``deleted`` (a tombstone names it) or ``missing`` (the store does not hold it)."""


class Purge(NamedTuple):
    """What an export holds that must go."""

    rows: list[Gone]
    unknown: int
    """Rows whose ids hold pseudonyms of the export alone: nobody can look them up."""


def manifest(folder: Path) -> _Manifest:
    """Return what an export says of itself. Raises :class:`OutputError` for another folder."""
    try:
        found = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=_Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise OutputError(f"{folder} is no export of Marsad: {MANIFEST} can't be read") from error
    if found.format != FORMAT:
        raise OutputError(f"{folder} is no export of Marsad: see its {MANIFEST}")
    return found


def verify(folder: Path) -> dict[str, str]:
    """Return what is wrong with each file of an export, nothing for a file that is whole."""
    problems = {}
    for name, file in manifest(folder).files.items():
        path = folder / Path(name).name
        problem = ""
        try:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest != file.sha256:
                problem = "was changed (another SHA-256 than in the manifest)"
        except OSError as error:
            problem = f"can't be read ({error.strerror})"
        problems[name] = problem
    return problems


def gone(folder: Path, store: Store) -> Purge:
    """Return the rows of an export whose posts the store does not hold any more, without texts.

    Raises :class:`OutputError` for an export without ids.
    """
    own = _has_own(folder)
    numbered, rows, unknown = enumerate(_ids(folder), start=1), [], 0
    while chunk := list(islice(numbered, _CHUNK)):  # exports may be larger than memory
        ids = [name for _, name in chunk]
        renamed = {name for name in ids if PSEUDONYM.search(name)} if own else set()
        unknown += sum(name in renamed for name in ids)
        there = {hit.post.id for hit in by_ids(store, ids)} | renamed
        absent = [(row, name) for row, name in chunk if name not in there]
        named = store.deleted_ids(
            [Collected(Post(id=name, platform="", text="")) for _, name in absent]
        )
        deleted = set(named)
        rows += [
            Gone(row, name, "deleted" if name in deleted else "missing") for row, name in absent
        ]
    return Purge(rows, unknown)


def _has_own(folder: Path) -> bool:
    return manifest(folder).pseudonyms == "own"


def _ids(folder: Path) -> Iterator[str]:
    files = manifest(folder).files
    if "posts.ndjson" in files:
        with (folder / "posts.ndjson").open("rb") as stream:
            for line in stream:
                yield msgspec.json.decode(line, type=_Id).id
    elif "posts.parquet" in files:
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(folder / "posts.parquet").iter_batches(columns=["id"]):
            yield from batch.column(0).to_pylist()
    elif "posts.csv" in files:
        import csv

        with (folder / "posts.csv").open(encoding="utf-8-sig", newline="") as text:
            mark = ";" if ";" in text.readline() else ","
            text.seek(0)
            for row in csv.DictReader(text, delimiter=mark):
                yield row["id"]
    elif "posts.xlsx" in files:
        yield from _ids_of_sheet(folder / "posts.xlsx")
    else:
        raise OutputError(f"{folder} holds no ids: its level is unlinked")


def _ids_of_sheet(path: Path) -> Iterator[str]:
    from openpyxl import load_workbook  # takes its time to load

    rows = load_workbook(path, read_only=True)["posts"].iter_rows(values_only=True)
    heads = next(rows)
    if "id" not in heads:
        raise OutputError(f"{path.parent} holds no ids: its level is unlinked")
    place = heads.index("id")
    for row in rows:
        yield _ESCAPED.sub(r"\1", str(row[place]))

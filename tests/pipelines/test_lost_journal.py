"""A store whose write-ahead log went: whole without it, or refused in words that help."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pipelines.errors import StoreError
from pipelines.query import All
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import Feeder, drain, post

#: Lengths of the headers of a write-ahead log and of its frames
#: (https://www.sqlite.org/fileformat2.html#walformat).
LOG, FRAME = 32, 24


@pytest.fixture
def files(tmp_path: Path) -> tuple[bytes, bytes]:
    """A store of 3 posts and its log, in which 200 more are."""
    path = tmp_path / "whole.db"
    with SqliteStore(path) as store:
        Feeder(store)(*(post(f"t:{n}") for n in range(3)))
        drain(store)
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        Feeder(store)(*(post(f"t:{n}", f"texte {n} " * 30) for n in range(3, 203)))
        drain(store)
        return path.read_bytes(), Path(f"{path}-wal").read_bytes()


def with_pages_moved(database: bytes, log: bytes, count: int) -> bytes:
    """A database into which the first pages of its log were moved."""
    (size,) = struct.unpack(">I", log[8:12])
    pages: dict[int, bytes] = {}
    for start in range(LOG, len(log) - FRAME - size + 1, FRAME + size):
        (number,) = struct.unpack(">I", log[start : start + 4])
        pages[number] = log[start + FRAME : start + FRAME + size]
    changed = bytearray(database)
    for number in sorted(pages)[:count]:
        changed.extend(bytes(max(0, number * size - len(changed))))
        changed[(number - 1) * size : number * size] = pages[number]
    return bytes(changed)


def test_a_log_that_is_lost_before_anything_was_moved__costs_what_stood_in_it(
    files: tuple[bytes, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(files[0])
    with SqliteStore(path) as store:
        assert len(list(store.scan(All()))) == 3


@pytest.mark.parametrize("count", [1, 5, 20])
@pytest.mark.parametrize("readonly", [False, True])
def test_a_log_that_is_lost_after_a_part_was_moved__is_told_with_what_to_do(
    files: tuple[bytes, bytes], tmp_path: Path, count: int, readonly: bool
) -> None:
    path = tmp_path / "a.db"
    damaged = with_pages_moved(*files, count)
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged") as told:
        SqliteStore(path, readonly=readonly)
    assert "a.db-wal" in str(told.value)
    assert "marsad restore" in str(told.value)
    assert path.read_bytes() == damaged
    # and that helps
    again = tmp_path / "again.db"
    again.write_bytes(damaged)
    Path(f"{again}-wal").write_bytes(files[1])
    with SqliteStore(again) as store:
        assert len(list(store.scan(All()))) == 203

"""What is told of compressed files that are not as they were written."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from ingest.records import Post, Reject
from ingest.sources.archive.source import ArchiveSource

NOW = datetime(2024, 1, 1, tzinfo=UTC)
COUNT = 500
TEXTS = [f"message numéro {n} {n * 7919 % 1009:x}" for n in range(COUNT)]
DATA = "".join(json.dumps({"id": n, "text": text}) + "\n" for n, text in enumerate(TEXTS)).encode()


def opened(path: Path, data: bytes) -> ArchiveSource:
    path.write_bytes(data)
    return ArchiveSource(path, dataset="set", now=NOW)


def stored(data: bytes) -> bytes:
    """Pack without compressing, so that a changed byte still unpacks."""
    packer = zlib.compressobj(level=0, wbits=31)
    return packer.compress(data) + packer.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(data)


def with_a_wrong_letter(packed: bytes) -> bytes:
    place = packed.index(b"message", len(packed) // 2)
    return packed[:place] + b"massage" + packed[place + 7 :]


def test_a_wrong_letter_is_told_before_the_first_record_is_read(tmp_path: Path) -> None:
    source = opened(tmp_path / "f.gz", with_a_wrong_letter(stored(DATA)))
    records = source.open("")
    [told] = source.warnings
    assert "damaged" in told
    assert "may be wrong too" in told
    assert source.details().damage == "file-damaged"
    found = [item.record for item in records]
    assert [record.text for record in found if isinstance(record, Post)] != TEXTS


def test_the_record_at_the_damage_says_how_many_before_it_may_be_wrong(tmp_path: Path) -> None:
    source = opened(tmp_path / "f.gz", with_a_wrong_letter(stored(DATA)))
    last = list(source.open(""))[-1]
    assert isinstance(last.record, Reject)
    assert last.record.reason == "file-damaged"
    assert f"up to {COUNT} records before it may be wrong too" in last.record.detail


def test_the_count_is_the_same_where_an_import_goes_on(tmp_path: Path) -> None:
    source = opened(tmp_path / "f.gz", with_a_wrong_letter(stored(DATA)))
    items = list(source.open(""))
    assert list(source.open(items[100].cursor)) == items[101:]
    assert len(source.warnings) == 1


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_bytes_that_are_wrong_in_the_middle_are_told(
    pack: object, share: float, tmp_path: Path
) -> None:
    assert callable(pack)
    data = bytearray(pack(DATA))
    place = int(len(data) * share)
    data[place : place + 4] = bytes(byte ^ 0xFF for byte in data[place : place + 4])
    source = opened(tmp_path / "f", bytes(data))
    items = source.open("")
    assert len(source.warnings) == 1
    last = list(items)[-1].record
    assert isinstance(last, Reject)
    assert last.reason == "file-damaged"


def test_what_follows_whole_data_casts_no_doubt_on_it(tmp_path: Path) -> None:
    source = opened(tmp_path / "f.gz", gzip.compress(DATA) + b"rubbish behind the end")
    items = list(source.open(""))
    assert isinstance(last := items[-1].record, Reject)
    assert "what came before is whole" in last.detail
    assert [told for told in source.warnings if "wrong" in told] == []
    assert len(source.warnings) == 1


def test_a_cut_file_is_told_as_cut(tmp_path: Path) -> None:
    source = opened(tmp_path / "f.gz", gzip.compress(DATA)[:-200])
    source.open("")
    [told] = source.warnings
    assert "ends in the middle" in told
    assert source.details().damage == "file-truncated"


@pytest.mark.parametrize(
    "data", [DATA, gzip.compress(DATA, mtime=0), gzip.compress(DATA, mtime=0) * 2, zstd(DATA)]
)
def test_of_a_whole_file_nothing_is_told(data: bytes, tmp_path: Path) -> None:
    source = opened(tmp_path / "f", data)
    assert all(isinstance(item.record, Post) for item in source.open(""))
    assert source.warnings == []
    assert source.details().damage == ""

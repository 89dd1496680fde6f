"""Accounts, ids and dates of archives whose writers have their own ways."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.dates import read
from ingest.mapping.ids import Id, native_id
from ingest.records import Post
from ingest.sources.archive.source import ArchiveSource

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def one(path: Path, record: dict[str, Any]) -> Post:
    path.write_text(json.dumps(record), encoding="utf-8")
    [item] = ArchiveSource(path, dataset="set", platform="facebook", now=NOW).open("")
    assert isinstance(item.record, Post), item.record
    return item.record


@pytest.mark.parametrize(
    ("account", "author"),
    [
        ({"from": {"name": "Nora Fictive", "id": "1000777"}}, "1000777"),
        ({"from": {"name": "Nora Fictive", "id": "1", "username": "nora.f"}}, "nora.f"),
        ({"from": {"name": "Nora Fictive"}}, "Nora Fictive"),
        ({"from": "nora.f"}, "nora.f"),
        ({"from": {"name": "Nora Fictive"}, "from_id": "7"}, "7"),
        ({"owner": {"id": 12, "name": "Nora Fictive"}}, "12"),
        ({"owner": {"username": "nora.f", "id": "12"}}, "nora.f"),
        ({"owner": "nora.f"}, "nora.f"),
        ({"user": {"name": "Nora Fictive"}}, "Nora Fictive"),
        ({"author": {"name": "Nora Fictive"}, "from": {"id": "3"}}, "3"),
        ({"from": {}}, ""),
    ],
)
def test_an_account_is_its_handle_else_its_id_else_its_name(
    tmp_path: Path, account: dict[str, Any], author: str
) -> None:
    record = {"id": "1000777_1", "message": "pas d'appels ce soir", **account}
    assert one(tmp_path / "f", record).author == author


@pytest.mark.parametrize("missing", ["NaN", "nan", "None", "null", "NULL", "<NA>", " nan "])
def test_what_programs_write_for_a_missing_id_is_none(tmp_path: Path, missing: str) -> None:
    record = {"id": missing, "text": "a", "repost_of": missing, "in_reply_to_status_id": missing}
    post = one(tmp_path / "f", {**record, "reply_to": missing})
    assert (post.id, post.reply_to, post.repost_of) == ("facebook:", "", "")


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("1.0", Id("1")),
        ("123456789012345.0", Id("123456789012345")),
        ("1234567890123456.0", Id("", "id-rounded")),
        ("690000000000000001.0", Id("", "id-rounded")),
        ("6.9E+17", Id("", "id-rounded")),
        ("https://example.org/a.0", Id("https://example.org/a.0")),
        ("nano", Id("nano")),
        ("banana", Id("banana")),
    ],
)
def test_a_point_and_zero_after_an_id_lose_nothing_up_to_15_digits(
    written: str, read_as: Id
) -> None:
    assert native_id(written) == read_as


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60.5Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-02-28T24:00:00Z", datetime(2016, 2, 29, tzinfo=UTC)),
        ("2016-02-28T24:00Z", datetime(2016, 2, 29, tzinfo=UTC)),
        ("2016-02-28T24:00:00.000Z", datetime(2016, 2, 29, tzinfo=UTC)),
        ("2016-02-28 24:00:00+01:00", datetime(2016, 2, 28, 23, tzinfo=UTC)),
        ("31/12/2016 23:59:60 UTC", datetime(2017, 1, 1, tzinfo=UTC)),
        ("Sat Dec 31 23:59:60 +0000 2016", datetime(2017, 1, 1, tzinfo=UTC)),
        ("20161231235960", datetime(2017, 1, 1, tzinfo=UTC)),
        ("9999-12-31T24:00:00Z", None),
        ("2016-02-28T24:00:01Z", None),
        ("2016-02-28T24:30:00Z", None),
        ("2016-02-28T23:59:61Z", None),
    ],
)
def test_a_leap_second_and_the_end_of_a_day_are_moments(
    written: str, moment: datetime | None
) -> None:
    assert read(written, UTC).moment == moment

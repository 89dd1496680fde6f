"""Accounts, ids and dates of archives whose writers have their own ways."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.records import Post
from ingest.sources.archive import ArchiveSource

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

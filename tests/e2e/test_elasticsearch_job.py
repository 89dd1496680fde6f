"""The main job on the sample archive: Elasticsearch gives what SQLite gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.answers import alike, difference, exported, table, without_times
from tests.conftest import CASE, Marsad
from tests.servers import Elastic, remove_indices

SAMPLE = CASE / "sample.ndjson"
QUERIES = [
    "whatsapp",
    "inwi -merci sentiment:negative",
    '"maroc telecom"',
    "lang:ary,ary-Latn voip",
]


def test_the_sample_gives_the_same_answers_on_both_stores(
    marsad: Marsad, real_elasticsearch: Elastic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    prefix = f"job{os.getpid()}"
    url = f"{real_elasticsearch.url}/{prefix}"
    stores = ("one.db", url)
    try:
        for store in stores:
            watch = ("--watchlist", "morocco-2016")
            first = marsad("ingest", "archive", SAMPLE, *watch, "--store", store)
            assert "done" in first.stderr
        one, other = (marsad.ledger("--store", store) for store in stores)
        assert one == other
        assert one["pending"] == 0
        again = marsad("ingest", "archive", SAMPLE, *watch, "--store", url)
        assert "read to its end before" in again.stderr
        assert marsad.ledger("--store", url) == one
        for query in QUERIES:
            hits, same = (
                without_times(marsad.rows("search", query, "--json", "--limit", "20", "--store", s))
                for s in stores
            )
            assert hits, query
            assert alike(hits, same), query
        for split in ((), ("--split", "entity"), ("--split", "language")):
            rows, same = (
                table(marsad("trends", *split, "--csv", "--store", store).stdout)
                for store in stores
            )
            assert rows
            assert alike(rows, same), split
        for number, store in enumerate(stores):
            marsad("export", "--to", tmp_path / f"export{number}", "--store", store)
        mine, theirs = (exported(tmp_path / f"export{number}") for number in range(2))
        assert len(mine) == one["indexed"]
        assert not difference(mine, theirs)
        gone = mine[0]["id"]
        for store in stores:
            told = marsad("delete", gone, "--store", store).stderr
            assert "1 post deleted" in told
            assert "another process" not in told.lower()
            marsad("search", f"id:{gone}", "--store", store, code=3)
            marsad("rescore", "lang:en", "--store", store)
            before = marsad.rows("search", "whatsapp", "--json", "--store", store)
            assert "indexed again" in marsad("reindex", "--store", store).stderr
            assert marsad.rows("search", "whatsapp", "--json", "--store", store) == before
        assert marsad.ledger("--store", "one.db") == marsad.ledger("--store", url)
    finally:
        remove_indices(real_elasticsearch, prefix)


def test_a_reader_without_a_store_or_server_is_told_what_to_do(
    marsad: Marsad, real_elasticsearch: Elastic
) -> None:
    for url in (f"{real_elasticsearch.url}/nothing-here", "http://127.0.0.1:9"):
        failed = marsad("search", "x", "--store", url, code=1)
        assert failed.stderr.startswith("Error: ")
        assert "Traceback" not in failed.stderr

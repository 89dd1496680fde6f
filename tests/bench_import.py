"""Measure importing without the network, beside sqlite-utils on the same file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import msgspec

from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.sources.archive.source import ArchiveSource
from ingest.watchlist.loader import load
from pipelines.embedded import collect, position_key
from pipelines.stages import Collector
from pipelines.stores.sqlite import SqliteStore
from tests.bench_peers import sqlite_utils_import
from tests.bench_posts import raw_posts


def measure(folder: Path, given: list[str], count: int) -> dict[str, float]:
    """Return CPU milliseconds a post: ours with a watchlist, and sqlite-utils."""
    file = folder / "posts.ndjson"
    encode = msgspec.json.Encoder().encode
    with file.open("wb") as lines:
        for post in raw_posts(given, count, seed=7):
            lines.write(encode(post) + b"\n")
    os.environ["MARSAD_KEYS"] = str(folder / "keyring.json")
    watchlist = load("morocco-2016")
    assert watchlist is not None
    start = time.process_time()
    with SqliteStore(folder / "import.db") as store:
        collector = Collector(Protector(Keyring().use()), watchlist)
        source = ArchiveSource(file)
        collect(source, store, collector, key=position_key(source, watchlist.fingerprint))
        ledger = store.ledger()
    ours = 1000 * (time.process_time() - start)
    assert ledger.received == count, ledger
    rows = [json.loads(line) for line in file.open("rb")]
    peer = sqlite_utils_import(folder / "peer.db", rows)
    return {
        "import_ms_a_post": ours / count,
        "import_kept": ledger.pending / count,
        "sqlite_utils_ms_a_post": peer / count,
        "import_to_sqlite_utils": ours / peer,
    }

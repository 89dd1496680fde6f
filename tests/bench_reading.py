"""Measure what reading and protecting a post costs, beside another checkout of Marsad.

``python -m tests.bench_reading [--before FOLDER] [--rounds N]``: the sample archive, several times
over, goes through the archive source and the collect stage, in a process of its own for each round
and checkout, by turns. The figure is the median of processor time a post, and the ratio of both.
``--before`` is a folder with another version (``git worktree add FOLDER COMMIT``); without one
only this version is measured. Timings belong here and never into tests.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "ingest" / "watchlists" / "morocco-2016" / "sample.ndjson"
#: How often the sample is read in one round.
COPIES = 8

#: Runs in either version: modules have moved between them.
CODE = """
import sys, time
from datetime import datetime, timezone
try:
    from ingest.privacy.keyring import Keyring
    from ingest.privacy.protector import Protector
    from ingest.sources.archive.source import ArchiveSource
    from ingest.watchlist.loader import load
except ImportError:
    from ingest.keyring import Keyring
    from ingest.privacy import Protector
    from ingest.sources.archive import ArchiveSource
    from ingest.watchlist import load
from pipelines.stages import Collector

watchlist = load("morocco-2016")
protector = Protector(Keyring().use(), country="MA")
source = ArchiveSource(sys.argv[1])
collector = Collector(protector, watchlist, origin=source.key, context=source.context)
now = datetime(2026, 11, 1, tzinfo=timezone.utc)
batch, posts = [], 0
start = time.process_time()
for item in source.open(""):
    batch.append(item)
    if len(batch) == 1024:
        posts += len(collector(batch, now).posts)
        batch = []
posts += len(collector(batch, now).posts)
print(posts, time.process_time() - start)
"""


def archive(folder: Path) -> Path:
    """Write the sample several times over, each time with other ids, authors and texts."""
    path = folder / "posts.ndjson"
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    with path.open("w", encoding="utf-8") as out:
        for copy in range(COPIES):
            for row in rows:
                changed = row | {
                    "id": f"{copy}-{row['id']}",
                    "author": f"{row.get('author', '')}{copy}",
                    "text": f"{row['text']} {copy}",
                }
                out.write(json.dumps(changed, ensure_ascii=False) + "\n")
    return path


def once(version: Path, path: Path, keys: Path) -> float:
    """Return the microseconds of processor time that a post takes in one version."""
    environment = {**os.environ, "MARSAD_KEYS": str(keys), "PYTHONPATH": str(version)}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(path)],
        cwd=version,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    posts, seconds = done.stdout.split()
    return float(seconds) / int(posts) * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    versions = {"this": ROOT} | ({"before": given.before.resolve()} if given.before else {})
    found: dict[str, list[float]] = {name: [] for name in versions}
    with tempfile.TemporaryDirectory() as folder:
        path = archive(Path(folder))
        for _ in range(given.rounds):
            for name, version in versions.items():
                keys = Path(folder) / f"{name}.json"
                found[name].append(once(version, path, keys))
    figures = {name: statistics.median(values) for name, values in found.items()}
    for name, value in figures.items():
        print(f"read and protect, {name}: {value:.0f} µs a post ({given.rounds} rounds)")
    if "before" in figures:
        print(f"ratio: {figures['this'] / figures['before']:.2f}")


if __name__ == "__main__":
    main()

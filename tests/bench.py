"""Measure the main job: posts from files to the index, on this machine.

``make bench`` runs it on the posts of a data folder (``DATA``). It prints the model's own time
(language identification and targets included), the time of everything around it, and the memory
while it goes on. Timings belong here and never into tests.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.records import Mention
from ingest.sources.archive.source import ArchiveSource
from nlp.score import Scored, Scorer
from pipelines.embedded import collect, drain, position_key
from pipelines.records import Ledger
from pipelines.settings import Settings, zone
from pipelines.stages import Collector
from pipelines.stores.sqlite import SqliteStore

ZONE = zone(Settings().timezone)


class TimedScorer(Scorer):
    """The scorer as it is, with a clock."""

    seconds = 0.0

    def score(self, texts: Sequence[str], mentions: Sequence[Sequence[Mention]]) -> list[Scored]:
        """Score, and count the time."""
        start = time.perf_counter()
        try:
            return super().score(texts, mentions)
        finally:
            self.seconds += time.perf_counter() - start


def resident() -> float:
    """Return the memory this process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(files: list[Path], folder: Path) -> None:
    """Import the files into a new store and print what it took."""
    os.environ["MARSAD_KEYS"] = str(folder / "keyring.json")
    store = SqliteStore(folder / "bench.db")
    protector = Protector(Keyring().use())
    start = time.perf_counter()
    scorer = TimedScorer()
    loading = time.perf_counter() - start
    memory: list[float] = []
    posts = 0

    def after_batch(outcomes: Ledger) -> None:
        nonlocal posts
        posts += drain(store, lambda: scorer, ZONE)
        memory.append(resident())

    start = time.perf_counter()
    for file in files:
        source = ArchiveSource(file)
        collector = Collector(protector, None)
        collect(source, store, collector, key=position_key(source, ""), after_batch=after_batch)
    total = time.perf_counter() - start
    ledger = store.ledger()
    store.close()
    report(posts, total, scorer, loading, memory, ledger, folder / "bench.db")


def report(
    posts: int,
    total: float,
    scorer: TimedScorer,
    loading: float,
    memory: list[float],
    ledger: Ledger,
    database: Path,
) -> None:
    """Print the figures."""
    around = total - scorer.seconds
    print(
        f"machine            {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    print(f"model              {scorer.version}, loaded in {loading:.1f} s")
    print(
        f"posts              {posts:,} scored and indexed, {ledger.dead:,} dead, "
        f"{ledger.duplicate:,} duplicate"
    )
    print(f"from file to index {total:.1f} s, {posts / total:,.0f} posts/s")
    print(
        f"the model's own    {scorer.seconds:.1f} s, {1e6 * scorer.seconds / posts:,.0f} µs a post"
    )
    print(
        f"everything around  {around:.1f} s, {1e6 * around / posts:,.0f} µs a post, "
        f"{around / scorer.seconds:.1%} of the model's"
    )
    quarters = [memory[int((len(memory) - 1) * part / 4)] for part in range(5)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(
        "memory             "
        + ", ".join(f"{value:,.0f}" for value in quarters)
        + f" MB at 0, 25, 50, 75, 100 %; peak {peak:,.0f} MB"
    )
    print(f"store              {database.stat().st_size / 1e6:,.0f} MB")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    folder = parser.parse_args().data / "sentiment"
    files = [folder / "dev.jsonl", folder / "train.jsonl"]
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        parser.error(f"there is no {missing[0]}; name the data folder: make bench DATA=folder")
    with tempfile.TemporaryDirectory() as temporary:
        run(files, Path(temporary))


if __name__ == "__main__":
    main()

"""Measure a store of many varied posts beside the tools that researchers use in its place.

``python -m tests.bench_scale --posts N --json`` makes N posts (:mod:`tests.bench_posts`), stores
them, asks 30 queries, trends and status, deletes, and asks the same of tantivy, DuckDB and
sqlite-utils in the same process. Times are CPU time, so that what else the machine does disturbs
less; each is the median of ``--runs``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from ingest.records import Post
from pipelines.query import All, parse
from pipelines.records import Batch, Collected, Position
from pipelines.settings import Settings, zone
from pipelines.stages import index
from pipelines.stores.sqlite import SqliteStore
from tests import bench_import, bench_peers
from tests.bench_peers import timed
from tests.bench_posts import scored_posts, texts

ZONE = zone(Settings().timezone)
BATCH = 1_000
#: What people ask, in both scripts: frequent words, rare words, phrases, prefixes, filters.
QUERIES = (
    "whatsapp", "inwi", "واتساب", "skype", "maroc telecom", "orange", "méditel", "=whatsapp",
    "whatsapp inwi", "whatsapp -inwi", "inwi OR orange", "internet", "connexion", "بزاف",
    "الله", "hadchi bzaf", "3lach", "facebook", '"maroc telecom"', "wat*", "#OpeUnlike",
    "lang:ary", "whatsapp lang:ary", "sentiment:negative", "entity:inwi",
    "target:inwi=negative", "since:2016-06-01 until:2016-07-01", "whatsapp since:2016-06-01",
    "platform:twitter inwi", "",
)  # fmt: skip


def build(path: Path, given: list[str], count: int) -> float:
    """Store the posts as the index worker does; return the CPU microseconds of each."""
    posts = scored_posts(given, count)
    start = time.process_time()
    cursor = ""
    with SqliteStore(path, timezone=ZONE.key) as store:
        while part := list(islice(posts, BATCH)):
            place = Position(key="bench", name="bench", cursor=f"{int(cursor or 0) + len(part)}")
            batch = Batch(
                position=place, previous_cursor=cursor, posts=[Collected(one) for one in part]
            )
            store.accept_scored(batch, index(part, ZONE))
            cursor = place.cursor
    return 1e6 * (time.process_time() - start) / count


def medians(works: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """Return the median milliseconds of each."""
    return [statistics.median(timed(work) for _ in range(runs)) for work in works]


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile: the smallest value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]


def questions(path: Path, runs: int) -> dict[str, float]:
    """Return the milliseconds of searches, trends and status."""
    with SqliteStore(path, readonly=True) as store:
        nodes = [parse(query) for query in QUERIES]
        searches = medians([lambda n=node: store.search(n, 50) for node in nodes], runs)  # type: ignore[misc]
        day, entity, word_day, word_entity, hour, status = medians(
            [
                lambda: store.sums(All(), "day", ""),
                lambda: store.sums(All(), "day", "entity"),
                lambda: store.sums(parse("whatsapp"), "day", ""),
                lambda: store.sums(parse("whatsapp"), "day", "entity"),
                lambda: store.sums(All(), "hour", ""),
                store.status,
            ],
            runs,
        )
    return {
        "search_p50_ms": statistics.median(searches),
        "search_p95_ms": quantile(searches, 0.95),
        "search_slowest_ms": max(searches),
        "trends_day_ms": day,
        "trends_entity_ms": entity,
        "trends_word_day_ms": word_day,
        "trends_word_entity_ms": word_entity,
        "trends_hour_ms": hour,
        "status_ms": status,
    }


def deletions(path: Path) -> dict[str, float]:
    """Return the milliseconds of deleting one post, and the seconds of deleting an author."""
    from tests.conformance.corpus import tombstone

    with SqliteStore(path) as store:
        names = [hit.post.id for hit in store.search(parse("inwi"), 5, 100).hits]
        single = [timed(lambda n=name: store.delete([tombstone(n)])) for name in names]  # type: ignore[misc]
        author = store.search(All(), 1, 1000).hits[0].post.author
        many = store.count(parse(f"author:{author}"))[0]
        seconds = timed(lambda: store.delete([tombstone(author=author)])) / 1000
    return {
        "delete_one_ms": statistics.median(single),
        "delete_author_posts": many,
        "delete_author_s": seconds,
    }


def starts(path: Path, runs: int) -> dict[str, float]:
    """Return the CPU seconds of whole commands, Python's own start included."""
    found = {}
    for name, arguments in (
        ("search", ["search", "inwi", "--limit", "1", "--json"]),
        ("status", ["status", "--json"]),
        ("trends", ["trends", "--json"]),
    ):
        script = "from pipelines.cli import main; main()"
        command = [sys.executable, "-c", script, *arguments, "--store", str(path)]
        used = []
        for _ in range(runs):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        found[f"start_{name}_s"] = statistics.median(used)
    return found


def peers(folder: Path, posts: list[Post], runs: int) -> dict[str, float]:
    """Return the milliseconds of the same questions asked to other tools."""
    index = bench_peers.Tantivy(folder / "tantivy", posts)
    words = [query for query in QUERIES if query and ":" not in query and "*" not in query]
    plain = [query.replace("=", "").replace("#", "") for query in words]
    found = medians([lambda q=query: index.search(q) for query in plain], runs)  # type: ignore[misc]
    duck = bench_peers.Duck(posts)
    day, entity, word = medians(
        [duck.by_day, duck.by_entity, lambda: duck.words_by_day("whatsapp")], runs
    )
    return {
        "tantivy_p50_ms": statistics.median(found),
        "tantivy_p95_ms": quantile(found, 0.95),
        "duckdb_day_ms": day,
        "duckdb_entity_ms": entity,
        "duckdb_word_day_ms": word,
    }


def measure(data: Path, count: int, runs: int, folder: Path) -> dict[str, Any]:
    """Return the figures of one run."""
    given = texts(data)
    path = folder / "scale.db"
    figures: dict[str, Any] = {"posts": count, "runs": runs}
    figures["store_us_a_post"] = build(path, given, count)
    figures["bytes_a_post"] = path.stat().st_size / count
    figures |= questions(path, runs)
    figures |= starts(path, runs)
    small = folder / "small.db"
    build(small, given, count // 10)
    smaller = questions(small, runs)
    for name in ("search_p95_ms", "trends_word_day_ms", "trends_word_entity_ms", "trends_hour_ms"):
        figures[f"exponent_{name[:-3]}"] = math.log10(figures[name] / smaller[name])
    figures |= bench_import.measure(folder, given, min(count, 20_000))
    figures |= peers(folder, list(scored_posts(given, count)), runs)
    figures |= deletions(path)
    figures["search_to_tantivy"] = figures["search_p95_ms"] / figures["tantivy_p95_ms"]
    figures["day_to_duckdb"] = figures["trends_day_ms"] / figures["duckdb_day_ms"]
    figures["entity_to_duckdb"] = figures["trends_entity_ms"] / figures["duckdb_entity_ms"]
    return figures


def machine() -> dict[str, str]:
    """Return what was measured on, and with which versions."""
    names = ("apsw", "tantivy", "duckdb", "sqlite-utils")
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marsad-bench-") as folder:
        figures = measure(options.data, options.posts, options.runs, Path(folder))
    figures = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in figures.items()
    }
    if options.json:
        print(json.dumps({**machine(), **figures}))
        return
    for name, value in {**machine(), **figures}.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main()

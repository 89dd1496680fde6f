"""Measure a store of many varied posts beside the tools that researchers use in its place.

``python -m tests.bench_scale --posts N --json`` makes N posts (:mod:`tests.bench_posts`), stores
them, asks 30 queries, trends and status, deletes, and asks the same of tantivy, DuckDB and
sqlite-utils in the same process. Times are CPU time, so that what else the machine does disturbs
less; each is the median of ``--runs``. ``--write PAGE`` puts the table into a page
(:mod:`tests.bench_report`); ``--keep FOLDER`` uses stores that an earlier run left there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
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
from tests import bench_import, bench_outputs, bench_peers, bench_report
from tests.bench_peers import timed
from tests.bench_posts import pseudonym, scored_posts, texts

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
        facets = medians([lambda: store.facets(parse("whatsapp"))], runs)[0]
    return {
        "facets_word_ms": facets,
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


def deletions(path: Path, posts: int) -> dict[str, float]:
    """Return the milliseconds of deleting one post, and the seconds of deleting busy authors.

    Those have a hundredth of all posts together, as one author with 10,000 posts of a million.
    """
    from tests.conformance.corpus import tombstone

    with SqliteStore(path) as store:
        names = [hit.post.id for hit in store.search(parse("inwi"), 5, 100).hits]
        single = [timed(lambda n=name: store.delete([tombstone(n)])) for name in names]  # type: ignore[misc]
        authors: list[str] = []
        many = 0
        while many < posts / 100:
            authors.append(pseudonym(f"user{len(authors)}"))
            many += store.count(parse(f"author:{authors[-1]}"))[0]
        seconds = timed(lambda: store.delete([tombstone(author=one) for one in authors])) / 1000
    return {
        "delete_one_ms": statistics.median(single),
        "delete_author_posts": many,
        "delete_author_s": seconds,
    }


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


def made(path: Path, given: list[str], count: int) -> dict[str, float]:
    """Make a store, unless an earlier run has left it there; return what that cost."""
    if path.exists():
        return {}
    return {"store_us_a_post": build(path, given, count)}


def measure(data: Path, count: int, runs: int, folder: Path, keep: Path) -> dict[str, Any]:
    """Return the figures of one run; stores are made, or found, in ``keep``."""
    given = texts(data)
    path, small = keep / f"{count}.db", keep / f"{count // 10}.db"
    figures: dict[str, Any] = {"posts": count, "runs": runs}
    figures |= made(path, given, count)
    figures["bytes_a_post"] = path.stat().st_size / count
    figures |= questions(path, runs)
    figures |= bench_outputs.measure(path, folder, count, runs)
    made(small, given, count // 10)
    smaller = questions(small, runs)
    for name in ("search_p95_ms", "trends_word_day_ms", "trends_word_entity_ms", "trends_hour_ms"):
        figures[f"exponent_{name[:-3]}"] = math.log10(figures[name] / smaller[name])
    figures |= bench_import.measure(folder, given, min(count, 20_000))
    with SqliteStore(path, readonly=True) as store:
        posts = [hit.post for hit in store.scan(All())]
    figures |= peers(folder, posts, runs)
    copy = folder / "deleted.db"
    shutil.copyfile(path, copy)
    return figures | deletions(copy, count)


def machine() -> dict[str, Any]:
    """Return what was measured on, and with which versions."""
    names = ("apsw", "tantivy", "duckdb", "sqlite-utils")
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "load": f"{os.getloadavg()[1]:.0f}",
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


def _processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder whose stores are used again")
    parser.add_argument("--write", type=Path, help="page that gets the table, in Markdown")
    parser.add_argument("--json", action="store_true", help="print one object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marsad-bench-") as folder:
        work = Path(folder)
        found = measure(options.data, options.posts, options.runs, work, options.keep or work)
    figures = machine() | {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in found.items()
    }
    command = f"python -m tests.bench_scale --posts {options.posts} --runs {options.runs}"
    text = bench_report.section(figures, command, f"{datetime.now(UTC):%Y-%m-%d}")
    if options.write:
        bench_report.put(options.write, options.posts, text)
    print(json.dumps(figures) if options.json else text)


if __name__ == "__main__":
    main()

"""Measure what one Elasticsearch node takes for more and more posts: disk, memory, time.

``python -m tests.bench_growth --posts 4000000`` fills a store on a server of its own with varied
posts (:mod:`tests.bench_posts`) and stops at each doubling to ask 30 queries, trends, facets and
the server about itself. Times are the server's CPU time, so that what else the machine does
disturbs less; it is read from ``/proc``, so this runs on Linux alone. One line of JSON for each
stop.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from ingest.records import Post
from pipelines.query import All, parse
from pipelines.records import Batch, Collected, Position
from pipelines.stages import index
from pipelines.stores.elasticsearch import ElasticsearchStore
from tests.bench_posts import scored_posts, texts
from tests.bench_scale import QUERIES, ZONE, quantile
from tests.servers.elastic import elastic_from_scripts

BATCH = 1_000
#: Posts at the first stop; each later one has twice as many.
FIRST = 125_000
_MB = 1e6
#: Seconds for which the server tells a size again instead of measuring it.
_SIZES_KEPT = 11


class Server:
    """A server that is measured from outside."""

    def __init__(self, url: str, pid: int) -> None:
        self.client = Elasticsearch(url, request_timeout=600)
        self._stat = Path(f"/proc/{pid}/stat")
        self._tick = os.sysconf("SC_CLK_TCK")

    def cpu(self) -> float:
        """Return the seconds of processor time that it has taken."""
        user, system = self._stat.read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / self._tick

    def heap(self) -> tuple[float, float]:
        """Return the megabytes of heap that survived collections, and those that it may have."""
        found = self.client.nodes.stats(metric="jvm")["nodes"]
        memory = next(iter(found.values()))["jvm"]["mem"]
        return memory["pools"]["old"]["used_in_bytes"] / _MB, memory["heap_max_in_bytes"] / _MB

    def of_index(self, name: str) -> dict[str, int]:
        """Return the bytes and segments of an index."""
        found = self.client.indices.stats(index=name, metric="store,segments")
        total = found["indices"][name]["primaries"]
        return {
            "bytes": total["store"]["size_in_bytes"],
            "segments": total["segments"]["count"],
        }

    def took(self, work: Callable[[], object], runs: int) -> float:
        """Return the milliseconds of processor time that it takes for one of ``runs``."""
        work()
        start = self.cpu()
        for _ in range(runs):
            work()
        return 1000 * (self.cpu() - start) / runs


def fill(store: ElasticsearchStore, posts: Iterator[Post], done: int, count: int) -> None:
    """Bring in ``count`` posts after the ``done`` that are there, as the index worker does."""
    end = done + count
    while done < end and (part := list(islice(posts, min(BATCH, end - done)))):
        place = Position(key="bench", name="bench", cursor=f"{done + len(part)}")
        batch = Batch(
            position=place,
            previous_cursor=f"{done or ''}",
            posts=[Collected(one) for one in part],
        )
        store.accept_scored(batch, index(part, ZONE))
        done += len(part)


def asked(server: Server, store: ElasticsearchStore, runs: int) -> dict[str, float]:
    """Return the server's milliseconds for searches, trends and facets."""
    nodes = [parse(query) for query in QUERIES]
    searches = [server.took(lambda n=node: store.search(n, 50), runs) for node in nodes]  # type: ignore[misc]
    word = parse("whatsapp")
    return {
        "search_p50_ms": statistics.median(searches),
        "search_p95_ms": quantile(searches, 0.95),
        "trends_day_ms": server.took(lambda: store.sums(All(), "day", ""), runs),
        "trends_entity_ms": server.took(lambda: store.sums(All(), "day", "entity"), runs),
        "trends_word_day_ms": server.took(lambda: store.sums(word, "day", ""), runs),
        "facets_word_ms": server.took(lambda: store.facets(word), runs),
    }


def stops(most: int) -> list[int]:
    """Return the numbers of posts at which it is measured."""
    found = [FIRST]
    while found[-1] * 2 <= most:
        found.append(found[-1] * 2)
    return found if found[-1] <= most else [most]


def measure(url: str, pid: int, given: list[str], most: int, runs: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of each stop."""
    server = Server(url, pid)
    posts = scored_posts(given, most)
    done = 0
    for stop in stops(most):
        began, start = time.monotonic(), server.cpu()
        with ElasticsearchStore(f"{url}/bench-growth") as store:
            fill(store, posts, done, stop - done)
            filled, seconds = server.cpu() - start, time.monotonic() - began
            name = store.indices.current()
            server.client.indices.refresh(index=name)
            figures = asked(server, store, runs)
        server.client.indices.flush(index=name)
        time.sleep(_SIZES_KEPT)
        there = server.of_index(name)
        old, most_heap = server.heap()
        yield {
            "posts": stop,
            "server_cpu_us_a_post": 1e6 * filled / (stop - done),
            "posts_per_second": (stop - done) / seconds,
            "bytes_a_post": there["bytes"] / stop,
            "segments": there["segments"],
            "old_heap_mb": old,
            "heap_mb": most_heap,
            **figures,
        }
        done = stop


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--posts", type=int, default=4_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--heap", default="1g", help="memory that the server may have")
    parser.add_argument("--folder", type=Path, help="where the server keeps its files")
    options = parser.parse_args(arguments)
    given = texts(options.data)
    with tempfile.TemporaryDirectory(prefix="marsad-bench-", dir=options.folder) as folder:
        server = elastic_from_scripts(Path(folder))
        assert server.process is not None
        server.process.environment |= {"MARSAD_HEAP": options.heap, "JAVA_TOOL_OPTIONS": ""}
        server.process.start()
        try:
            process = server.process.process
            assert process is not None
            for figures in measure(server.url, process.pid, given, options.posts, options.runs):
                rounded = {name: round(value, 2) for name, value in figures.items()}
                print(json.dumps(rounded), flush=True)
        finally:
            server.process.stop()


if __name__ == "__main__":
    main()

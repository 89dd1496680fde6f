"""Measure indexing: what the worker's way costs beside the bare client on the same server.

``python -m tests.bench_index --store http://host:9200`` alternates between the two, so that what
else the machine does disturbs both alike, and prints posts per second of each. It needs two idle
cores to show what the worker gains by deciding a batch while the server writes. Its indices begin
with ``bench-index-`` and are removed at the end. :func:`compare` is for other measurements.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec
from elasticsearch import Elasticsearch, helpers

from ingest.records import Post, Sentiment, Target
from pipelines.records import Batch, Collected, Document, Position
from pipelines.settings import Settings, zone
from pipelines.stages import index
from pipelines.stores.elasticsearch import ElasticsearchStore
from pipelines.stores.elasticsearch.documents import document_json

PREFIX = "bench-index"
BATCH = 1_000
_ZONE = zone(Settings().timezone)


class Rates(msgspec.Struct, frozen=True):
    """Posts per second of each round: the bare client's, and the store's."""

    bare: list[float]
    store: list[float]

    @property
    def share(self) -> float:
        """The store's share of the bare client's rate: the median of the rounds."""
        pairs = zip(self.store, self.bare, strict=True)
        return statistics.median(store / bare for store, bare in pairs)


def documents(texts: Sequence[str], count: int) -> list[Document]:
    """Return scored posts of two months with these texts, as the index stage makes them."""
    start = datetime(2016, 2, 1, tzinfo=UTC)
    posts = [
        Post(
            id=f"bench:{number}",
            platform="bench",
            text=texts[number % len(texts)],
            version=1_454_284_800_000 + number,
            created_at=start + timedelta(seconds=60 * number % 4_000_000),
            collected_at=start,
            author=f"u_{number % 997:016d}",
            source="bench",
            digest=f"{number:032x}",
            watchlist="bench",
            entities=("inwi",) if number % 3 else (),
            language="fr",
            language_confidence=0.9,
            sentiment=Sentiment("negative", 0.75, 0.125, 0.125),
            targets=(Target("inwi", "negative", 0.75, 0.125, 0.125),) if number % 3 else (),
            model="bench-1",
        )
        for number in range(count)
    ]
    return index(posts, _ZONE)


def bare(url: str, given: Sequence[Document]) -> float:
    """Index documents with the client's own helper alone, and return posts per second."""
    with Elasticsearch(url, request_timeout=60) as client:
        name = f"{PREFIX}-posts-bare"
        start = time.perf_counter()
        actions = (
            {"_index": name, "_id": one.post.id, "_source": document_json(one)} for one in given
        )
        for done, answer in helpers.streaming_bulk(client, actions, chunk_size=BATCH):
            assert done, answer
        return len(given) / (time.perf_counter() - start)


def stored(url: str, given: Sequence[Document]) -> float:
    """Bring documents into the store as the index worker does, and return posts per second."""
    rest = iter(given)
    cursor = ""
    with ElasticsearchStore(f"{url}/{PREFIX}") as store:
        start = time.perf_counter()
        while part := list(islice(rest, BATCH)):
            place = Position(key="bench", name="bench", cursor=f"{int(cursor or 0) + len(part)}")
            posts = [Collected(one.post) for one in part]
            batch = Batch(position=place, previous_cursor=cursor, posts=posts)
            outcomes = store.accept_scored(batch, part)
            assert outcomes.indexed == len(part), outcomes
            cursor = place.cursor
        store.position("bench")  # the last documents may be on their way yet
        return len(given) / (time.perf_counter() - start)


def compare(url: str, given: Sequence[Document], rounds: int) -> Rates:
    """Measure both in turns, each time into empty indices."""
    rates = Rates([], [])
    ways: list[tuple[Callable[[str, Sequence[Document]], float], list[float]]] = [
        (bare, rates.bare),
        (stored, rates.store),
    ]
    for number in range(rounds + 1):
        for way, found in ways if number % 2 else ways[::-1]:
            clear(url)
            ElasticsearchStore(f"{url}/{PREFIX}").close()  # the templates are the store's
            rate = way(url, given)
            if number:  # the first round warms the server up
                found.append(rate)
    clear(url)
    return rates


def clear(url: str) -> None:
    """Remove what was measured with."""
    with Elasticsearch(url, request_timeout=60) as client:
        there = [name for name in client.indices.get_alias() if name.startswith(f"{PREFIX}-")]
        if there:
            client.indices.delete(index=there)


def _texts(folder: Path) -> Iterator[str]:
    with (folder / "sentiment" / "train.jsonl").open("rb") as lines:
        for line in lines:
            yield str(msgspec.json.decode(line)["text"])


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", required=True, help="an Elasticsearch server")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    given = documents(list(islice(_texts(options.data), 5_000)), options.posts)
    gc.collect()
    gc.freeze()  # a worker does not hold all posts, nor look through them for what is unused
    rates = compare(options.store, given, options.rounds)
    for name, found in (("bare streaming_bulk", rates.bare), ("accept_scored", rates.store)):
        every = ", ".join(f"{rate:,.0f}" for rate in found)
        print(f"{name:20} {statistics.median(found):>8,.0f} posts/s  ({every})")
    print(f"{'share':20} {rates.share:>8.0%}")


if __name__ == "__main__":
    main()

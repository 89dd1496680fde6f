"""Measure the Elasticsearch store beside the bare client and a plain mapping on the same server.

``python -m tests.bench_index --store http://host:9200 --json`` prints one object. It alternates
between the bare client's ``streaming_bulk`` and the store (and, with ``--brokers``, an index
worker that reads the same posts from Kafka), so that what else the machine does disturbs all
alike; shares are medians of the rounds. The posts are no copies of each other: their texts are
put together from pieces of the data folder's. They are matched with a watchlist. With ``--search``
it asks the store and a plain mapping the same questions, and compares their bytes on disk.

Indices and topics begin with ``bench-index`` and are removed at the end.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from elasticsearch import Elasticsearch, helpers

from ingest.records import Post, Sentiment, Target
from ingest.watchlist.loader import load
from pipelines.kafka import messages
from pipelines.kafka.messages import PostMessage
from pipelines.records import Batch, Collected, Document, Position, Words
from pipelines.settings import Settings, zone
from pipelines.stages import index, rematch
from pipelines.stores.analysis import VERSION
from pipelines.stores.elasticsearch import ElasticsearchStore
from pipelines.stores.elasticsearch.record import claimed
from tests.bench_mapping import searching
from tests.servers.elastic import elastic_from_scripts
from tests.servers.process import SCRIPTS

PREFIX = "bench-index"
BATCH = 1_000
_ZONE = zone(Settings().timezone)
_WATCHLIST = "morocco-2016"
_LABELS = ("negative", "neutral", "positive")


def documents(texts: Sequence[str], count: int) -> list[Document]:
    """Return scored posts of two months, each with another text, as the index stage makes them."""
    draw = random.Random(1)
    start = datetime(2016, 2, 1, tzinfo=UTC)
    watchlist = load(_WATCHLIST)
    posts = rematch(
        [
            Post(
                id=f"twitter:{700_000_000_000_000_000 + 7_919 * number}",
                platform="twitter",
                text=_text(texts, draw),
                version=1_454_284_800_000 + number,
                created_at=start + timedelta(seconds=draw.randrange(5_000_000)),
                collected_at=start,
                author=f"u_{draw.randrange(count // 8):016x}",
                url=f"https://twitter.com/i/status/{700_000_000_000_000_000 + 7_919 * number}",
                source="bench",
                digest=f"{draw.getrandbits(128):032x}",
            )
            for number in range(count)
        ],
        watchlist,
    )
    return index([_scored(post, draw) for post in posts], _ZONE)


def _text(texts: Sequence[str], draw: random.Random) -> str:
    one, other = draw.choice(texts).split(), draw.choice(texts).split()
    return " ".join([*one[: 1 + len(one) // 2], *other[len(other) // 2 :]])


def _scored(post: Post, draw: random.Random) -> Post:
    def attitude() -> Sentiment:
        negative, positive = round(draw.random() / 2, 4), round(draw.random() / 2, 4)
        neutral = round(1 - negative - positive, 4)
        return Sentiment(draw.choice(_LABELS), negative, neutral, positive)

    return msgspec.structs.replace(
        post,
        language=draw.choice(("fr", "fr", "ary", "ary-Latn", "ar", "en")),
        language_confidence=0.9,
        sentiment=attitude(),
        targets=tuple(
            Target(entity, **msgspec.structs.asdict(attitude())) for entity in post.entities
        ),
        model="bench-1",
    )


class Speed(NamedTuple):
    """What one way of bringing posts in takes."""

    rate: float
    """Posts per second."""
    cpu: float
    """Microseconds of processor time that the client's process takes for a post."""


@contextmanager
def timed(posts: int, found: list[Speed]) -> Iterator[None]:
    """Measure what the block takes for so many posts."""
    start, cpu = time.perf_counter(), time.process_time()
    yield
    cpu = time.process_time() - cpu
    found.append(Speed(posts / (time.perf_counter() - start), 1e6 * cpu / posts))


def bare(url: str, given: Sequence[Document]) -> Speed:
    """Index documents with the client's own helper alone.

    They have the fields that are searched, not the version record.
    """
    found: list[Speed] = []
    with Elasticsearch(url, request_timeout=120) as client:
        name = ElasticsearchStore(f"{url}/{PREFIX}-bare").indices.current()
        actions = ({"_index": name, "_id": one.post.id, "_source": _searched(one)} for one in given)
        with timed(len(given), found):
            for done, answer in helpers.streaming_bulk(client, actions, chunk_size=BATCH):
                assert done, answer
    return found[0]


def _searched(document: Document) -> bytes:
    record = claimed(None, document, 1, ())
    return msgspec.json.encode(msgspec.structs.replace(record, rank="", watchlist="", indexed=0))


def stored(url: str, given: Sequence[Document]) -> Speed:
    """Bring documents into the store as the index worker does."""
    rest = iter(given)
    cursor = ""
    found: list[Speed] = []
    with ElasticsearchStore(f"{url}/{PREFIX}") as store, timed(len(given), found):
        while part := list(islice(rest, BATCH)):
            place = Position(key="bench", name="bench", cursor=f"{int(cursor or 0) + len(part)}")
            posts = [Collected(one.post) for one in part]
            batch = Batch(position=place, previous_cursor=cursor, posts=posts)
            outcomes = store.accept_scored(batch, part)
            assert outcomes.indexed == len(part), outcomes
            cursor = place.cursor
    return found[0]


def compare(
    url: str, given: Sequence[Document], rounds: int, worker: Callable[[int], Speed] | None
) -> dict[str, list[Speed]]:
    """Measure all in turns, each time into empty indices; return what each round took."""
    ways: dict[str, Callable[[int], Speed]] = {
        "bare_streaming_bulk": lambda number: bare(url, given),
        "store": lambda number: stored(url, given),
    }
    if worker is not None:
        ways["worker"] = worker
    speeds: dict[str, list[Speed]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        names = list(ways)
        for name in names if number % 2 else names[::-1]:
            clear(url)
            speed = ways[name](number)
            if number:  # the first round warms the server up
                speeds[name].append(speed)
    clear(url)
    return speeds


def worker_rate(brokers: str, url: str, given: Sequence[Document]) -> Callable[[int], Speed]:
    """Return what measures an index worker, between its first and its last batch."""
    from tests.bench_stages import brokers as of
    from tests.bench_stages import produce
    from tests.cluster import cluster

    keys = [one.post.id.encode() for one in given]
    values = [messages.encode_scored(_message(one)) for one in given]

    def measure(number: int) -> Speed:
        store = f"{url}/{PREFIX}"
        with (
            tempfile.TemporaryDirectory(prefix="marsad-bench-") as folder,
            cluster(Path(folder), brokers, store, f"{PREFIX}-{number}", partitions=6) as made,
        ):
            where = of(made)
            produce(where, where.topic("scored"), keys, values)
            with Elasticsearch(url, request_timeout=120) as client:
                made.worker("index-1")
                process = made.workers["index-1"].process
                assert process is not None
                moments: list[tuple[float, float, int]] = []
                while not moments or moments[-1][2] < len(given):
                    time.sleep(0.05)
                    done = _operations(client)
                    if done and (not moments or done > moments[-1][2]):
                        moments.append((time.perf_counter(), _cpu(process.pid), done))
                    assert made.workers["index-1"].running, made.logs()
        # what comes before the first tenth is starting
        start = next(one for one in moments if one[2] >= len(given) // 10)
        took, cpu, posts = (b - a for a, b in zip(start, moments[-1], strict=True))
        return Speed(posts / took, 1e6 * cpu / posts)

    return measure


def _message(document: Document) -> PostMessage:
    """Return a scored post as a score worker hands it on."""
    words = Words(VERSION, document.tokens, document.keys, document.variants)
    return PostMessage(document.post, words=words)


def _cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has taken."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _operations(client: Elasticsearch) -> int:
    """Return how many documents were written to the store's posts."""
    name = f"{PREFIX}-posts-v1"
    if not client.indices.exists(index=name):
        return 0
    found = client.indices.stats(index=name, metric="docs", level="shards")
    if name not in found["indices"]:  # it is there, and its shard is still starting
        return 0
    shards = found["indices"][name]["shards"]["0"]
    return 1 + max(int(shard["seq_no"]["max_seq_no"]) for shard in shards)


def clear(url: str) -> None:
    """Remove what was measured with."""
    with Elasticsearch(url, request_timeout=120) as client:
        there = [name for name in client.indices.get_alias() if name.startswith(f"{PREFIX}-")]
        if there:
            client.indices.delete(index=there)


def _texts(folder: Path) -> Iterator[str]:
    with (folder / "sentiment" / "train.jsonl").open("rb") as lines:
        for line in lines:
            yield str(msgspec.json.decode(line)["text"])


def measure(options: argparse.Namespace, url: str) -> dict[str, Any]:
    """Return the figures of one run on a server."""
    given = documents(list(islice(_texts(options.data), 20_000)), options.posts)
    gc.collect()
    gc.freeze()  # a worker does not hold all posts, nor look through them for what is unused
    worker = worker_rate(options.brokers, url, given) if options.brokers else None
    result: dict[str, Any] = {"posts": options.posts, "rounds": options.rounds}
    speeds = compare(url, given, options.rounds, worker) if options.rounds else {}
    for name, found in speeds.items():
        result[f"{name}_posts_per_second"] = round(statistics.median(one.rate for one in found))
        result[f"{name}_rounds"] = [round(one.rate) for one in found]
        result[f"{name}_client_cpu_us"] = round(statistics.median(one.cpu for one in found), 1)
        if name != "bare_streaming_bulk":
            pairs = zip(found, speeds["bare_streaming_bulk"], strict=True)
            result[f"{name}_share"] = round(statistics.median(a.rate / b.rate for a, b in pairs), 3)
    if options.search:
        stored(url, given)
        result |= searching(url, PREFIX, given, 7)
        clear(url)
    return result


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default="", help="an Elasticsearch server (default: its own)")
    parser.add_argument("--brokers", default="", help="Kafka brokers: measure a worker as well")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--search", action="store_true", help="compare with a plain mapping")
    parser.add_argument("--json", action="store_true", help="print one object")
    options = parser.parse_args()
    if not options.store and not SCRIPTS.is_dir():
        print("no Elasticsearch to measure: name a server with --store")
        return
    with tempfile.TemporaryDirectory(prefix="marsad-bench-") as folder:
        own = None if options.store else elastic_from_scripts(Path(folder))
        if own is None or own.process is None:
            result = measure(options, options.store)
        else:
            own.process.start()
            try:
                result = measure(options, own.url)
            finally:
                own.process.stop()
    if options.json:
        print(msgspec.json.encode(result).decode())
    else:
        for name, value in result.items():
            print(f"{name:28} {value}")


if __name__ == "__main__":
    main()

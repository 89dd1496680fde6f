"""Measure the stages beyond one machine: posts per second, beside the bare clients' own.

``make bench`` runs it after the measurement of one machine. Everything goes to the same servers
in the same run: the bare producer and consumer of kafka-python, the bare ``streaming_bulk`` of the
Elasticsearch client, the bare model; then collect, one and two score workers, and index.

A worker's speed is taken between its first and its last batch, so that starting is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import kafka.errors as kafka_errors
import msgspec
from elasticsearch import Elasticsearch, helpers
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.records import Item, Post
from ingest.sources.archive.source import ArchiveSource
from nlp.score import Scorer
from pipelines import stages
from pipelines.embedded import BATCH, collect
from pipelines.kafka import messages
from pipelines.kafka.connection import Brokers
from pipelines.kafka.sink import KafkaSink
from pipelines.records import Document
from pipelines.settings import Settings, zone
from pipelines.stages import Collector, utc_now
from pipelines.stores.elasticsearch import ElasticsearchStore
from pipelines.stores.elasticsearch.record import claimed
from tests import servers
from tests.cluster import Cluster, cluster, invented, until
from tests.faults.topics import everything
from tests.servers import Elastic, Kafka

ZONE = zone(Settings().timezone)
PARTITIONS = 6
COPIES = 10
"""Of each scored post, for the index stage: it is done with a few thousand in a second."""


class Bench:
    """One run: its servers, its posts, and the figures so far."""

    def __init__(self, kafka: Kafka, elastic: Elastic, folder: Path, file: Path, posts: int):
        self.kafka = kafka
        self.elastic = elastic
        self.folder = folder
        self.file = file
        self.posts = posts
        self.rates: dict[str, float] = {}

    def tell(self, what: str, rate: float, bare: str = "", goal: str = "") -> None:
        """Print a figure, and its share of a bare one."""
        self.rates[what] = rate
        share = f"{rate / self.rates[bare]:6.0%} of {bare}" if bare else ""
        print(f"{what:<28}{rate:>9,.0f} posts/s  {share:<32}{goal}", flush=True)

    def cluster(self, name: str) -> Any:
        """A collection of its own; other runs do not stand in its way."""
        return cluster(
            _made(self.folder / name),
            self.kafka.brokers,
            f"{self.elastic.url}/{name}",
            name,
            partitions=PARTITIONS,
        )


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


# Collect


def bench_all(bench: Bench) -> None:
    """Measure the producer and the way to it; the others go on with what it brought."""
    protector = Protector(Keyring(bench.folder / "keyring.json").use())
    items: list[Item] = []

    def parse() -> None:
        source = ArchiveSource(bench.file)
        items.extend(source.open(""))
        source.close()

    seconds = timed(parse)
    bench.posts = len(items)
    bench.tell("reading the file", bench.posts / seconds)
    collector = Collector(protector, None)
    found: list[bytes] = []
    keys: list[bytes] = []

    def protect() -> None:
        for start in range(0, len(items), BATCH):
            for one in collector(items[start : start + BATCH], utc_now()).posts:
                keys.append(one.post.id.encode())
                found.append(messages.encode(messages.post_message(one)))

    seconds = timed(protect)
    bench.tell("privacy and matching", bench.posts / seconds)
    with bench.cluster("bench-bare") as made:
        where = brokers(made)
        topic = where.topic("posts")
        bench.tell("bare producer", len(found) / produce(where, topic, keys, found))
        bench.tell("bare consumer", len(found) / consume(where, topic, len(found)))
    with bench.cluster("bench") as made, KafkaSink(brokers(made)) as sink:
        source = ArchiveSource(bench.file)
        seconds = timed(lambda: collect(source, sink, collector, key="bench"))
        bench.tell("collect", bench.posts / seconds, "bare producer")
        alone = bench.posts / bench.rates["reading the file"]
        alone += bench.posts / bench.rates["privacy and matching"]
        left = max(seconds - alone, 1e-9)
        bench.tell("  without reading, privacy", bench.posts / left, "bare producer")
        posts = _messages(bench, made, "posts")
    bench_index(bench, bench_score(bench, posts))


def brokers(made: Cluster) -> Brokers:
    """The brokers of a collection."""
    return Brokers(addresses=made.environment["MARSAD_BROKERS"], prefix=made.prefix)


def produce(where: Brokers, topic: str, keys: Sequence[bytes], values: Sequence[bytes]) -> float:
    """Seconds to send messages with the collectors' own settings, without transactions."""
    producer: KafkaProducer = where.producer()
    producer.partitions_for(topic)
    start = time.perf_counter()
    for key, value in zip(keys, values, strict=True):
        producer.send(topic, value, key, messages.HEADERS)
    producer.flush()
    seconds = time.perf_counter() - start
    producer.close()
    return seconds


def consume(where: Brokers, topic: str, number: int) -> float:
    """Seconds to read messages as they come, in batches."""
    consumer: KafkaConsumer = where.consumer()
    consumer.assign([TopicPartition(topic, n) for n in range(PARTITIONS)])
    consumer.seek_to_beginning()
    start = time.perf_counter()
    read = 0
    while read < number:
        read += sum(map(len, consumer.poll(timeout_ms=500, max_records=2048).values()))
    seconds = time.perf_counter() - start
    consumer.close()
    return seconds


# Score


def bench_score(
    bench: Bench, posts: Sequence[messages.PostMessage]
) -> Sequence[messages.PostMessage]:
    """Measure the bare model, then workers: one, and two that share the work."""
    scorer = Scorer(threads=1)
    bare = [messages.collected(one).post for one in posts]
    stages.score(bare[:64], scorer)  # warm
    some = bare[: 4 * BATCH]
    seconds = timed(lambda: [stages.score(some[n : n + 512], scorer) for n in _steps(some, 512)])
    bench.tell("bare model, 1 thread", len(some) / seconds)
    rate, _ = _scored(bench, posts, 1)
    bench.tell("score, 1 worker", rate, "bare model, 1 thread", "goal: 90 %")
    rate, scored = _scored(bench, posts, 2)
    bench.tell("score, 2 workers", rate, "score, 1 worker", "goal: never below 100 %")
    return scored


def _scored(
    bench: Bench, posts: Sequence[messages.PostMessage], workers: int
) -> tuple[float, Sequence[messages.PostMessage]]:
    """Posts per second between the first and the last record that these workers wrote.

    The posts come when the workers have shared out the partitions: how long a group takes for
    that is not what is measured here.
    """
    with bench.cluster(f"bench-score-{workers}") as made:
        where = brokers(made)
        names = [f"score-{number}" for number in range(workers)]
        for name in names:
            made.worker(name, MARSAD_THREADS="1")
        until(lambda: _shared_out(where, made, workers), "the workers share the partitions")
        keys = [one.post.id.encode() for one in posts]
        produce(where, where.topic("posts"), keys, [messages.encode(one) for one in posts])
        while len(records := _records(bench, made, "scored")) < len(posts):
            time.sleep(2)
            assert all(made.workers[name].running for name in names), made.logs()
        scored = _messages(bench, made, "scored")
    times = sorted(record.timestamp for record in records)
    # The first batches are small and the model is cold: the middle four fifths count.
    first, last = len(times) // 10, len(times) - len(times) // 10 - 1
    return 1000 * (last - first) / max(times[last] - times[first], 1), scored


def _shared_out(where: Brokers, made: Cluster, workers: int) -> bool:
    """Whether every worker of the group has partitions."""
    group = f"{made.prefix}score"
    with closing(where.admin()) as admin:
        try:
            members = admin.describe_groups([group])[group]["members"]
        except kafka_errors.KafkaError:  # nobody has joined yet
            return False
    given = [member["member_assignment"] for member in members]
    shares = [one["assigned_partitions"] for one in given if one]
    return len(shares) == workers and all(shares)


# Index


def bench_index(bench: Bench, scored: Sequence[messages.PostMessage]) -> None:
    """Measure the bare bulk helper, then one worker, on copies of the scored posts."""
    posts = [
        msgspec.structs.replace(one.post, id=f"{one.post.id}:{copy}")
        for copy in range(COPIES)
        for one in {one.post.id: one for one in scored}.values()
    ]
    documents = [one for some in _portions(posts) for one in stages.index(some, ZONE)]
    bench.tell("bare streaming_bulk", len(documents) / _bulk(bench, documents))
    with bench.cluster("bench-index") as made:
        where = brokers(made)
        keys = [post.id.encode() for post in posts]
        values = [messages.encode(messages.PostMessage(post)) for post in posts]
        produce(where, where.topic("scored"), keys, values)
        made.worker("index-1")
        moments: list[tuple[float, int]] = []
        while not moments or moments[-1][1] < len(documents):
            done = made.ledger().get("indexed", 0)
            if done and (not moments or done > moments[-1][1]):
                moments.append((time.perf_counter(), done))
            assert made.workers["index-1"].running, made.logs()
            time.sleep(0.5)
    (start, first), (end, last) = moments[0], moments[-1]
    assert last > first, "indexed between two looks: take more --posts"
    rate: float = (last - first) / (end - start)
    bench.tell("index, 1 worker", rate, "bare streaming_bulk", "goal: 70 %")


def _bulk(bench: Bench, documents: Sequence[Document]) -> float:
    """Seconds of the client's helper for the same documents in an index of the same mapping."""
    with ElasticsearchStore(f"{bench.elastic.url}/bench-bulk") as store:
        index = store.indices.current()
    actions = [
        {
            "_index": index,
            "_id": one.post.id,
            "_source": msgspec.json.encode(claimed(None, one, 1, ())),
        }
        for one in documents
    ]
    with Elasticsearch(bench.elastic.url, request_timeout=120) as client:
        return timed(lambda: list(helpers.streaming_bulk(client, actions, chunk_size=500)))


# Topics


def _records(bench: Bench, made: Cluster, topic: str) -> list[Any]:
    return everything(bench.kafka, made.prefix + topic)


def _messages(bench: Bench, made: Cluster, topic: str) -> list[messages.PostMessage]:
    read: messages.Reader[messages.PostMessage] = messages.Reader(messages.PostMessage)
    return [read(record) for record in _records(bench, made, topic) if record.value]


def _steps(some: Sequence[Any], size: int) -> range:
    return range(0, len(some), size)


def _portions(posts: Sequence[Post]) -> Iterator[Sequence[Post]]:
    for start in _steps(posts, BATCH):
        yield posts[start : start + BATCH]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def running(folder: Path) -> Iterator[tuple[Kafka, Elastic]]:
    """Servers as the tests find them: given ones, or those of the start scripts."""
    if servers.GIVEN_KAFKA and servers.GIVEN_ELASTICSEARCH:
        yield (
            Kafka(servers.GIVEN_KAFKA.split(",")),
            Elastic(servers.GIVEN_ELASTICSEARCH, None, True),
        )
        return
    if not servers.SCRIPTS.is_dir():
        raise SystemExit(
            "The stages beyond one machine are not measured: there are no servers; set "
            "MARSAD_SERVERS, or MARSAD_TEST_KAFKA and MARSAD_TEST_ELASTICSEARCH."
        )
    kafka, elastic = servers.kafka_from_scripts(folder), servers.elastic_from_scripts(folder)
    assert elastic.process is not None
    try:
        kafka.start()
        elastic.process.start()
        yield kafka, elastic
    finally:
        kafka.stop()
        elastic.process.stop()


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--posts", type=int, default=6000)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marsad-bench-")))
        file = folder / "posts.ndjson"
        found = options.data / "sentiment" / "train.jsonl"
        if found.exists():
            with found.open(encoding="utf-8") as lines:
                file.write_text("".join(islice(lines, options.posts)), encoding="utf-8")
        else:
            posts = invented(options.posts)
            file.write_text("".join(json.dumps(p) + "\n" for p in posts), encoding="utf-8")
        memory = servers.in_memory()
        place = memory or folder / "servers"
        place.mkdir(exist_ok=True)
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        print(f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the run")
        kafka, elastic = stack.enter_context(running(place))
        bench_all(Bench(kafka, elastic, folder, file, options.posts))


if __name__ == "__main__":
    main()

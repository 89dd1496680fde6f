"""Measure score workers that share the work: posts per second of one, then of two, in turns.

``python -m tests.bench_workers --workers 1 2 --rounds 3 --json`` prints one object. Each worker
has one thread and gets as many posts as each other one, in whatever round. Only the time in which
all workers of a round score counts: from when the last of them has handed on its first batch until
the first of them hands on its last. So starting, joining the group and waiting for the slowest are
left out. Rounds alternate, so that what else the machine does disturbs all alike.

The shares that the system gave (seconds of processor time a second) tell whether there was a core
for each worker: below 0.9 the figures say how busy the machine was, not what workers can do.

The posts are put together from texts of the data folder and matched with a watchlist. The broker
is one of the start scripts, or that of ``MARSAD_TEST_KAFKA``, whose topics beginning with
``bench-workers`` are removed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import kafka.errors as kafka_errors
import msgspec
import numpy as np

from ingest.records import Post
from ingest.watchlist.loader import load
from pipelines.kafka import messages
from pipelines.kafka.connection import Brokers
from pipelines.stages import rematch
from tests.bench_posts import raw_posts, texts
from tests.bench_stages import brokers, produce
from tests.bench_web import processor
from tests.cluster import WORDS, Cluster, cluster, until
from tests.faults.topics import everything
from tests.servers import GIVEN_KAFKA, SCRIPTS, Kafka, kafka_from_scripts, remove_topics

PREFIX = "bench-workers"
PARTITIONS = 6
_WATCHLIST = "morocco-2016"


class Round(NamedTuple):
    """What some workers did side by side."""

    rate: float
    """Posts per second of all of them together."""
    share: float
    """Seconds of processor time that a worker got in a second, on average."""
    cpu: float
    """Microseconds of processor time that a worker takes for a post."""
    partitions: tuple[int, ...]
    """How many partitions each worker had."""


def posts(data: Path, count: int) -> list[Post]:
    """Return posts that were collected and wait to be scored; no two have the same text."""
    given = texts(data, 50_000) if (data / "text").is_dir() else list(WORDS)
    return rematch(
        [
            Post(
                id=f"{raw.platform}:{raw.id}",
                platform=raw.platform,
                text=raw.text,
                created_at=raw.created_at,
                author="u_somebody",
                source="bench",
                digest=f"{number:032x}",
            )
            for number, raw in enumerate(raw_posts(given, count))
        ],
        load(_WATCHLIST),
    )


def together(times: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return begin, end and posts of the span in which all workers were scoring.

    ``times`` are, for each worker, the moments at which its posts were handed on, in order. A batch
    is handed on at once, so between two moments its posts count as done evenly.
    """
    curves = [np.unique(np.array(some), return_counts=True) for some in times]
    begin = max(float(moments[0]) for moments, _ in curves)
    end = min(float(moments[-1]) for moments, _ in curves)
    if begin >= end:
        raise ValueError("the workers never scored side by side: take more --posts")
    done = 0.0
    for moments, counts in curves:
        at_begin, at_end = np.interp([begin, end], moments, np.cumsum(counts))
        done += float(at_end - at_begin)
    return begin, end, done


def measure(kafka: Kafka, number: int, waiting: Sequence[Post], name: str) -> Round:
    """Let so many workers score these posts, and return how fast all of them did."""
    with (
        tempfile.TemporaryDirectory(prefix="marsad-bench-") as folder,
        cluster(
            Path(folder), kafka.brokers, f"{folder}/unused.db", name, partitions=PARTITIONS
        ) as made,
    ):
        where = brokers(made)
        names = [f"score-{one + 1}" for one in range(number)]
        for one in names:
            # the tokenizer's library has threads of its own
            made.worker(one, MARSAD_THREADS="1", TOKENIZERS_PARALLELISM="false")
        owners = until(lambda: _owners(where, number), "the workers share the partitions evenly")
        keys = [post.id.encode() for post in waiting]
        values = [messages.encode(messages.PostMessage(post)) for post in waiting]
        begun, before = time.monotonic(), _processor(made)
        produce(where, where.topic("posts"), keys, values)
        with closing(where.admin()) as admin:
            while _scored(admin, where) < len(waiting):
                assert all(made.workers[one].running for one in names), made.logs()
                time.sleep(1)
        used, took = _processor(made) - before, time.monotonic() - begun
        # The group's offsets may be known a moment before the records are.
        records = until(
            lambda: _whole(everything(kafka, where.topic("scored")), len(waiting)),
            "all scored posts can be read",
        )
        if _owners(where, number) != owners:
            raise SystemExit("The group shared its partitions anew meanwhile: measure again.")
    times: dict[str, list[float]] = {owner: [] for owner in owners.values()}
    for record in records:
        times[owners[record.partition]].append(record.timestamp / 1000)
    begin, end, done = together([sorted(some) for some in times.values()])
    shares = tuple(sorted(Counter(owners.values()).values()))
    return Round(done / (end - begin), used / took / number, 1e6 * used / len(waiting), shares)


def _scored(admin: Any, where: Brokers) -> int:
    """Return how many posts the workers are done with, without reading them.

    The posts are written without transactions, so each has one offset. Those of the topic
    ``scored`` count the marks of transactions as well.
    """
    group, topic = where.topic("score"), where.topic("posts")
    done = admin.list_group_offsets(group)[group]
    return sum(at.offset for part, at in done.items() if part.topic == topic)


def _whole(records: list[Any], count: int) -> list[Any]:
    return records if len(records) >= count else []


def _owners(where: Brokers, workers: int) -> dict[int, str]:
    """Return the worker of each partition; nothing while they are not shared out evenly."""
    group = where.topic("score")
    with closing(where.admin()) as admin, suppress(kafka_errors.KafkaError):
        members = admin.describe_groups([group])[group]["members"]
        given = [(one["member_id"], one["member_assignment"]) for one in members]
        owners = {
            partition: member
            for member, assignment in given
            if assignment
            for topic in assignment["assigned_partitions"]
            for partition in topic["partitions"]
        }
        shares = Counter(owners.values())
        even = shares and max(shares.values()) - min(shares.values()) <= 1
        if len(owners) == PARTITIONS and len(shares) == workers and even:
            return owners
    return {}


def _processor(made: Cluster) -> float:
    """Return the seconds of processor time that all workers have taken."""
    return sum(processor(worker.process.pid) for worker in made.workers.values() if worker.process)


def compare(
    kafka: Kafka, numbers: Sequence[int], rounds: int, waiting: Sequence[Post]
) -> dict[int, list[Round]]:
    """Return the rounds of each number of workers. ``waiting`` is split by the largest one."""
    found: dict[int, list[Round]] = {number: [] for number in numbers}
    each = len(waiting) // max(numbers)
    for turn in range(rounds):
        for number in numbers:
            name = f"{PREFIX}-{os.getpid()}-{turn}-{number}"
            one = measure(kafka, number, waiting[: each * number], name)
            found[number].append(one)
            print(
                f"round {turn + 1}, {number} workers: {one.rate:,.0f} posts/s; each got "
                f"{one.share:.2f} of a core, {one.cpu:,.0f} µs a post, {one.partitions} partitions",
                flush=True,
            )
    return found


def summary(found: Mapping[int, Sequence[Round]]) -> dict[str, object]:
    """Return the medians, and how many times the first number's rate each other one has."""
    first = next(iter(found))
    result: dict[str, object] = {"machine_cores": os.cpu_count(), "rounds": len(found[first])}
    for number, rounds in found.items():
        result[f"posts_a_second_{number}"] = round(statistics.median(r.rate for r in rounds), 1)
        result[f"share_of_a_core_{number}"] = round(statistics.median(r.share for r in rounds), 2)
        result[f"cpu_us_a_post_{number}"] = round(statistics.median(r.cpu for r in rounds))
        if number != first:
            ratios = [r.rate / one.rate for r, one in zip(rounds, found[first], strict=True)]
            result[f"times_{number}"] = round(statistics.median(ratios), 2)
            result[f"times_{number}_of_each_round"] = [round(ratio, 2) for ratio in ratios]
    return result


@contextmanager
def _running() -> Iterator[Kafka]:
    """A broker as the tests find it: a given one, or that of the start script."""
    if GIVEN_KAFKA:
        kafka = Kafka(GIVEN_KAFKA.split(","))
        try:
            yield kafka
        finally:
            remove_topics(kafka, PREFIX)
        return
    if not SCRIPTS.is_dir():
        raise SystemExit("No broker to measure with: set MARSAD_SERVERS or MARSAD_TEST_KAFKA.")
    with tempfile.TemporaryDirectory(prefix="marsad-bench-") as folder:
        kafka = kafka_from_scripts(Path(folder))
        try:
            kafka.start()
            yield kafka
        finally:
            kafka.stop()


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--posts", type=int, default=1000, help="posts for each worker")
    parser.add_argument("--json", action="store_true", help="end with one object")
    options = parser.parse_args()
    waiting = posts(options.data, options.posts * max(options.workers))
    print(f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the run")
    with _running() as kafka:
        result = summary(compare(kafka, options.workers, options.rounds, waiting))
    if options.json:
        print(msgspec.json.encode(result).decode())
    else:
        for name, value in result.items():
            print(f"{name:28} {value}")


if __name__ == "__main__":
    main()

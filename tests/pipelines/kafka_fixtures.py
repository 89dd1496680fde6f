"""Topics of one test's own, what is on them, and workers that run inside the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from kafka import TopicPartition

from ingest.records import Post, Sentiment, Tombstone
from nlp.score import Scored
from pipelines.kafka import topics
from pipelines.kafka.connection import Brokers, brokers
from pipelines.kafka.index import IndexStage
from pipelines.kafka.loop import Worker
from pipelines.kafka.positions import Positions
from pipelines.kafka.score import ScoreStage
from pipelines.records import Batch, Collected, CollectedTombstone, DeadLetter, Position
from pipelines.settings import KafkaSettings
from pipelines.stop import Stop
from pipelines.stores.sqlite import SqliteStore
from tests.servers import Kafka

ZONE = ZoneInfo("Africa/Casablanca")
#: Seconds after which something that should happen by itself counts as not happening.
PATIENCE = 300.0


@pytest.fixture
def where(
    real_kafka: Kafka, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Brokers:
    """Brokers with the topics made, under a prefix of the test's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made = brokers(real_kafka.brokers, KafkaSettings(prefix=f"{topic_prefix}."))
    topics.create(made, partitions=2)
    return made


class EchoScorer:
    """A model that is quick, and fails on what tells it to."""

    version = "echo-1"

    def score(self, texts: Sequence[str], mentions: Sequence[Any]) -> list[Scored]:
        if wrong := [text for text in texts if "impossible" in text]:
            raise ValueError(f"this text, says the library: {wrong[0]}")
        return [Scored("en", 0.9, "neutral", (0.1, 0.8, 0.1), ()) for _ in texts]


def post(number: int, text: str = "no calls today", **more: Any) -> Collected:
    """A post as the collect stage hands it on."""
    made = Post(
        id=f"forum:{number}",
        platform="forum",
        text=text,
        author=more.pop("author", "u_abcdefghijklmnop"),
        created_at=datetime(2016, 2, 27, 12, tzinfo=UTC),
        version=number,
        digest=f"{number:x}",
        **more,
    )
    return Collected(made)


def scored(collected: Collected) -> Collected:
    """The same with scores."""
    whole = msgspec.structs.replace(
        collected.post, language="en", model="echo-1", sentiment=Sentiment("neutral", 0.1, 0.8, 0.1)
    )
    return msgspec.structs.replace(collected, post=whole)


def deletion(post_id: str = "", author: str = "", raw_name: str = "") -> CollectedTombstone:
    """A deletion as the collect stage hands it on."""
    tombstone = Tombstone(platform="forum", id=post_id, author=author)
    return CollectedTombstone(tombstone, raw_name=raw_name)


def dead_letter(line: int, raw: bytes = b'{"half', reason: str = "json-truncated") -> DeadLetter:
    return DeadLetter(origin="file", line=line, reason=reason, raw=raw, at=datetime.now(UTC))


def batch(before: str, after: str, key: str = "input", **more: Any) -> Batch:
    """What one read of an input produced, from one cursor to another."""
    position = Position(key=key, name=key, cursor=after, done=more.pop("done", False))
    return Batch(position=position, previous_cursor=before, **more)


def records(where: Brokers, *names: str) -> dict[str, list[Any]]:
    """Everything committed on the topics (all of them without names), by topic."""
    consumer = where.consumer()
    try:
        found: dict[str, list[Any]] = {}
        for name in names or tuple(topics.definitions()):
            found[name] = list(_all(consumer, where.topic(name)))
        return found
    finally:
        consumer.close()


def _all(consumer: Any, topic: str) -> Iterator[Any]:
    partitions = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(tp) < end for tp, end in ends.items()):
        for some in consumer.poll(timeout_ms=100).values():
            yield from some


def every_byte(where: Brokers) -> bytes:
    """All that anybody who may read the topics can see: keys, values, headers."""
    parts = []
    for some in records(where).values():
        for record in some:
            parts += [record.key or b"", record.value or b""]
            parts += [part for name, value in record.headers for part in (name.encode(), value)]
    return b"\0".join(parts)


def send(where: Brokers, name: str, *messages: dict[str, Any]) -> None:
    """Produce messages past Marsad's own way in; each takes the arguments of ``send``."""
    producer = where.producer()
    try:
        for message in messages:
            producer.send(where.topic(name), **message).get(timeout=PATIENCE)
    finally:
        producer.close()


@contextmanager
def running(*runs: Callable[[Stop], None]) -> Iterator[None]:
    """Run workers in threads of their own for the length of the block."""
    stop = Stop()
    failures: list[BaseException] = []

    def run(one: Callable[[Stop], None]) -> None:
        try:
            one(stop)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in runs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert failures == []
    assert not any(thread.is_alive() for thread in threads)


def scoring(where: Brokers, marker_seconds: float = 3600.0) -> Callable[[Stop], None]:
    """A score worker."""

    def run(stop: Stop) -> None:
        name = f"s{time.monotonic_ns()}"
        stage = ScoreStage(where, EchoScorer(), name, marker_seconds=marker_seconds)  # type: ignore[arg-type]
        try:
            Worker(where, stage, stop).run()
        finally:
            stage.close()

    return run


def indexing(
    where: Brokers, path: Path, kind: type[SqliteStore] = SqliteStore
) -> Callable[[Stop], None]:
    """An index worker."""

    def run(stop: Stop) -> None:
        with kind(path, readonly=False, timezone=str(ZONE)) as store:
            stage = IndexStage(where, store, ZONE)
            try:
                Worker(where, stage, stop).run()
            finally:
                stage.close()

    return run


@contextmanager
def pipeline(where: Brokers, path: Path, *, marker_seconds: float = 3600.0) -> Iterator[None]:
    """One score worker and one index worker for the length of the block."""
    with running(scoring(where, marker_seconds), indexing(where, path)):
        yield


def until(true: Callable[[], Any], what: str) -> Any:
    """Ask again and again until the answer is true, and return it."""
    end = time.monotonic() + PATIENCE
    while not (answer := true()):
        assert time.monotonic() < end, f"still not so: {what}"
        time.sleep(0.1)
    return answer


def cursor(where: Brokers, key: str = "input") -> str:
    """How far an input has been read, as the topic has it."""
    positions = Positions(where)
    try:
        found = positions.all().get(key)
        return found.position.cursor if found else ""
    finally:
        positions.close()

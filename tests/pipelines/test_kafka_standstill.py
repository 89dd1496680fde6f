"""A transaction that nobody ends stops its readers: they say so, and go on when it is over."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

import pytest
from kafka import TopicPartition

from pipelines.kafka import loop, standstill
from pipelines.kafka.connection import Brokers
from pipelines.kafka.messages import HEADERS
from pipelines.kafka.sink import KafkaSink
from pipelines.kafka.standstill import Standstill
from pipelines.records import Ledger
from pipelines.stores.sqlite import SqliteStore
from tests.pipelines.kafka_fixtures import ZONE, batch, pipeline, post, until

PARTITION = TopicPartition("m.posts", 3)


@pytest.mark.parametrize(
    ("offsets", "told"),
    [
        ([7, 7, 7], 1),
        ([7, 8, 9], 0),  # slow is not still
        ([7, None, 7], 0),  # it was read to its end meanwhile
        ([7, 7, 7, 7, 7], 2),  # not with each look
    ],
)
def test_only_what_stands_still_for_a_minute_is_told(
    caplog: pytest.LogCaptureFixture, offsets: list[int | None], told: int
) -> None:
    looking = Standstill()
    for number, offset in enumerate(offsets):
        looking.look({} if offset is None else {PARTITION: (offset, 12)}, number * 30.0)
    assert len(caplog.records) == told
    if told:
        assert "m.posts/3: 12 records wait behind offset 7" in caplog.text
        assert "restart the broker" in caplog.text


def test_workers_say_what_they_wait_for_behind_an_open_transaction_and_go_on_after_it(
    where: Brokers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(standstill, "SECONDS", 1.0)
    monkeypatch.setattr(loop, "_LOOK", 0.5)
    path = tmp_path / "posts.db"
    SqliteStore(path, readonly=False, timezone=str(ZONE)).close()

    def ledger() -> Ledger:
        with SqliteStore(path, readonly=True) as store:
            return store.ledger()

    with closing(where.producer(where.topic("somebody"))) as somebody:
        somebody.init_transactions()
        somebody.begin_transaction()
        for partition in somebody.partitions_for(where.topic("posts")):
            topic = where.topic("posts")
            somebody.send(topic, key=b"marsad.tick", partition=partition, headers=HEADERS)
        somebody.flush()
        with KafkaSink(where) as sink:
            sink.accept(batch("", "1", posts=[post(n) for n in range(20)]))
        with caplog.at_level(logging.WARNING), pipeline(where, path):
            until(lambda: "records wait behind offset 0" in caplog.text, "a worker tells of it")
            assert ledger().received == 0
            somebody.abort_transaction()
            until(lambda: ledger().received == 20, "all posts have arrived")
    assert ledger() == Ledger(received=20, indexed=20)

"""Collectors share the sources: each is read by one of them, also when one comes or goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipelines.errors import BrokerError, StoreBusy
from pipelines.kafka import leases
from pipelines.kafka.connection import Brokers
from pipelines.kafka.leases import Leases, collect
from pipelines.stop import Stop
from tests.pipelines.kafka_fixtures import PATIENCE, until

SOURCES = 5


class Collector:
    """What one collector reads now."""

    def __init__(self, where: Brokers) -> None:
        self.reads: frozenset[int] = frozenset()
        self.stop = Stop()
        self._leases = Leases(where, SOURCES)
        self._thread = threading.Thread(target=collect, args=(self._leases, self._read, self.stop))
        self._thread.start()

    def _read(self, numbers: frozenset[int], end: Stop) -> None:
        self.reads = numbers
        end.wait()
        self.reads = frozenset()

    def close(self) -> None:
        self.stop.set()
        self._thread.join(PATIENCE)
        self._leases.close()


@contextmanager
def collectors(where: Brokers, number: int) -> Iterator[list[Collector]]:
    made: list[Collector] = []
    try:
        for _ in range(number):
            made.append(Collector(where))
        yield made
    finally:
        for one in made:
            one.close()


def shared(some: list[Collector]) -> bool:
    """Whether every source is read by exactly one of them, and all have as much to do."""
    reads = [one.reads for one in some]  # at one moment: they change at any
    read = sorted(number for numbers in reads for number in numbers)
    sizes = [len(numbers) for numbers in reads]
    return read == list(range(SOURCES)) and max(sizes) - min(sizes) <= 1


def test_one_collector_reads_everything_and_two_share_it(where: Brokers) -> None:
    with collectors(where, 1) as some:
        until(lambda: shared(some), "one collector reads all sources")
        second = Collector(where)
        try:
            until(lambda: shared([*some, second]), "two collectors share the sources")
        finally:
            second.close()
        until(lambda: shared(some), "what the second had is the first one's again")


def test_an_input_that_another_reads_is_tried_again_and_ends_no_collector(
    where: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_BUSY", 0.1)
    stop = Stop()
    tried: list[frozenset[int]] = []
    shares = Leases(where, 1)

    def read(numbers: frozenset[int], end: Stop) -> None:
        tried.append(numbers)
        if len(tried) == 1:
            raise StoreBusy("somebody else reads it")
        stop.set()

    try:
        collect(shares, read, stop)
    finally:
        shares.close()
    assert tried == [frozenset({0}), frozenset({0})]


def test_a_collector_that_lost_its_place_for_any_reason_reads_no_further(
    where: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: object) -> None:
        raise KeyError("a partition that the library does not know any more")

    end = Stop()
    shares = Leases(where, SOURCES)
    try:
        shares.mine(Stop())
        assert shares.mine(end) == frozenset(range(SOURCES))
        monkeypatch.setattr(shares._consumer, "poll", fails)
        assert end.wait(PATIENCE)
        with pytest.raises(BrokerError, match="start it again"):
            shares.mine(Stop())
    finally:
        shares.close()


def test_stop__is_set_with_its_parent() -> None:
    stop = Stop()
    end = Stop(stop)
    assert not end.wait(0.01)
    stop.set()
    assert end.wait()
    own = Stop(Stop())
    own.set()
    assert own.is_set()

"""Answers that get lost between clients and brokers."""

from __future__ import annotations

import pytest

from tests.faults.load import FAULTS, Load
from tests.faults.test_kills import ended
from tests.servers import Kafka, KafkaProxy
from tests.servers.proxy import END_TRANSACTION, PRODUCE, TRANSACTION_OFFSETS


@pytest.fixture
def proxy(real_kafka: Kafka) -> KafkaProxy:
    if real_kafka.proxy is None:
        pytest.skip("no proxy before the broker of MARSAD_TEST_KAFKA")
    return real_kafka.proxy


def test_lost_answers_to_what_was_produced_lose_and_double_nothing(
    load: Load, proxy: KafkaProxy
) -> None:
    # Two workers of a stage go through the proxy as well; the others are at rest meanwhile.
    behind = {"MARSAD_BROKERS": proxy.address}
    names = ("score-1", "score-2")
    for name in names:
        load.cluster.workers.pop(name).stop()
    try:
        for name in names:
            load.cluster.worker(name, **behind)
        proxy.lose = lambda kind, number: kind == PRODUCE and number % 3 == 0
        ended(load.send(100, brokers=proxy.address))
        load.arrived()
        # Every third answer to seven batches at least, however many of them a worker takes at once.
        assert proxy.lost[PRODUCE] >= 3
        # A transaction whose end was not heard of, and offsets that may or may not be committed.
        proxy.lost.clear()
        proxy.lose = lambda kind, number: (
            kind in {END_TRANSACTION, TRANSACTION_OFFSETS} and number % 4 == 0
        )
        ended(load.send(100, brokers=proxy.address))
        load.arrived()
        assert proxy.lost[END_TRANSACTION] > 1
    finally:
        proxy.reset()
        for name in names:
            load.cluster.workers.pop(name).stop()
            load.cluster.worker(name)


if FAULTS:

    def test_connections_that_break_again_and_again_lose_and_double_nothing(
        load: Load, proxy: KafkaProxy
    ) -> None:
        importing = load.send(60, brokers=proxy.address)
        while importing.running:
            importing.wait(0.5)
            proxy.cut()
            importing.wait(2)
        ended(importing)
        load.arrived()

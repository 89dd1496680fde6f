"""The servers of the tests do what tests of faults rely on."""

from __future__ import annotations

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from tests.servers import Kafka
from tests.servers.proxy import PRODUCE


def read(address: str, topic: str, number: int) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=120_000
    )
    try:
        return [message.value for _, message in zip(range(number), consumer, strict=False)]
    finally:
        consumer.close()


def test_a_lost_answer_leaves_what_was_written_there(real_kafka: Kafka, topic_prefix: str) -> None:
    proxy = real_kafka.proxy
    if proxy is None:
        pytest.skip("no proxy before the broker of MARSAD_TEST_KAFKA")
    topic = f"{topic_prefix}-lost"
    producer = KafkaProducer(
        bootstrap_servers=proxy.address, acks="all", enable_idempotence=True, linger_ms=0
    )
    try:
        proxy.lose = lambda kind, number: kind == PRODUCE and number % 2 == 0
        for number in range(6):
            producer.send(topic, b"%d" % number).get(timeout=60)
    finally:
        producer.close()
    assert proxy.lost[PRODUCE] >= 3
    assert read(real_kafka.brokers, topic, 6) == [b"%d" % number for number in range(6)]


def test_a_producer_without_idempotence_doubles_what_lost_its_answer(
    real_kafka: Kafka, topic_prefix: str
) -> None:
    proxy = real_kafka.proxy
    if proxy is None:
        pytest.skip("no proxy before the broker of MARSAD_TEST_KAFKA")
    topic = f"{topic_prefix}-doubled"
    producer = KafkaProducer(
        bootstrap_servers=proxy.address, acks="all", enable_idempotence=False, retries=5
    )
    try:
        proxy.lose = lambda kind, number: kind == PRODUCE and number == 0
        producer.send(topic, b"one").get(timeout=60)
    except KafkaError:
        pytest.fail("one lost answer must not end a producer")
    finally:
        producer.close()
    assert read(real_kafka.brokers, topic, 2) == [b"one", b"one"]

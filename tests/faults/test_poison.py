"""Messages that can't be used become dead letters, and those around them arrive."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.load import FAULTS, Load
from tests.faults.topics import everything, write
from tests.servers import Kafka

#: Good posts before the bad messages, and as many after them.
NUMBER = 248 if FAULTS else 40
SECRET = "un-texte-qui-ne-sort-pas"


def foreign(value: bytes) -> tuple[bytes, bytes, list[Any]]:
    return value, b"poison", []


def ours(value: bytes, schema: int = 1) -> tuple[bytes, bytes, list[Any]]:
    return value, b"poison", [("marsad", b"%d" % schema)]


def oversized() -> bytes:
    return b'{"post":{"id":"x:1","platform":"x","text":"' + b"a" * 5_000_000 + b'"}}'


POISON = {
    "message-foreign": foreign(b"\x00\xff" + SECRET.encode()),
    "message-unreadable": ours(b'{"post": "' + SECRET.encode() + b'"}'),
    "message-too-large": ours(oversized()),
    "message-newer": ours(b'{"form": "of tomorrow"}', schema=99),
}


@pytest.mark.parametrize("topic", ["posts", "scored"] if FAULTS else ["posts"])
def test_bad_messages_become_dead_letters_with_reason_and_origin_and_the_others_indexed(
    load: Load, kafka: Kafka, topic: str
) -> None:
    marsad, name = load.cluster.marsad, load.cluster.prefix + topic
    before = {row["number"] for row in kept(load)}
    marsad("ingest", "archive", load.file(NUMBER))
    write(kafka, name, *POISON.values())
    marsad("ingest", "archive", load.file(NUMBER))
    load.arrived(dead=len(POISON))
    new = [row for row in kept(load) if row["number"] not in before]
    assert {row["reason"] for row in new} == POISON.keys()
    for row in new:
        assert row["origin"].startswith(f"{name}/"), row
        assert SECRET not in str(row)
    # Nothing of a text stands where tools show it: neither in a header nor in a key.
    for record in everything(kafka, load.cluster.prefix + "dead"):
        assert SECRET.encode() not in b"".join(value for _, value in record.headers or ())
        assert SECRET.encode() not in (record.key or b"")


def kept(load: Load) -> list[dict[str, Any]]:
    marsad, store = load.cluster.marsad, load.cluster.store
    return marsad.rows("dead", "list", "--json", "--limit", "1000", "--store", store, code=None)

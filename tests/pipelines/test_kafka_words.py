"""Words are analysed once, by the score worker, and travel to the index worker."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ingest.records import Post
from nlp.crossscript import Analysis, analyse
from pipelines import stages
from pipelines.kafka import messages
from pipelines.kafka.batches import indexed, read_batch
from pipelines.kafka.connection import MESSAGE_LIMIT, Brokers
from pipelines.kafka.cursor import Cursor
from pipelines.kafka.messages import HEADERS, PostMessage, Reader
from pipelines.kafka.sink import KafkaSink
from pipelines.query import parse
from pipelines.records import Collected, Document, Ledger, Position
from pipelines.stores.analysis import VERSION
from pipelines.stores.sqlite import SqliteStore
from tests.pipelines.kafka_fixtures import (
    ZONE,
    batch,
    pipeline,
    post,
    records,
    running,
    scoring,
    until,
)


def analysed(number: int, text: str = "no calls today", **changes: Any) -> Collected:
    """A scored post with its words, some of them changed."""
    one = post(number, text)
    words = msgspec.structs.replace(stages.words_of(one.post), **changes)
    return msgspec.structs.replace(one, words=words)


def documents(*sent: Collected) -> list[Document]:
    """What the index worker makes of scored posts."""
    came = [
        SimpleNamespace(
            topic="scored",
            partition=0,
            offset=offset,
            timestamp=0,
            key=one.post.id.encode(),
            value=messages.encode(messages.post_message(one)),
            headers=HEADERS,
        )
        for offset, one in enumerate(sent)
    ]
    place = Position(key="kafka:t/0", name="scored/0", cursor="")
    found, _ = read_batch("scored", came, place, Cursor())
    return indexed(found, ZoneInfo("UTC"))[1]


def fails_on_hidden(text: str) -> Analysis:
    if "hidden" in text:
        raise ZeroDivisionError(text)
    return analyse(text)


def test_words_that_came_along_are_indexed_as_they_are() -> None:
    (document,) = documents(analysed(1, tokens="as it came"))
    assert document.tokens == "as it came"


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1])
def test_words_of_another_version_of_the_analysis_are_computed_anew(version: int) -> None:
    found = documents(analysed(1, analysis=version, tokens="as it came"))
    assert found == stages.index([post(1).post], ZoneInfo("UTC"))


def test_a_message_of_an_older_score_worker_gives_the_same_document() -> None:
    """Both kinds may be on the topic at once, and be read again."""
    tagged = Post(id="t:1", platform="t", text="wi-fi 3lach", hashtags=("OpeUnlike",))
    old, new = Collected(tagged), Collected(tagged, words=stages.words_of(tagged))
    assert documents(old) == documents(new)


def test_words_never_make_a_message_too_large_to_be_read() -> None:
    large = analysed(1, "klma " * (MESSAGE_LIMIT // 5 - 100))
    value = messages.encode_scored(messages.post_message(large))
    read = Reader(PostMessage)(SimpleNamespace(key=b"", value=value, headers=HEADERS))
    assert messages.collected(read) == msgspec.structs.replace(large, words=None)


def test_a_dead_letter_holds_the_post_and_not_its_words() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    dead = messages.as_dead_letter(analysed(1), "index:1", messages.UNREADABLE, "", now)
    assert messages.reread(dead.raw) == post(1)


def test_a_score_worker_sends_the_words_of_the_masked_text(where: Brokers) -> None:
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=[post(1, "mabqach @[user] l'appel")]))
    with running(scoring(where)):
        (found,) = until(lambda: records(where, "scored")["scored"], "the post is scored")
    message = Reader(PostMessage)(found)
    assert message.words == stages.words_of(message.post)


def test_a_post_whose_words_fail_is_dead_and_the_rest_of_its_batch_is_indexed(
    where: Brokers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "analyse", fails_on_hidden)
    path = tmp_path / "posts.db"
    SqliteStore(path, readonly=False, timezone=str(ZONE)).close()
    with KafkaSink(where) as sink:
        sink.accept(batch("", "1", posts=[post(1), post(2, "hidden words"), post(3)]))

    def all_in() -> Ledger | None:
        with SqliteStore(path, readonly=True) as store:
            return ledger if (ledger := store.ledger()).received == 3 else None

    with pipeline(where, path):
        ledger = until(all_in, "all three have their outcome")
    assert ledger == Ledger(received=3, indexed=2, dead=1)
    with SqliteStore(path, readonly=True) as store:
        assert [hit.post.id for hit in store.scan(parse(""))] == ["forum:1", "forum:3"]

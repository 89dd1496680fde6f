"""A worker that joins while another has a batch in hand: each post is stored and counted once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from pipelines.kafka import messages
from pipelines.kafka.connection import Brokers
from pipelines.kafka.messages import HEADERS
from pipelines.query import parse
from pipelines.records import Batch, Document, Ledger
from pipelines.stores.sqlite import SqliteStore
from tests.pipelines.kafka_fixtures import (
    PATIENCE,
    ZONE,
    indexing,
    post,
    running,
    scored,
    send,
    until,
)

POSTS = 60


def test_a_rebalance_in_the_middle_of_a_batch_loses_and_doubles_nothing(
    where: Brokers, tmp_path: Path
) -> None:
    in_hand, go_on = threading.Event(), threading.Event()

    class Slow(SqliteStore):
        """A store whose first batch takes until somebody says so."""

        def accept_scored(self, batch: Batch, documents: Sequence[Document]) -> Ledger:
            if batch.posts:
                in_hand.set()
                go_on.wait(PATIENCE)
            return super().accept_scored(batch, documents)

    path = tmp_path / "posts.db"
    SqliteStore(path, readonly=False, timezone=str(ZONE)).close()
    sent = (messages.encode(messages.post_message(scored(post(n)))) for n in range(POSTS))
    send(
        where,
        "scored",
        *({"key": b"%d" % n, "value": one, "headers": HEADERS} for n, one in enumerate(sent)),
    )

    def ledger() -> Ledger:
        with SqliteStore(path, readonly=True) as store:
            return store.ledger()

    def members() -> int:
        admin = where.admin()
        try:
            group = where.topic("index")
            return len(admin.describe_groups([group])[group]["members"])
        finally:
            admin.close()

    with running(indexing(where, path, Slow)):
        until(in_hand.is_set, "the first worker has a batch in hand")
        with running(indexing(where, path)):
            until(lambda: members() == 2, "the second worker wants its share")
            go_on.set()
            until(lambda: ledger().received >= POSTS, "all posts have arrived")
    assert ledger() == Ledger(received=POSTS, indexed=POSTS)
    with SqliteStore(path, readonly=True) as store:
        assert len({hit.post.id for hit in store.scan(parse(""))}) == POSTS

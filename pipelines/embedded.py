"""The runner for one machine: the stages called one after the other, around one store.

What is read becomes durable first (:meth:`Store.accept`); scoring follows from the store's
waiting list, so an interruption at any moment loses nothing and repeats nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Item, Post
from pipelines.identity import Identities
from pipelines.query import All, Node
from pipelines.records import Batch, Collected, DeadLetter, Ledger, Position
from pipelines.stages import (
    FAILED,
    FAILED_DETAIL,
    Collector,
    index,
    score_each,
    score_provisionally,
    utc_now,
)
from pipelines.stores.protocols import Sink, Store

if TYPE_CHECKING:
    from ingest.sources.base import Source
    from nlp.score import Scorer

#: Records per transaction: large enough for batches of equal lengths, small enough for memory.
BATCH = 1024
#: Records and posts between two reports of progress; so many are scored in one transaction.
STEP = 256


class Imported(msgspec.Struct, frozen=True):
    """What one import did."""

    outcomes: Ledger
    done: bool
    """Whether the input was read to its end."""
    known: bool = False
    """Whether it had been read to its end before: nothing was done."""


def position_key(source: Source, watchlist: str) -> str:
    """Identify an input together with how it is read: another watchlist reads it anew."""
    return hashlib.blake2b(f"{source.key}\0{watchlist}".encode(), digest_size=16).hexdigest()


def collect(
    source: Source,
    store: Sink,
    collector: Collector,
    *,
    key: str,
    metadata: str = "",
    limit: int | None = None,
    after_batch: Callable[[Ledger], object] = lambda outcomes: None,
    after_read: Callable[[int], None] = lambda records: None,
    identities: Identities | None = None,
) -> Imported:
    """Read a source from where it was left into the store, batch by batch.

    ``after_batch`` is called once a batch is durable, with its outcomes; ``after_read`` with the
    records of each part of a batch, for progress. ``limit`` is the number of records to read at
    most. With ``identities`` no post takes the place of another
    author's; without them, as on topics, the storing side does it.
    """
    position = store.position(key)
    if position and position.done:
        return Imported(Ledger(), done=True, known=True)
    cursor = position.cursor if position else ""
    total = Ledger()
    items = source.open(cursor)
    if limit is not None:
        items = islice(items, limit)
    for batch in _batches(items, after_read):
        outcomes = _accept(
            store, collector, source, key, metadata, cursor, batch, identities, done=False
        )
        cursor = batch[-1].cursor
        total = add(total, outcomes)
        after_batch(outcomes)
    done = limit is None or total.received < limit
    if done:
        _accept(store, collector, source, key, metadata, cursor, [], None, done=True)
    return Imported(total, done)


def _accept(
    store: Sink,
    collector: Collector,
    source: Source,
    key: str,
    metadata: str,
    cursor: str,
    items: Sequence[Item],
    identities: Identities | None,
    *,
    done: bool,
) -> Ledger:
    collection = collector(items, utc_now())
    posts = identities.kept_apart(collection.posts) if identities else collection.posts
    position = Position(
        key=key,
        name=source.name,
        cursor=items[-1].cursor if items else cursor,
        done=done,
        metadata=metadata,
    )
    return store.accept(
        Batch(
            position=position,
            previous_cursor=cursor,
            posts=posts,
            tombstones=collection.tombstones,
            filtered=collection.filtered,
            dead=collection.dead,
            notices=collection.notices,
        )
    )


def drain(
    store: Store,
    scorer: Callable[[], Scorer],
    zone: ZoneInfo,
    *,
    query: Node | None = None,
    most: int | None = None,
    after_batch: Callable[[int], None] = lambda posts: None,
) -> int:
    """Score and index everything that waits, and return how many posts that were.

    With a query, what matches it and has provisional scores; ``most`` is how many at most.

    ``scorer`` is called once, and only if something waits: loading a model takes a second.
    """
    finished = 0
    loaded: Scorer | None = None

    def once() -> Scorer:
        nonlocal loaded
        loaded = loaded or scorer()
        return loaded

    while most is None or finished < most:
        size = min(STEP, BATCH)
        size = size if most is None else min(size, most - finished)
        done = drain_some(store, once, zone, size, query)
        if not done:
            break
        finished += done
        after_batch(done)
    return finished


def index_provisionally(store: Store, scorer: Callable[[], Scorer], zone: ZoneInfo) -> int:
    """Make what waits searchable with provisional scores; return how many posts that were.

    Nothing is to be done where a store makes posts searchable with their scores alone.
    """
    count = 0
    while posts := store.unindexed(BATCH):
        store.index(index(score_provisionally(posts, scorer()), zone))
        count += len(posts)
    return count


def drain_some(
    store: Store,
    scorer: Callable[[], Scorer],
    zone: ZoneInfo,
    limit: int,
    query: Node | None = None,
) -> int:
    """Score and index up to so many of the posts that wait; return how many those were.

    What can be found with provisional scores comes first, newest first; with a query, what
    matches it alone.

    A post that the model fails on becomes a dead letter. Raises
    :class:`~nlp.errors.ModelError` if it fails on every text.
    """
    posts = store.provisional(query or All(), limit)
    if not posts and query is None:
        posts = store.pending(limit)
    if not posts:
        return 0
    scored = score_each(posts, scorer())
    failed = [post for post, result in zip(posts, scored, strict=True) if result is None]
    if failed:
        store.reject(failed, [_letter(post) for post in failed])
    store.index(index([post for post in scored if post is not None], zone))
    return len(posts)


def _letter(post: Post) -> DeadLetter:
    """Return a post that the model fails on as a dead letter, to be tried again."""
    from pipelines.kafka.messages import as_dead_letter

    return as_dead_letter(Collected(post), f"score:{post.id}", FAILED, FAILED_DETAIL, utc_now())


def requeue(store: Store, posts: Iterator[Post], change: Callable[[list[Post]], list[Post]]) -> int:
    """Put stored posts back on the waiting list, changed batch by batch; return how many."""
    count = 0
    while batch := list(islice(posts, BATCH)):
        store.requeue(change(batch))
        count += len(batch)
    return count


def add(one: Ledger, other: Ledger) -> Ledger:
    """Return the sum of two ledgers."""
    fields = Ledger.__struct_fields__
    return Ledger(**{name: getattr(one, name) + getattr(other, name) for name in fields})


def _batches(items: Iterator[Item], after_read: Callable[[int], None]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    while part := list(islice(items, min(STEP, BATCH))):
        batch += part
        after_read(len(part))
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch

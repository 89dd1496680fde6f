"""The runner for one machine: the stages called one after the other, around one store.

What is read becomes durable first (:meth:`Store.accept`); scoring follows from the store's
waiting list, so an interruption at any moment loses nothing and repeats nothing.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
#: Parts in flight for each thread, so that no thread waits for the slowest.
_AHEAD = 4
#: Seconds after which the pace of scoring is recorded in the store again.
_TELL = 30.0


class Imported(msgspec.Struct, frozen=True):
    """What one import did."""

    outcomes: Ledger
    done: bool
    """Whether the input was read to its end."""
    known: bool = False
    """Whether it had been read to its end before: nothing was done."""


def position_key(source: Source, watchlist: str) -> str:
    """Return the key of an input's position: another watchlist reads the same file anew."""
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
    """Read a source into the store, batch by batch, from where the last import stopped.

    ``after_batch`` gets the outcomes of each batch once it is durable, ``after_read`` the number
    of records of each part of a batch, for progress. ``limit`` is the number of records to read
    at most. ``identities`` keeps posts of different authors with one id apart; without it, as on
    topics, the store does that later.
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
    threads: int = 1,
) -> int:
    """Score and index everything that waits, and return how many posts that were.

    With a query, what matches it and has provisional scores; ``most`` is how many at most.
    ``threads`` score side by side, each a part of the size that one alone would score, so that
    scores do not depend on their number. The store is told how fast it went.

    ``scorer`` is called once, and only if something waits: loading a model takes a second.
    """
    step = min(STEP, BATCH)
    ahead = step * threads * (_AHEAD if threads > 1 else 1)
    finished = 0
    loaded: Scorer | None = None
    pace = _Pace(store)
    # a thread's own language has its turn while another waits for the network
    pool = ThreadPoolExecutor(threads) if threads > 1 else None
    try:
        while most is None or finished < most:
            posts = _waiting(store, ahead if most is None else min(ahead, most - finished), query)
            if not posts:
                break
            loaded = loaded or scorer()
            pace.begin()
            parts = [posts[start : start + step] for start in range(0, len(posts), step)]
            each = pool.map if pool else map
            for part, scored in zip(
                parts, each(partial(score_each, scorer=loaded), parts), strict=True
            ):
                _finish(store, part, scored, zone)
                finished += len(part)
                pace.tell(finished)
                after_batch(len(part))
        pace.tell(finished, last=True)
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)
    return finished


class _Pace:
    """How fast posts are scored, told to a store now and then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._begun = self._told = 0.0

    def begin(self) -> None:
        """Begin to measure, if that is not under way."""
        self._begun = self._begun or time.monotonic()

    def tell(self, posts: int, *, last: bool = False) -> None:
        """Say how many posts are scored so far; a few say nothing of how fast it goes."""
        now = time.monotonic()
        if posts >= STEP and (last or now - self._told >= _TELL):
            self._store.put_pace(posts / max(now - self._begun, 1e-9))
            self._told = now


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
    posts = _waiting(store, limit, query)
    if posts:
        _finish(store, posts, score_each(posts, scorer()), zone)
    return len(posts)


def _waiting(store: Store, limit: int, query: Node | None) -> list[Post]:
    """Return up to so many of the posts that wait, those with provisional scores first."""
    posts = store.provisional(query or All(), limit)
    if not posts and query is None:
        posts = store.pending(limit)
    return posts


def _finish(
    store: Store, posts: Sequence[Post], scored: Sequence[Post | None], zone: ZoneInfo
) -> None:
    """Index what was scored; what the model failed on becomes dead letters."""
    failed = [post for post, result in zip(posts, scored, strict=True) if result is None]
    if failed:
        store.reject(failed, [_letter(post) for post in failed])
    store.index(index([post for post in scored if post is not None], zone))


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

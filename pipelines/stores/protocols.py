"""What stores can do, in small protocols: a function's signature names those that it needs.

A store makes a :class:`~pipelines.records.Batch` durable in one step (:class:`Sink`), hands out
what is not scored yet and takes it back as documents (:class:`Backlog`), and answers questions
(:class:`Reading`). Every decision that must hold under concurrency (is this a duplicate? was it
deleted?) is taken inside the store.

All methods raise :class:`~pipelines.errors.StoreError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from ingest.records import Counter, Post
from pipelines.dead_letters.queue import DeadLetters
from pipelines.query import Node
from pipelines.query.ranking import Clause
from pipelines.records import (
    Batch,
    Collected,
    CollectedTombstone,
    DeadLetter,
    Deletion,
    Document,
    Facets,
    Hit,
    HumanLabel,
    Ledger,
    Page,
    Position,
    Split,
    Status,
    Study,
    Sum,
)
from pipelines.stop import Stop
from pipelines.stores.zone_data import ZoneData


class Sink(Protocol):
    """Where a runner writes what was collected: a store, or topics between machines."""

    def position(self, key: str) -> Position | None:
        """Return how far an input has been read, ``None`` if it is new."""

    def accept(self, batch: Batch) -> Ledger:
        """Make a batch durable, with its position, in one step; return its outcomes so far.

        A store counts posts as pending. A post is a duplicate if its id (or an alias) is stored
        or pending with a rank that is not lower; with a higher rank it is an edit and waits
        under the stored id. It is deleted if its id, its author or one of their aliases has a
        tombstone, also one of the same batch. A duplicate with the same digest that was matched
        with another watchlist (not with none) takes over text and entities and waits to be
        scored again, still counted as duplicate. Of readings with the same source, page, metric
        and time the first stays.
        """

    def dead_letters(self) -> DeadLetters:
        """Open the dead letters that belong to what is written here."""

    def housekeeping(self) -> None:
        """Make writes visible to other readers, and remove what has expired where it is time.

        Cheap where nothing is due. Long-running commands call it when they are idle.
        """


class ScoredSink(Sink, Protocol):
    """Where the index stage writes posts that were scored before they came."""

    def accept_scored(self, batch: Batch, documents: Sequence[Document]) -> Ledger:
        """Make a batch of scored posts durable and searchable; return their outcomes.

        All rules of :meth:`Sink.accept` hold. ``documents`` are those of ``batch.posts``, in
        their order; one whose post is stored under an older id takes that id. What is taken is
        durable when this returns, and counted as indexed; all other calls on this object find
        it. A post that the store refuses becomes a dead letter, and dead in the ledger. A
        duplicate that was matched with another watchlist brings its scores along, since they
        belong to its text and entities; only if what it changes still waits (accepted without
        scores before) it waits with it.

        Any number of processes may do this at once, each on positions of its own, beside one
        that holds :meth:`Administration.writer`. After a crash at any moment the position tells
        what is durable: what stands before it is indexed or will be by the next that writes; the
        rest is to be given again. Raises :class:`~pipelines.errors.StoreBusy` for a batch that
        does not begin at its position, as an old one does: nothing is done then.
        """


class Backlog(Protocol):
    """Posts that are stored and wait to be scored."""

    @property
    def provisional_scores(self) -> bool:
        """Whether posts can be found with provisional scores before they are scored."""

    def pending(self, limit: int) -> list[Post]:
        """Return up to ``limit`` posts that wait to be scored, oldest first."""

    def unindexed(self, limit: int) -> list[Post]:
        """Return up to ``limit`` waiting posts that can't be found yet, oldest first.

        :meth:`index` makes them searchable with provisional scores. Always empty where posts are
        searchable with their scores alone.
        """

    def provisional(self, query: Node, limit: int) -> list[Post]:
        """Return up to ``limit`` posts that match and have provisional scores, newest first.

        All of them wait to be scored.
        """

    def index(self, documents: Sequence[Document]) -> None:
        """Make scored posts searchable and take them off the waiting list.

        Those whose scores are provisional become searchable and stay on it.

        A post that was deleted or edited since :meth:`pending` returned it stays as it is now.
        """

    def put_pace(self, posts_a_second: float) -> None:
        """Record how fast posts are scored, so that the status can tell how long it will take."""

    def reject(self, posts: Sequence[Post], dead_letters: Sequence[DeadLetter]) -> None:
        """Turn waiting posts into dead letters, one for each, and count them as dead.

        A post that was deleted or edited since :meth:`pending` returned it stays as it is now.
        One that was indexed before, and only waited to be scored once more, stays as it was.
        """

    def requeue(self, posts: Iterable[Post]) -> None:
        """Put stored posts back on the waiting list (new watchlist or model); no ledger entry."""


class Deletions(Protocol):
    """Tombstones and what they remove."""

    def write_tombstones(
        self, tombstones: Sequence[CollectedTombstone], refused: Sequence[Post] = ()
    ) -> set[str]:
        """Write tombstones alone; return the ids of stored posts that they reach unnamed.

        These are the posts of the authors, what repeats anything that is deleted, and twins of it
        and of the posts ``refused``, which came after their deletion. A writer
        that brings such a post later finds the tombstone, and one that brought a post before has
        it returned here: none is missed in between. :meth:`delete`, or :meth:`Sink.accept` with
        these deletions, is still to remove them.
        """

    def reached(self, tombstones: Sequence[CollectedTombstone]) -> set[str]:
        """Return the ids of the posts that these deletions would remove, waiting ones too.

        They are the posts named by id or by author, and those that repeat them. Writes nothing.
        """

    def delete(self, tombstones: Sequence[CollectedTombstone], *, counted: bool = True) -> Deletion:
        """Write tombstones and remove every trace of the texts they name, on disk too.

        Not ``counted`` are those that come once more as records of an input, which counts them.
        """

    def deleted_ids(self, posts: Sequence[Collected]) -> list[str]:
        """Return the ids of those posts that a tombstone names; none of them is accepted."""


class Reading(Protocol):
    """Questions to a store."""

    def search(self, query: Node, limit: int, offset: int = 0) -> Page:
        """Return the posts that match, newest first."""

    def scan(self, query: Node) -> Iterator[Hit]:
        """Yield every post that matches, ordered by id, from one consistent state."""

    def sums(self, query: Node, by: Literal["day", "hour"], split: Split) -> list[Sum]:
        """Return the sums that trends are computed from; posts without a day are left out."""

    def facets(self, query: Node) -> Facets:
        """Return how many of the posts that match have each day, language, label and entity."""

    def count(self, query: Node) -> tuple[int, int]:
        """Return how many posts match, and how many of those have no day."""

    def counters(self, page: str | None = None) -> list[Counter]:
        """Return the readings of one page, or of all, ordered by time, page, metric, source."""


#: Orders beside the usual one, newest first.
Order = Literal["oldest", "likes", "reposts", "replies"]


class Ranking(Protocol):
    """Finding the posts that matter most to a query."""

    def best(self, query: Node, clauses: Sequence[Clause], limit: int) -> list[tuple[Hit, int]]:
        """Return up to ``limit`` of the posts that match, those of the highest weight first.

        The weight of a post is the sum of the weights of the clauses that it matches; ties are
        newest first (unknown dates last), then by id.
        """

    def ordered(self, query: Node, order: Order, limit: int, offset: int = 0) -> list[Hit]:
        """Return one page of the posts that match: the oldest first, or those with most.

        Unknown dates and unknown counts come last; ties of counts are newest first, then all by
        id.
        """


class Labels(Protocol):
    """Labels that people gave to stored posts."""

    def put_labels(self, labels: Sequence[HumanLabel]) -> int:
        """Store labels of posts that are there; return how many these are.

        A coder's later label of the same aspect replaces the earlier one. Labels stay when a
        post is scored or indexed again, and are removed with their post.
        """

    def labelled(self, query: Node) -> list[tuple[Hit, list[HumanLabel]]]:
        """Return the posts that match and have labels, by id, each with its labels.

        Labels of an earlier content of an edited post are left out.
        """


class Administration(Protocol):
    """The state of a store, its locks, and re-indexing."""

    def retry_until(self, stop: Stop) -> None:
        """Retry requests to a server until ``stop`` is set: what fails then fails at once.

        For commands that were asked to end: a server is else retried for up to five minutes.
        """

    def limit_time(self, seconds: float) -> None:
        """Let each question take so long at most; then it raises ``StoreSlow``.

        For a page that others wait for. A server limits its requests itself, and this does nothing.
        """

    def writer(self, command: str) -> AbstractContextManager[None]:
        """Acquire the exclusive import lock; reading and deleting go on beside it.

        ``command`` is what a second import is told. Raises :class:`~pipelines.errors.StoreBusy`.
        """

    def reindex(
        self, zone: ZoneInfo, after_batch: Callable[[int], None] = lambda posts: None
    ) -> int:
        """Analyse and index all stored posts anew, without scoring them; return how many.

        Days are those of ``zone``. Others read and write meanwhile. After an interruption the
        next call resumes; the number is that of this call.
        """

    def require_keys(self, keyring: Path, own: frozenset[str]) -> None:
        """Refuse a keyring that has none of the keys this store was written with.

        ``keyring`` is its place, ``own`` are the check values of its keys, which the store
        keeps. Raises :class:`~pipelines.errors.StoreError`.
        """

    def timezone(self) -> str:
        """Return the zone that days are counted in.

        Opened for writing, a store that has none yet takes the one it was opened with; opened
        for reading only it has an empty one. Raises :class:`~pipelines.errors.StoreError` if
        the store's is not the one that was asked for.
        """

    def study(self) -> Study | None:
        """Return the study that was recorded last, ``None`` without one."""

    def put_study(self, study: Study) -> None:
        """Record the study that posts are matched for, in place of the one before."""

    def zone_data(self) -> ZoneData:
        """Return which zone data its days were counted with; empty where it does not know.

        They are recorded with the time zone, and when all posts were indexed anew. A machine
        whose data are older and count otherwise may not write: :meth:`timezone`,
        :meth:`writer`, :meth:`ScoredSink.accept_scored` and :meth:`reindex` raise
        :class:`~pipelines.errors.StoreVersion` there.
        """

    def ledger(self) -> Ledger:
        """Return the outcomes of all records."""

    def status(self) -> Status:
        """Return the state of the store."""

    def close(self) -> None:
        """Release the store."""


class Store(ScoredSink, Backlog, Deletions, Reading, Ranking, Labels, Administration, Protocol):
    """One place where posts rest, with all that it can do."""

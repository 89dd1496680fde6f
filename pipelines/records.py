"""What every store can do, and the shapes it takes and gives.

A store makes a :class:`Batch` durable in one step (:meth:`Store.accept`), hands out what has
not been scored yet (:meth:`Store.pending`), takes it back as documents (:meth:`Store.index`),
and answers questions. Every decision that must hold under concurrency (is this a duplicate?
was it deleted?) is taken inside the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Counter, Gap, Heartbeat, Post, Tombstone
from pipelines.query import Node

if TYPE_CHECKING:
    from pipelines.deadletters import DeadLetters


class Collected(msgspec.Struct, frozen=True):
    """A post that left the collect stage: matched, protected, not yet scored.

    ``aliases`` are the ids, ``author_aliases`` the pseudonyms, that the same post and author
    have under older keys that are still kept: a stored post keeps the id it has.
    """

    post: Post
    aliases: tuple[str, ...] = ()
    author_aliases: tuple[str, ...] = ()


class CollectedTombstone(msgspec.Struct, frozen=True):
    """A deletion that left the collect stage, with the names under older keys.

    ``plain`` is the native id or the account's name as it came: what is kept aside raw on this
    machine is searched for it. It is never stored and never sent anywhere.
    """

    tombstone: Tombstone
    aliases: tuple[str, ...] = ()
    plain: str = ""


#: The context of a dead letter that holds a message between stages.
MESSAGE = '{"message":true}'
#: Reason of a dead letter that holds a post, scored, whose document the store's server refuses.
REFUSED = "store-refused"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be used, as it is kept aside (readable by its owner alone).

    ``origin`` and ``line`` name the place once and for all, so that keeping it twice is
    keeping it once. ``context`` is what is needed to try again (the source's options, JSON).
    """

    origin: str
    line: int
    reason: str
    detail: str = ""
    raw: bytes = b""
    truncated: bool = False
    context: str = ""
    input: str = ""
    """What people call the input: a file's name, a channel. Empty where ``origin`` says it."""
    at: datetime

    @property
    def place(self) -> str:
        """Where the record stood, for people."""
        return f"{self.input or self.origin}, line {self.line}"


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far an input has been read: moves in the same transaction as what was read."""

    key: str
    """Identity of the input: content, mapping and watchlist of a file; address of a stream."""
    name: str
    """For people: the file's name, the channel."""
    cursor: str
    done: bool = False
    details: str = ""
    """What was assumed (JSON): time zone, mapping, encoding."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What one read of a source produced. All of it becomes durable, or nothing."""

    position: Position
    previous_cursor: str
    """The cursor the position had; another means that somebody else read on: StoreBusy."""
    posts: Sequence[Collected] = ()
    tombstones: Sequence[CollectedTombstone] = ()
    filtered: int = 0
    dead: Sequence[DeadLetter] = ()
    notices: Sequence[Gap | Heartbeat | Counter] = ()
    retried: Sequence[DeadLetter] = ()
    """Dead letters that were tried again and are among this batch's records now: they leave
    the books as dead (once, however often this is repeated) and the place they are kept."""


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """Every record's one outcome, of posts and tombstones only.

    ``received`` is the sum of the others. A later edit counts as indexed; a tombstone, and a
    post that came after its deletion, count as deleted.
    """

    received: int = 0
    indexed: int = 0
    duplicate: int = 0
    filtered: int = 0
    deleted: int = 0
    dead: int = 0
    pending: int = 0


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A scored post with what the index needs, computed once and the same for every store."""

    post: Post
    day: str
    """Calendar day in the configured time zone, ``YYYY-MM-DD``; empty where it is unknown."""
    hour: str
    """``YYYY-MM-DDTHH`` in the same zone; empty where it is unknown."""
    tokens: str
    """Normalised tokens of the text, joined by one space; positions count."""
    keys: str
    """One cross-script key for each token, joined by one space; positions count."""
    variants: str
    """More forms and keys a word may be found by (without clitics), joined by one space."""


class Hit(msgspec.Struct, frozen=True):
    """A post that a search found."""

    post: Post
    day: str


class Page(msgspec.Struct, frozen=True):
    """One page of a search, newest posts first (unknown dates last, ties by id)."""

    hits: list[Hit]
    total: int
    pending: int
    """Posts that are stored but not yet scored, and so can't be found yet."""


Split = Literal["", "entity", "language", "platform"]


class Sum(msgspec.Struct, frozen=True):
    """Posts of one day (or hour), group, language and label, with their probabilities' sums.

    With ``split="entity"`` a post counts once for every entity it mentions, with its attitude
    to that entity; else once, with its sentiment.
    """

    bucket: str
    group: str
    language: str
    label: str
    posts: int
    negative: float
    neutral: float
    positive: float


class Deletion(msgspec.Struct, frozen=True):
    """What a deletion did."""

    posts: int
    """Posts whose text was removed now."""
    tombstones: int
    """Tombstones written now (an id never seen gets one too)."""
    clean: bool = True
    """False while another process still reads the state before, or while there is no room for
    cleaning: the texts can't be found any more, and the next command that writes removes their
    last bytes from the disk."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a store, for ``marsad status``."""

    store: str
    timezone: str
    """The zone whose calendar days the store counts in; empty until a command named one."""
    ledger: Ledger
    posts: int
    first_day: str
    last_day: str
    unknown_date: int
    """Posts whose date is unknown or implausible; no trend counts them."""
    languages: dict[str, int]
    platforms: dict[str, int]
    models: dict[str, int]
    dead_reasons: dict[str, int]
    inputs: list[Position]
    gaps: list[Gap]


class Intake(Protocol):
    """Where what was collected becomes durable: a store, or topics between machines."""

    def position(self, key: str) -> Position | None:
        """Return how far an input has been read, ``None`` if it is new."""

    def accept(self, batch: Batch) -> Ledger:
        """Make a batch durable, with its position, in one step; return its outcomes so far."""

    def tidy(self) -> None:
        """Remove what was kept aside and has expired, once a day: for whoever stays for long."""


class Store(Protocol):
    """One place where posts rest. All methods raise :class:`~pipelines.errors.StoreError`."""

    def dead_letters(self) -> DeadLetters:
        """Open what is kept aside from this store's input."""

    def wait_while(self, wanted: Callable[[], bool]) -> None:
        """Ask this before a server that is away is waited for once more; if not wanted, fail.

        For who was asked to end: a server is else waited for as long as five minutes.
        """

    def writer(self, command: str) -> AbstractContextManager[None]:
        """Hold the store for an import: a second one is refused, reading and deleting are not.

        ``command`` is what others are told. Raises :class:`~pipelines.errors.StoreBusy`.
        """

    def position(self, key: str) -> Position | None:
        """Return how far an input has been read, ``None`` if it is new."""

    def accept(self, batch: Batch) -> Ledger:
        """Make a batch durable and return the outcomes of its records (posts as pending).

        A post is a duplicate if its id (or an alias) is stored or pending with a rank that is
        not lower; with a higher rank it is an edit and waits under the stored id. It is deleted
        if its id, its author or one of their aliases has a tombstone, also one of the same
        batch. A duplicate with the same digest that was matched with another watchlist (not
        with none) takes over text and entities and waits to be scored again, still counted as
        duplicate. Of readings with the same source, page, metric and time the first stays.
        """

    def accept_scored(self, batch: Batch, documents: Sequence[Document]) -> Ledger:
        """Make a batch of scored posts durable and searchable; return their outcomes.

        All rules of :meth:`accept` hold. ``documents`` are those of ``batch.posts``, in their
        order; one whose post is stored under an older id takes that id. What is taken is
        durable when this returns, and counted as indexed; all other calls on this object find
        it. A post that the store refuses then is kept aside, and dead in the ledger. A duplicate
        that was matched with another watchlist brings its scores along, since they belong to its
        text and entities; only if what it changes still waits (accepted without scores before) it
        waits with it.

        Any number of processes may do this at once, each on positions of its own, beside one
        that holds :meth:`writer`. After a crash at any moment the position tells what is
        durable: what stands before it is indexed or will be by the next that writes; the rest
        is to be given again. Raises :class:`~pipelines.errors.StoreBusy` for a batch that does
        not begin at its position, as an old one does: nothing is done then.
        """

    def pending(self, limit: int) -> list[Post]:
        """Return up to ``limit`` posts that wait to be scored, oldest first."""

    def index(self, documents: Sequence[Document]) -> None:
        """Make scored posts searchable and take them off the waiting list.

        A post that was deleted or edited since :meth:`pending` gave it is left as it is now.
        """

    def reject(self, posts: Sequence[Post], letters: Sequence[DeadLetter]) -> None:
        """Keep posts that wait aside, each with its letter, and count them as dead.

        A post that was deleted or edited since :meth:`pending` gave it is left as it is now. One
        that was indexed before, and only waited to be scored once more, stays as it was.
        """

    def condemn(self, tombstones: Sequence[CollectedTombstone]) -> set[str]:
        """Write tombstones alone; return the ids of the posts that are there of their authors.

        Whoever brings such a post later finds the tombstone, and whoever brought one before is
        among those returned: none is missed in between. :meth:`delete`, or :meth:`accept` with
        these deletions, is still to remove them.
        """

    def delete(self, tombstones: Sequence[CollectedTombstone], *, counted: bool = True) -> Deletion:
        """Write tombstones and remove every trace of the texts they name, on disk too.

        Not ``counted`` are those that come once more as records of an input, which counts them.
        """

    def buried(self, posts: Sequence[Collected]) -> list[str]:
        """Return the ids of those posts that a tombstone names: what :meth:`accept` refuses."""

    def tidy(self) -> None:
        """Let others find what came in; if it is time, remove last bytes of what was deleted, and
        what was kept aside and has expired.

        Cheap where nothing is due; for whoever stays for long and has nothing else to do.
        """

    def search(self, query: Node, limit: int, offset: int = 0) -> Page:
        """Return the posts that match, newest first."""

    def scan(self, query: Node) -> Iterator[Hit]:
        """Yield every post that matches, ordered by id, from one consistent state."""

    def sums(self, query: Node, by: Literal["day", "hour"], split: Split) -> list[Sum]:
        """Return the sums that trends are computed from; posts without a day are left out."""

    def count(self, query: Node) -> tuple[int, int]:
        """Return how many posts match, and how many of those have no day."""

    def counters(self, page: str | None = None) -> list[Counter]:
        """Return the readings of one page, or of all, ordered by time, page, metric, source."""

    def requeue(self, posts: Iterable[Post]) -> None:
        """Put stored posts back on the waiting list (new watchlist or model); no ledger entry."""

    def reindex(
        self, zone: ZoneInfo, after_batch: Callable[[int], None] = lambda posts: None
    ) -> int:
        """Analyse and index all stored posts anew, without scoring them; return how many.

        Days are those of ``zone``. Others read and write meanwhile. Interrupted, it goes on
        when it is called again; the number is that of this call.
        """

    def timezone(self) -> str:
        """Return the zone that days are counted in.

        Opened for writing, a store that has none yet takes the one it was opened with; opened
        for reading only it has an empty one. Raises :class:`~pipelines.errors.StoreError` if
        the store's is not the one that was asked for.
        """

    def ledger(self) -> Ledger:
        """Return the books."""

    def status(self) -> Status:
        """Return the state of the store."""

    def close(self) -> None:
        """Release the store."""

"""The records that stages, stores and runners exchange. No code here reads or writes anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from ingest.records import Counter, Gap, Heartbeat, Post, Tombstone


class Words(msgspec.Struct, frozen=True, array_like=True):
    """The words of a post's masked text, as searches compare them."""

    analysis: int
    """Version of what computed them: :data:`pipelines.stores.analysis.VERSION`."""
    tokens: str
    """Normalised tokens of the text, joined by one space; positions count."""
    keys: str
    """One cross-script key for each token, joined by one space; positions count."""
    variants: str
    """More forms and keys a word may be found by (without clitics), joined by one space."""


class Collected(msgspec.Struct, frozen=True):
    """A post that left the collect stage: matched, protected, not yet scored.

    ``aliases`` are the ids, ``author_aliases`` the pseudonyms, that the same post and author
    have under older keys that are still kept: a stored post keeps the id it has.
    ``repost_aliases`` are those of what it repeats: of the post and of its author. ``words`` are
    there where an earlier stage analysed them.
    """

    post: Post
    aliases: tuple[str, ...] = ()
    author_aliases: tuple[str, ...] = ()
    repost_aliases: tuple[str, ...] = ()
    words: Words | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The names under which a tombstone of a post deletes this one."""
        return _names(self.post.id, *self.aliases, self.post.repost_of, *self.repost_aliases)

    @property
    def authors(self) -> tuple[str, ...]:
        """The names under which a tombstone of an account deletes it.

        A post that repeats another holds its words. Some sources name only whom it repeats.
        """
        return _names(self.post.author, *self.author_aliases, *self.repeats)

    @property
    def repeats(self) -> tuple[str, ...]:
        """The names of the post that it repeats and of that post's author."""
        post = self.post
        if not (post.repost_of or post.repost_author or self.repost_aliases):
            return ()
        return _names(post.repost_of, post.repost_author, *self.repost_aliases)


def _names(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, names)))


class CollectedTombstone(msgspec.Struct, frozen=True):
    """A deletion that left the collect stage, with the names under older keys.

    ``raw_name`` is the native id or the account's name as it came: raw dead letters on this
    machine is searched for it. It is never stored and never sent anywhere.
    """

    tombstone: Tombstone
    aliases: tuple[str, ...] = ()
    raw_name: str = ""


#: The context of a dead letter that holds a message between stages.
MESSAGE = '{"message":true}'
#: Reason of a dead letter that holds a post, scored, whose document the store's server refuses.
REFUSED = "store-refused"


DeadKind = Literal["record", "answer"]
"""A record of the ledger, or what a platform sent instead of an answer."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be used, as a dead letter (readable by its owner alone).

    ``kind``, ``origin`` and ``line`` name the place once and for all, so that keeping it twice is
    keeping it once. ``context`` is what is needed to try again (the source's options, JSON).
    """

    kind: DeadKind = "record"

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
        """Where the record stood, or when the answer came, for people."""
        if self.kind == "answer":
            return f"{self.origin}, {self.at:%Y-%m-%d %H:%M:%S} UTC"
        return f"{self.input or self.origin}, line {self.line}"


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far an input has been read: moves in the same transaction as what was read."""

    key: str
    """Identity of the input: content, mapping and watchlist of a file; address of a stream."""
    name: str
    """For people: the file's name, the channel."""
    cursor: str
    done: bool = False
    metadata: str = msgspec.field(default="", name="details")
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
    the ledger as dead (once, however often this is repeated) and the place they are kept."""


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
    keys: str
    variants: str
    """These three as in :class:`Words`."""


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


class HumanLabel(msgspec.Struct, frozen=True, kw_only=True):
    """What one coder said about one aspect of a post. It holds nothing of the post's text."""

    post: str
    """The post's id."""
    coder: str
    aspect: str
    """``sentiment``, ``language``, or ``target:ENTITY`` for the attitude to an entity."""
    label: str
    """``negative``, ``neutral``, ``positive``, a code of a language, or ``unclear``."""
    digest: str = ""
    """Digest of the post when it was labelled: an edited post is not what was labelled."""
    weight: float = 1.0
    """How many posts of the sampled query it stands for: one over its chance to be sampled."""
    at: datetime


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """What a store knows of the study that its posts belong to."""

    fingerprint: str
    """Of the watchlist, as posts carry it."""
    watchlist: str
    """The watchlist's TOML: title, country, entities with their names, campaigns, pages."""
    events: str = ""
    """The CSV of its events; empty without one."""


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the posts that match have each value; values that none has are left out.

    Provisional scores count too, since these posts are found.
    """

    days: dict[str, int]
    """By calendar day; posts without a day are left out."""
    languages: dict[str, int]
    labels: dict[str, int]
    platforms: dict[str, int]
    entities: dict[str, int]
    targets: dict[str, int]
    """By entity and attitude, ``inwi=negative``, where an attitude was computed."""


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
    zone_data: str = ""
    """The edition of the zone data that its days were counted with; empty where unknown."""
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
    provisional: int = 0
    """Posts that can be found with provisional scores and wait for the model that counts."""
    unpurged: int = 0
    """Removed posts whose ids and pseudonyms may still stand in unused parts of the file."""
    purge_due: datetime | None = None
    """When a command that writes rewrites the file without them, at the latest."""
    posts_a_second: float = 0.0
    """How fast posts were scored the last time; 0 where that was not measured."""
    inputs: list[Position]
    gaps: list[Gap]

    @property
    def seconds_left(self) -> float | None:
        """How long scoring what waits will take, ``None`` where nobody knows."""
        if not self.ledger.pending or not self.posts_a_second:
            return None
        return self.ledger.pending / self.posts_a_second

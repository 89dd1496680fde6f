"""The messages on the topics: what they hold, and how they are written and read.

A message's value is JSON; its header ``marsad`` holds the number of the schema, so that a worker
can tell a message of a newer Marsad from a damaged one. There is no field for a raw account
name, so that none can ever be sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec

from ingest.records import RAW_LIMIT, Counter, Gap, Heartbeat, Post, Tombstone
from pipelines.errors import BrokerError
from pipelines.kafka.connection import MESSAGE_LIMIT
from pipelines.records import (
    MESSAGE,
    Collected,
    CollectedTombstone,
    DeadLetter,
    Position,
    Words,
)

#: Raise it with every change that an older worker would misread. A new field with a default that
#: may be ignored is none.
SCHEMA = 1
_HEADER = "marsad"
HEADERS = [(_HEADER, str(SCHEMA).encode())]

#: Room for what scoring adds to a message of the limit's size; words that need more stay away.
_SCORES = 100_000

#: More digits than a schema's number will ever have.
_DIGITS = 9
#: What stores can count with, and what one batch may have counted.
Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]

#: Reasons of messages that can't be used; ``docs/dead-letters.md`` explains them.
TOO_LARGE = "message-too-large"
NEWER = "message-newer"
FOREIGN = "message-foreign"
UNREADABLE = "message-unreadable"


class RecordOffset(msgspec.Struct, frozen=True, array_like=True):
    """The record that a message was made from: tells what was done again from what is new."""

    topic: str
    """Its identity, which is another when a topic is made anew."""
    partition: Number
    offset: Number


class PostMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A post between collecting and scoring, or between scoring and indexing."""

    post: Post
    aliases: tuple[str, ...] = ()
    author_aliases: tuple[str, ...] = ()
    origin: RecordOffset | None = None
    """Of a scored post, where it was before."""
    repost_aliases: tuple[str, ...] = ()
    words: Words | None = None
    """Of a scored post, so that the index worker need not compute them."""


class TombstoneMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deletion. The raw account name that it came with stays on the collecting machine."""

    tombstone: Tombstone
    aliases: tuple[str, ...] = ()


class DeadRecord(msgspec.Struct, frozen=True, array_like=True):
    """A record that became a dead letter on the machine that collected it: where, and why."""

    origin: str
    line: Number
    reason: str


class LedgerMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one batch of a collector counted beside its posts, and what it learned."""

    filtered: Count = 0
    dead: tuple[DeadRecord, ...] = ()
    retried: tuple[DeadRecord, ...] = ()
    gaps: tuple[Gap, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    counters: tuple[Counter, ...] = ()


class DeadMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that a worker could not use, as it came."""

    origin: str
    """``topic/partition`` that it was read from."""
    line: Number
    """Its offset there."""
    reason: str
    detail: str = ""
    raw: bytes = b""
    truncated: bool = False
    place: RecordOffset | None = None
    """The same place, for good; of one on ``posts``, which may be read again."""


class PositionMessage(msgspec.Struct, frozen=True):
    """How far an input has been read."""

    position: Position
    token: str
    """Of the batch that moved it: tells its collector, after a failure, whether it arrived."""


class Message(Protocol):
    """What is needed of a record that was consumed."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class BadMessage(Exception):
    """A message that can't be used; ``reason`` is a code, the detail holds nothing of it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def as_dead_letter(
    collected: Collected, origin: str, reason: str, detail: str, at: datetime
) -> DeadLetter:
    """Return a post as a dead letter between stages, to be tried again as a message."""
    raw = encode(post_message(msgspec.structs.replace(collected, words=None)))
    return DeadLetter(
        origin=origin,
        line=0,
        reason=reason,
        detail=detail,
        raw=raw[:RAW_LIMIT],
        truncated=len(raw) > RAW_LIMIT,
        context=MESSAGE,
        at=at,
    )


def newer(record: Any) -> BrokerError:
    """Return the error of a message of a later Marsad whose loss nothing would make good."""
    return BrokerError(
        f"A later Marsad wrote what stands in {record.topic}/{record.partition} at offset "
        f"{record.offset}: upgrade this one, which goes on there."
    )


T = TypeVar("T", bound=msgspec.Struct)
_ENCODER = msgspec.json.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """Return the value of a message."""
    return _ENCODER.encode(message)


def encode_scored(message: PostMessage) -> bytes:
    """Return the value of a scored post, without its words where they make it too large to read."""
    value = encode(message)
    if len(value) <= MESSAGE_LIMIT + _SCORES:
        return value
    return encode(msgspec.structs.replace(message, words=None))


def post_message(collected: Collected, origin: RecordOffset | None = None) -> PostMessage:
    """Return a collected (or scored) post as it travels."""
    return PostMessage(
        collected.post,
        collected.aliases,
        collected.author_aliases,
        origin,
        collected.repost_aliases,
        collected.words,
    )


def collected(message: PostMessage) -> Collected:
    """Return a post as it arrived."""
    return Collected(
        message.post,
        message.aliases,
        message.author_aliases,
        message.repost_aliases,
        message.words,
    )


def tombstone_key(received_tombstone: CollectedTombstone) -> bytes:
    """Return the key of a deletion: of two of the same the newer one stays."""
    tombstone = received_tombstone.tombstone
    return (tombstone.id or f"author:{tombstone.author}").encode()


def tombstone_message(received_tombstone: CollectedTombstone) -> TombstoneMessage:
    """Return a deletion as it travels: without the raw account name."""
    return TombstoneMessage(received_tombstone.tombstone, received_tombstone.aliases)


def received_tombstone(message: TombstoneMessage) -> CollectedTombstone:
    """Return a deletion as it arrived."""
    return CollectedTombstone(message.tombstone, message.aliases)


def reread(raw: bytes) -> Collected | None:
    """Return the post of a dead letter that is a message, ``None`` if it still can't be read."""
    try:
        return collected(_POST.read(raw))
    except BadMessage:
        return None


class Reader(Generic[T]):
    """Reads messages of one kind. Raises :class:`BadMessage`."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def __call__(self, record: Message) -> T:
        """Return what the record's value holds."""
        value = record.value or b""
        if len(value) > MESSAGE_LIMIT + _SCORES:
            raise BadMessage(TOO_LARGE, f"{len(value):,} bytes; at most {MESSAGE_LIMIT:,} are read")
        schema = dict(record.headers or ()).get(_HEADER) or b""
        if not schema.isdigit() or len(schema) > _DIGITS:
            raise BadMessage(FOREIGN, "it does not say which schema it has")
        if int(schema) > SCHEMA:
            raise BadMessage(
                NEWER, f"it has schema {int(schema)}; this Marsad reads up to {SCHEMA}"
            )
        return self.read(value)

    def read(self, value: bytes) -> T:
        """Return what a value of a known schema holds."""
        try:
            message = self._decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # The library's sentence may quote what it could not read.
            kind = "a field" if isinstance(error, msgspec.ValidationError) else "JSON"
            raise BadMessage(UNREADABLE, f"{kind} is not as schema {SCHEMA} has it") from error
        if not (_named(message) and all(map(_can_be, _moments(message)))):
            raise BadMessage(UNREADABLE, f"a field is not as schema {SCHEMA} has it")
        return message


_POST = Reader(PostMessage)


def _named(message: msgspec.Struct) -> bool:
    """Whether a message says what it is about."""
    if isinstance(message, PostMessage):
        return bool(message.post.id)
    if isinstance(message, TombstoneMessage):
        return bool(message.tombstone.id or message.tombstone.author)
    return True


def _moments(message: msgspec.Struct) -> Iterator[datetime | None]:
    """Yield the times that stores count with."""
    if isinstance(message, PostMessage):
        yield message.post.created_at
        yield message.post.collected_at
    elif isinstance(message, LedgerMessage):
        for gap in message.gaps:
            yield gap.start
            yield gap.end
        for heartbeat in message.heartbeats:
            yield heartbeat.at
        for counter in message.counters:
            yield counter.at
            yield counter.since


def _can_be(moment: datetime | None) -> bool:
    """Whether a time is one: with its zone, and in the years that UTC can be counted in."""
    if moment is None or moment.tzinfo is UTC:  # as nearly all are
        return True
    if moment.tzinfo is None:
        return False
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True

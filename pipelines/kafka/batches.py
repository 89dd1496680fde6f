"""What messages of one partition are for a store: a batch, with what could not be used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Counter, Gap, Heartbeat
from pipelines import stages
from pipelines.kafka import messages, topics
from pipelines.kafka.cursor import Cursor
from pipelines.kafka.messages import (
    BadMessage,
    DeadMessage,
    DeadRecord,
    LedgerMessage,
    PostMessage,
    Reader,
    TombstoneMessage,
)
from pipelines.kafka.score import dead_letter
from pipelines.records import (
    MESSAGE,
    Batch,
    Collected,
    CollectedTombstone,
    DeadLetter,
    Document,
    Position,
)

#: The kinds of messages, by the topic's name.
READERS: dict[str, Reader[Any]] = {
    topics.SCORED: Reader(PostMessage),
    topics.TOMBSTONES: Reader(TombstoneMessage),
    topics.LEDGER: Reader(LedgerMessage),
    topics.DEAD: Reader(DeadMessage),
}
#: Of these no message may be missed.
_NEEDED = {topics.TOMBSTONES, topics.LEDGER}


def indexed(batch: Batch, zone: ZoneInfo) -> tuple[Batch, list[Document]]:
    """Return a batch's documents, and the batch; posts that can't be indexed are dead there."""
    posts: list[Collected] = []
    documents: list[Document] = []
    dead: list[DeadLetter] = []
    try:
        return batch, stages.index_analysed(batch.posts, zone)
    except Exception:
        # One of them it must be; the others are not to suffer for it.
        for collected in batch.posts:
            try:
                documents += stages.index_analysed([collected], zone)
                posts.append(collected)
            except Exception as error:
                dead.append(_unfit(collected, error))
    return msgspec.structs.replace(batch, posts=posts, dead=[*batch.dead, *dead]), documents


def _unfit(collected: Collected, error: Exception) -> DeadLetter:
    detail = f"its words can't be indexed ({type(error).__name__})"
    origin = f"index:{collected.post.id}"
    return messages.as_dead_letter(collected, origin, messages.UNREADABLE, detail, stages.utc_now())


def read_batch(
    name: str, records: Sequence[Any], position: Position, before: Cursor
) -> tuple[Batch, Cursor]:
    """Return the batch that messages of one partition make, and the cursor after them.

    Bad messages become dead letters. What has been here already, before an operator had it read
    again from where it came, is left out: it is the same record, and counts once. Raises
    :class:`~pipelines.errors.BrokerError` for a deletion, or counts, of a later Marsad: nothing
    would ever make good what is passed over there.
    """
    cursor = before
    posts: list[Collected] = []
    tombstones: list[CollectedTombstone] = []
    dead: list[DeadLetter] = []
    counted: list[tuple[LedgerMessage, datetime]] = []
    for record in records:
        if record.value is None:  # an erased text: its deletion comes as a tombstone
            continue
        try:
            message = READERS[name](record)
        except BadMessage as bad:
            if bad.reason == messages.NEWER and name in _NEEDED:
                raise messages.newer(record) from bad
            dead.append(_dead(dead_letter(record, bad.reason, bad.detail), _at(record)))
            continue
        if isinstance(message, PostMessage):
            if not cursor.knows(message.origin):
                posts.append(messages.collected(message))
                cursor = cursor.after(message.origin)
        elif isinstance(message, TombstoneMessage):
            tombstones.append(messages.received_tombstone(message))
        elif isinstance(message, DeadMessage):
            if not cursor.knows(message.place):
                dead.append(_dead(message, _at(record)))
                cursor = cursor.after(message.place)
        else:
            counted.append((message, _at(record)))
    cursor = msgspec.structs.replace(cursor, offset=records[-1].offset + 1)
    batch = Batch(
        position=msgspec.structs.replace(position, cursor=str(cursor)),
        previous_cursor=str(before) if before.offset else "",
        posts=posts,
        tombstones=tombstones,
        filtered=sum(counts.filtered for counts, _ in counted),
        dead=[*dead, *(_elsewhere(p, at) for counts, at in counted for p in counts.dead)],
        retried=[_elsewhere(p, at) for counts, at in counted for p in counts.retried],
        notices=[notice for counts, _ in counted for notice in _notices(counts)],
    )
    return batch, cursor


def _at(record: Any) -> datetime:
    """Return when a record was written; now if what it says is no time."""
    try:
        return datetime.fromtimestamp(record.timestamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return stages.utc_now()


def _notices(counts: LedgerMessage) -> list[Gap | Heartbeat | Counter]:
    return [*counts.gaps, *counts.heartbeats, *counts.counters]


def _dead(message: DeadMessage, at: datetime) -> DeadLetter:
    return DeadLetter(
        origin=message.origin,
        line=message.line,
        reason=message.reason,
        detail=message.detail,
        raw=message.raw,
        truncated=message.truncated,
        context=MESSAGE,
        at=at,
    )


def _elsewhere(place: DeadRecord, at: datetime) -> DeadLetter:
    """Return a letter whose bytes are on the machine that collected it."""
    return DeadLetter(
        origin=place.origin,
        line=place.line,
        reason=place.reason,
        detail="kept as dead letters on the machine that collected it",
        truncated=True,
        at=at,
    )

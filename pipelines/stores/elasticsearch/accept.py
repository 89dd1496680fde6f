"""What becomes of each record of a batch: decided before it is written, carried out after."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter as Tally
from collections.abc import Sequence
from datetime import UTC

import msgspec

from ingest.records import Counter, Gap, Heartbeat, Post, decode_post
from pipelines.errors import StoreBusy
from pipelines.stores.base import Batch, Collected, Ledger
from pipelines.stores.elasticsearch import books, graves, heads
from pipelines.stores.elasticsearch.books import Input, Notice, Plan, order_now
from pipelines.stores.elasticsearch.heads import (
    Entry,
    head_json,
    read_head,
    stone_id,
    tombstones_of,
)
from pipelines.stores.elasticsearch.names import Address, short
from pipelines.stores.elasticsearch.requests import Seen, Write, bulk, get_many
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.versions import Known, Rank, read_rank, taken_over

_ENCODER = msgspec.json.Encoder()


class _Known(Known):
    """The newest version of a post, with the names of tombstones that would hit it."""

    __slots__ = ("names",)

    def __init__(self, rank: Rank | None = None, watchlist: str = "") -> None:
        super().__init__(rank, watchlist)
        self.names: tuple[str, ...] = ()


def accept(server: Server, names: Address, batch: Batch) -> tuple[Ledger, bool]:
    """Make a batch durable and carry it out.

    Returns the outcomes of its records, and whether its tombstones removed texts. Raises
    :class:`StoreBusy` if somebody else read the input on.
    """
    state, seen = _at(server, names, batch)
    token = uuid.uuid4().hex
    outcomes, plan, known = _planned(server, names, batch, token)
    for name in ("duplicate", "filtered", "deleted", "dead"):
        setattr(state, name, getattr(state, name) + outcomes[name])
    reasons = Tally(letter.reason for letter in batch.dead)
    _revive(server, names, batch, state, reasons)
    state.reasons = {
        reason: count
        for reason in sorted({*state.reasons, *reasons})
        if (count := state.reasons.get(reason, 0) + reasons[reason])
    }
    state.position, state.token = batch.position, token
    state.chunks = books.write_journal(server, names, plan)
    state, seen = _commit(server, names, batch, state, seen)
    removed = 0
    if state.chunks:
        removed = carry_out(server, names, plan, known)
        books.close(server, names, state, seen)
    received = sum(outcomes.values())
    result = Ledger(
        received=received,
        duplicate=outcomes["duplicate"],
        filtered=outcomes["filtered"],
        deleted=outcomes["deleted"],
        dead=outcomes["dead"],
        pending=outcomes["pending"],
    )
    return result, removed > 0


def recover(server: Server, names: Address) -> None:
    """Carry out the journals that a killed process left open."""
    server.do(lambda es: es.indices.refresh(index=names.books))
    for found, _ in list(books.inputs(server, names, opened=True)):
        now = books.read_input(server, names, found.position.key)
        if now is not None and now[0].chunks:
            _finish(server, names, *now)


def carry_out(
    server: Server, names: Address, plan: Plan, known: dict[str, Seen] | None = None
) -> int:
    """Do what a plan says; doing it again does nothing. Returns how many texts were removed.

    ``known`` are the heads as they were when the plan was made.
    """
    removed = graves.bury(server, names, plan.stones)
    books.note(server, names, plan)
    entries = {short(entry.post.id): entry for entry in plan.entries}
    first = known
    while entries:
        if first is None:
            seen = get_many(server, names.heads, entries)
            wanted = {name for entry in entries.values() for name in entry.names}
            stones = graves.buried(server, names, wanted)
        else:
            seen, stones, first = first, set(), None
        writes = []
        for name, entry in entries.items():
            found = seen.get(name)
            before = read_head(found.source) if found else None
            event = heads.take if stones.isdisjoint(entry.names) else heads.drop
            after = event(before, entry, plan.token)
            if after is not None:
                writes.append(
                    Write(names.heads, name, head_json(after), create=found is None, seen=found)
                )
        results = bulk(server, writes)
        conflicts = {w.id for w, result in zip(writes, results, strict=True) if result.conflict}
        entries = {name: entry for name, entry in entries.items() if name in conflicts}
    return removed


def _at(server: Server, names: Address, batch: Batch) -> tuple[Input, Seen | None]:
    """Return the batch's input, at the place where the batch begins."""
    found = books.read_input(server, names, batch.position.key)
    if found is not None and found[0].chunks:
        _finish(server, names, *found)
        found = books.read_input(server, names, batch.position.key)
    state, seen = found or (None, None)
    cursor = state.position.cursor if state else ""
    if cursor != batch.previous_cursor:
        raise _busy(batch)
    return state or Input(position=batch.position, order=order_now()), seen


def _commit(
    server: Server, names: Address, batch: Batch, state: Input, seen: Seen | None
) -> tuple[Input, Seen]:
    """Move the input; the moment from which the batch is durable."""
    written = books.save(server, names, state, seen)
    if written.seen is not None and not written.conflict:
        return state, written.seen
    # Either somebody else moved it, or we did and the answer was lost.
    found = books.read_input(server, names, batch.position.key)
    if found is None or found[0].token != state.token:
        raise _busy(batch)
    return found


def _finish(server: Server, names: Address, state: Input, seen: Seen) -> None:
    for plan in books.read_journal(server, names, state):
        carry_out(server, names, plan)
    books.close(server, names, state, seen)


def _busy(batch: Batch) -> StoreBusy:
    return StoreBusy(
        f"Another process has read {batch.position.name} further in the meantime: "
        "wait until it has ended, then repeat the command."
    )


def _planned(
    server: Server, names: Address, batch: Batch, token: str
) -> tuple[Tally[str], Plan, dict[str, Seen]]:
    stones = graves.named(batch.tombstones)
    outcomes: Tally[str] = Tally(
        filtered=batch.filtered, deleted=len(batch.tombstones), dead=len(batch.dead)
    )
    entries, seen = _posts(server, names, batch.posts, stones, outcomes)
    plan = Plan(
        token=token,
        stones=stones,
        notices=tuple(_notice(token, n, notice) for n, notice in enumerate(batch.notices)),
        revived=tuple((letter.origin, letter.line) for letter in batch.retried),
        entries=tuple(entries),
    )
    return outcomes, plan, seen


def _posts(
    server: Server,
    names: Address,
    posts: Sequence[Collected],
    stones: Sequence[tuple[str, str]],
    outcomes: Tally[str],
) -> tuple[list[Entry], dict[str, Seen]]:
    """Decide about posts in their order; the same rules as in every store."""
    if not posts:
        return [], {}
    graves_of = [
        tombstones_of((c.post.id, *c.aliases), (c.post.author, *c.author_aliases)) for c in posts
    ]
    buried = graves.buried(server, names, (name for one in graves_of for name in one))
    buried |= {stone_id(*stone) for stone in stones}
    # A tombstone of the same batch removes what is stored, so that is not known any more.
    seen = get_many(
        server,
        names.heads,
        (short(n) for c in posts for n in (c.post.id, *c.aliases)),
        without=["post"],
    )
    known: dict[str, _Known] = {}
    for name, found in seen.items():
        head = read_head(found.source)
        if head.state != "buried":
            known[name] = _Known(read_rank(head.rank), head.watchlist)
    for collected, would_hit in zip(posts, graves_of, strict=True):
        post = collected.post
        if not buried.isdisjoint(would_hit):
            outcomes["deleted"] += 1
            continue
        ids = (post.id, *collected.aliases)
        chosen = next((n for n in ids if short(n) in known), post.id)
        state = known.setdefault(short(chosen), _Known())
        named = post if post.id == chosen else msgspec.structs.replace(post, id=chosen)
        if not state.takes(named):
            outcomes["duplicate"] += 1
            continue
        outcomes["pending"] += 1
        state.names = tuple(dict.fromkeys((*state.names, *would_hit)))
    _retake(server, names, known)
    order = order_now()
    entries = [
        Entry(post=s.post, weight=s.weight, order=order + number, names=s.names)
        for number, s in enumerate(s for s in known.values() if s.post is not None)
        if s.post is not None
    ]
    return entries, seen


def _retake(server: Server, names: Address, known: dict[str, _Known]) -> None:
    """Let posts that were matched with another watchlist take over what that changed."""
    retaken = {name: state for name, state in known.items() if state.retaken is not None}
    missing = [name for name, state in retaken.items() if state.post is None]
    stored = newest(server, names, missing)
    for name, state in retaken.items():
        kept = state.post or stored.get(name)
        if kept is None or state.retaken is None:
            continue  # deleted this moment
        state.post = taken_over(kept, state.retaken)
        state.names = state.names or tombstones_of([kept.id], [kept.author])


def newest(server: Server, names: Address, ids: Sequence[str]) -> dict[str, Post]:
    """Return the newest version of each of these posts, waiting or stored."""
    found: dict[str, Post] = {}
    resting: dict[str, list[str]] = {}
    for name, seen in get_many(server, names.heads, ids).items():
        head = read_head(seen.source)
        if head.post is not None:
            found[name] = head.post
        elif head.state == "stored":
            resting.setdefault(head.months[-1], []).append(name)
    for month, some in resting.items():
        for name, seen in get_many(server, names.month(month), some).items():
            found[name] = decode_post(msgspec.json.encode(seen.source["post"]))
    return found


def _revive(
    server: Server, names: Address, batch: Batch, state: Input, reasons: Tally[str]
) -> None:
    """Take out of the books the letters tried again in this batch, each once."""
    letters = {(letter.origin, letter.line): letter for letter in batch.retried}
    left = books.revived(server, names, letters)
    for (origin, line), letter in letters.items():
        if books.revived_id(origin, line) not in left:
            state.dead -= 1
            reasons[letter.reason] -= 1


def _notice(token: str, number: int, notice: Gap | Heartbeat | Counter) -> Notice:
    at = (notice.start if isinstance(notice, Gap) else notice.at).astimezone(UTC).isoformat()
    name = f"notice:{token}:{number}"
    if isinstance(notice, Counter):
        # Of the same source, page, metric and time the first reading stays.
        place = _ENCODER.encode([notice.source, notice.page, notice.metric, at])
        name = f"counter:{hashlib.blake2b(place, digest_size=16).hexdigest()}"
    kind = type(notice).__name__.lower()
    return Notice(name, kind, at, _ENCODER.encode(notice).decode())

"""A batch becomes durable: what becomes of its records is decided, written down, carried out."""

from __future__ import annotations

import hashlib
from collections import Counter as Tally
from collections.abc import Sequence
from datetime import UTC

import msgspec

from ingest.records import Counter, Gap, Heartbeat
from pipelines.errors import StoreBusy
from pipelines.records import Batch, Document, Ledger, Position
from pipelines.stores.elasticsearch import books, graves
from pipelines.stores.elasticsearch.books import Input, order_now
from pipelines.stores.elasticsearch.carry import Keep, carry_out, claim, write
from pipelines.stores.elasticsearch.decide import decide
from pipelines.stores.elasticsearch.flight import Flight
from pipelines.stores.elasticsearch.journal import Journal, Notice, Plan, next_token
from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.requests import Seen
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.elasticsearch.sight import Sight, look
from pipelines.stores.elasticsearch.watch import Watch

_ENCODER = msgspec.json.Encoder()


def accept(
    server: Server,
    names: Address,
    batch: Batch,
    keep: Keep,
    watch: Watch,
    flight: Flight,
    documents: Sequence[Document] | None = None,
) -> tuple[Ledger, bool]:
    """Make a batch durable and carry it out, its posts scored if there are ``documents``.

    Those are on their way then (``flight``), all else is done. Returns the outcomes of its
    records, and whether its tombstones removed texts. ``keep`` keeps aside what the server
    refuses. Raises :class:`StoreBusy` if somebody else read the input on.
    """
    sight = _sight(server, names, batch, keep, watch, flight)
    following = sight.input is not None and flight.follows(sight.input[0])
    state, seen = sight.input or (Input(position=batch.position, order=order_now()), None)
    last, token = state.token, next_token(batch.position.key, state.token)
    outcomes, plan = _planned(server, names, batch, token, documents, sight)
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
    spent: tuple[Journal, ...] = ()
    state.earlier = ()
    if following:
        if not plan.claims:
            flight.wait()
        state.earlier, spent = flight.journals()
    books.write_journal(server, names, state, plan, spent)
    state, seen = _commit(server, names, batch, state, seen, last)
    removed = same = 0
    if state.chunks:
        claimed = claim(server, names, plan, sight)
        removed, same = claimed.removed, claimed.same
        if following:
            flight.wait()
        else:
            flight.land()
        if claimed.claims:
            flight.start(state, seen, lambda: write(server, names, claimed, keep, watch))
        else:
            books.close(server, names, state, seen)
    result = Ledger(
        received=sum(outcomes.values()),
        indexed=outcomes["indexed"] - same,
        duplicate=outcomes["duplicate"] + same,
        filtered=outcomes["filtered"],
        deleted=outcomes["deleted"],
        dead=outcomes["dead"],
        pending=outcomes["pending"],
    )
    return result, removed > 0


def position(server: Server, names: Address, key: str, keep: Keep, watch: Watch) -> Position | None:
    """Return how far an input has been read; what stands before it is carried out then."""
    found = books.read_input(server, names, key)
    if found is not None and found[0].chunks:
        _finish(server, names, *found, keep, watch)
    return found[0].position if found else None


def recover(server: Server, names: Address, keep: Keep, watch: Watch) -> None:
    """Carry out the journals that a killed process left open."""
    server.do(lambda es: es.indices.refresh(index=names.books))
    for found, _ in list(books.inputs(server, names, opened=True)):
        now = books.read_input(server, names, found.position.key)
        if now is not None and now[0].chunks:
            _finish(server, names, *now, keep, watch)


def _sight(
    server: Server, names: Address, batch: Batch, keep: Keep, watch: Watch, flight: Flight
) -> Sight:
    """Return what a batch is decided by, when its input is where the batch begins."""
    sight = look(server, names, batch)
    if sight.input is not None and sight.input[0].chunks and not flight.follows(sight.input[0]):
        flight.land()  # what is under way is another input's
        _finish(server, names, *sight.input, keep, watch)
        sight = look(server, names, batch)
    if (sight.input[0].position.cursor if sight.input else "") != batch.previous_cursor:
        raise _busy(batch)
    return sight


def _commit(
    server: Server, names: Address, batch: Batch, state: Input, seen: Seen | None, last: str
) -> tuple[Input, Seen]:
    """Move the input from the batch ``last``; the moment from which the batch is durable."""
    while True:
        written = books.save(server, names, state, seen)
        if written.seen is not None and not written.conflict:
            return state, written.seen
        found = books.read_input(server, names, batch.position.key)
        if found is not None and found[0].token == state.token:
            return found  # by ourselves: the answer was lost
        if found is None or found[0].token != last:
            raise _busy(batch)
        seen = found[1]  # somebody else only carried out what stood before


def _finish(
    server: Server, names: Address, state: Input, seen: Seen, keep: Keep, watch: Watch
) -> None:
    for plan in books.read_journal(server, names, state):
        carry_out(server, names, plan, keep, watch)
    books.close(server, names, state, seen)


def _busy(batch: Batch) -> StoreBusy:
    return StoreBusy(
        f"Another process has read {batch.position.name} further in the meantime: "
        "wait until it has ended, then repeat the command."
    )


def _planned(
    server: Server,
    names: Address,
    batch: Batch,
    token: str,
    documents: Sequence[Document] | None,
    sight: Sight,
) -> tuple[Tally[str], Plan]:
    outcomes: Tally[str] = Tally(
        filtered=batch.filtered, deleted=len(batch.tombstones), dead=len(batch.dead)
    )
    decided = decide(server, names, batch, documents, outcomes, sight)
    plan = Plan(
        token=token,
        stones=graves.named(batch.tombstones),
        notices=tuple(_notice(token, n, notice) for n, notice in enumerate(batch.notices)),
        revived=tuple((letter.origin, letter.line) for letter in batch.retried),
        entries=decided.entries,
        claims=decided.claims,
    )
    return outcomes, plan


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

"""The books: one document for each input, which is its position, its counts and its journal.

A batch becomes durable with one write: that of its input's document, by compare-and-set, which
moves the position and the counts together. What the batch does to heads and tombstones is
written down before (its journal) and carried out after; a process that dies in between leaves
an open journal, which the next one carries out. Each step of a journal does nothing the second
time, so no record is lost or counted twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from pipelines.records import Position
from pipelines.stores.elasticsearch.journal import Journal, Notice, Plan, parts
from pipelines.stores.elasticsearch.names import Address, short
from pipelines.stores.elasticsearch.requests import (
    Seen,
    Write,
    Written,
    bulk,
    get,
    get_many,
    walk,
)
from pipelines.stores.elasticsearch.server import Server

#: The document of what holds for the whole store.
_EVERYTHING = "everything"
#: The document that is written anew whenever tombstones were.
DELETIONS = "deletions"
#: How old a journal is before it is taken for one that will never count.
_UNCOUNTED = timedelta(hours=1)
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Input(msgspec.Struct, kw_only=True):
    """One input: how far it was read and what became of its records.

    Posts that were accepted are counted by their heads.
    """

    position: Position
    order: int
    """When it was first seen (milliseconds), for listings."""
    duplicate: int = 0
    filtered: int = 0
    deleted: int = 0
    dead: int = 0
    reasons: dict[str, int] = {}
    """Dead records by reason."""
    token: str = ""
    """The last batch: the input, the batch's number, and who wrote it."""
    chunks: int = 0
    """Parts of its journal that may not have been carried out yet."""
    plan: Plan | None = None
    """The journal, where it stands in this document."""
    earlier: tuple[Journal, ...] = ()
    """Journals of batches before the last that may not have been carried out yet."""

    @property
    def journal(self) -> Journal:
        """The last batch's journal, where it stands apart."""
        return Journal(self.token, 0 if self.plan else self.chunks)


def order_now() -> int:
    """Return a number that grows with time and leaves room to count up within a batch."""
    return time.time_ns() // 1_000_000 * 100_000


def revived_id(origin: str, line: int) -> str:
    """Return the id of the note that a dead letter was tried again."""
    return short(f"revived:{line}:{origin}")


def read_input(server: Server, names: Address, key: str) -> tuple[Input, Seen] | None:
    """Return an input as it is now."""
    seen = get(server, names.books, input_id(key))
    return None if seen is None else (input_of(seen), seen)


def note_deletion(server: Server, names: Address) -> None:
    """Note that tombstones were written: its number in the index's order is another from now."""
    bulk(server, [Write(names.books, DELETIONS, _document("deletions"))])


def deletions_of(seen: Seen | None) -> int:
    """Return a number that is another one whenever tombstones were written; -1 if never."""
    return -1 if seen is None else seen.seq_no


def inputs(server: Server, names: Address, *, opened: bool = False) -> Iterator[tuple[Input, Seen]]:
    """Yield all inputs in the order they were first seen, or those with an open journal."""
    which: list[dict[str, Any]] = [{"term": {"kind": "input"}}]
    if opened:
        which.append({"range": {"chunks": {"gt": 0}}})
    body = {
        "query": {"bool": {"filter": which}},
        "sort": [{"order": "asc"}, {"_shard_doc": "asc"}],
        "seq_no_primary_term": True,
        "source_excludes": ["body.plan"],
    }
    for hit in walk(server, names.books, body):
        seen = Seen(hit["_source"], hit["_seq_no"], hit["_primary_term"])
        yield input_of(seen), seen


def save(server: Server, names: Address, state: Input, seen: Seen | None) -> Written:
    """Write an input's document, only if it is as it was seen (or not there)."""
    return bulk(server, [_saving(names, state, seen)])[0]


def close(server: Server, names: Address, state: Input, seen: Seen) -> None:
    """Note that an input's journals were carried out, and remove their texts."""
    gone = (state.journal, *state.earlier)
    state.chunks, state.plan, state.earlier = 0, None, ()
    # Only then may the chunks go: without them an open journal could not be carried out. If
    # somebody else closed it or moved on meanwhile, that is as good.
    bulk(server, [_saving(names, state, seen)])
    bulk(server, _removals(names, gone))


def write_journal(
    server: Server, names: Address, state: Input, plan: Plan, spent: Sequence[Journal] = ()
) -> None:
    """Write a plan down, to count as soon as the input is saved; nothing is done yet.

    It goes into the input's own document, or before that into documents of its own: where it is
    too long, and where it brings scored posts, since the next batch may then be saved before
    it was carried out. Those that are ``spent`` are removed.
    """
    pieces = list(parts(plan))
    within = len(pieces) == 1 and not plan.claims
    state.chunks, state.plan = len(pieces), pieces[0] if within else None
    at = datetime.now(UTC).isoformat()
    apart = [] if within else pieces
    writes = [
        Write(names.books, _chunk_id(plan.token, n), _document("journal", at=at, body=part))
        for n, part in enumerate(apart)
    ]
    bulk(server, [*writes, *_removals(names, spent)])


def read_journal(server: Server, names: Address, state: Input) -> Iterator[Plan]:
    """Yield the parts of open journals; what is not there was carried out by somebody else."""
    for journal in (*state.earlier, state.journal):
        for number in range(journal.parts):
            seen = get(server, names.books, _chunk_id(journal.token, number))
            if seen is not None:
                yield msgspec.convert(seen.source["body"], Plan)
    if state.plan:
        yield state.plan


def tidy(server: Server, names: Address) -> None:
    """Remove journals that never counted, of processes killed an hour ago or before that."""
    # Workers may write at any time: theirs count soon after they were written.
    before = (datetime.now(UTC) - _UNCOUNTED).isoformat()
    old = [{"term": {"kind": "journal"}}, {"range": {"at": {"lt": before}}}]
    body = {
        "query": {"bool": {"filter": old}},
        "sort": [{"_shard_doc": "asc"}],
        "_source": False,
    }
    gone = {hit["_id"] for hit in walk(server, names.books, body)}
    for state, _ in list(inputs(server, names, opened=True)):
        gone -= set(_chunk_ids((state.journal, *state.earlier)))
    bulk(server, [Write(names.books, name, None) for name in sorted(gone)])


def note(server: Server, names: Address, plan: Plan) -> None:
    """Write a plan's notices and revived letters; what is there already stays."""
    notices: dict[str, Notice] = {}
    for one in plan.notices:
        notices.setdefault(one.id, one)
    writes = [
        Write(
            names.books,
            one.id,
            _document(one.kind, at=one.at, body=msgspec.Raw(one.body.encode())),
            create=True,
        )
        for one in notices.values()
    ]
    revived_ids = dict.fromkeys(revived_id(*place) for place in plan.revived)
    writes += [Write(names.books, name, _document("revived")) for name in revived_ids]
    bulk(server, writes)


def revived(server: Server, names: Address, places: Iterable[tuple[str, int]]) -> set[str]:
    """Return the ids of those letters that have left the books already."""
    wanted = [revived_id(origin, line) for origin, line in places]
    return set(get_many(server, names.books, wanted))


def count_deletions(server: Server, names: Address, token: str, count: int) -> None:
    """Count tombstones that no input brought."""
    bulk(server, [Write(names.books, f"deletion:{token}", _document("deletion", deleted=count))])


def _saving(names: Address, state: Input, seen: Seen | None) -> Write:
    counts = {name: getattr(state, name) for name in ("duplicate", "filtered", "deleted", "dead")}
    body: dict[str, Any] = {"position": state.position, "reasons": state.reasons}
    if state.plan:
        body["plan"] = state.plan
    if state.earlier:
        body["earlier"] = state.earlier
    document = _document(
        "input",
        order=state.order,
        token=state.token,
        chunks=state.chunks,
        body=body,
        **counts,
    )
    name = input_id(state.position.key)
    return Write(names.books, name, document, create=seen is None, seen=seen)


def input_of(seen: Seen) -> Input:
    """Return an input from its document."""
    kept = {name: value for name, value in seen.source.items() if name not in {"kind", "body"}}
    return msgspec.convert({**kept, **seen.source["body"]}, Input)


def input_id(key: str) -> str:
    """Return the id of an input's document."""
    return short(f"input:{key}")


def _chunk_ids(journals: Iterable[Journal]) -> Iterator[str]:
    return (_chunk_id(one.token, number) for one in journals for number in range(one.parts))


def _removals(names: Address, journals: Iterable[Journal]) -> list[Write]:
    return [Write(names.books, name, None) for name in _chunk_ids(journals)]


def _chunk_id(token: str, number: int) -> str:
    return f"journal:{token}:{number}"


def _document(kind: str, **fields: Any) -> bytes:
    return _ENCODER.encode({"kind": kind, **fields})


def timezone(server: Server, names: Address) -> str:
    """Return the zone that the store's days are counted in, empty if none was named yet."""
    seen = get(server, names.books, _EVERYTHING)
    return str(seen.source["body"]["timezone"]) if seen else ""


def settle_timezone(server: Server, names: Address, zone: str) -> str:
    """Name the zone of the store's days if none was named before, and return the one in force."""
    if not (stored := timezone(server, names)):
        document = _document("everything", body={"timezone": zone})
        bulk(server, [Write(names.books, _EVERYTHING, document, create=True)])
        stored = timezone(server, names)
    return stored


def notices(server: Server, names: Address, kind: str) -> Iterator[Any]:
    """Yield the bodies of all notices of one kind, oldest first."""
    body = {
        "query": {"term": {"kind": kind}},
        "sort": [{"at": "asc"}, {"_shard_doc": "asc"}],
    }
    for hit in walk(server, names.books, body):
        yield hit["_source"]["body"]

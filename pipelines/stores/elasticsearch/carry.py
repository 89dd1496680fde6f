"""Carrying out a plan: tombstones, notices, posts that wait, posts that came scored.

Doing it again does nothing, so whoever finds a plan that was left half done does it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from pipelines import metrics
from pipelines.records import REFUSED, DeadLetter
from pipelines.stores.elasticsearch import books, graves, heads, months
from pipelines.stores.elasticsearch.documents import document_json
from pipelines.stores.elasticsearch.heads import Claim, Entry, Head, head_json, read_head
from pipelines.stores.elasticsearch.index import refusal
from pipelines.stores.elasticsearch.journal import Plan
from pipelines.stores.elasticsearch.months import Placed
from pipelines.stores.elasticsearch.names import Address, short
from pipelines.stores.elasticsearch.requests import Seen, Write, bulk, get_many
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.elasticsearch.sight import Sight
from pipelines.stores.elasticsearch.watch import Watch

E = TypeVar("E", Entry, Claim)

#: Keeps dead letters aside, before they are counted.
Keep = Callable[[Sequence[DeadLetter]], None]


class Claimed(NamedTuple):
    """What is left of a plan when its heads are claimed: documents to write."""

    claims: dict[str, Claim]
    heads: dict[str, Head]
    """As they are since."""
    bodies: dict[str, bytes]
    """The claims' documents as JSON: made while those of the batch before are on their way."""
    removed: int
    """Texts that its tombstones removed."""
    same: int
    """Records that were planned as new, but that another writer had brought by then."""
    deletions: int | None
    """:attr:`~.sight.Sight.deletions` it was decided by; None if it may have been done before."""


def carry_out(server: Server, names: Address, plan: Plan, keep: Keep, watch: Watch) -> None:
    """Do all that a plan says, which may have been done before, or half done."""
    write(server, names, claim(server, names, plan), keep, watch)


def claim(server: Server, names: Address, plan: Plan, sight: Sight | None = None) -> Claimed:
    """Do what a plan says but for documents; ``sight`` is what it was decided by right before."""
    removed = graves.bury(server, names, plan.stones)
    books.note(server, names, plan)
    seen = sight.heads if sight else None
    entries = {short(entry.post.id): entry for entry in plan.entries}
    claims = {short(claim.post.id): claim for claim in plan.claims}
    _let(server, names, entries, plan.batch, heads.take, seen)
    now, same = _let(server, names, claims, plan.batch, heads.claim, seen)
    bodies = {name: document_json(one.document) for name, one in claims.items()}
    return Claimed(claims, now, bodies, removed, same, sight.deletions if sight else None)


def write(server: Server, names: Address, claimed: Claimed, keep: Keep, watch: Watch) -> None:
    """Write the documents of what was claimed; those that the server refuses are kept aside."""
    if not claimed.claims:
        return
    _write(server, names, claimed, keep, watch)
    if watch.last().deletions != claimed.deletions:
        _look_again(server, names, claimed)


def _let(
    server: Server,
    names: Address,
    left: dict[str, E],
    batch: str,
    event: Callable[[Head | None, E, str], Head | None],
    first: dict[str, Seen] | None,
) -> tuple[dict[str, Head], int]:
    """Let a batch happen to heads, again where somebody else changed one meanwhile.

    Returns the heads as they are then, and how many records turned out to be duplicates.
    """
    now: dict[str, Head] = {}
    same = 0
    while left:
        if first is None:
            seen = get_many(server, names.heads, left)
            stones = graves.buried(server, names, {n for one in left.values() for n in one.names})
        else:
            seen, stones, first = first, set(), None
        changed: dict[str, tuple[Head, int]] = {}
        writes = []
        for name, one in left.items():
            found = seen.get(name)
            before = read_head(found.source) if found else None
            live = stones.isdisjoint(one.names)
            after = event(before, one, batch) if live else heads.drop(before, one, batch)
            if after is not None:
                changed[name] = after, after.same - (before.same if before else 0)
                writes.append(
                    Write(names.heads, name, head_json(after), create=found is None, seen=found)
                )
            elif before is not None:
                now[name] = before
        conflicts = set()
        for write, result in zip(writes, bulk(server, writes), strict=True):
            if result.conflict:
                conflicts.add(write.id)
            else:
                now[write.id], more = changed[write.id]
                same += more
        left = {name: one for name, one in left.items() if name in conflicts}
    return now, same


def _write(server: Server, names: Address, claimed: Claimed, keep: Keep, watch: Watch) -> None:
    """Write the documents of those claims that hold."""
    claims, now = claimed.claims, claimed.heads
    held = {
        name: (claim, head)
        for name, claim in claims.items()
        if (head := now.get(name)) is not None
        and head.state == "stored"
        and (head.rank, head.watchlist) == claim.newest
    }
    writes = [
        Placed(head.months[-1], name, claimed.bodies[name], heads.external(head))
        for name, (claim, head) in held.items()
    ]
    # Other scores that were written under the same number since are newer: they stay.
    again = claimed.deletions is None
    results = months.write(server, names, writes, watch, strictly=again)
    months.leave_others(server, names, {name: head for name, (_, head) in held.items()})
    refused = {w.id: r for w, r in zip(writes, results, strict=True) if r.refused}
    if not refused:
        return
    keep([refusal(claims[n].post, r.reason, now[n]) for n, r in refused.items()])
    metrics.dead("index", REFUSED, len(refused))

    def reject(name: str, head: Head) -> Head | None:
        claim = claims[name]
        if head.state != "stored" or head.rank != claim.newest[0]:
            return None
        return heads.reject(head, claim.weight, REFUSED)

    graves.change(server, names, refused, reject)


def _look_again(server: Server, names: Address, claimed: Claimed) -> None:
    """Remove what was written of posts that somebody deleted meanwhile."""
    claims = claimed.claims
    stones = graves.buried(server, names, {n for claim in claims.values() for n in claim.names})
    graves.erase(
        server, names, [n for n, claim in claims.items() if not stones.isdisjoint(claim.names)]
    )
    written = {n: head.months for n, head in claimed.heads.items() if n in claims}
    months.take_back(server, names, written)

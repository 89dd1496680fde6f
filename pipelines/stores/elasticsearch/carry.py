"""Carrying out a plan: tombstones, notices, posts that wait, posts that came scored.

Doing it again does nothing, so whoever finds a plan that was left half done does it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from pipelines import metrics
from pipelines.stores.base import DeadLetter
from pipelines.stores.elasticsearch import books, graves, heads, months
from pipelines.stores.elasticsearch.documents import post_of
from pipelines.stores.elasticsearch.heads import Claim, Entry, Head, head_json, read_head
from pipelines.stores.elasticsearch.index import REFUSED, refusal
from pipelines.stores.elasticsearch.journal import Plan
from pipelines.stores.elasticsearch.months import Placed
from pipelines.stores.elasticsearch.names import Address, short
from pipelines.stores.elasticsearch.requests import Seen, Write, bulk, get_many
from pipelines.stores.elasticsearch.server import Server

E = TypeVar("E", Entry, Claim)

#: Keeps dead letters aside, before they are counted.
Keep = Callable[[Sequence[DeadLetter]], None]


class Basis(NamedTuple):
    """What a plan was decided by, for whoever carries it out right after."""

    seen: dict[str, Seen]
    """The heads that it changes, as they were."""
    deletions: int
    """:func:`books.deletions` before tombstones were looked for."""


class Carried(NamedTuple):
    """What carrying out a plan did."""

    removed: int
    """Texts that its tombstones removed."""
    same: int
    """Records that were planned as new, but that another writer had brought by then."""
    refused: int
    """Records whose document the server does not take."""


def carry_out(
    server: Server, names: Address, plan: Plan, keep: Keep, basis: Basis | None = None
) -> Carried:
    """Do what a plan says. Without a ``basis`` it may have been done before, or half done."""
    removed = graves.bury(server, names, plan.stones)
    books.note(server, names, plan)
    seen = basis.seen if basis else None
    entries = {short(entry.post.id): entry for entry in plan.entries}
    claims = {short(claim.id): claim for claim in plan.claims}
    _let(server, names, entries, plan.batch, heads.take, seen)
    if not claims:
        return Carried(removed, 0, 0)
    now, same = _let(server, names, claims, plan.batch, heads.claim, seen)
    refused = _write(server, names, claims, now, keep, again=basis is None)
    if basis is None or books.deletions(server, names) != basis.deletions:
        _look_again(server, names, claims)
    return Carried(removed, same, refused)


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


def _write(
    server: Server,
    names: Address,
    claims: dict[str, Claim],
    now: dict[str, Head],
    keep: Keep,
    *,
    again: bool,
) -> int:
    """Write the documents of those claims that hold; return how many records were refused."""
    held = {
        name: (claim, head)
        for name, claim in claims.items()
        if (head := now.get(name)) is not None
        and head.state == "stored"
        and (head.rank, head.watchlist) == (claim.rank, claim.watchlist)
    }
    writes = [
        Placed(claim.month, name, claim.source.encode(), heads.external(head))
        for name, (claim, head) in held.items()
    ]
    # Other scores that were written under the same number since are newer: they stay.
    results = months.write(server, names, writes, strictly=again)
    months.leave_others(server, names, {name: head for name, (_, head) in held.items()})
    refused = {w.id: r for w, r in zip(writes, results, strict=True) if r.refused}
    if not refused:
        return 0
    keep([refusal(post_of(claims[n].source.encode()), r.reason) for n, r in refused.items()])
    metrics.dead("index", REFUSED, len(refused))

    def reject(name: str, head: Head) -> Head | None:
        claim = claims[name]
        if head.state != "stored" or head.rank != claim.rank:
            return None
        return heads.reject(head, claim.weight, REFUSED)

    graves.change(server, names, refused, reject)
    return sum(claims[name].weight for name in refused)


def _look_again(server: Server, names: Address, claims: dict[str, Claim]) -> None:
    """Remove what was written of posts that somebody deleted meanwhile."""
    stones = graves.buried(server, names, {n for claim in claims.values() for n in claim.names})
    graves.erase(
        server, names, [n for n, claim in claims.items() if not stones.isdisjoint(claim.names)]
    )
    now = {
        name: read_head(found.source)
        for name, found in get_many(server, names.heads, claims, without=["post"]).items()
    }
    months.remove(server, names, {n: head for n, head in now.items() if head.state == "buried"})

"""Scored posts become searchable: documents first, heads after, and a look back.

The head is what makes it true: until it says ``stored`` the post waits, and indexing it again
writes the same bytes. Whoever deletes a post changes its head, so that the last step here fails
and what was written is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ingest.records import Post, encode
from pipelines import metrics
from pipelines.records import REFUSED, DeadLetter, Document
from pipelines.stages import utc_now
from pipelines.stores.elasticsearch import graves, heads, months
from pipelines.stores.elasticsearch.books import order_now
from pipelines.stores.elasticsearch.documents import document_json
from pipelines.stores.elasticsearch.heads import Head, head_json, read_head
from pipelines.stores.elasticsearch.names import Address, month_of, short
from pipelines.stores.elasticsearch.requests import Seen, Write, bulk, get_many
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.elasticsearch.watch import Watch
from pipelines.stores.versions import rank_text


class _Placed(NamedTuple):
    document: Document
    seen: Seen
    head: Head
    month: str


class Refusal(NamedTuple):
    """A post that the server does not take, as a dead letter; still to be counted."""

    name: str
    placed: _Placed
    letter: DeadLetter


def index(
    server: Server, names: Address, documents: Sequence[Document], watch: Watch
) -> list[Refusal]:
    """Write documents and take them off the waiting list.

    One that no longer waits in this version (deleted, edited, matched anew, or indexed by an
    earlier delivery) is left out. Returns what the server refused: it waits until
    :func:`give_up`, so that it can be kept aside before it is counted.
    """
    current = _current(server, names, documents)
    if not current:
        return []
    writes = [
        months.Placed(p.month, name, document_json(p.document), heads.external(p.head))
        for name, p in current.items()
    ]
    results = dict(zip(current, months.write(server, names, writes, watch), strict=True))
    months.leave_others(server, names, {name: p.head for name, p in current.items()})
    taken = {name: placed for name, placed in current.items() if not results[name].refused}
    settled = [
        Write(names.heads, name, head_json(heads.settle(p.head, p.month)), seen=p.seen)
        for name, p in taken.items()
    ]
    answers = bulk(server, settled)
    changed = [w.id for w, answer in zip(settled, answers, strict=True) if answer.conflict]
    months.take_back(
        server, names, {name: (*taken[name].head.months, taken[name].month) for name in changed}
    )
    return [
        Refusal(name, placed, refusal(placed.document.post, results[name].reason, placed.head))
        for name, placed in current.items()
        if results[name].refused
    ]


def give_up(server: Server, names: Address, refusals: Sequence[Refusal]) -> None:
    """Count refused posts as dead, now that they are kept aside."""
    if refusals:
        metrics.dead("index", REFUSED, len(refusals))
    bulk(
        server,
        [
            Write(
                names.heads, r.name, head_json(heads.refuse(r.placed.head, REFUSED)),
                seen=r.placed.seen,
            )
            for r in refusals
        ],
    )  # fmt: skip


def requeue(server: Server, names: Address, posts: Iterable[Post]) -> None:
    """Put stored posts back on the waiting list; those deleted or edited stay as they are."""
    order = order_now()
    wanted = {short(post.id): (post, order + n) for n, post in enumerate(posts)}

    # Bound by id, since the order within a batch belongs to the post and not to the try.
    left = list(wanted)
    while left:
        writes = []
        for name, found in get_many(server, names.heads, left).items():
            post, place = wanted[name]
            head = read_head(found.source)
            if head.state in {"waiting", "stored"} and head.rank == rank_text(post.rank()):
                after = heads.again(head, post, place)
                writes.append(Write(names.heads, name, head_json(after), seen=found))
        results = bulk(server, writes)
        left = [w.id for w, result in zip(writes, results, strict=True) if result.conflict]


def _current(server: Server, names: Address, documents: Sequence[Document]) -> dict[str, _Placed]:
    """Return the documents that still wait in this very version and have no tombstone."""
    by_name = {short(document.post.id): document for document in documents}
    current: dict[str, _Placed] = {}
    for name, found in get_many(server, names.heads, by_name, without=["post"]).items():
        head, document = read_head(found.source), by_name[name]
        newest = (rank_text(document.post.rank()), document.post.watchlist)
        if head.state == "waiting" and (head.rank, head.watchlist) == newest:
            current[name] = _Placed(document, found, head, month_of(document.post))
    stones = graves.buried(server, names, (n for p in current.values() for n in p.head.names))
    doomed = [n for n, p in current.items() if not stones.isdisjoint(p.head.names)]
    graves.erase(server, names, doomed)
    for name in doomed:
        del current[name]
    return current


def refusal(post: Post, reason: str, head: Head) -> DeadLetter:
    """Return a post that the server does not take, as it is kept aside.

    One that was tried again and is refused once more is another letter than before.
    """
    return DeadLetter(
        origin=f"index:{post.id}",
        line=head.dead,
        reason=REFUSED,
        detail="the server takes no document of it: " + reason.partition(":")[0].replace("_", " "),
        raw=encode(post),
        at=utc_now(),
    )

"""What is known of one post: the one place that decides between its versions.

A head is a small document, read and written by id with compare-and-set, so that it is never
stale. It says which version is the newest, whether it waits to be scored (then its post rests
here), in which months a document of it may stand, and how many received records it answers
for. Whoever changes the version changes the head first and writes the document after, under a
number (:func:`external`) that grows with every change: a document that comes late, from a writer
that was slower, is refused by the server.

The functions are pure: each returns the head as it is after one event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from ingest.records import Post
from pipelines.records import Document
from pipelines.stores.elasticsearch.names import HIGHEST, month_of, short, version_of
from pipelines.stores.versions import rank_text, read_rank

#: ``refused``: the server takes no document of it; it is kept aside with the reason.
State = Literal["waiting", "stored", "refused", "buried"]

#: Inputs whose last batch a head remembers, so that one applied twice counts once. A batch is
#: named by its input and its number there, as in ``9f86d081884c-17``.
_REMEMBERED = 4
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything but the searchable document of one post."""

    state: State
    rank: str = ""
    watchlist: str = ""
    author: str = ""
    months: tuple[str, ...] = ()
    """Months in which a document may stand; the one it belongs to comes last."""
    order: int = 0
    """Place on the waiting list."""
    weight: int = 0
    """Received records that wait here."""
    done: int = 0
    """Received records that were indexed."""
    lost: int = 0
    """Received records that were deleted before they were indexed."""
    dead: int = 0
    """Received records whose document the server refused."""
    same: int = 0
    """Received records that turned out to be duplicates when several writers brought them."""
    fence: int = 0
    """What :func:`external` gives, where that is not the record's own version."""
    reason: str = ""
    names: tuple[str, ...] = ()
    """Tombstones that would hit it, while it waits: ids of :func:`stone_id`."""
    batches: tuple[str, ...] = ()
    post: Post | None = None
    """The post that waits to be scored."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a batch does to one head."""

    post: Post
    """The newest version of it; its id names the head."""
    weight: int
    """Records of the batch it stands for; 0 where a duplicate only brought new entities."""
    order: int
    names: tuple[str, ...]


def read_head(source: object) -> Head:
    """Return a head from its document's source."""
    return msgspec.convert(source, Head)


def head_json(head: Head) -> bytes:
    """Return a head as its document's source."""
    return _ENCODER.encode(head)


def stone_id(kind: str, name: str) -> str:
    """Return the id of a tombstone."""
    return short(f"{kind}:{name}")


class Claim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a batch of scored posts does to one head, and the document that comes of it."""

    document: Document
    """The newest version of it, scored; its post's id names the head."""
    weight: int
    """Records of the batch it stands for; 0 where a duplicate only brings scores."""
    names: tuple[str, ...]

    @property
    def post(self) -> Post:
        """The post."""
        return self.document.post

    @property
    def newest(self) -> tuple[str, str]:
        """Rank and watchlist, as the head says them while this is what it stands for."""
        return rank_text(self.post.rank()), self.post.watchlist


def external(head: Head) -> int:
    """Return the version under which a head's newest document is indexed.

    It is the record's own, but for contents that replace another of the same version: theirs is
    one more than what was there.
    """
    return head.fence or (version_of(read_rank(head.rank)[0]) if head.rank else 0)


def knows(head: Head | None, batch: str) -> bool:
    """Tell whether a batch, or a later one of the same input, has changed a head already."""
    if head is None or not head.batches:
        return False
    source, _, number = batch.rpartition("-")
    return any(
        known == source and int(last) >= int(number)
        for known, _, last in (one.rpartition("-") for one in head.batches)
    )


def claim(head: Head | None, wanted: Claim, batch: str) -> Head | None:
    """Return a head with a scored post that a batch brought; None if there is nothing to write."""
    if knows(head, batch):
        return None
    if head is None or head.state == "buried":
        # without weight it was only meant for what was there
        return _stored(head or Head(state="buried"), wanted, batch) if wanted.weight else None
    rank = wanted.post.rank()
    if not wanted.weight:
        return _stored(head, wanted, batch) if head.rank == rank_text(rank) else None
    known = read_rank(head.rank)
    if known > rank or (known == rank and head.state != "refused"):
        # Another writer brought the same or a newer one since this batch was planned.
        return msgspec.structs.replace(
            head, same=head.same + wanted.weight, batches=_remembered(head, batch)
        )
    return _stored(head, wanted, batch)


def take(head: Head | None, entry: Entry, batch: str) -> Head | None:
    """Return a head with what a batch brought; None if there is nothing to write."""
    if knows(head, batch):
        return None
    post = entry.post
    if head is None or head.state == "buried":
        if not entry.weight:
            return None  # only meant for what was there
        before = head or Head(state="buried")
        return _wait(before, post, entry, batch, weight=entry.weight)
    if read_rank(head.rank) > post.rank():
        # Somebody brought a newer one since this batch was planned; its records still count.
        settled = head.state != "waiting"
        return msgspec.structs.replace(
            head,
            weight=head.weight + (0 if settled else entry.weight),
            done=head.done + (entry.weight if settled else 0),
            batches=_remembered(head, batch),
        )
    return _wait(head, post, entry, batch, weight=head.weight + entry.weight)


def drop(head: Head | None, entry: Entry | Claim, batch: str) -> Head | None:
    """Return a head after a batch brought what has a tombstone meanwhile."""
    if knows(head, batch) or not entry.weight:
        return None
    head = head or Head(state="buried")
    return msgspec.structs.replace(
        head, lost=head.lost + entry.weight, batches=_remembered(head, batch)
    )


def again(head: Head, post: Post, order: int) -> Head:
    """Return a head whose stored post waits once more; it stands for no further record."""
    return msgspec.structs.replace(
        head,
        state="waiting",
        watchlist=post.watchlist,
        order=head.order if head.state == "waiting" else order,
        names=head.names or tombstones_of([post.id], [post.author]),
        post=post,
    )


def settle(head: Head, month: str) -> Head:
    """Return a head whose waiting post was indexed."""
    return msgspec.structs.replace(
        _rested(head), state="stored", months=(month,), done=head.done + head.weight
    )


def refuse(head: Head, reason: str) -> Head:
    """Return a head whose waiting post the server does not take."""
    return msgspec.structs.replace(
        _rested(head), state="refused", dead=head.dead + head.weight, reason=reason
    )


def reject(head: Head, weight: int, reason: str) -> Head:
    """Return a head whose claimed post, of so many records, the server does not take."""
    return msgspec.structs.replace(
        head, state="refused", done=head.done - weight, dead=head.dead + weight, reason=reason
    )


def bury(head: Head) -> Head:
    """Return a head whose post was deleted: the counts, and what its documents are found by."""
    if head.state == "buried":
        return head
    return msgspec.structs.replace(
        _rested(head),
        state="buried",
        # Not even a digest: who guesses the text could tell by it.
        rank=rank_text((0, 0, "")),
        lost=head.lost + head.weight,
        fence=min(external(head) + 1, HIGHEST),
    )


def without_last_month(head: Head) -> Head:
    """Return a head that names only the months its newest document is not in."""
    return msgspec.structs.replace(head, months=head.months[:-1])


def tombstones_of(ids: Sequence[str], authors: Sequence[str]) -> tuple[str, ...]:
    """Return the tombstones that would hit a post with these names."""
    kinds = [("id", name) for name in ids] + [("author", name) for name in authors if name]
    return tuple(stone_id(kind, name) for kind, name in kinds)


def _wait(head: Head, post: Post, entry: Entry, batch: str, weight: int) -> Head:
    month = month_of(post)
    return msgspec.structs.replace(
        head,
        state="waiting",
        rank=rank_text(post.rank()),
        watchlist=post.watchlist,
        author=short(post.author),
        months=(*(m for m in head.months if m != month), month),
        order=head.order if head.state == "waiting" else entry.order,
        weight=weight,
        reason="",
        names=entry.names,
        batches=_remembered(head, batch),
        fence=_fence(head, post.version),
        post=post,
    )


def _stored(head: Head, wanted: Claim, batch: str) -> Head:
    # Made at once, as that is most of what taking a batch costs: what waited is over.
    post, month = wanted.post, month_of(wanted.post)
    rank, watchlist = wanted.newest
    return Head(
        state="stored",
        rank=rank,
        watchlist=watchlist,
        author=short(post.author),
        months=(*(m for m in head.months if m != month), month) if head.months else (month,),
        done=head.done + head.weight + wanted.weight,
        lost=head.lost,
        dead=head.dead,
        same=head.same,
        fence=_fence(head, post.version),
        batches=_remembered(head, batch),
    )


def _fence(head: Head, version: int) -> int:
    """Return what makes a version's number higher than all before; 0 where it is by itself."""
    if not head.rank:
        return 0
    own = version_of(version)
    number = min(max(own, external(head) + 1), HIGHEST)
    return number if number != own else 0


def _rested(head: Head) -> Head:
    return msgspec.structs.replace(head, order=0, weight=0, names=(), post=None)


def _remembered(head: Head, batch: str) -> tuple[str, ...]:
    if not head.batches:
        return (batch,)
    source = batch.rpartition("-")[0]
    others = (one for one in head.batches if one.rpartition("-")[0] != source)
    return (*others, batch)[-_REMEMBERED:]

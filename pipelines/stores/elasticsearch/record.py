"""The document of one post: its version record, and what searches need of it.

Each post has one document, under its id, changed by compare-and-set alone. The version record
in it says which version of the post is the newest, whether that waits to be scored, how many
received records the document answers for, and which batches changed it last. A deleted post
stays as a stub: the version record without text or author. The server forgets a deletion by itself
after a minute, or when a node restarts (https://github.com/elastic/elasticsearch/issues/101178).

The functions are pure: each returns the document as it is after one event.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from ingest.records import Post, Target
from pipelines import counts
from pipelines.records import Collected, Document
from pipelines.stores.elasticsearch.address import short
from pipelines.stores.versions import Rank, rank_text, read_rank

#: ``pending``: waits to be scored for the first time. ``edited``: can be found as it was, and a
#: newer version waits. ``dead``: no version of it could be indexed. ``deleted``: a stub.
State = Literal["pending", "indexed", "edited", "dead", "deleted"]
#: States in which a post can be found, and in which one waits.
FOUND: tuple[State, ...] = ("indexed", "edited")
WAITING: tuple[State, ...] = ("pending", "edited")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Attitude(msgspec.Struct, frozen=True, omit_defaults=True):
    """The attitude to one entity, with the post's day and language: sums are made within it."""

    entity: str
    label: str
    negative: float
    neutral: float
    positive: float
    language: str = ""
    day: str = ""
    hour: str = ""


class PostDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The source of a post's document, as ``deploy/elasticsearch/posts.json`` maps it."""

    state: State
    id: str = ""
    rank: str = ""
    """Of the newest version: see :func:`~pipelines.stores.versions.rank_text`."""
    watchlist: str = ""
    applied: tuple[str, ...] = ()
    """Batches that changed it: see :mod:`.checkpoints`."""
    pending: int = 0
    """Received records that wait here; the next three: that were indexed, deleted while they
    waited, and could not be indexed."""
    indexed: int = 0
    deleted: int = 0
    dead: int = 0
    reason: str = ""
    """Why records are dead."""
    order: int = 0
    """Place on the waiting list."""
    waiting: Post | None = None
    """The version that waits to be scored."""
    waiting_author: str = ""
    repeats: tuple[str, ...] = ()
    """Names of the post that it repeats and of that post's author."""

    # What can be found: the newest version that was indexed.
    platform: str = ""
    author: str = ""
    source: str = ""
    language: str = ""
    flags: tuple[str, ...] = ()
    model: str = ""
    day: str = ""
    hour: str = ""
    created: int | None = None
    """Microseconds since 1970, where the date can be trusted; the next one is for Kibana."""
    created_at: datetime | None = None
    label: str = ""
    negative: float = 0.0
    neutral: float = 0.0
    positive: float = 0.0
    entities: tuple[str, ...] = ()
    attitudes: tuple[str, ...] = ()
    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None
    views: int | None = None
    targets: tuple[Attitude, ...] = ()
    tokens: str = ""
    keys: str = ""
    variants: str = ""
    post: Post | None = None

    @property
    def newest(self) -> Post | None:
        """The newest version, waiting or indexed; None for a stub and for one that is dead."""
        return self.waiting or self.post

    @property
    def dated(self) -> tuple[str, str] | None:
        """Day and hour of the newest version, if it was indexed."""
        return (self.day, self.hour) if self.post and not self.waiting else None

    @property
    def live(self) -> bool:
        """Whether it holds more of a post than a stub does."""
        return self.state != "deleted"

    def is_version(self, post: Post) -> bool:
        """Tell whether a post is the newest version, matched with the same watchlist."""
        return (self.rank, self.watchlist) == (rank_text(post.rank()), post.watchlist)

    def waits(self, post: Post) -> bool:
        """Tell whether a post, in this very version, still waits to be scored."""
        return self.waiting is not None and self.is_version(post)

    def read_rank(self) -> Rank:
        """Return the rank of the newest version."""
        return read_rank(self.rank)


def read_document(source: object) -> PostDocument:
    """Return a document from its source."""
    return msgspec.convert(source, PostDocument)


def claimed(
    before: PostDocument | None, document: Document, records: int, applied: tuple[str, ...]
) -> PostDocument:
    """Return the document after a batch brought a scored post; what waited is over."""
    base = before or PostDocument(state="deleted")
    return PostDocument(
        state="indexed",
        rank=rank_text(document.post.rank()),
        watchlist=document.post.watchlist,
        applied=applied,
        indexed=base.indexed + base.pending + records,
        deleted=base.deleted,
        dead=base.dead,
        reason=base.reason,
        repeats=base.repeats,
        **_content(document),
    )


def queued(
    before: PostDocument | None, post: Post, records: int, applied: tuple[str, ...], order: int
) -> PostDocument:
    """Return the document after a batch brought a version that is to be scored."""
    base = before or PostDocument(state="deleted")
    return msgspec.structs.replace(
        requeued(base, post, order),
        rank=rank_text(post.rank()),
        applied=applied,
        pending=base.pending + records,
    )


def requeued(before: PostDocument, post: Post, order: int) -> PostDocument:
    """Return the document when a post is to be scored; by itself no record waits for that."""
    return msgspec.structs.replace(
        before,
        state="pending" if before.post is None else "edited",
        id=post.id,
        watchlist=post.watchlist,
        order=before.order if before.waiting else order,
        waiting=post,
        waiting_author=short(post.author),
    )


def indexed(before: PostDocument, document: Document) -> PostDocument:
    """Return the document when the version that waited was scored."""
    return claimed(before, document, 0, before.applied)


def unscored(before: PostDocument, reason: str) -> PostDocument:
    """Return the document when the version that waits can't be scored or indexed.

    What was indexed before stays; if no record waits, it was only to be scored once more.
    """
    base = msgspec.structs.replace(
        before,
        pending=0,
        dead=before.dead + before.pending,
        reason=reason if before.pending else before.reason,
        order=0,
        waiting=None,
        waiting_author="",
    )
    if base.post is None:
        return msgspec.structs.replace(base, state="dead")
    return msgspec.structs.replace(
        base,
        state="indexed",
        rank=rank_text(base.post.rank()),
        watchlist=base.post.watchlist,
    )


def refused(
    before: PostDocument | None, post: Post, records: int, applied: tuple[str, ...], reason: str
) -> PostDocument:
    """Return the document when the server took no document of a scored post."""
    return unscored(queued(before, post, records, applied, 0), reason)


def unreadable(before: PostDocument, reason: str) -> PostDocument:
    """Return the document of an indexed post that the next index version does not take."""
    assert before.post is not None
    dead = PostDocument(
        state="dead",
        id=before.id,
        rank=before.rank,
        watchlist=before.watchlist,
        applied=before.applied,
        pending=before.pending,
        deleted=before.deleted,
        dead=before.dead + before.indexed,
        reason=reason,
    )
    if before.waiting is None:
        return dead
    return requeued(dead, before.waiting, before.order)


def stub(before: PostDocument) -> PostDocument:
    """Return what stays of a deleted post: no text, no author, not even a digest."""
    return PostDocument(
        state="deleted",
        applied=before.applied,
        indexed=before.indexed,
        deleted=before.deleted + before.pending,
        dead=before.dead,
        reason=before.reason,
    )


def reanalysed(before: PostDocument, document: Document) -> PostDocument:
    """Return a document whose indexed post was analysed anew."""
    return msgspec.structs.replace(
        repeating(before, Collected(document.post).repeats), **_content(document)
    )


def repeating(document: PostDocument, names: Iterable[str]) -> PostDocument:
    """Return a document that says what its post repeats, beside what it says already."""
    repeats = tuple(sorted({*document.repeats, *map(short, names)}))
    if repeats == document.repeats:
        return document
    return msgspec.structs.replace(document, repeats=repeats)


def _content(document: Document) -> dict[str, Any]:
    post = document.post
    found: dict[str, Target | None] = dict.fromkeys(post.entities)
    found.update((target.entity, target) for target in post.targets)
    targets = [target for target in found.values() if target is not None]
    score = post.sentiment
    return {
        "id": post.id,
        "platform": short(post.platform),
        "author": short(post.author),
        "source": short(post.source),
        "language": post.language,
        "flags": post.flags,
        "model": short(post.model),
        "day": document.day,
        "hour": document.hour,
        "created": _microseconds(post.created_at) if document.day else None,
        "created_at": post.created_at if document.day else None,
        "label": score.label if score else "",
        "negative": score.negative if score else 0.0,
        "neutral": score.neutral if score else 0.0,
        "positive": score.positive if score else 0.0,
        "entities": tuple(sorted(found)),
        "attitudes": tuple(f"{target.entity}={target.label}" for target in targets),
        **counts.stored(post.counts)._asdict(),
        "targets": tuple(
            Attitude(
                entity=target.entity,
                label=target.label,
                negative=target.negative,
                neutral=target.neutral,
                positive=target.positive,
                language=post.language,
                day=document.day,
                hour=document.hour,
            )
            for target in targets
        ),
        "tokens": document.tokens,
        "keys": document.keys,
        "variants": document.variants,
        "post": post,
    }


def _microseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

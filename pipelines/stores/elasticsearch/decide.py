"""What becomes of each post of a batch: the same rules as in every store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from ingest.records import Post
from pipelines.records import Collected, Document
from pipelines.stores.elasticsearch import record
from pipelines.stores.elasticsearch.address import short
from pipelines.stores.elasticsearch.checkpoints import Checkpoint
from pipelines.stores.elasticsearch.indices import Seen
from pipelines.stores.elasticsearch.record import PostDocument, read_document
from pipelines.stores.versions import Known, settled, taken_over

#: ``counted``: its document counts it already, from a batch that was never applied.
Outcome = Literal["pending", "indexed", "duplicate", "deleted", "counted"]


class Sight(NamedTuple):
    """What there was before a batch."""

    documents: dict[str, Seen]
    named: dict[int, set[str]]
    """The batch's records that tombstones name, with these tombstones."""


def documents_of(collected: Collected) -> list[str]:
    """Return the documents that a post may have: its own, and those of its older names."""
    return [short(name) for name in (collected.post.id, *collected.aliases)]


class Change(NamedTuple):
    """What a batch does to the document of one post."""

    id: str
    seen: Seen | None
    before: PostDocument | None
    after: PostDocument
    records: int
    """Records of the batch that the document counts."""
    numbers: tuple[int, ...]
    """The batch's records it was decided by."""


class _State(Known):
    """The newest version of a post, as the records of a batch come in."""

    __slots__ = ("before", "credit", "delete", "given", "numbers", "repeats", "used")

    def __init__(self, before: PostDocument | None, credit: int) -> None:
        live = before is not None and before.live
        super().__init__(
            before.read_rank() if before and live else None,
            before.watchlist if before and live else "",
        )
        self.before = before
        self.credit = credit
        self.used = 0
        self.delete = False
        self.given: list[Document] = []
        """What the batch brought of it, scored."""
        self.repeats: set[str] = set()
        self.numbers: list[int] = []

    def takes(self, post: Post) -> bool:
        """Let a version come in, also once more one that could not be indexed before."""
        dead = self.before is not None and self.before.state == "dead" and self.post is None
        if dead and post.rank() == self.rank and not self.credit:
            self.rank = None
        return super().takes(post)

    def is_counted(self) -> bool:
        """Use the credit for one record, if there is any."""
        if self.used >= self.credit:
            return False
        self.used += 1
        return True


def decide(
    posts: Sequence[Collected],
    documents: Sequence[Document] | None,
    numbers: Iterable[int],
    sight: Sight,
    checkpoint: Checkpoint,
    order: int,
    outcomes: dict[int, Outcome],
) -> list[Change]:
    """Decide about some of a batch's records in their order, and set their outcomes.

    ``documents`` are there if the posts come scored; ``order`` is the place on the waiting list
    of the batch's first record.
    """
    known: dict[str, _State] = {}
    for name, seen in sight.documents.items():
        before = read_document(seen.source)
        known[name] = _State(before, checkpoint.credit(before.applied))
    for number in numbers:
        collected = posts[number]
        post = collected.post
        chosen = _chosen(collected, known)
        name = short(chosen)
        state = known.get(name)
        if state is None:
            state = known[name] = _State(None, 0)
        state.numbers.append(number)
        if number in sight.named:
            # Whoever wrote the tombstone deletes what is there, but may have missed what a writer
            # left that was killed then.
            counted = state.is_counted()
            state.delete |= counted
            outcomes[number] = "counted" if counted else "deleted"
            continue
        version = post if post.id == chosen else msgspec.structs.replace(post, id=chosen)
        state.repeats.update(collected.repeats)
        if documents is not None:
            document = documents[number]
            if document.post is not version:
                document = msgspec.structs.replace(document, post=version)
            state.given.append(document)
        if state.takes(version):
            outcomes[number] = "pending" if documents is None else "indexed"
        else:
            outcomes[number] = "counted" if state.is_counted() else "duplicate"
    changes = []
    for name, state in known.items():
        if not state.numbers:
            continue
        after = _after(state, checkpoint, order + state.numbers[0])
        kept = after or state.before
        if state.repeats and kept is not None and kept.live:
            after = record.repeating(kept, state.repeats)
        if after is not None and after != state.before:
            seen_as = sight.documents.get(name)
            changes.append(
                Change(name, seen_as, state.before, after, state.weight, tuple(state.numbers))
            )
    return changes


def _chosen(collected: Collected, known: dict[str, _State]) -> str:
    """Return the id under which a post is stored: its own, unless it is there under an older."""
    if collected.aliases:
        for name in (collected.post.id, *collected.aliases):
            state = known.get(short(name))
            if state is not None and (state.rank is not None or state.credit):
                return name
    return collected.post.id


def _after(state: _State, checkpoint: Checkpoint, order: int) -> PostDocument | None:
    """Return the document of a post after the batch; None to leave it as it is."""
    before = state.before
    applied = checkpoint.add(before.applied if before else (), state.weight, state.used)
    kept = state.post
    if kept is None and state.delete and before is not None and before.live:
        return msgspec.structs.replace(record.stub(before), applied=applied)
    dated = before.dated if before else None
    if state.retaken is not None and (kept or (before and before.newest)):
        kept = taken_over(kept or before.newest, state.retaken)  # type: ignore[union-attr, arg-type]
    elif kept is None and state.given and before is not None and before.waiting is not None:
        # A duplicate that waits without scores is taken off when it comes with them.
        same = [one.post for one in state.given if before.is_version(one.post)]
        kept = same[0] if same else None
    if kept is None:
        return msgspec.structs.replace(before, applied=applied) if before and state.used else None
    document = settled(kept, state.given, dated) if state.given else None
    if document is not None:
        return record.claimed(before, document, state.weight, applied)
    return record.queued(before, kept, state.weight, applied, order)

"""A batch becomes durable: documents first, the input's checkpoint and counters last.

Every step does nothing the second time, so a batch that was interrupted anywhere is given again:
documents that count its records already say so (:mod:`.checkpoints`).
"""

from __future__ import annotations

import secrets
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence

from pipelines.errors import StoreBusy
from pipelines.records import REFUSED, Batch, Collected, Document, Ledger
from pipelines.stores.elasticsearch import inputs, purge, record, tombstones
from pipelines.stores.elasticsearch.checkpoints import Checkpoint, Epoch, next_epoch
from pipelines.stores.elasticsearch.decide import (
    Change,
    Outcome,
    Sight,
    decide,
    documents_of,
)
from pipelines.stores.elasticsearch.documents import Keep, Refused, give_up, write
from pipelines.stores.elasticsearch.indices import Indices, Seen, Write
from pipelines.stores.elasticsearch.inputs import Input
from pipelines.stores.elasticsearch.tombstones import Tombstones
from pipelines.stores.reposts import passed_on


class Accepting:
    """Takes the batches of one writer. For one thread."""

    def __init__(self, indices: Indices, known: Tombstones, keep: Keep) -> None:
        """Have taken nothing yet; ``keep`` gets what the server refuses."""
        self._indices = indices
        self._tombstones = known
        self._keep = keep
        self._epochs: dict[str, Epoch] = {}

    def accept(self, batch: Batch, documents: Sequence[Document] | None) -> tuple[Ledger, int]:
        """Make a batch durable, its posts scored if there are ``documents``.

        Returns the outcomes of its records, and how many stored posts were deleted. Raises
        :class:`StoreBusy` if somebody else read the input on.
        """
        key = batch.position.key
        try:
            return self._accept(batch, documents)
        except BaseException:
            # What was written of it may never be applied: the next try is another epoch's.
            self._epochs.pop(key, None)
            raise

    def _accept(self, batch: Batch, documents: Sequence[Document] | None) -> tuple[Ledger, int]:
        removed = 0
        if batch.tombstones:
            self._input(batch, self._indices.get(self._indices.state, _input_id(batch)))
            removed = tombstones.apply(self._indices, batch.tombstones)
        sight, seen, deletions, texts = self._look_at_all(batch)
        removed += texts
        state = self._input(batch, seen)
        checkpoint = self._checkpoint(batch.position.key, state)
        outcomes: dict[int, Outcome] = {}
        dead = self._write(batch.posts, documents, sight, checkpoint, outcomes)
        if batch.posts and inputs.deletions(self._indices) != deletions:
            removed += self._look_again(batch.posts)
        if batch.notices or batch.retried:
            inputs.note(self._indices, batch.notices, batch.retried)
        tally = Tally(outcomes.values())
        self._commit(batch, state, seen, checkpoint, tally)
        counted = "indexed" if documents is not None else "pending"
        result = {
            "indexed": tally["indexed"] - dead,
            "duplicate": tally["duplicate"],
            "filtered": batch.filtered,
            "deleted": tally["deleted"] + len(batch.tombstones),
            "dead": len(batch.dead) + dead,
            "pending": tally["pending"],
        }
        result[counted] += tally["counted"]
        return Ledger(received=sum(result.values()), **result), removed

    def _look_at_all(self, batch: Batch) -> tuple[Sight, Seen | None, int, int]:
        """Return what :meth:`_look` does, once what refused posts reach is deleted, and how many.

        That is looked for again, as the same batch may hold what repeats them.
        """
        removed, known = 0, set[str]()
        while True:
            sight, seen, deletions = self._look(batch)
            refused = {
                number: named
                for number, named in sight.named.items()
                if batch.posts[number].post.id not in known
            }
            if not refused:
                return sight, seen, deletions, removed
            known.update(batch.posts[number].post.id for number in refused)
            removed += self._pass_on(batch.posts, refused)

    def _pass_on(self, posts: Sequence[Collected], refused: Mapping[int, set[str]]) -> int:
        """Delete what repeats refused posts, and their twins; return how many posts that were.

        ``refused`` are numbers of posts, with the tombstones that name each or its twin.
        """
        unnamed = [
            posts[number]
            for number, named in refused.items()
            if posts[number].repeats or named.isdisjoint(tombstones.names_of(posts[number]))
        ]
        gone = [posts[number].post for number in refused]
        return self._erase(tombstones.refuse(self._indices, gone, passed_on(unnamed)))

    def _erase(self, ids: Iterable[str]) -> int:
        """Delete what these documents hold; return how many posts that were."""
        there = tombstones.live(self._indices, ids)
        if there:
            purge.mark(self._indices)  # for a crash: the batch comes again, but finds them gone
        return tombstones.erase(self._indices, there)

    def _look(self, batch: Batch) -> tuple[Sight, Seen | None, int]:
        """Return what a batch is decided by: its input, and the number of deletions before.

        They need not be of one moment: a document or an input that changes afterwards refuses
        the write that was decided by it, and the number tells of tombstones that come later.
        """
        indices = self._indices
        found = indices.get_all(
            {
                indices.state: [*tombstones.TOLD, _input_id(batch)],
                indices.posts: [name for one in batch.posts for name in documents_of(one)],
            }
        )
        deletions = self._tombstones.learn(found[indices.state])
        named = self._tombstones.naming(dict(enumerate(batch.posts)), deletions)
        seen = found[indices.state].get(_input_id(batch))
        return Sight(found[indices.posts], named), seen, deletions

    def _input(self, batch: Batch, seen: Seen | None) -> Input:
        """Return a batch's input, if that is where the batch begins."""
        if seen is None:
            state = Input(position=batch.position, order=inputs.order_now())
        else:
            state = inputs.input_of(seen)
        if (state.position.cursor if seen else "") != batch.previous_cursor:
            raise _busy(batch)
        return state

    def _checkpoint(self, key: str, state: Input) -> Checkpoint:
        epoch = self._epochs.get(key)
        if epoch is None:
            epoch = next_epoch(state.epochs)
        self._epochs[key] = Epoch(epoch.number, epoch.writer, epoch.last + 1)
        return Checkpoint(key, state.epochs, epoch, epoch.last + 1)

    def _write(
        self,
        posts: Sequence[Collected],
        documents: Sequence[Document] | None,
        sight: Sight,
        checkpoint: Checkpoint,
        outcomes: dict[int, Outcome],
    ) -> int:
        """Write what a batch does to documents; return how many records the server refused.

        Where somebody else changed a document meanwhile, it is decided again.
        """
        order = inputs.order_now()
        refused: list[Refused] = []
        dead = 0
        left: Sequence[int] = range(len(posts))
        while left:
            changes = decide(posts, documents, left, sight, checkpoint, order, outcomes)
            writes = [write(self._indices, one.id, one.seen, one.after) for one in changes]
            results = self._indices.bulk(writes, refusable=True)
            again: list[int] = []
            for change, one, result in zip(changes, writes, results, strict=True):
                if result.conflict:
                    again.extend(change.numbers)
                elif result.refused:
                    refused.append(_refused(change, one, result.reason, checkpoint))
                    dead += change.records
            left = sorted(again)
            if left:
                sight = self._sight({number: posts[number] for number in left})
        if not give_up(self._indices, self._keep, refused):
            raise StoreBusy(
                "Another process changed a post that the server refuses: repeat the command."
            )
        return dead

    def _sight(self, posts: Mapping[int, Collected]) -> Sight:
        deletions = inputs.deletions(self._indices)
        names = [name for one in posts.values() for name in documents_of(one)]
        found = self._indices.get_many(self._indices.posts, names)
        return Sight(found, self._tombstones.naming(posts, deletions))

    def _look_again(self, posts: Sequence[Collected]) -> int:
        """Delete what was written of posts that somebody deleted meanwhile; return how many."""
        named = self._tombstones.naming(dict(enumerate(posts)), self._tombstones.look())
        if not named:
            return 0
        removed = self._pass_on(posts, named)
        return removed + self._erase([name for n in named for name in documents_of(posts[n])])

    def _commit(
        self,
        batch: Batch,
        state: Input,
        seen: Seen | None,
        checkpoint: Checkpoint,
        tally: Tally[Outcome],
    ) -> None:
        """Move the input; from this moment on the batch counts."""
        state.duplicate += tally["duplicate"]
        state.filtered += batch.filtered
        state.deleted += tally["deleted"] + len(batch.tombstones)
        state.dead += len(batch.dead)
        reasons = Tally(state.reasons)
        reasons.update(letter.reason for letter in batch.dead)
        state.reasons = dict(sorted(reasons.items()))
        state.position = batch.position
        state.epochs = checkpoint.applied(state.epochs)
        state.token = secrets.token_hex(8)
        if inputs.save(self._indices, state, seen):
            return
        found = inputs.read_input(self._indices, batch.position.key)
        if found is None or found[0].token != state.token:
            raise _busy(batch)
        # by ourselves: the answer was lost


def _refused(change: Change, one: Write, reason: str, checkpoint: Checkpoint) -> Refused:
    post, before = change.after.newest, change.before
    assert post is not None
    applied = checkpoint.add(before.applied if before else (), change.records)
    after = record.refused(before, post, change.records, applied, REFUSED)
    return Refused(one, reason, post, before.dead if before else 0, after)


def _input_id(batch: Batch) -> str:
    return inputs.input_id(batch.position.key)


def _busy(batch: Batch) -> StoreBusy:
    return StoreBusy(
        f"Another process has read {batch.position.name} further in the meantime: "
        "wait until it has ended, then repeat the command."
    )

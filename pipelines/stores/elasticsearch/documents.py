"""How documents of posts change: by compare-and-set, and never by losing what a server refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ingest.records import Post, encode
from pipelines import metrics
from pipelines.records import REFUSED, DeadLetter
from pipelines.stages import utc_now
from pipelines.stores.elasticsearch import record
from pipelines.stores.elasticsearch.indices import Indices, Seen, Write
from pipelines.stores.elasticsearch.record import PostDocument, read_document

#: Keeps dead letters, before they are counted.
Keep = Callable[[Sequence[DeadLetter]], None]
#: Gets an id and the document; returns it as it is afterwards, None to leave it as it is.
Event = Callable[[str, PostDocument], PostDocument | None]


def write(indices: Indices, name: str, seen: Seen | None, after: PostDocument) -> Write:
    """Return the write that makes a document, or changes it if it is as it was seen."""
    where = seen.where if seen else indices.current()
    return Write(where, name, after, create=seen is None, seen=seen)


def change(
    indices: Indices, ids: Iterable[str], event: Event, keep: Keep | None = None
) -> dict[str, PostDocument]:
    """Let an event happen to documents, again where somebody else changed one meanwhile.

    What the server may refuse needs ``keep``. Returns the changed ones as they were before; after
    an answer that was lost also those changed already.
    """
    before: dict[str, PostDocument] = {}
    left = list(dict.fromkeys(ids))
    while left:
        changes: list[tuple[Write, PostDocument]] = []
        for name, seen in indices.get_many(indices.posts, left).items():
            document = read_document(seen.source)
            after = event(name, document)
            if after is not None:
                before[name] = document
                changes.append((write(indices, name, seen, after), after))
        results = indices.bulk([one for one, _ in changes], refusable=keep is not None)
        left, refused = [], []
        for (one, after), result in zip(changes, results, strict=True):
            if result.conflict:
                left.append(one.id)
            elif result.refused and after.newest is not None:
                old = before[one.id]
                dead = record.unscored(old, REFUSED)
                refused.append(Refused(one, result.reason, after.newest, old.dead, dead))
        if keep is not None:
            give_up(indices, keep, refused)
    return before


class Refused(NamedTuple):
    """A post that the server takes no document of."""

    write: Write
    """What it refused."""
    reason: str
    post: Post
    times: int
    """How many records of the post are dead already: one tried again is another dead letter."""
    after: PostDocument
    """Its document once it is counted as dead."""


def give_up(indices: Indices, keep: Keep, refused: Sequence[Refused]) -> bool:
    """Keep refused posts as dead letters, then count them; say whether no document had changed."""
    if not refused:
        return True
    keep([_dead_letter(one) for one in refused])
    metrics.dead("index", REFUSED, len(refused))
    writes = [one.write._replace(body=one.after) for one in refused]
    return not any(result.conflict for result in indices.bulk(writes))


def _dead_letter(one: Refused) -> DeadLetter:
    kind = one.reason.partition(":")[0].replace("_", " ")
    return DeadLetter(
        origin=f"index:{one.post.id}",
        line=one.times,
        reason=REFUSED,
        detail=f"the server takes no document of it: {kind}",
        raw=encode(one.post),
        at=utc_now(),
    )

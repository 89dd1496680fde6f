"""What a batch is decided by: its input, the heads of its posts, and tombstones, in one request.

They need not be of one moment. A head or an input that changes afterwards refuses the write that
was decided by it, and a tombstone that comes afterwards shows as another number of deletions.
"""

from __future__ import annotations

from typing import NamedTuple

from pipelines.stores.base import Batch
from pipelines.stores.elasticsearch import books, graves
from pipelines.stores.elasticsearch.books import Input
from pipelines.stores.elasticsearch.heads import stone_id, tombstones_of
from pipelines.stores.elasticsearch.names import Address, short
from pipelines.stores.elasticsearch.requests import Seen, get_all
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.elasticsearch.watch import Watch


class Sight(NamedTuple):
    """What there was before a batch."""

    input: tuple[Input, Seen] | None
    heads: dict[str, Seen]
    graves: list[tuple[str, ...]]
    """For each post the tombstones that would hit it, there or not."""
    buried: set[str]
    """Those of them that are there, or come with the batch."""
    deletions: int
    """:attr:`~.watch.Moment.deletions` before they were looked for; none can come unnoticed."""


def look(server: Server, names: Address, batch: Batch, watch: Watch) -> Sight:
    """Look at everything that decides about a batch."""
    deletions = watch.last().deletions if batch.posts else -1
    known_by = [
        tombstones_of((c.post.id, *c.aliases), (c.post.author, *c.author_aliases))
        for c in batch.posts
    ]
    place = books.input_id(batch.position.key)
    found = get_all(
        server,
        {
            names.books: [place],
            names.heads: [short(name) for c in batch.posts for name in (c.post.id, *c.aliases)],
            names.tombstones: [name for some in known_by for name in some],
        },
        without=["post"],
    )
    there = found[names.books].get(place)
    return Sight(
        input=None if there is None else (books.input_of(there), there),
        heads=found[names.heads],
        graves=known_by,
        buried={
            *found[names.tombstones],
            *(stone_id(*stone) for stone in graves.named(batch.tombstones)),
        },
        deletions=deletions,
    )

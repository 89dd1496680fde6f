"""What a batch is decided by: its input, the heads of its posts, and tombstones.

One request reads all of it, or two where there are tombstones. They need not be of one moment. A
head or an input that changes afterwards refuses the write that was decided by it, and a
tombstone that comes afterwards shows as another number of deletions.
"""

from __future__ import annotations

from typing import NamedTuple

from pipelines.records import Batch
from pipelines.stores.elasticsearch import books, graves
from pipelines.stores.elasticsearch.books import Input
from pipelines.stores.elasticsearch.heads import stone_id
from pipelines.stores.elasticsearch.names import Address, short
from pipelines.stores.elasticsearch.requests import Seen, get_all
from pipelines.stores.elasticsearch.server import Server


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


def look(server: Server, names: Address, batch: Batch) -> Sight:
    """Look at everything that decides about a batch."""
    known_by = graves.hitting(batch.posts)
    place = books.input_id(batch.position.key)
    found = get_all(
        server,
        {
            names.books: [place, books.DELETIONS],
            names.heads: [short(name) for c in batch.posts for name in (c.post.id, *c.aliases)],
        },
        without=["post"],
    )
    there, noted = found[names.books].get(place), found[names.books].get(books.DELETIONS)
    buried = {stone_id(*stone) for stone in graves.named(batch.tombstones)}
    if noted is not None:  # else there never was a tombstone
        buried |= graves.buried(server, names, (name for some in known_by for name in some))
    return Sight(
        input=None if there is None else (books.input_of(there), there),
        heads=found[names.heads],
        graves=known_by,
        buried=buried,
        deletions=books.deletions_of(noted),
    )

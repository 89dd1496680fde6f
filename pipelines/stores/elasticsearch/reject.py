"""Posts that wait and can't be scored: they leave the waiting list as dead."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ingest.records import Post
from pipelines.stores.elasticsearch import heads
from pipelines.stores.elasticsearch.heads import Head, head_json, read_head
from pipelines.stores.elasticsearch.names import Address, short
from pipelines.stores.elasticsearch.requests import Write, bulk, get_many
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.versions import rank_text


def reject(server: Server, names: Address, posts: Sequence[Post], reasons: Sequence[str]) -> None:
    """Count posts as dead, once they are kept aside.

    One that no longer waits in this version is left as it is, as is one that changes meanwhile:
    if it waits then, it comes again.
    """
    wanted = {short(post.id): (post, why) for post, why in zip(posts, reasons, strict=True)}
    writes = []
    for name, found in get_many(server, names.heads, wanted, without=["post"]).items():
        head, (post, reason) = read_head(found.source), wanted[name]
        newest = (rank_text(post.rank()), post.watchlist)
        if head.state == "waiting" and (head.rank, head.watchlist) == newest:
            after = _rejected(head, reason)
            writes.append(Write(names.heads, name, head_json(after), seen=found))
    bulk(server, writes)


def _rejected(head: Head, reason: str) -> Head:
    if head.weight:
        return heads.refuse(head, reason)
    # No record waits: it is indexed, and was only to be scored once more.
    return msgspec.structs.replace(heads.settle(head, ""), months=head.months)

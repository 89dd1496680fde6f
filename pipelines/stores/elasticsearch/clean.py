"""Removing the last bytes of deleted texts from the server's disks.

A deleted document is served to nobody, but it stays in its segment until that is merged, and in
the translog until that is flushed. A shard keeps what was deleted within the last half minute or
so for copies that fell behind (its retention leases, which no setting hastens). So this takes two
steps: to note up to which operation of each shard texts were deleted, and, when the shards keep
nothing older any more, to rewrite what holds deleted documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError

from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.requests import Seen, Write, bulk, get
from pipelines.stores.elasticsearch.server import Server

#: The document that says that deleted texts may still have bytes somewhere.
_MARK = "unclean"

#: Seconds that the server may take for rewriting what held deleted texts.
_REWRITING = 600.0


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What may still have bytes somewhere."""

    until: dict[str, int] = {}
    """The last operation of each shard that may have deleted a text; empty if not looked yet."""
    more: bool = True
    """Whether more was deleted since."""


def mark(server: Server, names: Address) -> None:
    """Note that something is going to be deleted (for a crash), or that it was.

    Only what was deleted before the last mark is known to be gone when :func:`settle` says so.
    """
    while True:
        known, seen = _read(server, names)
        after = msgspec.structs.replace(known or Mark(), more=True)
        # Written also where it says so already: somebody may be about to say otherwise.
        if _write(server, names, after, seen) is not None:
            return


def settle(server: Server, names: Address) -> bool:
    """Remove the bytes of what was deleted, as far as it is time; tell whether none is left.

    To be called after deletions, and again until it says so: two small requests while it is not
    time yet.
    """
    known, seen = _read(server, names)
    if known is None:
        return True
    try:
        shards = list(_shards(server, names))
        if known.until:
            if not all(_released(shard, known.until.get(place, -1)) for place, shard in shards):
                return False
            _rewrite(server, names)
    except (ApiError, TransportError):
        return False  # no time or no room: the mark stays, and the next call tries again
    # Only as it was: another process may have deleted more meanwhile.
    if known.more:
        last = {place: shard["seq_no"]["max_seq_no"] for place, shard in shards}
        _write(server, names, Mark(until=last, more=False), seen)
        return False
    return not bulk(server, [Write(names.books, _MARK, None, seen=seen)])[0].conflict


def _read(server: Server, names: Address) -> tuple[Mark | None, Seen | None]:
    seen = get(server, names.books, _MARK)
    if seen is None:
        return None, None
    return msgspec.convert(seen.source.get("body", {}), Mark), seen


def _write(server: Server, names: Address, known: Mark, seen: Seen | None) -> Seen | None:
    body = msgspec.json.encode({"kind": _MARK, "body": known})
    result = bulk(server, [Write(names.books, _MARK, body, create=seen is None, seen=seen)])[0]
    return None if result.conflict else result.seen


def _released(shard: Any, until: int) -> bool:
    """Tell whether a shard keeps nothing any more that was deleted before an operation."""
    leases = shard.get("retention_leases", {}).get("leases", [])
    return all(lease["retaining_seq_no"] > until for lease in leases)


def _shards(server: Server, names: Address) -> Iterator[tuple[str, Any]]:
    """Yield the shards that may hold texts, by index and number; copies under one name."""
    found = server.client.indices.stats(index=_texts(names), metric="docs", level="shards")
    for index, state in found["indices"].items():
        for number, copies in state["shards"].items():
            for shard in copies:
                yield f"{index}/{number}", shard


def _rewrite(server: Server, names: Address) -> None:
    target = _texts(names)
    client = server.client
    client.indices.flush(index=target, ignore_unavailable=True)
    client.options(request_timeout=_REWRITING).indices.forcemerge(
        index=target, only_expunge_deletes=True, ignore_unavailable=True
    )
    client.indices.flush(index=target, ignore_unavailable=True)


def _texts(names: Address) -> list[str]:
    return [f"{names.posts}-*", names.heads, names.books]

"""Removing the last bytes of deleted texts from the server's disks.

A deleted document is served to nobody, but it stays in its segment until that is merged, and in
the translog until that is flushed. A shard keeps what was deleted within the last half minute or
so for copies that fell behind (its retention leases, which no setting hastens). So this takes two
steps: to note up to which operation of each shard texts were deleted, and, when the shards keep
nothing older any more, to rewrite what holds deleted documents.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError

from pipelines.stores.elasticsearch import state, tombstones
from pipelines.stores.elasticsearch.indices import PAGE, Indices, Write

#: The document that says that deleted texts may still have bytes somewhere.
_MARK = "unclean"
#: Seconds that the server may take for rewriting what held deleted texts.
_REWRITING = 600.0
#: Seconds that clocks of two machines may differ.
_CLOCKS = 600.0


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What may still have bytes somewhere."""

    since: float
    """When the first of it was deleted."""
    until: dict[str, int] = {}
    """The last operation of each shard that may have deleted a text; empty if not looked yet."""
    more: bool = True
    """Whether more was deleted since."""


def mark(indices: Indices) -> None:
    """Note that something is going to be deleted (for a crash), or that it was.

    Only what was deleted before the last mark is known to be gone when :func:`purge` says so.
    """
    while True:
        known, seen = state.read(indices, _MARK, Mark)
        after = msgspec.structs.replace(known or Mark(since=time.time()), more=True)
        # Written also where it says so already: somebody may be about to say otherwise.
        if state.swap(indices, _MARK, after, seen):
            return


def purge(indices: Indices) -> bool:
    """Remove the bytes of what was deleted, as far as it is time; tell whether none is left.

    To be called after deletions, and again until it says so: two small requests while it is not
    time yet.
    """
    known, seen = state.read(indices, _MARK, Mark)
    if known is None:
        return True
    try:
        if not discard(indices):
            return False
        _copy_stubs(indices)
        shards = list(_shards(indices))
        if known.until:
            if not all(_released(shard, known.until.get(place, -1)) for place, shard in shards):
                return False
            # what a writer left that was killed at the moment of a deletion
            if tombstones.reapply(indices, known.since - _CLOCKS):
                state.swap(indices, _MARK, msgspec.structs.replace(known, more=True), seen)
                return False
            _rewrite(indices)
    except (ApiError, TransportError):
        return False  # no time or no room: the mark stays, and the next call tries again
    # Only as it was: another process may have deleted more meanwhile.
    if known.more:
        last = {place: shard["seq_no"]["max_seq_no"] for place, shard in shards}
        after = msgspec.structs.replace(known, until=last, more=False)
        state.swap(indices, _MARK, after, seen)
        return False
    return state.swap(indices, _MARK, None, seen)


def discard(indices: Indices) -> bool:
    """Remove the index versions before the current one that nobody reads; say whether all went."""
    number, client = indices.address.number, indices.server.client
    current = number(indices.current(again=True))
    done = True
    for index in (one for one in indices.versions() if number(one) < current):
        found = client.indices.stats(index=index, metric="search")["_all"]["total"]
        if found.get("search", {}).get("open_contexts", 0):
            done = False
        else:
            client.indices.delete(index=index, ignore_unavailable=True)
    return done


def _copy_stubs(indices: Indices) -> None:
    """Remove texts that a re-indexing, perhaps an interrupted one, copied before their deletion."""
    for target in indices.versions():
        if target == indices.current():
            continue
        body = {"query": {"term": {"state": "deleted"}}, "sort": [{"_shard_doc": "asc"}]}
        hits = indices.walk(indices.posts, body)
        while page := {hit["_id"]: hit["_source"] for hit in islice(hits, PAGE)}:
            found = indices.get_many(target, page)
            indices.bulk(
                [
                    Write(target, name, page[name], seen=seen)
                    for name, seen in found.items()
                    if seen.source["state"] != "deleted"
                ]
            )


def _released(shard: Any, until: int) -> bool:
    """Tell whether a shard keeps nothing any more that was deleted before an operation."""
    leases = shard.get("retention_leases", {}).get("leases", [])
    return all(lease["retaining_seq_no"] > until for lease in leases)


def _shards(indices: Indices) -> Iterator[tuple[str, Any]]:
    """Yield the shards that may hold texts, by index and number; copies under one name."""
    client = indices.server.client
    found = client.indices.stats(index=_texts(indices), metric="docs", level="shards")
    for index, of_index in found["indices"].items():
        for number, copies in of_index["shards"].items():
            for shard in copies:
                yield f"{index}/{number}", shard


def _rewrite(indices: Indices) -> None:
    target = _texts(indices)
    client = indices.server.client
    client.indices.flush(index=target)
    client.options(request_timeout=_REWRITING).indices.forcemerge(
        index=target, only_expunge_deletes=True
    )
    client.indices.flush(index=target)


def _texts(indices: Indices) -> str:
    return f"{indices.posts}-v*"

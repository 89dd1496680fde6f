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

from pipelines.stores.elasticsearch import tombstones
from pipelines.stores.elasticsearch.indices import PAGE, Indices, Seen, Write

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
        known, seen = _read(indices)
        after = msgspec.structs.replace(known or Mark(since=time.time()), more=True)
        # Written also where it says so already: somebody may be about to say otherwise.
        if _write(indices, after, seen):
            return


def purge(indices: Indices) -> bool:
    """Remove the bytes of what was deleted, as far as it is time; tell whether none is left.

    To be called after deletions, and again until it says so: two small requests while it is not
    time yet.
    """
    known, seen = _read(indices)
    if known is None:
        return True
    try:
        if not _other_versions(indices):
            return False
        shards = list(_shards(indices))
        if known.until:
            if not all(_released(shard, known.until.get(place, -1)) for place, shard in shards):
                return False
            # what a writer left that was killed at the moment of a deletion
            if tombstones.reapply(indices, known.since - _CLOCKS):
                _write(indices, msgspec.structs.replace(known, more=True), seen)
                return False
            _rewrite(indices)
    except (ApiError, TransportError):
        return False  # no time or no room: the mark stays, and the next call tries again
    # Only as it was: another process may have deleted more meanwhile.
    if known.more:
        last = {place: shard["seq_no"]["max_seq_no"] for place, shard in shards}
        _write(indices, msgspec.structs.replace(known, until=last, more=False), seen)
        return False
    return not indices.bulk([Write(indices.state, _MARK, None, seen=seen)])[0].conflict


def _other_versions(indices: Indices) -> bool:
    """Remove what index versions beside the current one hold of deleted posts.

    Returns False while somebody reads the version before: it goes as soon as nobody does. Of
    one that is being filled by a re-indexing, perhaps an interrupted one, texts are removed that
    were copied before they were deleted.
    """
    number, there = indices.address.number, indices.versions()
    current = indices.current(again=True)
    done = True
    for index in there:
        if number(index) < number(current):
            found = indices.server.client.indices.stats(index=index, metric="search")
            if found["_all"]["total"].get("search", {}).get("open_contexts", 0):
                done = False
            else:
                indices.server.client.indices.delete(index=index, ignore_unavailable=True)
        elif index != current:
            _copy_stubs(indices, index)
    return done


def _copy_stubs(indices: Indices, target: str) -> None:
    body = {
        "query": {"term": {"state": "deleted"}},
        "sort": [{"_shard_doc": "asc"}],
    }
    hits = indices.walk(indices.posts, body)
    while page := {hit["_id"]: hit["_source"] for hit in islice(hits, PAGE)}:
        found = indices.get_many(target, page)
        indices.bulk(
            [
                Write(target, name, msgspec.json.encode(page[name]), seen=seen)
                for name, seen in found.items()
                if seen.source["state"] != "deleted"
            ]
        )


def _read(indices: Indices) -> tuple[Mark | None, Seen | None]:
    seen = indices.get(indices.state, _MARK)
    if seen is None:
        return None, None
    return msgspec.convert(seen.source["body"], Mark), seen


def _write(indices: Indices, known: Mark, seen: Seen | None) -> bool:
    body = msgspec.json.encode({"kind": _MARK, "body": known})
    write = Write(indices.state, _MARK, body, create=seen is None, seen=seen)
    return not indices.bulk([write])[0].conflict


def _released(shard: Any, until: int) -> bool:
    """Tell whether a shard keeps nothing any more that was deleted before an operation."""
    leases = shard.get("retention_leases", {}).get("leases", [])
    return all(lease["retaining_seq_no"] > until for lease in leases)


def _shards(indices: Indices) -> Iterator[tuple[str, Any]]:
    """Yield the shards that may hold texts, by index and number; copies under one name."""
    client = indices.server.client
    found = client.indices.stats(index=_texts(indices), metric="docs", level="shards")
    for index, state in found["indices"].items():
        for number, copies in state["shards"].items():
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

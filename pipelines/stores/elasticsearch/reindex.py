"""Re-indexing without downtime: the next generation of months is filled beside the current one.

Who reads goes on reading the current one, who writes writes to both (:mod:`.months`), and what
is there already is copied month by month, analysed anew. Then the alias turns to the next
generation at one moment for all months, and the current one goes as soon as nobody reads it any
more. Whoever begins this after an interruption goes on with the month that was not finished.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from pipelines import stages
from pipelines.errors import StoreBusy, StoreError
from pipelines.records import REFUSED
from pipelines.stores import analysis
from pipelines.stores.elasticsearch import generations, graves, heads, setup
from pipelines.stores.elasticsearch.carry import Keep
from pipelines.stores.elasticsearch.documents import document_json, hit_of
from pipelines.stores.elasticsearch.generations import Generations
from pipelines.stores.elasticsearch.heads import Head, read_head
from pipelines.stores.elasticsearch.index import refusal
from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.requests import PAGE, Write, bulk, get_many, walk
from pipelines.stores.elasticsearch.server import Server

#: Seconds that readers of the last generation get to end, and between looks at whether they did.
READERS, _LOOK = 360.0, 0.5
#: Of posts that the server took before it takes some no more, perhaps; more than these, and more
#: than this share, is the fault of the new index, and no reason to lose them.
_FEW, _SHARE = 10, 0.1


def reindex(
    server: Server,
    names: Address,
    zone: ZoneInfo,
    keep: Keep,
    after_batch: Callable[[int], None] = lambda posts: None,
) -> int:
    """Analyse and index all stored posts anew; return how many were copied now.

    ``keep`` keeps aside what the server refuses. Raises :class:`StoreBusy` if another process
    re-indexes as well.
    """
    state = _begun(server, names)
    copied = 0
    for month in sorted(generations.months(server, names).get(state.current, {})):
        if month in state.done:
            continue
        copied += _copy(server, names, state, month, zone, keep, after_batch)
        finished = msgspec.structs.replace(state, done=(*state.done, month))
        _save(server, names, state, finished)
        state = finished
    _turn(server, names, state)
    return copied


def _begun(server: Server, names: Address) -> Generations:
    """Begin the next generation, or go on with one that was begun with the same analysis."""
    state, _ = generations.read(server, names)
    if not state.building or state.target != analysis.VERSION:
        begun = Generations(
            current=state.current,
            analysis=state.analysis,
            building=max(state.current, state.building) + 1,
            target=analysis.VERSION,
        )
        # The template first: a month that is made without it would be read at once.
        setup.bring_templates(server, names, begun)
        _save(server, names, state, begun)
        state = begun
    _discard(server, names, state)
    return state


def _save(server: Server, names: Address, before: Generations, after: Generations) -> None:
    found, seen = generations.read(server, names)
    if found != before or generations.save(server, names, after, seen) is None:
        raise StoreBusy(f"{names} is being re-indexed by another process: wait until it has ended.")


def _copy(
    server: Server,
    names: Address,
    state: Generations,
    month: str,
    zone: ZoneInfo,
    keep: Keep,
    after_batch: Callable[[int], None],
) -> int:
    source, target = names.month(month, state.current), names.month(month, state.building)
    # Before what is there is read: whoever deletes a post of it from now on deletes it here too.
    setup.create(server, target)
    server.do(lambda es: es.indices.refresh(index=source))
    fields = {"sort": [{"_shard_doc": "asc"}], "version": True, "source_includes": ["post"]}
    hits = walk(server, source, fields)
    copied = lost = 0
    while page := list(islice(hits, PAGE)):
        documents = stages.index([hit_of(hit["_source"]).post for hit in page], zone)
        writes = [
            # What is there already was written meanwhile, and is newer or the same.
            Write(
                target,
                hit["_id"],
                document_json(document),
                version=hit["_version"],
                strictly=True,
            )
            for hit, document in zip(page, documents, strict=True)
        ]
        results = bulk(server, writes, refusable=True)
        refused = {
            write.id: (document.post, result.reason)
            for write, document, result in zip(writes, documents, results, strict=True)
            if result.refused
        }
        copied += len(page)
        lost += len(refused)
        if lost > _FEW and lost > copied * _SHARE:
            kinds = ", ".join(sorted({reason.partition(":")[0] for _, reason in refused.values()}))
            raise StoreError(
                f"{server.url} takes no documents of {lost:,} of {copied:,} posts in {target} that "
                f"it has already ({kinds}): nothing was removed. See which other template matches "
                "that name, delete this index, and run marsad reindex again."
            )
        if refused:
            found = get_many(server, names.heads, refused)
            there = {name: read_head(seen.source) for name, seen in found.items()}
            keep([refusal(*refused[name], head) for name, head in there.items()])
            graves.change(server, names, there, _reject)
        after_batch(len(page))
    return copied


def _reject(_: str, head: Head) -> Head | None:
    return heads.reject(head, head.done, REFUSED) if head.state == "stored" else None


def _turn(server: Server, names: Address, state: Generations) -> None:
    """Let the next generation be the one that is read."""
    pattern = f"{names.generation(state.building)}-*"
    server.do(lambda es: es.indices.refresh(index=pattern))
    after = Generations(current=state.building, analysis=state.target)
    # This decides; what follows from it is also done by whoever opens the store next.
    _save(server, names, state, after)
    setup.follow(server, names)
    usual = {"index.gc_deletes": None}
    server.do(lambda es: es.indices.put_settings(index=pattern, settings=usual))
    _discard(server, names, after)


def _discard(server: Server, names: Address, state: Generations) -> None:
    """Remove generations that are neither read nor filled, when nobody reads them any more."""
    gone = [
        names.month(month, number)
        for number, found in generations.months(server, names).items()
        if number not in state.written
        for month in found
    ]
    end = time.monotonic() + READERS
    while gone and time.monotonic() < end:
        found = server.do(lambda es: es.indices.stats(index=gone, metric="search"))
        if not found["_all"]["total"].get("search", {}).get("open_contexts", 0):
            break
        time.sleep(_LOOK)
    if gone:
        server.do(lambda es: es.indices.delete(index=gone, ignore_unavailable=True))

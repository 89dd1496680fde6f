"""Writing to the months, and removing from them, while a next generation may be filled.

Whoever writes looks afterwards which generations there are, and writes again where there are
others than it thought: what was written before the next one was begun is found by the copying,
what comes later is written to both. So nothing is missed, and the copying needs to stop nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from pipelines.errors import StoreError
from pipelines.stores.elasticsearch import generations, heads
from pipelines.stores.elasticsearch.heads import Head, read_head
from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.requests import Write, Written, bulk, get_many
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.elasticsearch.watch import Watch


class Placed(NamedTuple):
    """A document on its way into its month."""

    month: str
    id: str
    body: bytes
    version: int


def write(
    server: Server,
    names: Address,
    documents: Sequence[Placed],
    watch: Watch,
    *,
    strictly: bool = False,
) -> list[Written]:
    """Write documents, each only if nothing newer is there; say what became of each.

    ``strictly`` leaves what is there in the same version, too. The watch has looked when the
    last document was written.
    """
    state = watch.last().generations
    while True:
        results: list[Written] = []
        for generation in state.written:
            writes = [
                Write(
                    names.month(one.month, generation),
                    one.id,
                    one.body,
                    version=one.version,
                    strictly=strictly,
                )
                for one in documents
            ]
            answers = bulk(server, writes, refusable=True)
            # a document that either refuses is refused
            results = [
                old if old.refused else new
                for old, new in zip(results or answers, answers, strict=True)
            ]
        after = watch.look().generations
        if after.written == state.written:
            missing = next((result for result in results if result.missing), None)
            if missing is not None:
                raise StoreError(
                    f"{server.url} does not make the index of a month ({missing.reason}): repeat "
                    "the command, which brings its template again."
                )
            return results
        state = after


def remove(server: Server, names: Address, gone: dict[str, Head]) -> None:
    """Remove the documents of heads from every month in which they may stand."""
    if not gone:
        return
    state, _ = generations.read(server, names)
    while True:
        # Deleting from a month that is not there would make it.
        there = generations.months(server, names)
        bulk(
            server,
            [
                Write(names.month(month, generation), name, None, version=heads.external(head))
                for generation in state.written
                for name, head in gone.items()
                for month in head.months
                if month in there.get(generation, {})
            ],
        )
        after, _ = generations.read(server, names)
        if after.written == state.written:
            return
        state = after


def take_back(server: Server, names: Address, written: Mapping[str, Sequence[str]]) -> None:
    """Remove what was just written to these months, by heads' ids, of posts deleted meanwhile.

    Their heads may not name these months any more: whoever swept took it that nobody writes.
    """
    now = get_many(server, names.heads, written, without=["post"])
    gone = {
        name: msgspec.structs.replace(head, months=tuple({*head.months, *written[name]}))
        for name, found in now.items()
        if (head := read_head(found.source)).state == "buried"
    }
    remove(server, names, gone)


def leave_others(server: Server, names: Address, placed: dict[str, Head]) -> None:
    """Remove older versions from the months that edits moved their posts away from."""
    moved = {
        name: heads.without_last_month(head)
        for name, head in placed.items()
        if len(head.months) > 1
    }
    remove(server, names, moved)

"""Re-indexing without downtime: the next index version is filled beside the current one.

Everybody goes on reading and writing the current version. Its documents are copied in the order
in which they were last changed (their sequence numbers), analysed anew; what is changed meanwhile
comes again later in that order, deletions too, since they are stubs. When hardly anything is left,
the current version refuses writes for a moment, the rest is copied, and the alias swaps. Whoever
wrote at that moment decides again on the new version. Interrupted, the same command goes on where
the copying stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ingest import zones
from pipelines import stages
from pipelines.errors import StoreBusy, StoreError
from pipelines.records import REFUSED
from pipelines.stores import analysis
from pipelines.stores.elasticsearch import purge, record, setup, state
from pipelines.stores.elasticsearch.documents import Keep, Refused, give_up
from pipelines.stores.elasticsearch.indices import PAGE, Indices, Seen, Write
from pipelines.stores.elasticsearch.record import read_document

#: Seconds that readers of the last version get to end, and between looks at whether they did.
READERS, _LOOK = 360.0, 0.5
#: Of posts that the server took before it takes some no more, perhaps; more than these, and more
#: than this share, is the fault of the new index, and no reason to lose them.
_FEW, _SHARE = 10, 0.1
#: Passes over what was changed meanwhile, before writes are refused for the last one.
_PASSES = 10
_NAME = "reindex"
_NO_BLOCK = {"index.blocks.write": None}


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a re-indexing is."""

    source: str
    target: str
    analysis: int
    zone: str
    """The time zone of days, and the edition of its data."""
    copied: dict[str, int] = {}
    """The last operation of each shard that was copied."""


class Reindexing:
    """One run of a re-indexing; what another run did already is not done again."""

    def __init__(
        self,
        indices: Indices,
        zone: ZoneInfo,
        keep: Keep,
        after_batch: Callable[[int], None] = lambda posts: None,
    ) -> None:
        """Prepare it; ``keep`` gets what the server refuses."""
        self._indices = indices
        self._zone = zone
        self._days = f"{zone} {zones.edition()}"
        self._keep = keep
        self._after_batch = after_batch
        self._copied = self._lost = 0
        self._progress, self._seen = self._begun()

    def run(self) -> int:
        """Copy everything and swap; return how many posts were copied now.

        Raises :class:`StoreBusy` if another process re-indexes as well.
        """
        for _ in range(_PASSES):  # on a busy store there is always something left
            if self._copy() <= PAGE:
                break
        with self._blocked():
            self._copy()
            self._swap()
        self._discard()
        return self._copied

    def _begun(self) -> tuple[Progress, Seen | None]:
        """Begin the next version, or go on with one that was begun the same way."""
        indices = self._indices
        there = indices.versions()
        source = indices.current(again=True)
        known, seen = self._read()
        same = (source, analysis.VERSION, self._days)
        if known and (known.source, known.analysis, known.zone) == same and known.target in there:
            return known, seen
        number = max(map(indices.address.number, there)) + 1
        target = indices.address.version(number)
        setup.create_posts(indices, target)
        begun = Progress(source=source, target=target, analysis=analysis.VERSION, zone=self._days)
        state.swap(indices, _NAME, begun, seen)
        self._remove([one for one in there if one != source])
        return self._read_own(begun)

    def _copy(self) -> int:
        """Copy what was changed since the last look; return how many documents that were."""
        indices, source = self._indices, self._progress.source
        indices.refresh(source)
        shards = indices.server.do(
            lambda es: es.indices.stats(index=source, metric="docs", level="shards")
        )["indices"][source]["shards"]
        return sum(self._copy_shard(number) for number in shards)

    def _copy_shard(self, shard: str) -> int:
        indices, count = self._indices, 0
        while True:
            after = self._progress.copied.get(shard, -1)
            body = {
                "query": {"range": {"_seq_no": {"gt": after}}},
                "sort": [{"_seq_no": "asc"}],
                "size": PAGE,
                "seq_no_primary_term": True,
                "track_total_hits": False,
                "preference": f"_shards:{shard}",
            }
            hits = indices.search(self._progress.source, body)["hits"]["hits"]
            if not hits:
                return count
            self._copy_page(hits)
            copied = {**self._progress.copied, shard: hits[-1]["_seq_no"]}
            self._advance(msgspec.structs.replace(self._progress, copied=copied))
            count += len(hits)
            if len(hits) < PAGE:
                return count

    def _copy_page(self, hits: list[Any]) -> None:
        before = {hit["_id"]: read_document(hit["_source"]) for hit in hits}
        posts = {name: one.post for name, one in before.items() if one.post is not None}
        documents = stages.index(list(posts.values()), self._zone)
        after = {
            name: record.reanalysed(before[name], document)
            for name, document in zip(posts, documents, strict=True)
        }
        target = self._progress.target
        writes = [Write(target, name, after.get(name, one)) for name, one in before.items()]
        results = self._indices.bulk(writes, refusable=True)
        refused = [
            Refused(write, result.reason, post, one.dead, record.unreadable(one, REFUSED))
            for write, one, result in zip(writes, before.values(), results, strict=True)
            if result.refused and (post := one.post)
        ]
        self._copied += len(posts)
        self._lost += len(refused)
        if self._lost > _FEW and self._lost > self._copied * _SHARE:
            kinds = ", ".join(sorted({one.reason.partition(":")[0] for one in refused}))
            raise StoreError(
                f"{self._indices.server.url} takes no documents of {self._lost:,} of "
                f"{self._copied:,} posts in {target} that it has already ({kinds}): nothing was "
                "removed. See which other template matches that name, delete this index, and run "
                "marsad reindex again."
            )
        give_up(self._indices, self._keep, refused)
        if posts:
            self._after_batch(len(posts))

    @contextmanager
    def _blocked(self) -> Iterator[None]:
        """Let the current version refuse writes; what was under way is done when it does."""
        source = self._progress.source
        do = self._indices.server.do
        do(lambda es: es.indices.add_block(index=source, block="write"))
        try:
            yield
        except BaseException:
            do(lambda es: es.indices.put_settings(index=source, settings=_NO_BLOCK))
            raise

    def _swap(self) -> None:
        """Let the next version be the one that is read and written, at one moment."""
        alias, progress = self._indices.posts, self._progress
        self._indices.refresh(progress.target)
        actions: list[dict[str, Any]] = [
            {"remove": {"index": progress.source, "alias": alias, "must_exist": True}},
            {"add": {"index": progress.target, "alias": alias}},
        ]
        self._indices.server.do(lambda es: es.indices.update_aliases(actions=actions))
        self._indices.current(again=True)

    def _discard(self) -> None:
        """Remove the version before, when nobody reads it any more."""
        retry = self._indices.server.retry
        end = time.monotonic() + READERS
        while not retry(lambda: purge.discard(self._indices)) and time.monotonic() < end:
            time.sleep(_LOOK)
        self._remove([self._progress.source])

    def _remove(self, versions: list[str]) -> None:
        if versions:
            self._indices.server.do(
                lambda es: es.indices.delete(index=versions, ignore_unavailable=True)
            )

    def _read(self) -> tuple[Progress | None, Seen | None]:
        return state.read(self._indices, _NAME, Progress)

    def _read_own(self, mine: Progress) -> tuple[Progress, Seen | None]:
        known, seen = self._read()
        if known != mine:
            raise StoreBusy(
                f"{self._indices} is being re-indexed by another process: wait until it has ended."
            )
        return mine, seen

    def _advance(self, after: Progress) -> None:
        state.swap(self._indices, _NAME, after, self._seen)
        self._progress, self._seen = self._read_own(after)

"""The indices of one store on a server, and the requests that everything else is made of.

Reads by id go through the alias of the posts and say which index version they came from; a
compare-and-set write names that index version. While a re-indexing changes versions, the old one
refuses writes: such a write counts as a conflict, so that the writer reads again and decides
again, on the new version.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError

from pipelines.errors import StoreBusy, StoreError
from pipelines.stores.elasticsearch.address import Address
from pipelines.stores.elasticsearch.server import PASSING, Passing, Server, full, is_full

#: Ids that one request asks for; documents and bytes of one bulk request (a single document may
#: be longer); bulk requests under way at once; hits of one page.
_READ = 8_000
_WRITE, _BYTES, _AT_ONCE = 250, 4_000_000, 3
PAGE = 1_000
_KEEP = "5m"
#: What is needed of answers: no more of them travels, and is parsed.
_DONE = "items.*.status,items.*.error"
_GOT = "docs.found,docs._index,docs._source,docs._seq_no,docs._primary_term,docs.error.type"
_ENCODER = msgspec.json.Encoder(order="deterministic")
#: What the server says of a document that it never takes, by type or in its words. Whatever else
#: it answers 400 to is its own state, which passes: a limit of shards, an index that is closed.
_UNFIT = {"document_parsing_exception", "mapper_parsing_exception"}
#: What it says of every document where the index lacks a field: no fault of a post's.
_NO_FIELD = "strict_dynamic_mapping_exception"
_TOO_LONG = "immense term"
#: What it says of a document that it can't read, and of an index that takes no writes or is gone.
_LASTING = frozenset({"index_not_found_exception", "index_closed_exception"})
_BLOCKED, _GONE = "index write (api)", "index_not_found_exception"


class Seen(NamedTuple):
    """A document as it was read, and what a write must name to change nothing newer."""

    source: Any
    seq_no: int
    term: int
    where: str
    """The index, by its own name."""


class Write(NamedTuple):
    """One write of a bulk request."""

    where: str
    id: str
    body: object
    """What is JSON when it is sent; None for a deletion."""
    create: bool = False
    """Only if it is not there yet."""
    seen: Seen | None = None
    """Only if it is as it was seen."""


class _Header(msgspec.Struct, omit_defaults=True):
    index: str = msgspec.field(name="_index")
    id: str = msgspec.field(name="_id")
    if_seq_no: int | None = None
    if_primary_term: int | None = None


class Written(NamedTuple):
    """What became of one write."""

    status: int
    reason: str = ""

    @property
    def refused(self) -> bool:
        """Whether the server will never take this document."""
        kind = self.reason.partition(":")[0]
        unfit = kind in _UNFIT or _TOO_LONG in self.reason
        return self.status == 413 or (self.status == 400 and unfit)

    @property
    def conflict(self) -> bool:
        """Whether something else is there than was expected, or another index version."""
        return self.status == 409 or self.moved

    @property
    def moved(self) -> bool:
        """Whether this index version takes no writes (any more)."""
        return _BLOCKED in self.reason or self.reason.startswith(_GONE)


#: What became of a write that was made.
_MADE = Written(200)


class Indices:
    """One store's indices. Raises :class:`StoreError` and its children only."""

    def __init__(self, server: Server, address: Address) -> None:
        """Name them; nothing is asked yet."""
        self.server = server
        self.address = address
        self.posts = address.posts
        self.state = address.state
        self.tombstones = address.tombstones
        self._current = ""

    def __str__(self) -> str:
        return str(self.address)

    # Index versions of the posts

    def current(self, *, again: bool = False) -> str:
        """Return the index version that new documents go to: the one behind the alias."""
        if again or not self._current:
            found = self.server.do(lambda es: es.indices.get_alias(name=self.posts))
            (self._current,) = found
        return self._current

    def versions(self) -> dict[str, Any]:
        """Return the index versions that are there, with their settings and fields."""
        pattern = f"{self.posts}-v*"
        found = self.server.do(
            lambda es: es.indices.get(
                index=pattern, ignore_unavailable=True, features=["settings", "mappings", "aliases"]
            )
        )
        return {name: found[name] for name in found if self.address.number(name)}

    def _moved(self, index: str, reason: str) -> None:
        """Wait until writes that an index version refused can be decided anew."""

        def attempt() -> None:
            if self.current(again=True) != index:
                return
            found = self.server.do(lambda es: es.indices.get_settings(index=index))
            if str(found[index]["settings"]["index"].get("blocks", {}).get("write")) != "true":
                return
            busy = StoreBusy(
                f"{index} at {self.server.url} takes no writes ({reason}): a re-indexing is "
                "about to end, or was killed then. Wait a minute, then run marsad reindex, which "
                "goes on where it stopped."
            )
            raise Passing(busy, "reindex")

        self.server.retry(attempt)

    # Reading by id

    def get(self, index: str, name: str) -> Seen | None:
        """Return one document as it is now, None if there is none."""
        return self.get_all({index: [name]})[index].get(name)

    def get_many(self, index: str, names: Iterable[str]) -> dict[str, Seen]:
        """Return those documents that are there, as they are now."""
        return self.get_all({index: names})[index]

    def get_all(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, dict[str, Seen]]:
        """Return those documents of several indices that are there.

        They come with as few requests as can be, and are not of one moment: one may be as it was
        before what another shows.
        """
        found: dict[str, dict[str, Seen]] = {index: {} for index in wanted}
        pairs = [(index, name) for index, names in wanted.items() for name in dict.fromkeys(names)]
        for start in range(0, len(pairs), _READ):
            part = pairs[start : start + _READ]
            for (index, name), seen in zip(part, self._read(part), strict=True):
                if seen is not None:
                    found[index][name] = seen
        return found

    def _read(self, part: Sequence[tuple[str, str]]) -> list[Seen | None]:
        docs = [{"_index": index, "_id": name} for index, name in part]

        def attempt() -> list[dict[str, Any]]:
            answer = list(self.server.client.mget(docs=docs, filter_path=_GOT)["docs"])
            problems = {
                one["error"]["type"]: index
                for (index, _), one in zip(part, answer, strict=True)
                if "error" in one
            }
            if not problems:
                return answer
            kind, index = next(iter(problems.items()))
            error = StoreError(
                f"{self.server.url} can't read {index} ({kind}): see whether the index is open and "
                "whole, then repeat the command."
            )
            raise error if not _LASTING.isdisjoint(problems) else Passing(error, "shard")

        return [
            Seen(one["_source"], one["_seq_no"], one["_primary_term"], one["_index"])
            if one.get("found")
            else None
            for one in self.server.retry(attempt)
        ]

    # Writing

    def bulk(self, writes: Sequence[Write], *, refusable: bool = False) -> list[Written]:
        """Make writes and return what became of each; no two may name the same document.

        A document that the server will never take is an error unless it is ``refusable``.
        What the server can't take now is sent again, with growing pauses. After an answer that
        was lost a write may say ``conflict`` although it was made: the caller looks. Raises
        :class:`StoreFull` if the server has no room, what :meth:`.Server.do` raises otherwise.
        """
        results: dict[int, Written] = {}
        moved: dict[str, str] = {}

        def attempt() -> None:
            left = [number for number in range(len(writes)) if number not in results]
            busy: Written | None = None
            for number, item in zip(left, self._sent([writes[n] for n in left]), strict=True):
                if item["status"] < 300:
                    results[number] = _MADE
                    continue
                written = Written(item["status"], _reason(item))
                if written.status in PASSING and not is_full(written.reason):
                    busy = written
                    continue
                self._check(writes[number], written, refusable)
                results[number] = written
                if written.moved:
                    moved[writes[number].where] = written.reason
            if busy is not None:
                raise Passing(self.server.busy(busy.reason), str(busy.status))

        self.server.retry(attempt)
        for index, reason in moved.items():
            self._moved(index, reason)
        return [results[number] for number in range(len(writes))]

    def _sent(self, writes: Sequence[Write]) -> Iterator[dict[str, Any]]:
        """Send writes once, in as many requests as they need; raise the first that fails whole.

        Yields what the server says of each, in their order. It writes the first documents while
        those that follow are encoded.
        """
        if len(writes) <= _WRITE:
            for body in _bodies(writes):
                yield from self._send(body)
            return
        under_way = deque[Future[list[dict[str, Any]]]]()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for body in _bodies(writes):
                if len(under_way) == _AT_ONCE:
                    yield from under_way.popleft().result()
                under_way.append(threads.submit(self._send, body))
            for request in under_way:
                yield from request.result()

    def _send(self, body: bytes) -> list[dict[str, Any]]:
        answer = self.server.client.bulk(body=body, filter_path=_DONE)  # type: ignore[arg-type]
        return [one for item in answer["items"] for one in item.values()]

    def _check(self, write: Write, written: Written, refusable: bool) -> None:
        """Raise where the fault is not the document's."""
        if is_full(written.reason):
            raise full(self.server.url)
        if written.moved:
            expected = bool(self.address.number(write.where))
        else:
            absent = write.body is None and written.status == 404
            expected = written.conflict or absent or (refusable and written.refused)
        if written.reason.startswith(_NO_FIELD):
            raise StoreError(
                f"{write.where} at {self.server.url} lacks a field that this Marsad writes "
                f"({written.reason}), as after the restore of an old snapshot: restore a newer "
                "one, or run marsad reindex with this Marsad. No post is lost."
            )
        if written.status >= 300 and not expected:
            raise StoreError(
                f"{self.server.url} does not write to {write.where} ({written.reason}): lift a "
                "block on it, give the account the rights that docs/elasticsearch.md lists, or "
                "free what it lacks."
            )

    # Searching

    def refresh(self, *indices: str) -> None:
        """Make findable what was written to these indices."""
        self.server.do(lambda es: es.indices.refresh(index=list(indices), ignore_unavailable=True))

    def search(self, index: str, body: dict[str, Any]) -> Any:
        """Make one search."""
        return self.server.do(lambda es: es.search(index=index, **body))

    def search_all(self, index: str, bodies: Sequence[dict[str, Any]]) -> list[Any]:
        """Make several searches with one request."""
        lines = [line for body in bodies for line in ({}, body)]
        answers = self.server.do(lambda es: es.msearch(index=index, searches=lines))["responses"]
        for answer in answers:
            if problem := answer.get("error"):
                raise StoreError(
                    f"{self.server.url} can't search {index} ({problem['type']}: "
                    f"{problem.get('reason')}): see whether the index is open and whole."
                )
        return list(answers)

    def walk(self, index: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield all hits of a search in its order, which must be total, from one state."""
        opened = self.server.do(lambda es: es.open_point_in_time(index=index, keep_alive=_KEEP))
        pit = opened["id"]
        request = {"size": PAGE, "track_total_hits": False, **body}
        try:
            while True:
                request["pit"] = {"id": pit, "keep_alive": _KEEP}
                page = self.server.do(lambda es: es.search(**request))
                pit = page["pit_id"]
                hits = page["hits"]["hits"]
                yield from hits
                if len(hits) < request["size"]:
                    return
                request["search_after"] = hits[-1]["sort"]
        finally:
            with suppress(ApiError, TransportError):  # it expires by itself
                self.server.client.close_point_in_time(id=pit)


def _bodies(writes: Sequence[Write]) -> Iterator[bytes]:
    """Yield the bodies of the bulk requests that some writes need."""
    lines: list[bytes] = []
    count = size = 0
    for write in writes:
        own = _lines(write)
        if count and (count == _WRITE or size + len(own) > _BYTES):
            yield b"".join(lines)
            lines, count, size = [], 0, 0
        lines.append(own)
        count += 1
        size += len(own)
    if lines:
        yield b"".join(lines)


def _lines(write: Write) -> bytes:
    """Return the lines of a bulk request; made here, since the helper's own way takes longer."""
    kind = "delete" if write.body is None else "create" if write.create else "index"
    header = _Header(write.where, write.id)
    if write.seen is not None:
        header.if_seq_no, header.if_primary_term = write.seen.seq_no, write.seen.term
    action = _ENCODER.encode({kind: header})
    if write.body is None:
        return b"%b\n" % action
    return b"%b\n%b\n" % (action, _ENCODER.encode(write.body))


def _reason(item: dict[str, Any]) -> str:
    error = item.get("error")
    if isinstance(error, dict):
        cause = error.get("caused_by") or {}
        return f"{error.get('type')}: {error.get('reason')} {cause.get('reason', '')}".strip()
    return str(error or "")

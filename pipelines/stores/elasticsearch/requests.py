"""The few requests that everything else is made of: read by id, write in bulk, walk a search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError, NotFoundError, helpers

from pipelines.errors import StoreBusy, StoreError
from pipelines.stores.elasticsearch.server import PASSING, Server, Waiting, full, is_full

#: Ids that one request asks for (of documents with and without texts), documents it writes,
#: bytes it sends at most (but for a single document, which may be longer), hits it returns.
_READ, _LOOK = 2_000, 8_000
_WRITE = 1_000
_BYTES = 8_000_000
PAGE = 1_000
_KEEP = "5m"
#: What is needed of the answers to both: no more of them travels, and is read.
_DONE = "items.*.status,items.*.error,items.*._seq_no,items.*._primary_term"
_GOT = "docs.found,docs._source,docs._seq_no,docs._primary_term,docs.error.type"
_ENCODER = msgspec.json.Encoder()
#: What the server says of a document that it never takes, by type or in its words. Whatever else
#: it answers 400 to is its own state, which passes: a limit of shards, an index that is closed.
_UNFIT = {
    "document_parsing_exception",
    "mapper_parsing_exception",
    "strict_dynamic_mapping_exception",
}
_TOO_LONG = "immense term"


class Seen(NamedTuple):
    """A document as it was read, and what a write must name to change nothing newer."""

    source: Any
    seq_no: int
    term: int


class Write(NamedTuple):
    """One write of a bulk request; ``where`` is an index, ``body`` JSON, None for a deletion."""

    where: str
    id: str
    body: bytes | None
    create: bool = False
    """Only if it is not there yet."""
    seen: Seen | None = None
    """Only if it is as it was seen."""
    version: int | None = None
    """Only if nothing of a higher version is there; a version that comes from the record."""
    strictly: bool = False
    """Nor of the same version."""


class _Header(msgspec.Struct, omit_defaults=True):
    index: str = msgspec.field(name="_index")
    id: str = msgspec.field(name="_id")
    if_seq_no: int | None = None
    if_primary_term: int | None = None
    version: int | None = None
    version_type: str | None = None


class Written(NamedTuple):
    """What became of one write."""

    status: int
    reason: str = ""
    seen: Seen | None = None

    @property
    def refused(self) -> bool:
        """Whether the server will never take this document."""
        kind = self.reason.partition(":")[0]
        unfit = kind in _UNFIT or _TOO_LONG in self.reason
        return self.status == 413 or (self.status == 400 and unfit)

    @property
    def missing(self) -> bool:
        """Whether the index is not there and may not be made."""
        return self.status == 404

    @property
    def conflict(self) -> bool:
        """Whether something else is there than was expected."""
        return self.status == 409


def get(server: Server, index: str, name: str) -> Seen | None:
    """Return one document as it is now, None if there is none."""
    try:
        found = server.do(lambda es: es.get(index=index, id=name))
    except StoreError as error:
        if isinstance(error.__cause__, NotFoundError):
            return None
        raise
    return Seen(found["_source"], found["_seq_no"], found["_primary_term"])


def get_many(
    server: Server, index: str, names: Iterable[str], *, without: Sequence[str] = ()
) -> dict[str, Seen]:
    """Return those documents that are there, as they are now."""
    wanted = [(index, name) for name in dict.fromkeys(names)]
    return {name: seen for (_, name), seen in _found(server, wanted, without, _READ)}


def get_all(
    server: Server, wanted: Mapping[str, Iterable[str]], *, without: Sequence[str] = ()
) -> dict[str, dict[str, Seen]]:
    """Return those documents that are there of several indices, all of them without texts.

    They come with as few requests as can be, and are not of one moment: one may be as it is
    before what another shows.
    """
    found: dict[str, dict[str, Seen]] = {index: {} for index in wanted}
    pairs = [(index, name) for index, names in wanted.items() for name in dict.fromkeys(names)]
    for (index, name), seen in _found(server, pairs, without, _LOOK):
        found[index][name] = seen
    return found


def _found(
    server: Server, wanted: Sequence[tuple[str, str]], without: Sequence[str], most: int
) -> Iterator[tuple[tuple[str, str], Seen]]:
    for start in range(0, len(wanted), most):
        part = wanted[start : start + most]
        docs = [{"_index": index, "_id": name} for index, name in part]
        answer = server.do(
            lambda es, docs=docs: es.mget(  # type: ignore[misc]
                docs=docs, source_excludes=list(without) or None, filter_path=_GOT
            )
        )
        for place, one in zip(part, answer["docs"], strict=True):
            if one.get("found"):
                yield place, Seen(one["_source"], one["_seq_no"], one["_primary_term"])


def bulk(server: Server, writes: Sequence[Write], *, refusable: bool = False) -> list[Written]:
    """Make writes and return what became of each; no two may name the same document.

    A document that the server will never take is an error unless it is ``refusable``.
    What the server can't take now is sent again, with growing pauses. After an answer that was
    lost a write may say ``conflict`` although it was made: the caller looks. Raises
    :class:`StoreFull` if the server has no room, what :meth:`Server.do` raises otherwise.
    """
    results: dict[int, Written] = {}
    waiting = Waiting(server)
    while left := [number for number in range(len(writes)) if number not in results]:
        refused: StoreError | None = None
        cause = ""
        try:
            for number, item in zip(left, _sent(server, [writes[n] for n in left]), strict=True):
                status = int(item["status"])
                reason = _reason(item) if status >= 300 else ""
                if status in PASSING and not is_full(reason):
                    refused = StoreBusy(
                        f"{server.url} is too busy or not ready ({reason}): repeat the command "
                        "when it has recovered; it goes on where it stopped."
                    )
                    cause = str(status)
                    continue
                results[number] = _written(server, writes[number], status, item, reason, refusable)
        except (ApiError, TransportError) as error:
            waiting.after(error)
            continue
        if refused is not None:
            waiting.pause(refused, cause)
    return [results[number] for number in range(len(writes))]


def _sent(server: Server, writes: Sequence[Write]) -> Iterator[dict[str, Any]]:
    """Send writes once, in as many requests as they need; raise the first that fails whole.

    Yields what the server says of each, in their order.
    """
    lines: Any = _lines  # the helper's types know of actions that are dictionaries only
    actions: Any = writes
    for _, answer in helpers.streaming_bulk(
        server.client,
        actions,
        expand_action_callback=lines,
        chunk_size=_WRITE,
        max_chunk_bytes=_BYTES,
        raise_on_error=False,
        raise_on_exception=True,
        max_retries=0,
        filter_path=_DONE,
    ):
        (item,) = answer.values()
        yield item


def walk(server: Server, index: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all hits of a search in its order, which must be total, from one state."""
    opened = server.do(
        lambda es: es.open_point_in_time(index=index, keep_alive=_KEEP, ignore_unavailable=True)
    )
    pit = opened["id"]
    request = {"size": PAGE, "track_total_hits": False, **body}
    try:
        while True:
            request["pit"] = {"id": pit, "keep_alive": _KEEP}
            page = server.do(lambda es: es.search(**request))
            pit = page["pit_id"]
            hits = page["hits"]["hits"]
            yield from hits
            if len(hits) < request["size"]:
                return
            request["search_after"] = hits[-1]["sort"]
    finally:
        with suppress(ApiError, TransportError):  # it expires by itself
            server.client.close_point_in_time(id=pit)


def search(server: Server, index: str, body: dict[str, Any]) -> Any:
    """Make one search; an index that is not there yet holds nothing."""
    return server.do(lambda es: es.search(index=index, ignore_unavailable=True, **body))


def _lines(write: Write) -> tuple[bytes, bytes | None]:
    """Return the lines of a bulk request; made here, since the helper's own way takes longer."""
    kind = "delete" if write.body is None else "create" if write.create else "index"
    header = _Header(write.where, write.id)
    if write.seen is not None:
        header.if_seq_no, header.if_primary_term = write.seen.seq_no, write.seen.term
    if write.version is not None:
        header.version = write.version
        header.version_type = "external" if write.strictly else "external_gte"
    return _ENCODER.encode({kind: header}), write.body


def _written(
    server: Server,
    write: Write,
    status: int,
    item: dict[str, Any],
    reason: str,
    refusable: bool,
) -> Written:
    """Return what became of a write; raise where the fault is not the document's."""
    absent = write.body is None and status == 404
    if is_full(reason):
        raise full(server.url)
    seen = Seen(None, item["_seq_no"], item["_primary_term"]) if "_seq_no" in item else None
    written = Written(status, reason, seen)
    expected = written.conflict or absent or (refusable and (written.missing or written.refused))
    if status >= 300 and not expected:
        raise StoreError(
            f"{server.url} does not write to {write.where} ({reason}): lift a block on it, give "
            "the account the rights that docs/elasticsearch.md lists, or free what it lacks."
        )
    return written


def _reason(item: dict[str, Any]) -> str:
    error = item.get("error")
    if isinstance(error, dict):
        cause = error.get("caused_by") or {}
        return f"{error.get('type')}: {error.get('reason')} {cause.get('reason', '')}".strip()
    return str(error or "")
